"""Keeps blocks that were read on the local disk, for a run that reads them again. Private, and gone with the run."""

from __future__ import annotations

import os
import tempfile
import threading
from pathlib import Path

from baseops.snapshots.blocks import BlockSource


class CachedBlocks:
    """A source whose blocks are read once: then from a file without a name that only this process can open."""

    def __init__(self, source: BlockSource, folder: str | os.PathLike[str]) -> None:
        """Make the file in a folder with room for what will be read."""
        self.source = source
        self.block_size = source.block_size
        self.size = source.size
        self.count = source.count
        self._kept: set[int] = set()
        self._lock = threading.Lock()
        self._file = tempfile.TemporaryFile(dir=Path(folder), prefix=".baseops-blocks-")  # noqa: SIM115  # until `close`

    def close(self) -> None:
        """Give the disk's room back."""
        self._file.close()

    def present(self, index: int) -> bool:
        """As the source says."""
        return self.source.present(index)

    def read(self, index: int) -> bytes:
        """A block, from the file or the source."""
        if index in self._kept:
            return os.pread(self._file.fileno(), self.block_size, index * self.block_size)
        data = self.source.read(index)
        with self._lock:
            os.pwrite(self._file.fileno(), data, index * self.block_size)
            self._kept.add(index)
        return data
