"""What every file system gives, whatever its format: nodes, their stat, names, extents. Reads nothing itself."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Protocol, TypeAlias

from baseops.errors import DamagedError

# What names a file to its own file system: an inode number, or an object of libyal's. Nobody else looks inside.
Node: TypeAlias = Any
Kind: TypeAlias = Literal["file", "dir", "symlink", "fifo", "socket", "chardev", "blockdev", "unknown"]

KINDS: Mapping[int, Kind] = {
    0o01: "fifo",
    0o02: "chardev",
    0o04: "dir",
    0o06: "blockdev",
    0o10: "file",
    0o12: "symlink",
    0o14: "socket",
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Stat:
    """What a file system says of one file; times in nanoseconds since 1970, None where the format has none."""

    kind: Kind
    size: int
    mode: int
    uid: int
    gid: int
    links: int
    inode: int
    modified_ns: int
    accessed_ns: int | None = None
    changed_ns: int | None = None
    created_ns: int | None = None
    device: tuple[int, int] | None = None

    @property
    def permissions(self) -> int:
        """The lower twelve bits of the mode."""
        return self.mode & 0o7777

    @property
    def modified(self) -> datetime:
        """The last change of the content, in UTC, to the microsecond."""
        return moment(self.modified_ns)


@dataclass(frozen=True)
class Extent:
    """A stretch of a file. `position` is where on the device it lies, None for zeros; `data` where it is inline."""

    offset: int
    length: int
    position: int | None = None
    data: bytes | None = None


class FileSystem(Protocol):
    """One file system, read-only. Names are bytes; a node is whatever the file system gave."""

    @property
    def kind(self) -> str:
        """ext4, xfs, ntfs…."""

    @property
    def root(self) -> Node:
        """The root directory."""

    def stat(self, node: Node) -> Stat:
        """Its metadata."""

    def children(self, node: Node) -> Iterator[tuple[bytes, Node]]:
        """Names and nodes in a directory, without . and .."""

    def target(self, node: Node) -> bytes:
        """Where a symbolic link leads."""

    def attributes(self, node: Node) -> dict[str, bytes]:
        """The extended attributes by their names on Linux, such as user.comment."""

    def extents(self, node: Node) -> list[Extent]:
        """Where its data lie, in the order of their offsets; what none covers is zeros."""

    def read(self, node: Node, offset: int, length: int) -> bytes:
        """Data of a file; shorter only at its end."""


def moment(nanoseconds: int) -> datetime:
    """A time that a file system keeps; the nearest that a datetime can hold."""
    try:
        return _EPOCH + timedelta(microseconds=nanoseconds // 1000)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC) if nanoseconds > 0 else datetime.min.replace(tzinfo=UTC)


def kind_of(mode: int) -> Kind:
    """What a mode's upper bits say."""
    return KINDS.get(mode >> 12, "unknown")


def fields(layout: struct.Struct, data: bytes, at: int, what: str) -> tuple[Any, ...]:
    """Numbers out of a structure (their types are the layout's); `DamagedError` where it ends before them."""
    if at < 0 or at + layout.size > len(data):
        raise DamagedError(f"{what} is damaged", f"it ends at byte {len(data)}, before byte {at + layout.size}")
    return layout.unpack_from(data, at)


def overlaps(extents: Iterable[Extent], offset: int, length: int) -> Iterator[tuple[Extent, int, int]]:
    """The parts of extents within a stretch of the file: (extent, offset, length)."""
    end = offset + length
    for each in extents:
        start, stop = max(offset, each.offset), min(end, each.offset + each.length)
        if start < stop:
            yield each, start, stop - start


def posix_acl(entries: Iterable[tuple[int, int, int]]) -> bytes:
    """An access control list as Linux gives it in system.posix_acl_access: (tag, permissions, id) of each entry.

    https://github.com/torvalds/linux/blob/master/include/uapi/linux/posix_acl_xattr.h
    """
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *each) for each in entries)
