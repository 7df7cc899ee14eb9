"""Names in XFS directories: short ones in the inode, others in blocks. Hash trees are not needed and not read."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

from baseops.errors import DamagedError
from baseops.snapshots.device import Readable
from baseops.snapshots.tree import Extent
from baseops.snapshots.xfs_fork import Geometry

DATA_END = 32 << 30
"""Above this offset of a directory lie its hash tree and free lists."""

MAX_BLOCKS = 1 << 20
_SINGLE = (b"XDB3", b"XD2B")
_SEVERAL = (b"XDD3", b"XD2D")


class Directories:
    """Reads the directories of one file system."""

    def __init__(self, geometry: Geometry, device: Readable) -> None:
        """Keep what sizes depend on."""
        self._geometry = geometry
        self._device = device
        self._typed = int(geometry.has_file_types)

    def short(self, raw: bytes, what: str) -> Iterator[tuple[bytes, int]]:
        """The names of a directory kept in its inode."""
        if len(raw) < 6:
            raise _damaged(what, f"{len(raw)} bytes")
        count, wide = raw[0], bool(raw[1])
        number_size = 8 if wide else 4
        at = 2 + number_size
        for _ in range(count):
            end = at + 3 + (raw[at] if at < len(raw) else 0) + self._typed + number_size
            if at >= len(raw) or end > len(raw):
                raise _damaged(what, f"a name at byte {at} of {len(raw)}")
            yield raw[at + 3 : at + 3 + raw[at]], int.from_bytes(raw[end - number_size : end], "big")
            at = end

    def blocks(self, extents: Sequence[Extent], size: int, what: str) -> Iterator[tuple[bytes, int]]:
        """The names of a directory in blocks."""
        block = self._geometry.directory_block_size
        for number, (offset, pieces) in enumerate(_grouped(extents, block, min(size, DATA_END))):
            if number == MAX_BLOCKS:
                raise _damaged(what, f"more than {MAX_BLOCKS} blocks")
            data = b"".join(self._device.pread(position, length) for position, length in pieces)
            yield from self._names(data, f"{what}, block at {offset}")

    def _names(self, block: bytes, what: str) -> Iterator[tuple[bytes, int]]:
        checks = self._geometry.has_checksums
        at, end = (64 if checks else 16), len(block)
        if block[:4] == _SINGLE[not checks]:
            leaves = struct.unpack_from(">I", block, end - 8)[0]
            end -= 8 + leaves * 8
        elif block[:4] != _SEVERAL[not checks]:
            raise _damaged(what, f"its signature is {block[:4]!r}")
        if end < at:
            raise _damaged(what, "its hash table is larger than it")
        while at < end:
            if block[at : at + 2] == b"\xff\xff":
                length = struct.unpack_from(">H", block, at + 2)[0] if at + 4 <= end else 0
            else:
                number, name_length = struct.unpack_from(">QB", block, at) if at + 9 <= end else (0, 0)
                length = (9 + name_length + self._typed + 2 + 7) // 8 * 8
                name = block[at + 9 : at + 9 + name_length]
                if not name_length or at + length > end:
                    raise _damaged(what, f"a name of {name_length} bytes at {at}")
                if name not in (b".", b".."):
                    yield name, number
            if length < 8 or length % 8 or at + length > end:
                raise _damaged(what, f"an entry of {length} bytes at {at}")
            at += length


def _grouped(extents: Sequence[Extent], block: int, size: int) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """Directory blocks, each with where its pieces lie: one may span several extents."""
    pieces: dict[int, list[tuple[int, int]]] = {}
    for each in extents:
        if each.position is None:
            continue
        at, end = each.offset, min(each.offset + each.length, size)
        while at < end:
            number = at // block
            length = min(end, (number + 1) * block) - at
            pieces.setdefault(number, []).append((each.position + at - each.offset, length))
            if sum(count for _, count in pieces[number]) == block:
                yield number * block, pieces.pop(number)
            at += length


def _damaged(what: str, why: str) -> DamagedError:
    return DamagedError(f"the directory of {what} is damaged", why)
