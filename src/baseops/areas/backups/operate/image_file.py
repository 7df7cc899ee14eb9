"""The file that an export writes: past the page cache where the file system lets it, since nobody reads it back soon.

Measured on ext4: a copy through the page cache takes several times the CPU that receiving the same bytes takes.
"""

from __future__ import annotations

import errno
import mmap
import os
import threading
from pathlib import Path

_ALIGNMENT = 4096
"""Enough for O_DIRECT on every disk that has sectors of up to 4 KiB (open(2), NOTES)."""


class ImageFile:
    """A file that blocks are written to at their places, from several threads."""

    def __init__(self, path: Path) -> None:
        """Open it, or make it for its owner alone; never through a symbolic link."""
        self._path = path
        self._flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        self._buffered = os.open(path, self._flags, 0o600)
        self._direct = self._open_direct()
        self._kept = threading.local()

    def close(self) -> None:
        """Close it; what was written is not necessarily on the disk."""
        for each in {self._buffered, self._direct}:
            os.close(each)

    @property
    def size(self) -> int:
        """Bytes up to the last that was written."""
        return os.fstat(self._buffered).st_size

    def truncate(self, size: int) -> None:
        """Make it so long; what lies between is a hole."""
        os.ftruncate(self._buffered, size)

    def sync(self) -> None:
        """What was written is on the disk when this returns."""
        os.fdatasync(self._buffered)

    def write(self, data: memoryview, offset: int) -> None:
        """Write all of it."""
        if self._direct != self._buffered and not (len(data) % _ALIGNMENT or offset % _ALIGNMENT):
            try:
                return _write_all(self._direct, self._aligned(data), offset)
            except OSError as error:
                # Disks with larger sectors, and file systems that take the flag and no write.
                if error.errno != errno.EINVAL:
                    raise
        return _write_all(self._buffered, data, offset)

    def _open_direct(self) -> int:
        try:
            return os.open(self._path, self._flags | getattr(os, "O_DIRECT", 0))
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            return self._buffered

    def memory(self, length: int) -> memoryview:
        """Memory of this thread, on a page's border: what is written from here needs no copy before."""
        kept = getattr(self._kept, "memory", None)
        if kept is None or len(kept) < length:
            kept = self._kept.memory = mmap.mmap(-1, length)
        return memoryview(kept)[:length]

    def _aligned(self, data: memoryview) -> memoryview:
        """The same bytes where O_DIRECT may take them from."""
        own = self.memory(len(data))
        if data.obj is not own.obj:
            own[:] = data
        return own


def _write_all(descriptor: int, data: memoryview, offset: int) -> None:
    while data:
        count = os.pwrite(descriptor, data, offset)
        data, offset = data[count:], offset + count
