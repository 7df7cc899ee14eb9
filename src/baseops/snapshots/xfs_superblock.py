"""XFS's superblock (version 5), as far as its log needs it. Never reads directories.

https://docs.kernel.org/filesystems/xfs/ and the "XFS Filesystem Disk Structures" that it names.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import unpack_from

from baseops.errors import DamagedError, UnsupportedError
from baseops.snapshots.checksums import crc32c
from baseops.snapshots.device import Readable

MAGIC = b"XFSB"
META_UUID, NEEDS_REPAIR = 0x4, 0x10
KNOWN_INCOMPATIBLE = 0x3FF
KNOWN_LOG_INCOMPATIBLE = 0x1
LOG_VERSION_2 = 0x0400
BASIC_BLOCK = 512


@dataclass(frozen=True)
class Superblock:
    """The fields that finding and replaying a log takes; `log_start` and `log_length` in blocks of 512 bytes."""

    block_size: int
    blocks: int
    group_blocks: int
    groups: int
    group_shift: int
    inode_size: int
    inode_shift: int
    inode_alignment: int
    uuid: bytes
    meta_uuid: bytes
    log_start: int
    log_length: int

    @property
    def size(self) -> int:
        """Bytes of the file system."""
        return self.blocks * self.block_size

    def offset(self, group: int, block: int) -> int:
        """Where a block of an allocation group lies."""
        return (group * self.group_blocks + block) * self.block_size

    def inode_number(self, group: int, block: int) -> int:
        """The number of the first inode in a block of an allocation group."""
        per_block = (self.block_size // self.inode_size).bit_length() - 1
        return ((group << self.group_shift) | block) << per_block

    @property
    def cluster_blocks(self) -> int:
        """Blocks in a buffer of inodes: 8 KiB for inodes of 256 bytes, where these are aligned so."""
        wanted = 8192 * self.inode_size // 256
        size = wanted if self.inode_alignment >= wanted // self.block_size else 8192
        return max(1, size // self.block_size)


def read_superblock(device: Readable) -> Superblock:
    """The primary superblock; `DamagedError` where it cannot be one, `UnsupportedError` for version 4."""
    if device.size < BASIC_BLOCK:
        raise _damaged("the device ends before it")
    data = device.pread(0, BASIC_BLOCK)
    if data[:4] != MAGIC:
        raise _damaged(f"its magic number is {data[:4].hex()}, not {MAGIC.hex()}")
    version, sector_size = unpack_from(">HH", data, 100)
    if version & 0xF != 5:
        raise UnsupportedError(
            f"this XFS has version {version & 0xF}",
            "only version 5 (with checksums, the default since 2015) tells which of its blocks are newer than its log",
            "Restore the volume and mount it",
        )
    _check_sum(device, data, sector_size)
    _check_features(data)
    return _parse(data)


def _check_sum(device: Readable, data: bytes, sector_size: int) -> None:
    if sector_size not in {512, 1024, 2048, 4096, 8192, 16384, 32768} or sector_size > device.size:
        raise _damaged(f"its sectors have {sector_size} bytes")
    whole = device.pread(0, sector_size)
    stated = int.from_bytes(data[224:228], "little")
    if crc32c(whole[:224] + bytes(4) + whole[228:]) != stated:
        raise _damaged("its checksum is wrong")


def _check_features(data: bytes) -> None:
    incompatible, log_incompatible = unpack_from(">II", data, 216)
    unknown = incompatible & ~KNOWN_INCOMPATIBLE, log_incompatible & ~KNOWN_LOG_INCOMPATIBLE
    if any(unknown):
        raise UnsupportedError(
            "the XFS log cannot be replayed",
            f"the file system has features that are not known (0x{unknown[0]:x}, log 0x{unknown[1]:x})",
            "Read it with a newer baseops",
        )
    if incompatible & NEEDS_REPAIR:
        raise DamagedError("the XFS superblock at offset 0", "it says that the file system needs xfs_repair")


def _parse(data: bytes) -> Superblock:
    block_size, blocks = unpack_from(">IQ", data, 4)
    log_block = unpack_from(">Q", data, 48)[0]
    group_blocks, groups, _, log_blocks = unpack_from(">IIII", data, 84)
    inode_size = unpack_from(">H", data, 104)[0]
    inode_shift, _, group_shift = data[122:125]
    if (
        block_size not in {1 << shift for shift in range(9, 17)}
        or inode_size not in {256, 512, 1024, 2048}
        or inode_size > block_size
    ):
        raise _damaged(f"blocks of {block_size} bytes and inodes of {inode_size}")
    if not group_blocks or not 0 < groups <= 1 << 20 or blocks > group_blocks * groups or group_shift > 31:
        raise _damaged(f"{groups} allocation groups of {group_blocks} blocks for {blocks} blocks")
    uuid = data[32:48]
    start = (log_block >> group_shift) * group_blocks + (log_block & ((1 << group_shift) - 1))
    superblock = Superblock(
        block_size=block_size,
        blocks=blocks,
        group_blocks=group_blocks,
        groups=groups,
        group_shift=group_shift,
        inode_size=inode_size,
        inode_shift=inode_shift,
        inode_alignment=unpack_from(">I", data, 180)[0],
        uuid=uuid,
        meta_uuid=data[248:264] if unpack_from(">I", data, 216)[0] & META_UUID else uuid,
        log_start=start * (block_size // BASIC_BLOCK),
        log_length=log_blocks * (block_size // BASIC_BLOCK),
    )
    _check_log(superblock, log_block)
    return superblock


def _check_log(superblock: Superblock, log_block: int) -> None:
    if not log_block:
        raise UnsupportedError(
            "the XFS log lies on another device",
            "the file system cannot be read rightly without it",
            "Restore both volumes and mount them",
        )
    end = (superblock.log_start + superblock.log_length) * BASIC_BLOCK
    # mkfs.xfs makes logs of at most 2 GiB.
    if not 0 < superblock.log_length <= 1 << 22 or end > superblock.size:
        raise _damaged(f"a log of {superblock.log_length} sectors at sector {superblock.log_start}")


def _damaged(why: str) -> DamagedError:
    return DamagedError("the XFS superblock at offset 0", why, "The image is damaged or cut off")
