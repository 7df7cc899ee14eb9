"""Inodes out of an XFS log: the core turned from the host's byte order to the disk's, forks laid where they belong."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct, unpack_from

from baseops.snapshots.checksums import crc32c
from baseops.snapshots.xfs_superblock import BASIC_BLOCK, Superblock

MAGIC = 0x494E
MAGIC_BYTES = b"IN"
CORE = 176
CHECKSUM_AT = 100
NEXT_UNLINKED = slice(96, 100)

DATA, EXTENTS, ROOT, DEVICE = 0x2, 0x4, 0x8, 0x10
ATTRIBUTE_DATA, ATTRIBUTE_EXTENTS, ATTRIBUTE_ROOT = 0x40, 0x80, 0x100
DATA_FORK = DATA | EXTENTS | ROOT
ATTRIBUTE_FORK = ATTRIBUTE_DATA | ATTRIBUTE_EXTENTS | ATTRIBUTE_ROOT
BIG_TIME = 0x8

_FORMAT = "HHBBHIIIHHQ{times}QQIIHBBIHHI4xIQQQI12s{time}Q16s"
_BIG = _FORMAT.format(times="QQQ", time="Q")
_OLD = _FORMAT.format(times="IIIIII", time="II")
_FROM_LOG = {True: Struct("<" + _BIG), False: Struct("<" + _OLD)}
_TO_DISK = {True: Struct(">" + _BIG), False: Struct(">" + _OLD)}
_LONG_BLOCK = 72
"""A block of a tree of extents in memory: its header before keys and pointers."""


@dataclass(frozen=True)
class InodeFormat:
    """The region that describes an inode item."""

    fields: int
    number: int
    device: int
    buffer: int
    buffer_sectors: int
    place: int

    @property
    def offset(self) -> int:
        """Where the inode lies on the device."""
        return self.buffer * BASIC_BLOCK + self.place


def parse_format(region: bytes) -> InodeFormat:
    """The description; old 32-bit systems wrote it without padding."""
    padding = 4 if len(region) >= 56 else 0
    if len(region) not in {52, 56}:
        raise ValueError(f"an inode item's description of {len(region)} bytes")
    fields = unpack_from("<I", region, 4)[0]
    number, device = unpack_from("<QI", region, 12 + padding)
    buffer, sectors, place = unpack_from("<qii", region, 36 + padding)
    return InodeFormat(fields, number, device, buffer, sectors, place)


def replayed_inode(superblock: Superblock, form: InodeFormat, regions: list[bytes], old: bytes, lsn: int) -> bytes:
    """The inode as it is after the item; `old` is what stands on the disk. `ValueError` where it cannot be right."""
    core = regions[1] if len(regions) > 1 else b""
    if len(core) != CORE or int.from_bytes(core[:2], "little") != MAGIC or core[4] != 3:
        raise ValueError(f"inode {form.number} is logged in a form that is not known")
    inode = bytearray(old)
    inode[:CORE] = _core(core, old, lsn)
    _forks(superblock, form, regions[2:], inode)
    inode[CHECKSUM_AT : CHECKSUM_AT + 4] = bytes(4)
    inode[CHECKSUM_AT : CHECKSUM_AT + 4] = crc32c(bytes(inode)).to_bytes(4, "little")
    return bytes(inode)


def fresh_inode(superblock: Superblock, number: int, generation: int) -> bytes:
    """An inode that has been allocated and not used yet."""
    inode = bytearray(superblock.inode_size)
    inode[:2], inode[4] = MAGIC_BYTES, 3
    inode[92:96] = generation.to_bytes(4, "big")
    inode[NEXT_UNLINKED] = b"\xff" * 4
    inode[152:160] = number.to_bytes(8, "big")
    inode[160:176] = superblock.meta_uuid
    inode[CHECKSUM_AT : CHECKSUM_AT + 4] = crc32c(bytes(inode)).to_bytes(4, "little")
    return bytes(inode)


def _core(core: bytes, old: bytes, lsn: int) -> bytes:
    big_time = bool(int.from_bytes(core[120:128], "little") & BIG_TIME)
    found = bytearray(_TO_DISK[big_time].pack(*_FROM_LOG[big_time].unpack(core)))
    found[NEXT_UNLINKED] = old[NEXT_UNLINKED]
    found[112:120] = lsn.to_bytes(8, "big")
    found[132:144] = bytes(12)
    return bytes(found)


def _forks(superblock: Superblock, form: InodeFormat, regions: list[bytes], inode: bytearray) -> None:
    room = superblock.inode_size - CORE
    split = inode[82] * 8 or room
    if split > room:
        raise ValueError(f"the attributes of inode {form.number} begin behind its end")
    if form.fields & DEVICE:
        inode[CORE : CORE + 4] = form.device.to_bytes(4, "big")
    wanted = []
    if form.fields & DATA_FORK:
        wanted.append((CORE, split, form.fields & ROOT))
    if form.fields & ATTRIBUTE_FORK:
        wanted.append((CORE + split, room - split, form.fields & ATTRIBUTE_ROOT))
    if len(regions) < len(wanted):
        raise ValueError(f"inode {form.number} misses a fork")
    for (start, size, is_root), region in zip(wanted, regions, strict=False):
        fork = _root(region, size) if is_root else region
        if len(fork) > size:
            raise ValueError(f"a fork of inode {form.number} has {len(fork)} bytes where {size} fit")
        inode[start : start + len(fork)] = fork


def _root(block: bytes, size: int) -> bytes:
    """The root of a tree of extents, from the form that it has in memory to the one in an inode."""
    if len(block) < _LONG_BLOCK:
        raise ValueError(f"the root of a tree of extents has {len(block)} bytes")
    level, records = unpack_from(">HH", block, 4)
    in_memory, in_inode = (len(block) - _LONG_BLOCK) // 16, (size - 4) // 16
    if records > min(in_memory, in_inode) or not level:
        raise ValueError(f"the root of a tree of extents has {records} records at level {level}")
    keys = block[_LONG_BLOCK : _LONG_BLOCK + 8 * records]
    pointers = block[_LONG_BLOCK + 8 * in_memory :][: 8 * records]
    return block[4:8] + keys.ljust(8 * in_inode, b"\0") + pointers
