"""Lists of XFS extents in blocks, in the order of the file: read, cut, filled. It reads no device."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import pairwise
from struct import iter_unpack, pack
from typing import NamedTuple

LONGEST = (1 << 21) - 1
"""Blocks of one extent."""


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

    def cut(self, start: int, end: int) -> Record:
        """The part of it in a stretch of the file."""
        first, last = max(start, self.offset), min(end, self.end)
        return Record(first, self.block + first - self.offset, last - first, self.unwritten)


def unpacked(raw: bytes) -> list[Record]:
    """Records as they stand on the disk; `ValueError` where they overlap."""
    found = []
    for high, low in iter_unpack(">QQ", raw):
        offset, block = (high & ((1 << 63) - 1)) >> 9, (high & 0x1FF) << 43 | low >> 21
        found.append(Record(offset, block, low & LONGEST, bool(high >> 63)))
    if any(left.end > right.offset for left, right in pairwise(found)):
        raise ValueError("its extents are out of order")
    return found


def packed(record: Record) -> bytes:
    """16 bytes as they stand on the disk."""
    high = record.unwritten << 63 | record.offset << 9 | record.block >> 43
    return pack(">QQ", high, (record.block & ((1 << 43) - 1)) << 21 | record.length)


def taken(records: list[Record], start: int, length: int) -> list[Record]:
    """Take a stretch of the file out of the records: what was in it. What reaches over its ends is cut."""
    end = start + length
    first = bisect_right(records, start, key=lambda record: record.end)
    last = bisect_left(records, end, key=lambda record: record.offset)
    inside = records[first:last]
    left = [record.cut(record.offset, start) for record in inside if record.offset < start]
    right = [record.cut(end, record.end) for record in inside if record.end > end]
    records[first:last] = left + right
    return [record.cut(start, end) for record in inside]


def put(records: list[Record], new: Record) -> None:
    """Put an extent into a hole; `ValueError` where there is none."""
    if new.length > LONGEST:
        raise ValueError(f"an extent of {new.length} blocks")
    at = bisect_left(records, new.offset, key=lambda record: record.offset)
    if (at and records[at - 1].end > new.offset) or (at < len(records) and records[at].offset < new.end):
        raise ValueError(f"block {new.offset} of the file would be in two places")
    records.insert(at, new)
