"""A file of a snapshot as a Python file object, which fetches ahead by extent. Read-only."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

from baseops.snapshots.device import Fetchable
from baseops.snapshots.tree import Extent, overlaps

FIRST_AHEAD = 4 << 20
MOST_AHEAD = 32 << 20


class SnapshotFile(io.RawIOBase):
    """Reads one file. Sequential reads fetch further and further ahead, as blocks side by side."""

    def __init__(
        self,
        name: str,
        size: int,
        extents: Sequence[Extent],
        device: Fetchable,
        read: Callable[[int, int], bytes],
    ) -> None:
        """`read` takes offset and length."""
        self.name = name
        self.size = size
        self._extents = extents
        self._device = device
        self._read = read
        self._at = 0
        self._ahead = FIRST_AHEAD
        self._fetched = range(0)

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
        """Move; beyond the end is allowed."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        if base + offset < 0:
            raise ValueError(f"negative place {base + offset} in {self.name}")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # a buffer of bytes is enough
        """Read into a buffer; 0 at the end."""
        length = min(len(buffer), self.size - self._at)
        if length <= 0:
            return 0
        self._fetch(length)
        data = self._read(self._at, length)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def readall(self) -> bytes:
        """The rest, in pieces that fit the cache."""
        pieces = []
        while piece := self.read(MOST_AHEAD // 2):
            pieces.append(piece)
        return b"".join(pieces)

    def _fetch(self, length: int) -> None:
        if self._at in self._fetched and self._at + length - 1 in self._fetched:
            return
        # Only a reader that goes on where it stopped is given more than it asks for.
        is_next = self._at in (0, self._fetched.stop)
        ahead = max(length, self._ahead if is_next else 0)
        self._ahead = min(self._ahead * 2, MOST_AHEAD) if is_next else FIRST_AHEAD
        self._fetched = range(self._at, min(self.size, self._at + ahead))
        stretches = overlaps(self._extents, self._at, len(self._fetched))
        self._device.fetch(
            (each.position + start - each.offset, count)
            for each, start, count in stretches
            if each.position is not None
        )
