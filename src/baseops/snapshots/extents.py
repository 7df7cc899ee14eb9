"""Reads a file's data by its extents: what file systems with extents share. Holes and unwritten stretches are zeros."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from baseops.snapshots.device import Readable
from baseops.snapshots.tree import Extent, overlaps


def read_extents(device: Readable, extents: Sequence[Extent], size: int, offset: int, length: int) -> bytes:
    """So many bytes of a file of this size; shorter only at its end. `extents` are in order."""
    length = max(0, min(length, size - offset))
    first = max(0, bisect_right(extents, offset, key=lambda each: each.offset) - 1)
    pieces: list[bytes] = []
    at, end = offset, offset + length
    for number in range(first, len(extents)):
        if extents[number].offset >= end:
            break
        for each, start, count in overlaps(extents[number : number + 1], at, end - at):
            pieces += (bytes(start - at), _data(device, each, start - each.offset, count))
            at = start + count
    return b"".join((*pieces, bytes(end - at)))


def _data(device: Readable, extent: Extent, start: int, length: int) -> bytes:
    if extent.data is not None:
        return extent.data[start : start + length].ljust(length, b"\0")
    return bytes(length) if extent.position is None else device.pread(extent.position + start, length)
