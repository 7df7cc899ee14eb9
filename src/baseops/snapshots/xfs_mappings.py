"""Changes of a file's extents that an XFS transaction announced and none finished: carried out, as the next mount does.

XFS announces them where it clones a file, and where it writes over what a clone shares. The rules are the kernel's
(`xfs_bmap_item.c`, `xfs_bmap_finish_one`). Where the extents no longer fit the inode, their tree is laid out anew in
the blocks of the log, which nobody reads once it is replayed.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from struct import iter_unpack, pack, unpack_from
from typing import NamedTuple

from baseops.errors import DamagedError
from baseops.snapshots.checksums import crc32c
from baseops.snapshots.xfs import NREXT64, Inode, XfsFileSystem
from baseops.snapshots.xfs_fork import BTREE, EXTENTS, fork_records
from baseops.snapshots.xfs_inode_items import CHECKSUM_AT, CORE
from baseops.snapshots.xfs_sectors import Sectors
from baseops.snapshots.xfs_superblock import BASIC_BLOCK, Superblock

MAP, UNMAP = 1, 2
_ATTRIBUTES, _UNWRITTEN, _REALTIME = 1 << 31, 1 << 30, 1 << 29
_KNOWN_FLAGS = 0xFF | _ATTRIBUTES | _UNWRITTEN | _REALTIME
MOST_CHANGES = 4096
"""Each writer has a handful under way; more is no log that a kernel wrote."""
LONGEST, FARTHEST = (1 << 21) - 1, (1 << 54) - 1
"""Blocks of an extent, and the last block of a file."""
_HEADER = 72
_NONE = (1 << 64) - 1


class Record(NamedTuple):
    """An extent in blocks: from `offset` in the file, at `block` of the file system."""

    offset: int
    block: int
    length: int
    unwritten: bool

    @property
    def end(self) -> int:
        """The first block of the file behind it."""
        return self.offset + self.length


@dataclass(frozen=True)
class Mapping:
    """One announced change of the extents of an inode."""

    inode: int
    extent: Record
    unmaps: bool
    elsewhere: bool
    """It concerns the extended attributes or the realtime device, not the data on this volume."""


def parse_mapping(region: bytes) -> Mapping:
    """The item that announces it (BUI); `ValueError` where the kernel would refuse to mount."""
    count = unpack_from("<I", region, 4)[0]
    if count != 1 or len(region) < 48:
        raise ValueError(f"{count} changes of extents are announced in {len(region)} bytes")
    inode, block, offset, length, flags = unpack_from("<QQQII", region, 16)
    if flags & ~_KNOWN_FLAGS or flags & 0xFF not in {MAP, UNMAP}:
        raise ValueError(f"a change of extents of inode {inode} has flags 0x{flags:x}")
    if not 0 < length <= FARTHEST - offset:
        raise ValueError(f"a change of extents of inode {inode} begins at block {offset} and has {length} blocks")
    extent = Record(offset, block, length, bool(flags & _UNWRITTEN))
    return Mapping(inode, extent, flags & 0xFF == UNMAP, bool(flags & (_ATTRIBUTES | _REALTIME)))


def carry_out(sectors: Sectors, superblock: Superblock, mappings: Iterable[Mapping]) -> None:
    """Change the inodes in `sectors`, in the order of the log. Errors: `DamagedError`."""
    by_inode: dict[int, list[Mapping]] = {}
    for number, mapping in enumerate(mappings):
        if number == MOST_CHANGES:
            raise DamagedError("the XFS log", f"it leaves more than {MOST_CHANGES} changes of extents unfinished")
        by_inode.setdefault(mapping.inode, []).append(mapping)
    if not by_inode:
        return
    files = XfsFileSystem(sectors)
    spare = _Spare(superblock)
    for number, changes in by_inode.items():
        inode = files.inode(number)
        try:
            records = _records(fork_records(inode.data, files.geometry, sectors, inode.what))
            for change in changes:
                files.geometry.place_of_block(change.extent.block, f"a change of {inode.what}")
                (_drop if change.unmaps else _put)(records, change.extent)
            _write(sectors, superblock, inode, records, spare)
        except ValueError as error:
            raise DamagedError(f"the change of {inode.what} that the XFS log announces", str(error)) from error


def _records(raw: bytes) -> list[Record]:
    found = []
    for high, low in iter_unpack(">QQ", raw):
        offset, block = (high & ((1 << 63) - 1)) >> 9, (high & 0x1FF) << 43 | low >> 21
        found.append(Record(offset, block, low & LONGEST, bool(high >> 63)))
    if any(left.end > right.offset for left, right in pairwise(found)):
        raise ValueError("its extents are out of order")
    return found


def _packed(record: Record) -> bytes:
    high = record.unwritten << 63 | record.offset << 9 | record.block >> 43
    return pack(">QQ", high, (record.block & ((1 << 43) - 1)) << 21 | record.length)


def _drop(records: list[Record], gone: Record) -> None:
    """Take a stretch of the file out: what reaches over its ends is cut."""
    first = bisect_right(records, gone.offset, key=lambda record: record.end)
    last = bisect_left(records, gone.end, key=lambda record: record.offset)
    left = []
    for record in records[first:last]:
        if record.offset < gone.offset:
            left.append(record._replace(length=gone.offset - record.offset))
        if record.end > gone.end:
            cut = gone.end - record.offset
            left.append(Record(gone.end, record.block + cut, record.length - cut, record.unwritten))
    records[first:last] = left


def _put(records: list[Record], new: Record) -> None:
    """Put an extent into a hole."""
    if new.length > LONGEST:
        raise ValueError(f"an extent of {new.length} blocks")
    at = bisect_left(records, new.offset, key=lambda record: record.offset)
    if (at and records[at - 1].end > new.offset) or (at < len(records) and records[at].offset < new.end):
        raise ValueError(f"block {new.offset} of the file would be in two places")
    records.insert(at, new)


class _Spare:
    """The blocks of the log, handed out one after another."""

    def __init__(self, superblock: Superblock) -> None:
        per_block = superblock.block_size // BASIC_BLOCK
        start = superblock.log_start // per_block
        self._superblock = superblock
        self._blocks = iter(range(start, start + superblock.log_length // per_block))

    def take(self) -> tuple[int, int]:
        """A block's number as pointers have it, and its offset on the device."""
        linear = next(self._blocks, None)
        if linear is None:
            raise ValueError("its tree of extents does not fit the log's own blocks")
        group, block = divmod(linear, self._superblock.group_blocks)
        return group << self._superblock.group_shift | block, linear * self._superblock.block_size


