"""The sectors of an XFS that its log changes: written to one after another, read as if they had been. Bounded."""

from __future__ import annotations

from baseops.errors import DamagedError, UnsupportedError
from baseops.snapshots.device import Readable
from baseops.snapshots.overlay import Patches
from baseops.snapshots.xfs_superblock import BASIC_BLOCK

MOST_SECTORS = (192 << 20) // BASIC_BLOCK


class Sectors:
    """Changed sectors over a device; `size` bounds what may be changed."""

    def __init__(self, device: Readable, size: int) -> None:
        """Read nothing yet."""
        self.device = device
        self.size = min(size, device.size)
        self._changed: dict[int, bytearray] = {}

    def pread(self, offset: int, length: int) -> bytes:
        """Bytes as they stand now."""
        found = bytearray(self.device.pread(offset, length))
        for key in range(offset // BASIC_BLOCK, -(-(offset + length) // BASIC_BLOCK)):
            sector = self._changed.get(key)
            if sector is not None:
                start = key * BASIC_BLOCK - offset
                low, high = max(start, 0), min(start + BASIC_BLOCK, length)
                found[low:high] = sector[low - start : high - start]
        return bytes(found)

    def write(self, offset: int, data: bytes) -> None:
        """Change bytes."""
        if offset < 0 or offset + len(data) > self.size:
            raise DamagedError("the XFS log", f"it changes {len(data)} bytes at offset {offset} of {self.size}")
        at = 0
        while at < len(data):
            key, inner = divmod(offset + at, BASIC_BLOCK)
            taken = min(BASIC_BLOCK - inner, len(data) - at)
            self._sector(key, whole=taken == BASIC_BLOCK)[inner : inner + taken] = data[at : at + taken]
            at += taken

    def _sector(self, key: int, *, whole: bool) -> bytearray:
        sector = self._changed.get(key)
        if sector is None:
            if len(self._changed) >= MOST_SECTORS:
                raise UnsupportedError(
                    "the XFS log cannot be replayed in memory",
                    f"it changes more than {MOST_SECTORS * BASIC_BLOCK >> 20} MiB",
                    "Restore the volume and mount it",
                )
            old = bytes(BASIC_BLOCK) if whole else self.device.pread(key * BASIC_BLOCK, BASIC_BLOCK)
            sector = self._changed[key] = bytearray(old)
        return sector

    def patches(self) -> Patches:
        """What was changed."""
        return Patches(BASIC_BLOCK, {key: bytes(sector) for key, sector in self._changed.items()})
