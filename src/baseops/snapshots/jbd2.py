"""A JBD2 journal: its superblock, its blocks and their checksums. It judges no transaction.

https://docs.kernel.org/filesystems/ext4/journal.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from struct import unpack_from
from typing import NamedTuple

from baseops.errors import DamagedError, UnsupportedError
from baseops.snapshots.checksums import ONES, crc32c_raw
from baseops.snapshots.device import Fetchable
from baseops.snapshots.ext4_mapping import Mapping

MAGIC = 0xC03B3998
MAGIC_BYTES = MAGIC.to_bytes(4, "big")
DESCRIPTOR, COMMIT, SUPERBLOCK_1, SUPERBLOCK_2, REVOKE = 1, 2, 3, 4, 5

OLD_CHECKSUM = 0x1
WIDE, ASYNC_COMMIT, CHECKSUM_2, CHECKSUM_3, FAST_COMMIT = 0x2, 0x4, 0x8, 0x10, 0x20
KNOWN = 0x3F

CRC32C = 4

ESCAPED, SAME_UUID, LAST = 0x1, 0x2, 0x8

MOST_BLOCKS = 1 << 24
"""mke2fs makes journals of at most 10,240,000 blocks."""


class Tag(NamedTuple):
    """One block of a transaction: where it belongs, whether its first four bytes were masked, its checksum."""

    block: int
    escaped: bool
    checksum: int


@dataclass(frozen=True)
class Layout:
    """What the journal's own superblock says."""

    length: int
    first: int
    sequence: int
    start: int
    compatible: int
    incompatible: int
    fast_blocks: int
    seed: int

    @property
    def last(self) -> int:
        """Where ordinary transactions wrap; fast commits lie behind it."""
        return self.length - self.fast_blocks

    @property
    def checked(self) -> bool:
        """Whether every block has a checksum (version 2 or 3)."""
        return bool(self.incompatible & (CHECKSUM_2 | CHECKSUM_3))


