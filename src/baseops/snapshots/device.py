"""A volume as a device: small and large reads over a block source, through a cache that has a bound.

Absent blocks are zeros and cost nothing. It never interprets what it reads.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeVar

from baseops.errors import DamagedError
from baseops.snapshots.blocks import BlockSource

T = TypeVar("T")
CACHE_BYTES = 96 << 20
FETCHES_AT_ONCE = 16


class Readable(Protocol):
    """Bytes at places: a device, a part of one, or an overlay over one."""

    @property
    def size(self) -> int:
        """Bytes in all."""

    def pread(self, offset: int, length: int) -> bytes:
        """Exactly so many bytes; `DamagedError` beyond the end."""


class Fetchable(Readable, Protocol):
    """A `Readable` that can be told what will be read soon."""

    def fetch(self, ranges: Iterable[tuple[int, int]]) -> None:
        """Read the blocks of these (offset, length) side by side into the cache, as far as they fit."""


class Gather(Protocol):
    """How blocks are read side by side: the `gather` of a clock."""

    def __call__(self, tasks: Sequence[Callable[[], T]], *, bound: int) -> list[T]:
        """Run the tasks in at most `bound` threads."""


def one_by_one(tasks: Sequence[Callable[[], T]], *, bound: int) -> list[T]:  # noqa: ARG001  # fulfils `Gather`
    """Run the tasks in turn: for sources that are quick."""
    return [task() for task in tasks]


class Device:
    """A device over a block source. `gather` reads blocks side by side; memory is bounded by `cache_bytes`."""

    def __init__(
        self,
        source: BlockSource,
        *,
        gather: Gather = one_by_one,
        bound: int = FETCHES_AT_ONCE,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        """Read nothing yet."""
        self.source = source
        self.size = source.size
        self.block_size = source.block_size
        self.blocks_read = 0
        self._gather = gather
        self._bound = bound
        self._capacity = max(8, cache_bytes // source.block_size)
        self._cache: OrderedDict[int, bytes | None] = OrderedDict()
        self._zeros = bytes(source.block_size)
        self._lock = threading.Lock()

    def pread(self, offset: int, length: int) -> bytes:
        """Exactly so many bytes; `DamagedError` beyond the end."""
        if offset < 0 or length < 0 or offset + length > self.size:
            raise beyond_end(offset, length, self.size)
        index, start = divmod(offset, self.block_size)
        if start + length <= self.block_size:
            return self.block(index)[start : start + length]
        return self._joined(offset, length)

    def block(self, index: int) -> bytes:
        """A whole block, from the cache or the source."""
        try:
            data = self._cache[index]
            self._cache.move_to_end(index)
        except KeyError:
            data = self._read(index)
        return self._zeros if data is None else data

    def fetch(self, ranges: Iterable[tuple[int, int]]) -> None:
        """Read the blocks of these (offset, length) side by side, at most half of what the cache holds."""
        wanted: dict[int, None] = {}
        for offset, length in ranges:
            first, last = offset // self.block_size, (offset + length - 1) // self.block_size
            for index in range(first, min(last, self.source.count - 1) + 1):
                if index not in self._cache:
                    wanted[index] = None
                if len(wanted) >= self._capacity // 2:
                    return self._gather_all(wanted)
        return self._gather_all(wanted)

    def _gather_all(self, wanted: Iterable[int]) -> None:
        tasks = [lambda index=index: self._read(index) for index in wanted]
        if len(tasks) > 1:
            self._gather(tasks, bound=self._bound)

    @property
    def read_ahead_bytes(self) -> int:
        """How much of a file is worth fetching at once."""
        return self._capacity // 2 * self.block_size

    def _read(self, index: int) -> bytes | None:
        data = self.source.read(index) if self.source.present(index) else None
        with self._lock:
            self.blocks_read += data is not None
            self._cache[index] = data
            while len(self._cache) > self._capacity:
                self._cache.popitem(last=False)
        return data

    def _joined(self, offset: int, length: int) -> bytes:
        self.fetch([(offset, length)])
        pieces = []
        end = offset + length
        while offset < end:
            index, start = divmod(offset, self.block_size)
            pieces.append(self.block(index)[start : start + end - offset])
            offset += len(pieces[-1])
        return b"".join(pieces)


class Mapped:
    """A part of a device, or several parts one after another: a partition, or a linear logical volume."""

    def __init__(self, below: Fetchable, pieces: Sequence[tuple[int, int]]) -> None:
        """`pieces` are (offset, length) on what lies below, in order."""
        self.below = below
        self.pieces = tuple(pieces)
        self._starts = []
        self.size = 0
        for offset, length in self.pieces:
            if offset < 0 or length < 0 or offset + length > below.size:
                raise beyond_end(offset, length, below.size)
            self._starts.append(self.size)
            self.size += length

    def pread(self, offset: int, length: int) -> bytes:
        """Exactly so many bytes; `DamagedError` beyond the end."""
        found = [self.below.pread(*each) for each in self.places(offset, length)]
        return found[0] if len(found) == 1 else b"".join(found)

    def fetch(self, ranges: Iterable[tuple[int, int]]) -> None:
        """As `Device.fetch`."""
        self.below.fetch(place for each in ranges for place in self.places(*each))

    def places(self, offset: int, length: int) -> list[tuple[int, int]]:
        """Where a stretch lies below."""
        if offset < 0 or length < 0 or offset + length > self.size:
            raise beyond_end(offset, length, self.size)
        found = []
        number = bisect_right(self._starts, offset) - 1
        while length:
            inner = offset - self._starts[number]
            start, whole = self.pieces[number]
            taken = min(length, whole - inner)
            found.append((start + inner, taken))
            offset, length, number = offset + taken, length - taken, number + 1
        return found


class Layered:
    """An overlay (a replayed journal) that still knows how to fetch what lies below it."""

    def __init__(self, over: Readable, below: Fetchable) -> None:
        """Read through the overlay; fetch below it."""
        self.over = over
        self.below = below
        self.size = over.size
        self.pread = over.pread
        self.fetch = below.fetch


def beyond_end(offset: int, length: int, size: int) -> DamagedError:
    """A structure points behind the end."""
    return DamagedError(
        f"{length} bytes at offset {offset} lie beyond the end of the device",
        f"it has {size} bytes",
        "The image is damaged or cut off",
    )
