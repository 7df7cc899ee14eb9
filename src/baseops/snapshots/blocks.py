"""Where blocks come from: a protocol, blocks in memory, and a raw image in a file. Knows nothing of AWS or caching."""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from baseops.errors import SnapshotError

BLOCK_SIZE = 512 * 1024
"""What EBS reads and bills. https://docs.aws.amazon.com/ebs/latest/userguide/ebsapi-elements.html"""


class BlockSource(Protocol):
    """A volume in blocks of one size; safe to read from several threads."""

    @property
    def block_size(self) -> int:
        """Bytes in a block."""

    @property
    def size(self) -> int:
        """Bytes of the whole volume."""

    @property
    def count(self) -> int:
        """Blocks of the whole volume, present or not."""

    def read(self, index: int) -> bytes:
        """A block, whole; zeros beyond the end of the volume. Only asked for blocks that are present."""

    def present(self, index: int) -> bool:
        """Whether the block was ever written; one that was not reads as zeros."""


class InMemoryBlocks:
    """Blocks in a mapping; what is not in it is absent. For tests and small things."""

    def __init__(self, blocks: Mapping[int, bytes], size: int, block_size: int = BLOCK_SIZE) -> None:
        """Keep the blocks, each filled up with zeros to its whole size."""
        self.block_size = block_size
        self.size = size
        self.count = -(-size // block_size)
        self.reads: list[int] = []
        self._blocks = {index: data.ljust(block_size, b"\0") for index, data in blocks.items()}

    @classmethod
    def of(cls, image: bytes, block_size: int = BLOCK_SIZE) -> Self:
        """An image cut into blocks; those of zeros alone are absent."""
        pieces = {at // block_size: image[at : at + block_size] for at in range(0, len(image), block_size)}
        return cls({index: piece for index, piece in pieces.items() if any(piece)}, len(image), block_size)

    def read(self, index: int) -> bytes:
        """A block."""
        self.reads.append(index)
        return self._blocks[index]

    def present(self, index: int) -> bool:
        """Whether it is in the mapping."""
        return index in self._blocks


class FileBlocks:
    """A raw image in a file or block device; its holes are absent blocks. Use as a context manager or `close`."""

    def __init__(self, path: str | os.PathLike[str], block_size: int = BLOCK_SIZE) -> None:
        """Open it for reading."""
        self.path = Path(path)
        try:
            # A pipe is opened at once, and then refused, instead of waited for.
            self._descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            why = error.strerror or str(error)
            raise SnapshotError(f"cannot open the image {self.path}", why, "Name a raw image file") from error
        mode = os.fstat(self._descriptor).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISBLK(mode)):
            self.close()
            why = "it is neither a file nor a block device"
            raise SnapshotError(f"cannot open the image {self.path}", why, "Name a raw image file")
        self.block_size = block_size
        self.size = os.lseek(self._descriptor, 0, os.SEEK_END)
        self.count = -(-self.size // block_size)
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        """Nothing to begin."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file; a second time does nothing."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def read(self, index: int) -> bytes:
        """A block; the last one is filled up with zeros. `SnapshotError` where the file does not give it."""
        start = index * self.block_size
        wanted = min(self.block_size, self.size - start)
        try:
            data = os.pread(self._descriptor, wanted, start)
        except OSError as error:
            raise self._unreadable(start, error.strerror or str(error)) from error
        if len(data) < wanted:
            raise self._unreadable(
                start, f"it ends at {start + len(data)} bytes, and had {self.size} when it was opened"
            )
        return data.ljust(self.block_size, b"\0")

    def _unreadable(self, start: int, why: str) -> SnapshotError:
        return SnapshotError(f"cannot read the image {self.path} at offset {start}", why, "Copy it to a sound disk")

    def present(self, index: int) -> bool:
        """Whether the file holds any data in the block's place; where it cannot tell, it holds some."""
        start = index * self.block_size
        try:
            with self._lock:
                return os.lseek(self._descriptor, start, os.SEEK_DATA) < start + self.block_size
        except OSError as error:
            # ENXIO says that no data follows; a file system without holes says something else.
            if error.errno != errno.ENXIO:
                return True
            if os.lseek(self._descriptor, 0, os.SEEK_END) < self.size:
                raise self._unreadable(
                    start, f"it had {self.size} bytes when it was opened, and was cut off"
                ) from error
            return False

    @property
    def version(self) -> list[int]:
        """Changes when the file is written or another takes its place."""
        found = os.fstat(self._descriptor)
        return [found.st_dev, found.st_ino, found.st_mtime_ns]