class Journal:
    """The blocks of a journal inode, by their number in the journal."""

    def __init__(self, device: Fetchable, mapping: Mapping, block_size: int) -> None:
        """Read its superblock; `DamagedError` or `UnsupportedError` where it cannot be used."""
        self.device = device
        self.block_size = block_size
        self._mapping = mapping
        self.layout = self._read_layout()

    def offset(self, number: int) -> int:
        """Where a block of the journal lies on the device."""
        physical = self._mapping.physical(number)
        if physical is None:
            raise DamagedError(
                f"block {number} of the ext4 journal",
                f"the journal's inode has no such block (it has {self._mapping.blocks})",
            )
        return physical * self.block_size

    def block(self, number: int) -> bytes:
        """A block of the journal."""
        return self.device.pread(self.offset(number), self.block_size)

    def fetch(self, number: int, count: int) -> None:
        """Read blocks of the journal side by side into the device's cache, as far as they exist."""
        places = (self._mapping.physical(at) for at in range(number, min(number + count, self.layout.length)))
        self.device.fetch((place * self.block_size, self.block_size) for place in places if place is not None)

    def after(self, number: int, count: int = 1) -> int:
        """The number of the block that follows, round the end."""
        number += count
        layout = self.layout
        return number - (layout.last - layout.first) if number >= layout.last else number

    def tags(self, descriptor: bytes) -> Iterator[Tag]:
        """What a descriptor block lists."""
        layout = self.layout
        width = tag_width(layout.incompatible)
        end = len(descriptor) - (4 if layout.checked else 0)
        at = 12
        while at + width <= end:
            tag, flags = _tag(descriptor, at, layout.incompatible)
            yield tag
            at += width if flags & SAME_UUID else width + 16
            if flags & LAST:
                return

    def revoked(self, block: bytes, number: int) -> Iterator[int]:
        """What a revoke block lists."""
        used = unpack_from(">I", block, 12)[0]
        if used > len(block) - (4 if self.layout.checked else 0):
            raise DamagedError(f"the revoke block {number} of the ext4 journal", f"it claims {used} bytes")
        width = 8 if self.layout.incompatible & WIDE else 4
        for at in range(16, used - width + 1, width):
            yield int.from_bytes(block[at : at + width], "big")

    def tail_is_right(self, block: bytes) -> bool:
        """Whether a descriptor or revoke block has the checksum that stands at its end."""
        if not self.layout.checked:
            return True
        return crc32c_raw(self.layout.seed, block[:-4] + bytes(4)) == int.from_bytes(block[-4:], "big")

    def commit_is_right(self, block: bytes) -> bool:
        """Whether a commit block has the checksum that stands in it."""
        if not self.layout.checked:
            return True
        bare = block[:16] + bytes(4) + block[20:]
        return crc32c_raw(self.layout.seed, bare) == int.from_bytes(block[16:20], "big")

    def data_is_right(self, tag: Tag, sequence: int, data: bytes) -> bool:
        """Whether a block has the checksum that its tag states."""
        if not self.layout.checked:
            return True
        found = crc32c_raw(crc32c_raw(self.layout.seed, sequence.to_bytes(4, "big")), data)
        return tag.checksum == (found if self.layout.incompatible & CHECKSUM_3 else found & 0xFFFF)

    def _read_layout(self) -> Layout:
        block = self.block(0)
        magic, kind = unpack_from(">II", block)
        if magic != MAGIC or kind not in {SUPERBLOCK_1, SUPERBLOCK_2}:
            raise self._damaged(f"its magic number is 0x{magic:08x} and its type {kind}")
        layout = _layout(block, modern=kind == SUPERBLOCK_2)
        self._check(block, layout)
        return layout

    def _check(self, block: bytes, layout: Layout) -> None:
        size = unpack_from(">I", block, 12)[0]
        if size != self.block_size:
            raise self._damaged(f"its blocks have {size} bytes, the file system's {self.block_size}")
        if layout.incompatible & ~KNOWN:
            raise UnsupportedError(
                "the ext4 journal cannot be replayed",
                f"it has features that are not known (0x{layout.incompatible & ~KNOWN:x})",
                "Read it with a newer baseops",
            )
        if layout.incompatible & CHECKSUM_2 and layout.incompatible & CHECKSUM_3:
            raise self._damaged("it claims two versions of checksums at once")
        if (
            layout.checked
            and crc32c_raw(ONES, block[:252] + bytes(4) + block[256:1024]) != unpack_from(">I", block, 252)[0]
        ):
            raise self._damaged("its checksum is wrong")
        if layout.checked and block[80] != CRC32C:
            raise self._damaged(f"its checksums are of type {block[80]}, not {CRC32C}")
        if layout.length > min(self._mapping.blocks, MOST_BLOCKS):
            raise self._damaged(f"it claims {layout.length} blocks; its inode has {self._mapping.blocks}")
        if not 0 < layout.first < layout.last or (layout.start and not layout.first <= layout.start < layout.last):
            raise self._damaged(f"first block {layout.first}, start {layout.start}, last {layout.last}")

    def _damaged(self, why: str) -> DamagedError:
        return DamagedError(
            f"the superblock of the ext4 journal at offset {self.offset(0)}", why, "The image is damaged or cut off"
        )


def tag_width(incompatible: int) -> int:
    """How many bytes a tag takes without the UUID that may follow it."""
    if incompatible & CHECKSUM_3:
        return 16
    width = 14 if incompatible & CHECKSUM_2 else 12
    return width if incompatible & WIDE else width - 4


def _tag(data: bytes, at: int, incompatible: int) -> tuple[Tag, int]:
    low, checksum, flags = unpack_from(">IHH", data, at)
    high = unpack_from(">I", data, at + 8)[0] if incompatible & WIDE else 0
    if incompatible & CHECKSUM_3:
        checksum = unpack_from(">I", data, at + 12)[0]
    return Tag(low | high << 32, bool(flags & ESCAPED), checksum), flags


def _layout(block: bytes, *, modern: bool) -> Layout:
    length, first, sequence, start = unpack_from(">IIII", block, 16)
    compatible, incompatible = unpack_from(">II", block, 36) if modern else (0, 0)
    fast = (unpack_from(">I", block, 84)[0] or 256) if incompatible & FAST_COMMIT else 0
    return Layout(
        length=length,
        first=first,
        sequence=sequence,
        start=start,
        compatible=compatible,
        incompatible=incompatible,
        fast_blocks=fast,
        seed=crc32c_raw(ONES, block[48:64]),
    )
