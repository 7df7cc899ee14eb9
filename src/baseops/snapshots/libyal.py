"""NTFS, FAT and exFAT through libyal's readers (LGPL), as this package's file systems. Needs the extra `snapshots`."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

from baseops.errors import DamagedError, SnapshotError
from baseops.snapshots.device import Readable
from baseops.snapshots.tree import Extent, Node, Stat

_CHUNK = 64 * 1024
_KEPT_CHUNKS = 64
_FILETIME_EPOCH = 11_644_473_600 * 10**9
_EXFAT_FILE = 0x85
_DIRECTORY, _READ_ONLY, _REPARSE = 0x10, 0x1, 0x400
_SPARSE_EXTENT = 0x1


class ChunkedFile(io.RawIOBase):
    """A device as a file object whose small reads are cheap: they come from a few chunks kept beside it."""

    def __init__(self, device: Readable) -> None:
        """Read nothing yet."""
        self._device = device
        self._at = 0
        self._chunks: dict[int, bytes] = {}

    def get_size(self) -> int:
        """What libyal asks instead of seeking to the end."""
        return self._device.size

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Where the next read begins."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move."""
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._device.size}[whence]
        return self._at

    def read(self, size: int = -1) -> bytes:
        """So many bytes; fewer at the end."""
        left = self._device.size - self._at
        length = max(0, left if size < 0 else min(size, left))
        number, start = divmod(self._at, _CHUNK)
        if start + length <= _CHUNK:
            data = self._chunk(number)[start : start + length] if length else b""
        else:
            data = self._device.pread(self._at, length)
        self._at += len(data)
        return data

    def _chunk(self, number: int) -> bytes:
        found = self._chunks.get(number)
        if found is None:
            length = min(_CHUNK, self._device.size - number * _CHUNK)
            found = self._chunks[number] = self._device.pread(number * _CHUNK, length)
            if len(self._chunks) > _KEPT_CHUNKS:
                del self._chunks[next(iter(self._chunks))]
        return found


class LibyalFileSystem:
    """A file system that one of libyal's modules reads; nodes are its file entries."""

    def __init__(self, device: Readable, kind: str, module: str) -> None:
        """Open it; `SnapshotError` where the module is not installed."""
        self.kind = kind
        self._device = device
        self._volume = _module(module, kind).volume()
        # libyal keeps no reference of its own to the file object.
        self._file = ChunkedFile(device)
        with _Translated(f"the {kind} file system"):
            self._volume.open_file_object(self._file)
            self.root = self._volume.get_root_directory()

    def stat(self, node: Node) -> Stat:
        """Its metadata; modes are made up from the attributes, since the format has none."""
        with _Translated(f"a file of the {self.kind} file system"):
            return self._stat(node)

    def children(self, node: Node) -> Iterator[tuple[bytes, Node]]:
        """Names and entries in a directory."""
        for number in range(self._count(node)):
            with _Translated(f"a directory of the {self.kind} file system"):
                child = node.get_sub_file_entry(number)
                name = child.name or ""
            if name not in ("", ".", "..") and not self._is_internal(node, name):
                yield name.encode("utf-8", "surrogateescape"), child

    def target(self, node: Node) -> bytes:
        """Where a link leads."""
        with _Translated(f"a link of the {self.kind} file system"):
            return str(node.symbolic_link_target or "").encode("utf-8", "surrogateescape")

    def attributes(self, node: Node) -> dict[str, bytes]:  # noqa: ARG002  # the formats have none
        """None: neither format has any that Linux shows."""
        return {}

    def extents(self, node: Node) -> list[Extent]:
        """Where its data lie."""
        found, at = [], 0
        with _Translated(f"the extents of a file of the {self.kind} file system"):
            for number in range(node.number_of_extents):
                position, length, flags = node.get_extent(number)
                found.append(Extent(at, length, None if flags & _SPARSE_EXTENT else position))
                at += length
            if not found and node.size:
                # Data kept in NTFS's file table.
                found.append(Extent(0, node.size, data=node.read_buffer_at_offset(node.size, 0)))
        return found

    def read(self, node: Node, offset: int, length: int) -> bytes:
        """Data of a file; shorter only at its end."""
        wanted = max(0, min(length, node.size - offset))
        with _Translated(f"a file of the {self.kind} file system"):
            return bytes(node.read_buffer_at_offset(wanted, offset)) if wanted else b""

    def _count(self, node: Node) -> int:
        with _Translated(f"a directory of the {self.kind} file system"):
            return int(node.number_of_sub_file_entries)

    def _stat(self, node: Node) -> Stat:
        flags = node.file_attribute_flags or 0
        is_directory = bool(flags & _DIRECTORY) or node is self.root or self._has_index(node)
        is_link = self.kind == "ntfs" and bool(flags & _REPARSE) and node.symbolic_link_target is not None
        mode = 0o120777 if is_link else 0o40755 if is_directory else 0o100444 if flags & _READ_ONLY else 0o100644
        times = self._times(node)
        return Stat(
            kind="symlink" if is_link else "dir" if is_directory else "file",
            size=0 if is_directory else node.size,
            mode=mode,
            uid=0,
            gid=0,
            links=1,
            inode=node.file_reference if self.kind == "ntfs" else node.identifier,
            modified_ns=times[0] or 0,
            accessed_ns=times[1],
            created_ns=times[2],
        )

    def _times(self, node: Node) -> tuple[int | None, ...]:
        if self.kind == "ntfs":
            return _ntfs_times(node)
        # The identifier is where the directory entry lies; the root directory has none.
        return _fat_times(self._device.pread(node.identifier, 32)) if node.identifier else (None, None, None)

    def _has_index(self, node: Node) -> bool:
        return self.kind == "ntfs" and bool(node.has_directory_entries_index())

    def _is_internal(self, node: Node, name: str) -> bool:
        """NTFS keeps its own tables as files of the root directory."""
        return self.kind == "ntfs" and name.startswith("$") and node is self.root


