"""Which blocks of the device hold an ext4 inode's data: extents, or the indirect blocks of ext3. Bounded."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from itertools import pairwise
from struct import unpack, unpack_from
from typing import NamedTuple

from baseops.errors import DamagedError
from baseops.snapshots.device import Readable
from baseops.snapshots.ext4_superblock import Superblock

EXTENTS_FLAG = 0x80000
EXTENT_MAGIC = 0xF30A
DEEPEST = 5
MOST_RUNS = 1 << 18
"""More runs than this no journal has: even one made of single blocks scattered about."""


class Run(NamedTuple):
    """Blocks side by side."""

    logical: int
    physical: int
    length: int


class Mapping:
    """The runs of one inode, sorted; looked up by block."""

    def __init__(self, runs: list[Run]) -> None:
        """`runs` do not overlap."""
        self.runs = runs
        self.blocks = runs[-1].logical + runs[-1].length if runs else 0
        self._starts = [run.logical for run in runs]

    def physical(self, logical: int) -> int | None:
        """The device's block, or None in a hole."""
        at = bisect_right(self._starts, logical) - 1
        if at < 0:
            return None
        run = self.runs[at]
        return run.physical + logical - run.logical if logical < run.logical + run.length else None


def read_mapping(device: Readable, superblock: Superblock, inode: bytes) -> Mapping:
    """Where the inode's data lies."""
    size = unpack_from("<I", inode, 4)[0] | unpack_from("<I", inode, 108)[0] << 32
    blocks = min(-(-size // superblock.block_size), superblock.blocks)
    reader = _Reader(device, superblock)
    root = inode[40:100]
    extents = bool(unpack_from("<I", inode, 32)[0] & EXTENTS_FLAG)
    found = reader.extents(root, DEEPEST) if extents else reader.pointers(root, blocks)
    runs: list[Run] = []
    for run in found:
        _append(runs, run)
    _check_apart(runs)
    return Mapping(runs)


def _check_apart(runs: list[Run]) -> None:
    """No block twice: else a small image could keep a reader busy for hours."""
    places = sorted((run.physical, run.length) for run in runs)
    for (first, length), (second, _) in pairwise(places):
        if first + length > second:
            raise DamagedError("the ext4 journal's block map", f"it uses block {second} twice")


def _append(runs: list[Run], run: Run) -> None:
    if runs:
        last = runs[-1]
        if run.logical < last.logical + last.length:
            raise DamagedError("the ext4 journal's block map", f"block {run.logical} is mapped twice")
        if run.logical == last.logical + last.length and run.physical == last.physical + last.length:
            runs[-1] = Run(last.logical, last.physical, last.length + run.length)
            return
    if len(runs) >= MOST_RUNS:
        raise DamagedError("the ext4 journal's block map", f"it has more than {MOST_RUNS} pieces")
    runs.append(run)


class _Reader:
    def __init__(self, device: Readable, superblock: Superblock) -> None:
        self.device = device
        self.superblock = superblock
        self.nodes = 0

    def block(self, number: int) -> bytes:
        self.nodes += 1
        if not 0 < number < self.superblock.blocks or self.nodes > MOST_RUNS:
            raise DamagedError(
                "the ext4 journal's block map", f"it leads to block {number} of {self.superblock.blocks}"
            )
        return self.device.pread(number * self.superblock.block_size, self.superblock.block_size)

    def extents(self, node: bytes, deepest: int) -> Iterator[Run]:
        magic, entries, _, depth = unpack_from("<HHHH", node)
        if magic != EXTENT_MAGIC or depth > deepest or 12 * (entries + 1) > len(node):
            raise DamagedError(
                "an extent node of the ext4 journal", f"magic 0x{magic:04x}, {entries} entries, depth {depth}"
            )
        for at in range(12, 12 * (entries + 1), 12):
            if depth:
                _, low, high = unpack_from("<IIH", node, at)
                yield from self.extents(self.block(low | high << 32), depth - 1)
            else:
                logical, count, high, low = unpack_from("<IHHI", node, at)
                yield self.run(logical, low | high << 32, count)

    def run(self, logical: int, physical: int, count: int) -> Run:
        # A count over 32768 marks blocks that were never written: not so in a journal.
        if not 0 < count <= 32768 or not 0 < physical <= self.superblock.blocks - count:
            raise DamagedError("an extent of the ext4 journal", f"{count} blocks from {physical} for block {logical}")
        return Run(logical, physical, count)

    def pointers(self, root: bytes, blocks: int) -> Iterator[Run]:
        pointers = unpack("<15I", root)
        logical = 0
        for level, pointer in ((0, each) for each in pointers[:12]):
            yield from self.tree(pointer, level, logical, blocks)
            logical += 1
        for level, pointer in enumerate(pointers[12:], 1):
            yield from self.tree(pointer, level, logical, blocks)
            logical += (self.superblock.block_size // 4) ** level

    def tree(self, pointer: int, level: int, logical: int, blocks: int) -> Iterator[Run]:
        if not pointer or logical >= blocks:
            return
        if not level:
            yield self.run(logical, pointer, 1)
            return
        width = self.superblock.block_size // 4
        step = width ** (level - 1)
        for index, each in enumerate(unpack(f"<{width}I", self.block(pointer))):
            yield from self.tree(each, level - 1, logical + index * step, blocks)
