"""Extended attributes of XFS inodes: short ones in the inode, leaves, and values in blocks of their own."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

from baseops.errors import DamagedError
from baseops.snapshots.device import Readable
from baseops.snapshots.extents import read_extents
from baseops.snapshots.tree import Extent, posix_acl
from baseops.snapshots.xfs_fork import Geometry

MAX_VALUE = 65536
MAX_LEAVES = 100_000
MAX_DEPTH = 8
_LOCAL, _ROOT, _SECURE, _PARENT, _INCOMPLETE = 0x1, 0x2, 0x4, 0x8, 0x80
_ACLS = {b"SGI_ACL_FILE": "system.posix_acl_access", b"SGI_ACL_DEFAULT": "system.posix_acl_default"}


def attributes_of_fork(
    raw: bytes, extents: Sequence[Extent] | None, geometry: Geometry, device: Readable, what: str
) -> dict[str, bytes]:
    """The attributes by their names on Linux: `raw` where they lie in the inode, else `extents`."""
    entries = _short(raw, what) if extents is None else _Leaves(extents, geometry, device, what).entries()
    return dict(_named(name, flags, value) for name, flags, value in entries if not flags & (_PARENT | _INCOMPLETE))


def _named(name: bytes, flags: int, value: bytes) -> tuple[str, bytes]:
    if flags & _ROOT and name in _ACLS:
        return _ACLS[name], _acl(value)
    prefix = "trusted." if flags & _ROOT else "security." if flags & _SECURE else "user."
    return prefix + name.decode("utf-8", "surrogateescape"), value


def _acl(value: bytes) -> bytes:
    """XFS's own form in the form that Linux gives."""
    entries = struct.iter_unpack(">IIHH", value[4 : 4 + (len(value) - 4) // 12 * 12])
    return posix_acl((tag, bits, who if tag in (0x02, 0x08) else 0xFFFFFFFF) for tag, who, bits, _ in entries)


def _short(raw: bytes, what: str) -> Iterator[tuple[bytes, int, bytes]]:
    if len(raw) < 4:
        raise DamagedError(f"the attributes of {what} are damaged", f"{len(raw)} bytes")
    count, at = raw[2], 4
    for _ in range(count):
        if at + 3 > len(raw) or at + 3 + raw[at] + raw[at + 1] > len(raw):
            raise DamagedError(f"the attributes of {what} are damaged", f"one at byte {at} of {len(raw)}")
        start = at + 3 + raw[at]
        yield raw[at + 3 : start], raw[at + 2], raw[start : start + raw[at + 1]]
        at = start + raw[at + 1]


class _Leaves:
    """The attribute fork of one inode, in blocks."""

    def __init__(self, extents: Sequence[Extent], geometry: Geometry, device: Readable, what: str) -> None:
        self._extents = extents
        self._size = extents[-1].offset + extents[-1].length if extents else 0
        self._geometry = geometry
        self._device = device
        self._what = what

    def entries(self) -> Iterator[tuple[bytes, int, bytes]]:
        number, seen = self._first_leaf(), set[int]()
        while number or not seen:
            if number in seen or len(seen) > MAX_LEAVES:
                raise self._damaged(number, "its chain is a circle")
            seen.add(number)
            block = self._block(number)
            yield from self._of_leaf(block, number)
            number = struct.unpack_from(">I", block)[0]

    def _first_leaf(self) -> int:
        """The leftmost leaf, below the nodes if there are any."""
        number = 0
        for _ in range(MAX_DEPTH):
            block = self._block(number)
            if struct.unpack_from(">H", block, 8)[0] not in (0x3EBE, 0xFEBE):
                return number
            number = struct.unpack_from(">I", block, (64 if self._geometry.has_checksums else 16) + 4)[0]
        raise self._damaged(number, f"it is more than {MAX_DEPTH} levels deep")

    def _block(self, number: int) -> bytes:
        size = self._geometry.block_size
        if (number + 1) * size > self._size:
            raise self._damaged(number, "it lies beyond the fork")
        return read_extents(self._device, self._extents, self._size, number * size, size)

    def _of_leaf(self, block: bytes, number: int) -> Iterator[tuple[bytes, int, bytes]]:
        checks = self._geometry.has_checksums
        if struct.unpack_from(">H", block, 8)[0] != (0x3BEE if checks else 0xFBEE):
            raise self._damaged(number, "its signature is missing")
        count = struct.unpack_from(">H", block, 56 if checks else 12)[0]
        start = 80 if checks else 32
        if start + count * 8 > len(block):
            raise self._damaged(number, f"{count} entries")
        for at in range(start, start + count * 8, 8):
            place, flags = struct.unpack_from(">HB", block, at + 4)
            if place + 12 > len(block):
                raise self._damaged(number, f"an entry at byte {place}")
            yield self._local(block, place, flags) if flags & _LOCAL else self._remote(block, place, flags)

    def _local(self, block: bytes, at: int, flags: int) -> tuple[bytes, int, bytes]:
        size, length = struct.unpack_from(">HB", block, at)
        start = at + 3 + length
        return block[at + 3 : start], flags, block[start : start + size]

    def _remote(self, block: bytes, at: int, flags: int) -> tuple[bytes, int, bytes]:
        first, size, length = struct.unpack_from(">IIB", block, at)
        name = block[at + 9 : at + 9 + length]
        if size > MAX_VALUE:
            raise self._damaged(first, f"a value of {size} bytes")
        return name, flags, b"" if flags & _INCOMPLETE else self._value(first, size)

    def _value(self, number: int, size: int) -> bytes:
        header = 56 if self._geometry.has_checksums else 0
        found = b""
        while len(found) < size:
            block = self._block(number)
            if header and block[:4] != b"XARM":
                raise self._damaged(number, "a value's signature is missing")
            found += block[header:]
            number += 1
        return found[:size]

    def _damaged(self, number: int, why: str) -> DamagedError:
        return DamagedError(f"block {number} of the attributes of {self._what} is damaged", why)