class _Translated:
    """Errors of libyal inside become `DamagedError`."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, SnapshotError):
            return
        if isinstance(error, OSError | ValueError | MemoryError | OverflowError | TypeError):
            raise DamagedError(f"{self._what} cannot be read", str(error)[:500].rstrip(".")) from error


def _ntfs_times(node: Any) -> tuple[int | None, ...]:
    """Modification, access, creation: FILETIME counts 100 ns since 1601. `node` is libfsntfs's, without types."""
    found = [getattr(node, f"get_{name}_time_as_integer")() for name in ("modification", "access", "creation")]
    return tuple(None if value is None else value * 100 - _FILETIME_EPOCH for value in found)


def _fat_times(entry: bytes) -> tuple[int | None, ...]:
    """The same out of a directory entry: libfsfat's own times are a month late.

    FAT keeps local time without saying which; it is taken for UTC.
    https://learn.microsoft.com/en-us/windows/win32/fileio/exfat-specification#74-file-directory-entry
    """
    if entry[0] == _EXFAT_FILE:
        created, modified, accessed = struct.unpack_from("<III", entry, 8)
    else:
        created, accessed, modified = (
            time | date << 16
            for time, date in (
                struct.unpack_from("<HH", entry, 14),
                (0, struct.unpack_from("<H", entry, 18)[0]),
                struct.unpack_from("<HH", entry, 22),
            )
        )
    return tuple(_dos_time(each) for each in (modified, accessed, created))


def _dos_time(stamp: int) -> int | None:
    try:
        when = datetime(
            1980 + (stamp >> 25),
            stamp >> 21 & 15,
            stamp >> 16 & 31,
            stamp >> 11 & 31,
            stamp >> 5 & 63,
            min(59, (stamp & 31) * 2),
            tzinfo=UTC,
        )
    except ValueError:
        return None
    return int(when.timestamp()) * 10**9


def _module(name: str, kind: str) -> Any:
    """A module without types: what it gives is Any."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise SnapshotError(
            f"{kind} cannot be read", f"{name} is not installed", "Run: pip install 'baseops-aws[snapshots]'"
        ) from error
