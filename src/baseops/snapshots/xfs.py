"""XFS: superblock, inodes, symbolic links. Its data forks, directories and attributes have modules of their own.

Read here and not by libfsxfs, which cannot give names that are not UTF-8 and names no offsets in its errors. Layout:
https://mirrors.edge.kernel.org/pub/linux/utils/fs/xfs/docs/xfs_filesystem_structure.pdf
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

from baseops.errors import DamagedError, UnsupportedError
from baseops.snapshots.device import Readable
from baseops.snapshots.extents import read_extents
from baseops.snapshots.tree import Extent, Stat, kind_of
from baseops.snapshots.xfs_attributes import attributes_of_fork
from baseops.snapshots.xfs_directories import Directories
from baseops.snapshots.xfs_fork import Fork, Geometry, fork_extents

MAX_LINK = 1024
_KEPT_INODES = 4096
_KNOWN_INCOMPATIBLE = 0x1 | 0x2 | 0x4 | 0x8 | 0x20 | 0x40 | 0x80
_REFUSED = {0x10: "is marked as needing repair", 0x100: "has a metadata directory", 0x200: "is zoned"}
NREXT64 = 0x10
_FTYPE, _BIGTIME = 0x1, 0x8
_DEVICE, _LOCAL = 0, 1


@dataclass(frozen=True)
class Inode:
    """One inode as it lies on disk, with its place for messages."""

    number: int
    place: int
    raw: bytes
    mode: int
    version: int
    size: int
    flags: int
    flags2: int
    data: Fork
    attributes: Fork | None

    @property
    def what(self) -> str:
        """For messages."""
        return f"inode {self.number} at offset {self.place}"


class XfsFileSystem:
    """An XFS file system on a device; nodes are inode numbers."""

    kind = "xfs"

    def __init__(self, device: Readable) -> None:
        """Read the superblock; `UnsupportedError` for features that change what files hold."""
        self.device = device
        self.geometry = read_geometry(device)
        self.root = self.geometry.root
        self._inodes: OrderedDict[int, Inode] = OrderedDict()
        self._directories = Directories(self.geometry, device)

    def stat(self, node: int) -> Stat:
        """Its metadata."""
        inode = self.inode(node)
        uid, gid, links = struct.unpack_from(">III", inode.raw, 8)
        bigtime = bool(inode.flags2 & _BIGTIME)
        return Stat(
            kind=kind_of(inode.mode),
            size=inode.size,
            mode=inode.mode,
            uid=uid,
            gid=gid,
            links=links if inode.version > 1 else struct.unpack_from(">H", inode.raw, 6)[0],
            inode=node,
            modified_ns=_time(inode.raw, 40, bigtime=bigtime),
            accessed_ns=_time(inode.raw, 32, bigtime=bigtime),
            changed_ns=_time(inode.raw, 48, bigtime=bigtime),
            created_ns=_time(inode.raw, 144, bigtime=bigtime) if inode.version >= 3 else None,
            device=_device_of(inode.data.raw) if inode.data.format == _DEVICE and inode.mode >> 12 in (2, 6) else None,
        )

    def children(self, node: int) -> Iterator[tuple[bytes, int]]:
        """Names and inode numbers in a directory."""
        inode = self.inode(node)
        if inode.mode >> 12 != 4:
            raise DamagedError(f"{inode.what} is no directory")
        if inode.data.format == _LOCAL:
            return self._directories.short(inode.data.raw[: inode.size], inode.what)
        return self._directories.blocks(self._fork_extents(inode.data, inode.what), inode.size, inode.what)

    def target(self, node: int) -> bytes:
        """Where a symbolic link leads."""
        inode = self.inode(node)
        if inode.size > MAX_LINK:
            raise DamagedError(f"{inode.what} is damaged", f"a symbolic link of {inode.size} bytes")
        if inode.data.format == _LOCAL:
            return inode.data.raw[: inode.size]
        raw = b"".join(self._link_pieces(inode))
        return raw[: inode.size]

    def attributes(self, node: int) -> dict[str, bytes]:
        """The extended attributes by their names on Linux."""
        inode = self.inode(node)
        if inode.attributes is None:
            return {}
        if inode.attributes.format == _LOCAL:
            return attributes_of_fork(inode.attributes.raw, None, self.geometry, self.device, inode.what)
        extents = self._fork_extents(inode.attributes, inode.what)
        if not extents:
            return {}
        return attributes_of_fork(b"", extents, self.geometry, self.device, inode.what)

    def extents(self, node: int) -> list[Extent]:
        """Where its data lie."""
        inode = self.inode(node)
        if inode.flags & 1:
            raise UnsupportedError(f"the data of {inode.what} lie on XFS's realtime device", "it is another volume")
        if inode.data.format == _LOCAL:
            return [Extent(0, inode.size, data=inode.data.raw[: inode.size])]
        return self._fork_extents(inode.data, inode.what)

    def read(self, node: int, offset: int, length: int) -> bytes:
        """Data of a file; shorter only at its end."""
        return read_extents(self.device, self.extents(node), self.inode(node).size, offset, length)

    def inode(self, number: int) -> Inode:
        """An inode, from the disk or the last few that were read."""
        found = self._inodes.get(number)
        if found is None:
            found = self._inodes[number] = self._read_inode(number)
            if len(self._inodes) > _KEPT_INODES:
                self._inodes.popitem(last=False)
        return found

    def _read_inode(self, number: int) -> Inode:
        geometry = self.geometry
        place = geometry.place_of_inode(number)
        raw = self.device.pread(place, geometry.inode_size)
        magic, mode, version, kind = struct.unpack_from(">HHBB", raw)
        if magic != 0x494E or not 1 <= version <= 3 or mode == 0:
            raise DamagedError(f"inode {number} at offset {place} is damaged", f"magic {magic:#x}, mode {mode:#o}")
        start = 176 if version == 3 else 100
        forkoff, attribute_kind = raw[82] * 8, raw[83]
        if start + forkoff > len(raw):
            raise DamagedError(f"inode {number} at offset {place} is damaged", f"its attributes begin at {forkoff}")
        flags2 = struct.unpack_from(">Q", raw, 120)[0] if version == 3 else 0
        counts = struct.unpack_from(">QI", raw, 24)[0], struct.unpack_from(">I", raw, 76)[0]
        if not flags2 & NREXT64:
            counts = struct.unpack_from(">IH", raw, 76)
        end = start + forkoff if forkoff else len(raw)
        return Inode(
            number=number,
            place=place,
            raw=raw,
            mode=mode,
            version=version,
            size=struct.unpack_from(">Q", raw, 56)[0],
            flags=struct.unpack_from(">H", raw, 90)[0],
            flags2=flags2,
            data=Fork(kind, raw[start:end], counts[0]),
            attributes=Fork(attribute_kind, raw[end:], counts[1]) if forkoff else None,
        )

    def _fork_extents(self, fork: Fork, what: str) -> list[Extent]:
        return fork_extents(fork, self.geometry, self.device, what)

    def _link_pieces(self, inode: Inode) -> Iterator[bytes]:
        """One piece for each extent, with a header of its own."""
        header = 56 if self.geometry.has_checksums else 0
        for extent in self._fork_extents(inode.data, inode.what):
            if extent.position is None:
                raise DamagedError(f"the link of {inode.what} is damaged", "it is not written")
            piece = self.device.pread(extent.position, min(extent.length, 2 * self.geometry.block_size))
            if header and piece[:4] != b"XSLM":
                raise DamagedError(f"the link of {inode.what} is damaged", f"at offset {extent.position}")
            yield piece[header:]


def read_geometry(device: Readable) -> Geometry:
    """The superblock at the start of the device."""
    block = device.pread(0, 512)
    what = "the XFS superblock at offset 0"
    if block[:4] != b"XFSB":
        raise DamagedError(f"{what} is damaged", "its signature is missing")
    block_size, blocks = struct.unpack_from(">IQ", block, 4)
    version = struct.unpack_from(">H", block, 100)[0]
    if version & 0xF not in (4, 5) or not version & 0x2000:
        raise UnsupportedError(f"{what} is of version {version & 0xF}", "only versions 4 and 5 are read")
    features2, incompatible = struct.unpack_from(">I", block, 200)[0], 0
    if version & 0xF == 5:
        incompatible = struct.unpack_from(">I", block, 216)[0]
        _check_features(incompatible)
    geometry = Geometry(
        block_size=block_size,
        blocks=blocks,
        group_blocks=struct.unpack_from(">I", block, 84)[0],
        groups=struct.unpack_from(">I", block, 88)[0],
        group_log=block[124],
        inode_size=struct.unpack_from(">H", block, 104)[0],
        inodes_per_block_log=block[123],
        directory_block_size=block_size << min(block[192], 16),
        root=struct.unpack_from(">Q", block, 56)[0],
        has_checksums=version & 0xF == 5,
        has_file_types=bool(incompatible & _FTYPE if version & 0xF == 5 else features2 & 0x200),
    )
    _check_geometry(geometry, device, what)
    return geometry


def _check_geometry(geometry: Geometry, device: Readable, what: str) -> None:
    block, inode = geometry.block_size, geometry.inode_size
    sane = (
        block in (512, 1024, 2048, 4096, 8192, 16384, 32768, 65536)
        and inode in (256, 512, 1024, 2048)
        and inode << geometry.inodes_per_block_log == block
        and geometry.directory_block_size <= 65536
        and 0 < geometry.group_blocks <= 1 << geometry.group_log <= 1 << 31
    )
    if not sane:
        raise DamagedError(f"{what} is damaged", f"blocks of {block} and inodes of {inode} bytes")
    if geometry.blocks * block > device.size:
        raise DamagedError(
            f"{what} does not fit its device",
            f"{geometry.blocks} blocks of {block} bytes on a device of {device.size}",
            "The image is cut off, or the volume is one disk of several",
        )


def _check_features(incompatible: int) -> None:
    for bit, words in _REFUSED.items():
        if incompatible & bit:
            raise UnsupportedError(f"the XFS file system {words}", "baseops does not read it")
    if incompatible & ~_KNOWN_INCOMPATIBLE:
        unknown = f"{incompatible & ~_KNOWN_INCOMPATIBLE:#x}"
        raise UnsupportedError(f"the XFS file system has incompatible features that are not known: {unknown}")


def _time(raw: bytes, at: int, *, bigtime: bool) -> int:
    """Nanoseconds since 1970: seconds and nanoseconds, or nanoseconds since 1901."""
    if bigtime:
        return int(struct.unpack_from(">Q", raw, at)[0]) - (1 << 31) * 10**9
    seconds, nanoseconds = struct.unpack_from(">iI", raw, at)
    return int(seconds * 10**9 + nanoseconds)


def _device_of(raw: bytes) -> tuple[int, int]:
    number: int = struct.unpack_from(">I", raw)[0]
    return number >> 18 & 0x3FFF, number & 0x3FFFF
