"""Lays extents out anew for an XFS inode: in itself where they fit, else in a tree in the blocks of the log.

These belong to nobody once the log is replayed, so the overlay needs no map of free space.
"""

from __future__ import annotations

from struct import pack

from baseops.snapshots.checksums import crc32c
from baseops.snapshots.xfs import NREXT64, Inode
from baseops.snapshots.xfs_extents import Record, packed
from baseops.snapshots.xfs_fork import BTREE, EXTENTS
from baseops.snapshots.xfs_inode_items import CHECKSUM_AT, CORE
from baseops.snapshots.xfs_sectors import Sectors
from baseops.snapshots.xfs_superblock import BASIC_BLOCK, Superblock

_HEADER = 72
_NONE = (1 << 64) - 1


class Layouts:
    """Writes inodes with new extents; the trees take one block of the log after another."""

    def __init__(self, sectors: Sectors, superblock: Superblock) -> None:
        """Nothing written yet."""
        per_block = superblock.block_size // BASIC_BLOCK
        start = superblock.log_start // per_block
        self._sectors = sectors
        self._superblock = superblock
        self._spare = iter(range(start, start + superblock.log_length // per_block))

    def write(self, inode: Inode, records: list[Record], size: int) -> None:
        """The inode with these extents and so many bytes; `ValueError` where it cannot hold them."""
        room = len(inode.data.raw)
        fork, kind = b"".join(map(packed, records)), EXTENTS
        if len(fork) > room:
            fork, kind = self._tree(inode, records), BTREE
        raw = bytearray(inode.raw)
        raw[5] = kind
        raw[56:64] = size.to_bytes(8, "big")
        if inode.flags2 & NREXT64:
            raw[24:32] = len(records).to_bytes(8, "big")
        else:
            raw[76:80] = len(records).to_bytes(4, "big")
        raw[CORE : CORE + room] = fork.ljust(room, b"\0")
        raw[CHECKSUM_AT : CHECKSUM_AT + 4] = bytes(4)
        raw[CHECKSUM_AT : CHECKSUM_AT + 4] = crc32c(bytes(raw)).to_bytes(4, "little")
        self._sectors.write(inode.place, bytes(raw))

    def _tree(self, inode: Inode, records: list[Record]) -> bytes:
        """The root for the inode of a tree that is written level by level, from the leaves."""
        room = (len(inode.data.raw) - 4) // 16
        fits = (self._superblock.block_size - _HEADER) // 16
        if not room:
            raise ValueError(f"its fork of {len(inode.data.raw)} bytes has no room for the root of a tree")
        entries = [(record.offset, packed(record)) for record in records]
        level = 0
        while not level or len(entries) > room:
            nodes = [entries[at : at + fits] for at in range(0, len(entries), fits)]
            places = [self._take() for _ in nodes]
            numbers = [_NONE, *map(self._number, places), _NONE]
            for at, (node, place) in enumerate(zip(nodes, places, strict=True)):
                offset = place * self._superblock.block_size
                header = (
                    pack(">4sHHQQQQ", b"BMA3", level, len(node), numbers[at], numbers[at + 2], offset // BASIC_BLOCK, 0)
                    + self._superblock.meta_uuid
                    + pack(">QQ", inode.number, 0)
                )
                block = bytearray((header + _body(node, fits, level)).ljust(self._superblock.block_size, b"\0"))
                block[64:68] = crc32c(bytes(block)).to_bytes(4, "little")
                self._sectors.write(offset, bytes(block))
            entries = [(node[0][0], pack(">Q", self._number(place))) for node, place in zip(nodes, places, strict=True)]
            level += 1
        return pack(">HH", level, len(entries)) + _body(entries, room, level)

    def _take(self) -> int:
        """A block of the log, counted from the start of the device."""
        block = next(self._spare, None)
        if block is None:
            raise ValueError("its tree of extents does not fit the log's own blocks")
        return block

    def _number(self, place: int) -> int:
        """The block's number as pointers have it."""
        group, block = divmod(place, self._superblock.group_blocks)
        return group << self._superblock.group_shift | block


def _body(entries: list[tuple[int, bytes]], fits: int, level: int) -> bytes:
    """Records in a leaf; else all keys, and where the last key would end, all pointers."""
    values = b"".join(value for _, value in entries)
    if not level:
        return values
    return b"".join(key.to_bytes(8, "big") for key, _ in entries).ljust(8 * fits, b"\0") + values