def _write(sectors: Sectors, superblock: Superblock, inode: Inode, records: list[Record], spare: _Spare) -> None:
    """The inode with these extents: in itself where they fit, else in a tree."""
    room = len(inode.data.raw)
    fork, kind = b"".join(map(_packed, records)), EXTENTS
    if len(fork) > room:
        fork, kind = _tree(sectors, superblock, inode, records, spare), BTREE
    raw = bytearray(inode.raw)
    raw[5] = kind
    if inode.flags2 & NREXT64:
        raw[24:32] = len(records).to_bytes(8, "big")
    else:
        raw[76:80] = len(records).to_bytes(4, "big")
    raw[CORE : CORE + room] = fork.ljust(room, b"\0")
    raw[CHECKSUM_AT : CHECKSUM_AT + 4] = bytes(4)
    raw[CHECKSUM_AT : CHECKSUM_AT + 4] = crc32c(bytes(raw)).to_bytes(4, "little")
    sectors.write(inode.place, bytes(raw))


def _tree(sectors: Sectors, superblock: Superblock, inode: Inode, records: list[Record], spare: _Spare) -> bytes:
    """The root for the inode of a tree that is written to spare blocks, level by level from the leaves."""
    room = (len(inode.data.raw) - 4) // 16
    fits = (superblock.block_size - _HEADER) // 16
    if not room:
        raise ValueError(f"its fork of {len(inode.data.raw)} bytes has no room for the root of a tree")
    entries = [(record.offset, _packed(record)) for record in records]
    level = 0
    while not level or len(entries) > room:
        nodes = [entries[at : at + fits] for at in range(0, len(entries), fits)]
        places = [spare.take() for _ in nodes]
        numbers = [_NONE, *(number for number, _ in places), _NONE]
        for at, (node, (_, place)) in enumerate(zip(nodes, places, strict=True)):
            header = (
                pack(">4sHHQQQQ", b"BMA3", level, len(node), numbers[at], numbers[at + 2], place // BASIC_BLOCK, 0)
                + superblock.meta_uuid
                + pack(">QQ", inode.number, 0)
            )
            block = bytearray((header + _body(node, fits, level)).ljust(superblock.block_size, b"\0"))
            block[64:68] = crc32c(bytes(block)).to_bytes(4, "little")
            sectors.write(place, bytes(block))
        entries = [(node[0][0], pack(">Q", number)) for node, (number, _) in zip(nodes, places, strict=True)]
        level += 1
    return pack(">HH", level, len(entries)) + _body(entries, room, level)


def _body(entries: list[tuple[int, bytes]], fits: int, level: int) -> bytes:
    """Records in a leaf; else all keys, and where the last key would end, all pointers."""
    values = b"".join(value for _, value in entries)
    if not level:
        return values
    return b"".join(key.to_bytes(8, "big") for key, _ in entries).ljust(8 * fits, b"\0") + values
