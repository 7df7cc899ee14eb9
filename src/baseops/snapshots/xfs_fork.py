"""Where the data of an XFS fork lie: extents in the inode, or a B+tree of them. Bounded in depth and count."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from baseops.errors import DamagedError
from baseops.snapshots.device import Readable
from baseops.snapshots.tree import Extent

MAX_LEVELS = 9
MAX_NODES = 300_000
MAX_EXTENTS = 1_000_000
EXTENTS, BTREE = 2, 3
_LOW_63 = (1 << 63) - 1


@dataclass(frozen=True)
class Geometry:
    """What the superblock says of sizes."""

    block_size: int
    blocks: int
    group_blocks: int
    groups: int
    group_log: int
    inode_size: int
    inodes_per_block_log: int
    directory_block_size: int
    root: int
    has_checksums: bool
    has_file_types: bool

    def place_of_block(self, number: int, what: str) -> int:
        """The offset of a block by its number, whose upper bits are the allocation group."""
        group, inner = number >> self.group_log, number & ((1 << self.group_log) - 1)
        block = group * self.group_blocks + inner
        if group >= self.groups or inner >= self.group_blocks or block >= self.blocks:
            raise DamagedError(f"{what} is damaged", f"it points to block {inner} of allocation group {group}")
        return block * self.block_size

    def place_of_inode(self, number: int) -> int:
        """The offset of an inode by its number."""
        block = self.place_of_block(number >> self.inodes_per_block_log, f"inode {number}")
        return block + (number & ((1 << self.inodes_per_block_log) - 1)) * self.inode_size


@dataclass(frozen=True)
class Fork:
    """A fork of an inode: its format, its bytes in the inode, how many extents it should have."""

    format: int
    raw: bytes
    count: int


def fork_extents(fork: Fork, geometry: Geometry, device: Readable, what: str) -> list[Extent]:
    """The extents of a fork, by offset; unwritten ones are zeros."""
    return list(_decoded(fork_records(fork, geometry, device, what), geometry, what))


def fork_records(fork: Fork, geometry: Geometry, device: Readable, what: str) -> bytes:
    """The same as they stand on the disk: 16 bytes each."""
    if fork.format == EXTENTS:
        if fork.count * 16 > len(fork.raw):
            raise DamagedError(f"the extents of {what} are damaged", f"{fork.count} in {len(fork.raw)} bytes")
        records = fork.raw[: fork.count * 16]
    elif fork.format == BTREE:
        records = b"".join(_leaves(fork, geometry, device, what))
    else:
        raise DamagedError(f"{what} is damaged", f"a fork of format {fork.format}")
    if len(records) > MAX_EXTENTS * 16:
        raise DamagedError(f"{what} is in too many pieces", f"more than {MAX_EXTENTS} extents")
    return records


def _decoded(records: bytes, geometry: Geometry, what: str) -> Iterator[Extent]:
    end = 0
    size = geometry.block_size
    for high, low in struct.iter_unpack(">QQ", records):
        offset = (high & _LOW_63) >> 9
        block = (high & 0x1FF) << 43 | low >> 21
        count = low & 0x1FFFFF
        if offset < end or not count:
            raise DamagedError(f"the extents of {what} are damaged", f"block {offset} is out of order")
        end = offset + count
        place = None if high >> 63 else geometry.place_of_block(block, f"an extent of {what}")
        yield Extent(offset * size, count * size, place)


def _leaves(fork: Fork, geometry: Geometry, device: Readable, what: str) -> Iterator[bytes]:
    """The records of all leaves, from left to right."""
    level, count = struct.unpack_from(">HH", fork.raw)
    room = (len(fork.raw) - 4) // 16
    if not 1 <= level <= MAX_LEVELS or count > room:
        raise DamagedError(f"the extent tree of {what} is damaged", f"{count} entries at level {level}")
    pending = _pointers(fork.raw, 4 + room * 8, count)[::-1]
    levels = [level - 1] * count
    nodes = 0
    while pending:
        number, expected = pending.pop(), levels.pop()
        place = geometry.place_of_block(number, f"the extent tree of {what}")
        node = device.pread(place, geometry.block_size)
        magic, level, count = struct.unpack_from(">4sHH", node)
        header = 72 if geometry.has_checksums else 24
        room = (len(node) - header) // 16
        nodes += 1
        if magic != (b"BMA3" if geometry.has_checksums else b"BMAP") or level != expected or count > room:
            raise DamagedError(f"an extent node of {what} at offset {place} is damaged", f"{magic!r}, level {level}")
        if nodes > MAX_NODES:
            raise DamagedError(f"the extent tree of {what} is damaged", f"it has more than {MAX_NODES} nodes")
        if level == 0:
            yield node[header : header + count * 16]
        else:
            pending += _pointers(node, header + room * 8, count)[::-1]
            levels += [level - 1] * count


def _pointers(node: bytes, at: int, count: int) -> list[int]:
    return list(struct.unpack_from(f">{count}Q", node, at))
