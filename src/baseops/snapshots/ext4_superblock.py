"""ext4's superblock, as far as its journal needs it, and where an inode lies. Never reads directories.

https://docs.kernel.org/filesystems/ext4/globals.html
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import unpack_from

from baseops.errors import DamagedError, UnsupportedError
from baseops.snapshots.device import Readable

SUPERBLOCK_OFFSET = 1024
MAGIC = 0xEF53

HAS_JOURNAL = 0x4
RECOVER = 0x4
JOURNAL_DEVICE = 0x8
META_GROUPS = 0x10
WIDE = 0x80
ORPHAN_PRESENT = 0x10000


@dataclass(frozen=True)
class Superblock:
    """The fields that finding and replaying a journal takes."""

    block_size: int
    blocks: int
    first_block: int
    inodes: int
    inodes_per_group: int
    inode_size: int
    descriptor_size: int
    compatible: int
    incompatible: int
    read_only_compatible: int
    journal_inode: int
    last_orphan: int

    @property
    def has_journal(self) -> bool:
        """Not so for ext2."""
        return bool(self.compatible & HAS_JOURNAL)

    @property
    def needs_recovery(self) -> bool:
        """Whether it was mounted when it was copied."""
        return bool(self.incompatible & RECOVER)

    @property
    def has_orphans(self) -> bool:
        """Whether files may have been deleted while open, or cut short, when it was copied."""
        return bool(self.last_orphan or self.read_only_compatible & ORPHAN_PRESENT)


def read_superblock(device: Readable) -> Superblock:
    """The primary superblock; `DamagedError` where it cannot be one."""
    if device.size < SUPERBLOCK_OFFSET + 1024:
        raise _damaged("the device ends before it")
    data = device.pread(SUPERBLOCK_OFFSET, 1024)
    if unpack_from("<H", data, 56)[0] != MAGIC:
        raise _damaged(f"its magic number is 0x{unpack_from('<H', data, 56)[0]:04x}, not 0x{MAGIC:04x}")
    superblock = _parse(data)
    _check(superblock)
    return superblock


def _parse(data: bytes) -> Superblock:
    inodes, blocks_low = unpack_from("<II", data, 0)
    first_block, block_shift = unpack_from("<II", data, 20)
    revision, inode_size = unpack_from("<I", data, 76)[0], unpack_from("<H", data, 88)[0]
    compatible, incompatible, read_only = unpack_from("<III", data, 92)
    journal_inode, _, last_orphan = unpack_from("<III", data, 224)
    wide = bool(incompatible & WIDE)
    blocks_high = unpack_from("<I", data, 0x150)[0] if wide else 0
    if block_shift > 6:
        raise _damaged(f"its block size is 2^{block_shift + 10}")
    return Superblock(
        block_size=1024 << block_shift,
        blocks=blocks_low | blocks_high << 32,
        first_block=first_block,
        inodes=inodes,
        inodes_per_group=unpack_from("<I", data, 40)[0],
        inode_size=inode_size if revision else 128,
        descriptor_size=unpack_from("<H", data, 254)[0] if wide else 32,
        compatible=compatible,
        incompatible=incompatible,
        read_only_compatible=read_only,
        journal_inode=journal_inode,
        last_orphan=last_orphan,
    )


def _check(superblock: Superblock) -> None:
    size, descriptor = superblock.inode_size, superblock.descriptor_size
    if size < 128 or size > superblock.block_size or size & (size - 1):
        raise _damaged(f"its inodes have {size} bytes")
    if descriptor < 32 or descriptor > superblock.block_size or descriptor & (descriptor - 1):
        raise _damaged(f"its group descriptors have {descriptor} bytes")
    if not superblock.inodes_per_group or superblock.first_block > 1 or not superblock.blocks:
        raise _damaged("it counts no blocks or no inodes in a group")


def read_inode(device: Readable, superblock: Superblock, number: int) -> bytes:
    """The bytes of an inode."""
    if not 1 <= number <= superblock.inodes:
        raise _damaged(f"it names inode {number} of {superblock.inodes}")
    group, index = divmod(number - 1, superblock.inodes_per_group)
    if group and superblock.incompatible & META_GROUPS:
        raise UnsupportedError(
            f"the ext4 journal is inode {number}, outside the first group",
            "with meta block groups (meta_bg) only a journal in the first group is found",
            "Read the image without replaying its journal on a machine that can mount it",
        )
    place = (
        SUPERBLOCK_OFFSET // superblock.block_size + 1
    ) * superblock.block_size + group * superblock.descriptor_size
    descriptor = device.pread(place, superblock.descriptor_size)
    table = unpack_from("<I", descriptor, 8)[0]
    if superblock.descriptor_size >= 64:
        table |= unpack_from("<I", descriptor, 0x28)[0] << 32
    offset = table * superblock.block_size + index * superblock.inode_size
    if not 0 < table < superblock.blocks:
        raise DamagedError(
            f"the ext4 group descriptor at offset {place}",
            f"its inode table is at block {table} of {superblock.blocks}",
        )
    return device.pread(offset, superblock.inode_size)


def _damaged(why: str) -> DamagedError:
    return DamagedError(f"the ext4 superblock at offset {SUPERBLOCK_OFFSET}", why, "The image is damaged or cut off")
