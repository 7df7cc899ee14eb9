"""ext2, ext3 and ext4: superblock, inodes, directories. Extents and attributes have modules of their own.

Read here and not by libfsext, which cannot list directories kept inline nor names that are not UTF-8, reads every
group descriptor of a large volume, and names no offsets in its errors. Layout as the kernel documents it:
https://docs.kernel.org/filesystems/ext4/
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

from baseops.errors import DamagedError, UnsupportedError
from baseops.snapshots.device import Readable
from baseops.snapshots.ext_attributes import decoded, entries_of_block, entries_of_inode
from baseops.snapshots.ext_mapping import bounded, extent_tree, indirect_blocks
from baseops.snapshots.extents import read_extents
from baseops.snapshots.tree import Extent, Stat, kind_of

ROOT_INODE = 2
MAX_NAME = 255
MAX_DIRECTORY = 1 << 30
MAX_LINK = 65536
_KEPT_INODES = 4096

_SPARSE_SUPER = 0x1
_META_BG = 0x10
_64BIT = 0x80
_FILETYPE = 0x2
_INCOMPATIBLE = {
    0x1: "compression",
    0x8: "an external journal device",
    0x1000: "directory data",
}
_KNOWN = 0x2 | 0x4 | 0x10 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x2000 | 0x4000 | 0x8000 | 0x10000 | 0x20000

_EXTENTS, _INLINE, _ENCRYPTED, _COMPRESSED = 0x80000, 0x10000000, 0x800, 0x4
_INODE = struct.Struct("<HHIIIIIHHII4x60s4xII4xHHHH4x")
_DIRENT = struct.Struct("<IHBB")
_NO_KEY = "its key is not on the disk"


@dataclass(frozen=True)
class Inode:
    """One inode as it lies on disk, with its place for messages."""

    number: int
    place: int
    raw: bytes
    mode: int
    uid: int
    gid: int
    size: int
    links: int
    flags: int
    block: bytes
    acl_block: int

    @property
    def what(self) -> str:
        """For messages."""
        return f"inode {self.number} at offset {self.place}"


class ExtFileSystem:
    """An ext2, ext3 or ext4 file system on a device; nodes are inode numbers."""

    root = ROOT_INODE

    def __init__(self, device: Readable, kind: str = "ext4") -> None:
        """Read the superblock; `UnsupportedError` for features that change what files hold."""
        self.device = device
        self.kind = kind
        self._inodes: OrderedDict[int, Inode] = OrderedDict()
        self._read_superblock(device.pread(1024, 1024))

    def stat(self, node: int) -> Stat:
        """Its metadata."""
        inode = self.inode(node)
        device = _device_of(inode.block) if inode.mode >> 12 in (2, 6) else None
        return Stat(
            kind=kind_of(inode.mode),
            size=inode.size,
            mode=inode.mode,
            uid=inode.uid,
            gid=inode.gid,
            links=inode.links,
            inode=node,
            modified_ns=_time(inode.raw, 16, 136),
            accessed_ns=_time(inode.raw, 8, 140),
            changed_ns=_time(inode.raw, 12, 132),
            created_ns=_time(inode.raw, 144, 148) if _has_extra(inode.raw, 148) else None,
            device=device,
        )

    def children(self, node: int) -> Iterator[tuple[bytes, int]]:
        """Names and inode numbers in a directory."""
        inode = self.inode(node)
        if inode.mode >> 12 != 4:
            raise DamagedError(f"{inode.what} is no directory")
        if inode.flags & _ENCRYPTED:
            raise UnsupportedError(
                f"the directory of {inode.what} is encrypted (fscrypt)", "its key is not on the disk"
            )
        if inode.flags & _INLINE:
            yield from self._names(inode.block[4:], inode)
            yield from self._names(self._inline_rest(inode), inode)
            return
        if inode.size > MAX_DIRECTORY:
            raise DamagedError(f"{inode.what} is damaged", f"a directory of {inode.size} bytes")
        for extent in self.extents(node):
            for at in range(0, min(extent.length, inode.size - extent.offset), self.block_size):
                if extent.position is not None:
                    yield from self._names(self.device.pread(extent.position + at, self.block_size), inode)

    def target(self, node: int) -> bytes:
        """Where a symbolic link leads."""
        inode = self.inode(node)
        if inode.flags & _ENCRYPTED:
            raise UnsupportedError(f"the link of {inode.what} is encrypted (fscrypt)", _NO_KEY)
        if inode.size > MAX_LINK:
            raise DamagedError(f"{inode.what} is damaged", f"a symbolic link of {inode.size} bytes")
        if inode.size < len(inode.block) and not inode.flags & (_EXTENTS | _INLINE):
            return inode.block[: inode.size]
        return self.read(node, 0, inode.size).rstrip(b"\0")

    def attributes(self, node: int) -> dict[str, bytes]:
        """The extended attributes by their names on Linux."""
        inode = self.inode(node)
        found = {}
        for entry in self._entries(inode):
            name, value = decoded(entry, lambda number: self.read(number, 0, 1 << 20))
            if name:
                found[name] = value
        return found

    def extents(self, node: int) -> list[Extent]:
        """Where its data lie."""
        inode = self.inode(node)
        if inode.flags & _INLINE:
            data = (inode.block + self._inline_rest(inode))[: inode.size]
            return [Extent(0, len(data), data=data)]
        if inode.flags & _EXTENTS:
            return extent_tree(inode.block, inode.what, self.block_size, bounded(self._block))
        return indirect_blocks(inode.block, inode.what, self.block_size, inode.size, bounded(self._block))

    def read(self, node: int, offset: int, length: int) -> bytes:
        """Data of a file; shorter only at its end."""
        inode = self.inode(node)
        if inode.flags & (_ENCRYPTED | _COMPRESSED):
            how = "encrypted (fscrypt)" if inode.flags & _ENCRYPTED else "compressed"
            raise UnsupportedError(f"the file of {inode.what} is {how}", "only its owner's system can read it")
        return read_extents(self.device, self.extents(node), inode.size, offset, length)

    def inode(self, number: int) -> Inode:
        """An inode, from the disk or the last few that were read."""
        found = self._inodes.get(number)
        if found is None:
            found = self._inodes[number] = self._read_inode(number)
            if len(self._inodes) > _KEPT_INODES:
                self._inodes.popitem(last=False)
        return found

    def _read_superblock(self, block: bytes) -> None:
        if block[56:58] != b"\x53\xef":
            raise DamagedError("the ext superblock at offset 1024 is damaged", "its signature is missing")
        self.inode_count, blocks, _, _, _, first_block, log_size = struct.unpack_from("<7I", block, 0)
        revision, inode_size = struct.unpack_from("<I", block, 76)[0], struct.unpack_from("<H", block, 88)[0]
        self.blocks_per_group, self.inodes_per_group = (struct.unpack_from("<I", block, at)[0] for at in (32, 40))
        _, self.incompatible, self.read_only_features = struct.unpack_from("<III", block, 92)
        self.first_meta_group = struct.unpack_from("<I", block, 260)[0]
        blocks |= (struct.unpack_from("<I", block, 336)[0] << 32) if self.incompatible & _64BIT else 0
        _check_features(self.incompatible)
        if log_size > 6 or not self.inodes_per_group or not self.blocks_per_group:
            raise DamagedError("the ext superblock at offset 1024 is damaged", f"block size 2^{10 + log_size}")
        self.block_size = 1024 << log_size
        self.inode_size = 128 if revision == 0 else inode_size
        if self.inode_size < 128 or self.inode_size > self.block_size or self.inode_size & (self.inode_size - 1):
            raise DamagedError("the ext superblock at offset 1024 is damaged", f"inodes of {self.inode_size} bytes")
        if blocks * self.block_size > self.device.size:
            raise DamagedError(
                "the ext superblock at offset 1024 does not fit its device",
                f"{blocks} blocks of {self.block_size} bytes on a device of {self.device.size}",
                "The image is cut off, or the volume is one disk of several",
            )
        self.block_count = blocks
        self.first_block = first_block
        self.group_count = -(-(blocks - first_block) // self.blocks_per_group)
        described = struct.unpack_from("<H", block, 254)[0] if self.incompatible & _64BIT else 32
        if described < 32 or described > self.block_size:
            raise DamagedError("the ext superblock at offset 1024 is damaged", f"descriptors of {described} bytes")
        self.descriptor_size = described

    def _inode_table(self, group: int) -> int:
        per_block = self.block_size // self.descriptor_size
        number, inner = divmod(group, per_block)
        # With 1 KiB blocks and bigalloc the first data block is 0, and the superblock still lies in block 1.
        base = max(self.first_block, 1 if self.block_size == 1024 else 0)
        block = base + 1 + number
        if self.incompatible & _META_BG and number >= self.first_meta_group:
            leader = number * per_block
            block = self.first_block + leader * self.blocks_per_group + self._has_superblock(leader)
            block += base - self.first_block if leader == 0 else 0
        raw = self._block(block, f"the group descriptor {group}")[inner * self.descriptor_size :][
            : self.descriptor_size
        ]
        low = struct.unpack_from("<I", raw, 8)[0]
        high = struct.unpack_from("<I", raw, 40)[0] if self.descriptor_size >= 64 else 0
        return int(low | high << 32)

    def _has_superblock(self, group: int) -> bool:
        if not self.read_only_features & _SPARSE_SUPER or group <= 1:
            return True
        return any(_is_power(group, base) for base in (3, 5, 7))

    def _read_inode(self, number: int) -> Inode:
        group, inner = divmod(number - 1, self.inodes_per_group)
        if not 0 < number <= self.inode_count or group >= self.group_count:
            raise DamagedError(f"inode {number} does not exist", f"the file system has {self.inode_count}")
        place = self._inode_table(group) * self.block_size + inner * self.inode_size
        raw = self.device.pread(place, self.inode_size)
        mode, uid, size, *_, gid, links, _, flags, block, acl, size_high, _, acl_high, uid_high, gid_high = (
            _INODE.unpack_from(raw)
        )
        is_sized = mode >> 12 in (8, 4)
        return Inode(
            number=number,
            place=place,
            raw=raw,
            mode=mode,
            uid=uid | uid_high << 16,
            gid=gid | gid_high << 16,
            size=size | (size_high << 32 if is_sized else 0),
            links=links,
            flags=flags,
            block=block,
            acl_block=acl | acl_high << 32,
        )

    def _block(self, number: int, what: str) -> bytes:
        if not 0 <= number < self.block_count:
            raise DamagedError(f"{what} is damaged", f"it points to block {number} of {self.block_count}")
        return self.device.pread(number * self.block_size, self.block_size)

    def _names(self, block: bytes, inode: Inode) -> Iterator[tuple[bytes, int]]:
        at = 0
        while at + 8 <= len(block):
            number, length, name_length, high = _DIRENT.unpack_from(block, at)
            if length in (0, 0xFFFF) and len(block) == 65536:
                length = 65536
            if length < 8 or length % 4 or at + length > len(block):
                raise DamagedError(
                    f"a directory block of {inode.what} is damaged", f"an entry of {length} bytes at {at}"
                )
            name_length |= 0 if self.incompatible & _FILETYPE else high << 8
            if number and name_length:
                if name_length > min(length - 8, MAX_NAME):
                    raise DamagedError(
                        f"a directory block of {inode.what} is damaged", f"a name of {name_length} bytes"
                    )
                name = block[at + 8 : at + 8 + name_length]
                if name not in (b".", b".."):
                    yield name, number
            at += length

    def _entries(self, inode: Inode) -> Iterator[tuple[int, bytes, bytes, int]]:
        yield from entries_of_inode(inode.raw, inode.what)
        if inode.acl_block:
            yield from entries_of_block(self._block(inode.acl_block, f"the attributes of {inode.what}"), inode.what)

    def _inline_rest(self, inode: Inode) -> bytes:
        """What of inline data does not fit among the block numbers: the attribute system.data."""
        found = (value for index, name, value, _ in self._entries(inode) if (index, name) == (7, b"data"))
        return next(found, b"")


def _bad_directory(inode: Inode, why: str) -> DamagedError:
    return DamagedError(f"a directory block of {inode.what} is damaged", why)


def _check_features(incompatible: int) -> None:
    for bit, name in _INCOMPATIBLE.items():
        if incompatible & bit:
            raise UnsupportedError(f"the ext file system uses {name}", "baseops does not read it")
    if incompatible & ~_KNOWN:
        unknown = f"{incompatible & ~_KNOWN:#x}"
        raise UnsupportedError(f"the ext file system has incompatible features that are not known: {unknown}")


def _is_power(number: int, base: int) -> bool:
    while number % base == 0:
        number //= base
    return number == 1


def _has_extra(raw: bytes, end: int) -> bool:
    return len(raw) > 128 and 128 + struct.unpack_from("<H", raw, 128)[0] >= end


def _time(raw: bytes, at: int, extra_at: int) -> int:
    """Seconds from 1901, two more bits and nanoseconds where the inode has room.

    https://docs.kernel.org/filesystems/ext4/inodes.html#inode-timestamps
    """
    seconds: int = struct.unpack_from("<i", raw, at)[0]
    if not _has_extra(raw, extra_at + 4):
        return seconds * 10**9
    extra: int = struct.unpack_from("<I", raw, extra_at)[0]
    return (seconds + ((extra & 3) << 32)) * 10**9 + (extra >> 2)


def _device_of(block: bytes) -> tuple[int, int]:
    old, new = struct.unpack_from("<II", block)
    if old:
        return old >> 8 & 0xFF, old & 0xFF
    return new >> 8 & 0xFFF, new & 0xFF | new >> 12 & 0xFFF00
