"""A device seen through a replayed journal: what `replay` gives, and the overlay that shows it. Never writes."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field

from baseops.snapshots.device import Readable


class Patches:
    """Pieces of one size that lie over a device, sorted by place.

    A piece is its bytes, or the offset in the device where its bytes already lie (as in ext4's journal), so that a
    journal of a gibibyte needs little memory.
    """

    def __init__(self, unit: int, pieces: Mapping[int, bytes | int]) -> None:
        """`pieces` maps offset divided by `unit` to the piece."""
        self.unit = unit
        self.keys = array("Q", sorted(pieces))
        self._pieces = dict(pieces)

    def __len__(self) -> int:
        """How many pieces."""
        return len(self.keys)

    def __repr__(self) -> str:
        """Without the bytes, which belong to somebody."""
        return f"Patches({len(self)} × {self.unit} bytes)"

    def piece(self, device: Readable, key: int) -> bytes:
        """The bytes of one piece."""
        piece = self._pieces[key]
        return piece if isinstance(piece, bytes) else device.pread(piece, self.unit)

    def within(self, offset: int, length: int) -> array[int]:
        """The keys of the pieces that a stretch touches."""
        first = bisect_left(self.keys, offset // self.unit)
        return self.keys[first : bisect_left(self.keys, -(-(offset + length) // self.unit), first)]


NOTHING = Patches(512, {})


@dataclass(frozen=True)
class Replay:
    """What replaying a journal found. `not_replayed` says in sentences what was left out and what that means."""

    patches: Patches = field(default=NOTHING)
    dirty: bool = False
    transactions: int = 0
    not_replayed: tuple[str, ...] = ()

    @property
    def bytes_patched(self) -> int:
        """How much of the device reads differently."""
        return len(self.patches) * self.patches.unit


CLEAN = Replay()


class Overlay:
    """A device as it would be if its journal had been replayed. Costs a binary search where nothing is patched."""

    def __init__(self, device: Readable, replay: Replay) -> None:
        """Read nothing yet."""
        self.device = device
        self.size = device.size
        self._patches = replay.patches

    def pread(self, offset: int, length: int) -> bytes:
        """Exactly so many bytes; `DamagedError` beyond the end."""
        keys = self._patches.within(offset, length)
        if not keys:
            return self.device.pread(offset, length)
        unit = self._patches.unit
        if len(keys) == 1 and keys[0] * unit <= offset and offset + length <= (keys[0] + 1) * unit:
            start = offset - keys[0] * unit
            return self._patches.piece(self.device, keys[0])[start : start + length]
        return self._merged(offset, length, keys)

    def _merged(self, offset: int, length: int, keys: array[int]) -> bytes:
        unit = self._patches.unit
        found = bytearray(self.device.pread(offset, length))
        for key in keys:
            piece = self._patches.piece(self.device, key)
            start = key * unit - offset
            low, high = max(start, 0), min(start + unit, length)
            found[low:high] = piece[low - start : high - start]
        return bytes(found)
