"""Changes of files' extents that an XFS transaction announced and none finished: carried out, as the next mount does.

XFS announces them where it clones a file, where it writes over what a clone shares, and where it exchanges stretches of
two files. The rules are the kernel's (`xfs_bmap_item.c`, `xfs_exchmaps.c`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from struct import unpack_from

from baseops.errors import DamagedError
from baseops.snapshots.xfs import Inode, XfsFileSystem
from baseops.snapshots.xfs_extents import Record, put, taken, unpacked
from baseops.snapshots.xfs_fork import fork_records
from baseops.snapshots.xfs_fork_layout import Layouts
from baseops.snapshots.xfs_sectors import Sectors
from baseops.snapshots.xfs_superblock import Superblock

MAP, UNMAP = 1, 2
_ATTRIBUTES, _UNWRITTEN, _REALTIME = 1 << 31, 1 << 30, 1 << 29
_KNOWN_FLAGS = 0xFF | _ATTRIBUTES | _UNWRITTEN | _REALTIME
_OF_ATTRIBUTES, _SET_SIZES, _WRITTEN_ONLY, _KNOWN_EXCHANGES = 0x1, 0x2, 0x4, 0x1F
MOST_CHANGES = 4096
"""Each writer has a handful under way; more is no log that a kernel wrote."""
FARTHEST = (1 << 54) - 1
"""The last block of a file."""


@dataclass(frozen=True)
class Mapping:
    """One announced change of the extents of an inode."""

    inode: int
    extent: Record
    unmaps: bool
    elsewhere: bool
    """It concerns the extended attributes or the realtime device, not the data on this volume."""

    @property
    def inodes(self) -> tuple[int, ...]:
        """Whom it changes."""
        return (self.inode,)


@dataclass(frozen=True)
class Exchange:
    """What is still to be exchanged between two files: `length` blocks from `starts`."""

    inodes: tuple[int, int]
    generations: tuple[int, int]
    starts: tuple[int, int]
    length: int
    sizes: tuple[int, int] | None
    """What the files are to hold at the end, in bytes."""
    written_only: bool
    """Only what the first file has written changes places."""
    elsewhere: bool
    """It concerns the extended attributes."""


def parse_mapping(region: bytes) -> Mapping:
    """The item that announces a change (BUI); `ValueError` where the kernel would refuse to mount."""
    count = unpack_from("<I", region, 4)[0]
    if count != 1 or len(region) < 48:
        raise ValueError(f"{count} changes of extents are announced in {len(region)} bytes")
    inode, block, offset, length, flags = unpack_from("<QQQII", region, 16)
    if flags & ~_KNOWN_FLAGS or flags & 0xFF not in {MAP, UNMAP}:
        raise ValueError(f"a change of extents of inode {inode} has flags 0x{flags:x}")
    if not 0 < length <= FARTHEST - offset:
        raise ValueError(f"a change of extents of inode {inode} begins at block {offset} and has {length} blocks")
    extent = Record(offset, block, length, bool(flags & _UNWRITTEN))
    return Mapping(inode, extent, flags & 0xFF == UNMAP, bool(flags & (_ATTRIBUTES | _REALTIME)))


def parse_exchange(region: bytes) -> Exchange:
    """The item that announces an exchange (XMI), or what is left of it; `ValueError` as above."""
    if len(region) < 88:
        raise ValueError(f"an exchange is announced in {len(region)} bytes")
    inodes, generations = unpack_from("<QQ", region, 16), unpack_from("<II", region, 32)
    starts, (length, flags), sizes = (unpack_from("<QQ", region, at) for at in (40, 56, 72))
    if flags & ~_KNOWN_EXCHANGES or inodes[0] == inodes[1]:
        raise ValueError(f"an exchange of inodes {inodes[0]} and {inodes[1]} has flags 0x{flags:x}")
    if length > FARTHEST - max(starts) or max(sizes if flags & _SET_SIZES else (0,)) >> 63:
        raise ValueError(f"an exchange of inodes {inodes[0]} and {inodes[1]} is of {length} blocks at {starts}")
    return Exchange(
        inodes,
        generations,
        starts,
        length,
        sizes if flags & _SET_SIZES else None,
        written_only=bool(flags & _WRITTEN_ONLY),
        elsewhere=bool(flags & _OF_ATTRIBUTES),
    )


def carry_out(sectors: Sectors, superblock: Superblock, changes: Iterable[Mapping | Exchange]) -> None:
    """Change the inodes in `sectors`, in the order of the log. Errors: `DamagedError`."""
    listed = list(islice(changes, MOST_CHANGES + 1))
    if len(listed) > MOST_CHANGES:
        raise DamagedError("the XFS log", f"it leaves more than {MOST_CHANGES} changes of extents unfinished")
    if not listed:
        return
    system = XfsFileSystem(sectors)
    files: dict[int, _File] = {}
    for change in listed:
        with _blamed(change.inodes):
            files |= {number: _file(system, number) for number in change.inodes if number not in files}
            if isinstance(change, Mapping):
                _map(system, files[change.inode], change)
            else:
                _exchange(files[change.inodes[0]], files[change.inodes[1]], change)
    layouts = Layouts(sectors, superblock)
    for number, file in files.items():
        with _blamed((number,)):
            layouts.write(file.inode, file.records, file.size)


@contextmanager
def _blamed(inodes: tuple[int, ...]) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        which = " and ".join(map(str, inodes))
        raise DamagedError(f"the change of inode {which} that the XFS log announces", str(error)) from error


@dataclass
class _File:
    """An inode as the changes find and leave it."""

    inode: Inode
    records: list[Record]
    size: int


def _file(system: XfsFileSystem, number: int) -> _File:
    inode = system.inode(number)
    return _File(inode, unpacked(fork_records(inode.data, system.geometry, system.device, inode.what)), inode.size)


def _map(system: XfsFileSystem, file: _File, change: Mapping) -> None:
    system.geometry.place_of_block(change.extent.block, f"a change of {file.inode.what}")
    if change.unmaps:
        taken(file.records, change.extent.offset, change.extent.length)
    else:
        put(file.records, change.extent)


def _exchange(one: _File, two: _File, change: Exchange) -> None:
    for file, generation in zip((one, two), change.generations, strict=True):
        if unpack_from(">I", file.inode.raw, 92)[0] != generation:
            raise ValueError(f"{file.inode.what} has become another file")
    forth = change.starts[1] - change.starts[0]
    stretches = [(change.starts[0], change.length)]
    if change.written_only:
        inside = taken(list(one.records), change.starts[0], change.length)
        stretches = [(record.offset, record.length) for record in inside if not record.unwritten]
    for start, length in stretches:
        first, second = taken(one.records, start, length), taken(two.records, start + forth, length)
        for record in first:
            put(two.records, record._replace(offset=record.offset + forth))
        for record in second:
            put(one.records, record._replace(offset=record.offset - forth))
    if change.sizes:
        one.size, two.size = change.sizes
