"""Where an ext inode's data lie: extent trees (ext4) and indirect blocks (ext2, ext3). Bounded in depth and count.

https://docs.kernel.org/filesystems/ext4/ifork.html
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from baseops.errors import DamagedError
from baseops.snapshots.tree import Extent

ReadBlock = Callable[[int, str], bytes]
"""A block by its number; the text says what for."""

MAX_DEPTH = 5
MAX_EXTENTS = 1_000_000
MAX_NODES = 300_000
_UNWRITTEN = 32768
_HEADER = struct.Struct("<HHHH")
_LEAF = struct.Struct("<IHHI")
_INDEX = struct.Struct("<IIH")


def bounded(read: ReadBlock) -> ReadBlock:
    """The same for one file: a tree whose nodes point to each other ends with an error."""
    nodes = 0

    def count(number: int, what: str) -> bytes:
        nonlocal nodes
        nodes += 1
        if nodes > MAX_NODES:
            raise DamagedError(f"{what} is damaged", f"it is one of more than {MAX_NODES}")
        return read(number, what)

    return count


def extent_tree(root: bytes, what: str, block_size: int, read: ReadBlock) -> list[Extent]:
    """The extents of a tree that begins in an inode, by offset."""
    found: list[Extent] = []
    depth = _HEADER.unpack_from(root)[3]
    if depth > MAX_DEPTH:
        raise DamagedError(f"the extent tree of {what} is damaged", f"it is {depth} levels deep")
    for start, length, physical in _walk(root, depth, what, read):
        end = found[-1].offset + found[-1].length if found else 0
        if start * block_size < end:
            raise DamagedError(f"the extent tree of {what} is damaged", f"block {start} is out of order")
        position = None if length > _UNWRITTEN else physical * block_size
        count = length - _UNWRITTEN if length > _UNWRITTEN else length
        _append(found, Extent(start * block_size, count * block_size, position))
    return found


def _walk(node: bytes, depth: int, what: str, read: ReadBlock) -> Iterator[tuple[int, int, int]]:
    magic, count, _, here = _HEADER.unpack_from(node)
    if magic != 0xF30A or here != depth or 12 + count * 12 > len(node):
        raise DamagedError(f"an extent node of {what} is damaged", f"{count} entries at depth {here}, magic {magic:#x}")
    for at in range(12, 12 + count * 12, 12):
        if depth == 0:
            start, length, high, low = _LEAF.unpack_from(node, at)
            if length:
                yield start, length, low | high << 32
        else:
            _, low, high = _INDEX.unpack_from(node, at)
            yield from _walk(read(low | high << 32, f"an extent node of {what}"), depth - 1, what, read)


def indirect_blocks(root: bytes, what: str, block_size: int, size: int, read: ReadBlock) -> list[Extent]:
    """The extents that single, double and triple indirect blocks come to, within the file's size."""
    needed = -(-size // block_size)
    found: list[Extent] = []
    numbers = struct.unpack("<15I", root)
    at = 0
    for number in numbers[:12]:
        at = _level(found, number, 0, at, needed, (block_size, what, read))
    for level, number in enumerate(numbers[12:], start=1):
        at = _level(found, number, level, at, needed, (block_size, what, read))
    return found


def _level(
    found: list[Extent], number: int, level: int, at: int, needed: int, context: tuple[int, str, ReadBlock]
) -> int:
    """Append what a block of a level maps; the next logical block."""
    block_size, what, read = context
    span: int = (block_size // 4) ** level
    if at >= needed or not number:
        return at + span
    if level == 0:
        _append(found, Extent(at * block_size, block_size, number * block_size))
        return at + 1
    end = at + span
    for inner in struct.unpack(f"<{block_size // 4}I", read(number, f"an indirect block of {what}")):
        if at >= needed:
            break
        at = _level(found, inner, level - 1, at, needed, context)
    return end


def _append(found: list[Extent], extent: Extent) -> None:
    """Append, as one with the last where both follow one another in the file and on the device."""
    if found:
        last = found[-1]
        follows = last.offset + last.length == extent.offset
        if follows and last.position is not None and last.position + last.length == extent.position:
            found[-1] = Extent(last.offset, last.length + extent.length, last.position)
            return
    if len(found) >= MAX_EXTENTS:
        raise DamagedError("a file is in too many pieces", f"more than {MAX_EXTENTS} extents")
    found.append(extent)
