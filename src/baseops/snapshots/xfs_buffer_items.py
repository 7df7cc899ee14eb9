"""Buffers out of an XFS log: which stretches of metadata they change, and whether what is on the disk is newer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from struct import unpack_from

from baseops.snapshots.xfs_superblock import BASIC_BLOCK, Superblock

CHUNK = 128
MOST_WORDS = 32
"""A buffer has at most 64 KiB: 17 words of 32 bits, for 128 bytes each."""
INODES, CANCEL = 0x1, 0x2

_SHORT_TREE, _LONG_TREE, _DIRECTORY = (24, 32), (32, 40), (16, 24)
_STAMPS = {
    **dict.fromkeys((b"AB3B", b"AB3C", b"IAB3", b"FIB3", b"RMB3", b"R3FC"), _SHORT_TREE),
    b"BMA3": _LONG_TREE,
    b"XAGF": (208, 64),
    b"XAGI": (320, 296),
    b"XAFL": (24, 8),
    b"XSLM": (48, 16),
    **dict.fromkeys((b"XDB3", b"XDD3", b"XDF3"), _DIRECTORY),
}
"""Where a block of metadata, known by its magic number, has its log sequence number and its file system's UUID."""
_TREE_OF_NAMES = {b"\x3d\xf1", b"\x3d\xff", b"\x3e\xbe", b"\x3b\xee"}
_SUPERBLOCK = b"XFSB"


@dataclass(frozen=True)
class BufferFormat:
    """The region that describes a buffer item."""

    flags: int
    sectors: int
    block: int
    bitmap: int
    bits: int

    @property
    def key(self) -> tuple[int, int]:
        """What a cancellation names it by."""
        return self.block, self.sectors

    @property
    def offset(self) -> int:
        """Where it lies on the device."""
        return self.block * BASIC_BLOCK


def parse_format(region: bytes) -> BufferFormat:
    """The description; `ValueError` where it is cut off."""
    if len(region) < 20:
        raise ValueError(f"a buffer item's description of {len(region)} bytes")
    flags, sectors, block, words = unpack_from("<HHqI", region, 4)
    if words > MOST_WORDS or 20 + 4 * words > len(region) or block < 0:
        raise ValueError(f"a buffer item with a bitmap of {words} words for sector {block}")
    return BufferFormat(flags, sectors, block, int.from_bytes(region[20 : 20 + 4 * words], "little"), 32 * words)


def stretches(form: BufferFormat, regions: list[bytes]) -> Iterator[tuple[int, bytes]]:
    """The changed stretches: offset in the buffer, and bytes."""
    bit = 0
    rest = iter(regions[1:])
    while form.bitmap >> bit:
        if not form.bitmap >> bit & 1:
            bit += 1
            continue
        count = _ones(form.bitmap >> bit)
        data = next(rest, None)
        if data is None or len(data) % CHUNK or not data:
            raise ValueError(f"the buffer at sector {form.block} misses what its bitmap says")
        # A stretch that crosses a page is logged in two regions.
        count = min(count, len(data) // CHUNK)
        if (bit + count) * CHUNK > form.sectors * BASIC_BLOCK:
            raise ValueError(f"the buffer at sector {form.block} is changed behind its end")
        yield bit * CHUNK, data[: count * CHUNK]
        bit += count


def lsn_on_disk(superblock: Superblock, data: bytes) -> int | None:
    """The sequence number that a block of metadata carries; None where it has none, or is another file system's."""
    place = _STAMPS.get(data[:4])
    uuid = superblock.meta_uuid
    if data[:4] == _SUPERBLOCK:
        place = (240, 248 if superblock.meta_uuid != superblock.uuid else 32)
    elif place is None and data[8:10] in _TREE_OF_NAMES:
        place = (24, 32)
    if place is None or data[place[1] : place[1] + 16] != uuid:
        return None
    return int.from_bytes(data[place[0] : place[0] + 8], "big")


def _ones(bitmap: int) -> int:
    return (~bitmap & (bitmap + 1)).bit_length() - 1
