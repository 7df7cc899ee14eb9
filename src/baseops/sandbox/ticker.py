"""What happens at which time in the sandbox: entries in time order. Moves no clock and waits for nothing."""

from __future__ import annotations

import heapq
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

Action = Callable[[], object]
log = logging.getLogger(__name__)


@dataclass(order=True)
class Entry:
    """An action and its time; the handle by which it can be cancelled."""

    when: datetime
    number: int
    action: Action = field(compare=False, repr=False)
    name: str = field(compare=False)
    is_cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        """Do not run it. Nothing happens when it has run."""
        self.is_cancelled = True


@dataclass(frozen=True)
class Failure:
    """An action that raised."""

    when: datetime
    name: str
    error: Exception

    def __str__(self) -> str:
        return f"{self.name} at {self.when:%Y-%m-%d %H:%M:%S}: {type(self.error).__name__}: {self.error}"


class Ticker:
    """The queue of what will happen. A clock takes the entries out when they are due and runs them."""

    def __init__(self, now: Callable[[], datetime], changed: Callable[[], None] = lambda: None) -> None:
        self.failures: list[Failure] = []
        self._now = now
        self._changed = changed
        self._queue: list[Entry] = []
        self._numbers = count()
        self._lock = threading.Lock()
        self._running = threading.local()

    def at(self, when: datetime, action: Action, name: str) -> Entry:
        """Run the action at a time (aware); at once when that is past. Same times run in the order of the calls."""
        with self._lock:
            entry = Entry(max(when, self._now()), next(self._numbers), action, name)
            heapq.heappush(self._queue, entry)
        self._changed()
        return entry

    def after(self, delay: timedelta | float, action: Action, name: str) -> Entry:
        """Run the action after a delay (a number means seconds)."""
        distance = delay if isinstance(delay, timedelta) else timedelta(seconds=delay)
        return self.at(self._now() + distance, action, name)

    def next_time(self) -> datetime | None:
        """When the next entry is due."""
        with self._lock:
            while self._queue and self._queue[0].is_cancelled:
                heapq.heappop(self._queue)
            return self._queue[0].when if self._queue else None

    def take(self, until: datetime) -> Entry | None:
        """Take out the next entry that is due at that time or before."""
        due = self.next_time()
        if due is None or due > until:
            return None
        with self._lock:
            return heapq.heappop(self._queue)

    def pending(self) -> list[Entry]:
        """What is still to happen, in order."""
        with self._lock:
            return sorted(entry for entry in self._queue if not entry.is_cancelled)

    def run(self, entry: Entry) -> None:
        """Run an entry that was taken out; what it raises is kept in `failures`, and logged."""
        if entry.is_cancelled:
            return
        before, self._running.entry = getattr(self._running, "entry", None), entry
        try:
            entry.action()
        except Exception as error:
            self.failures.append(Failure(entry.when, entry.name, error))
            log.exception("%s, scheduled for %s, failed", entry.name, entry.when)
        finally:
            self._running.entry = before

    @property
    def is_running(self) -> bool:
        """Whether the calling thread is running an entry: what it does was scheduled, nobody asks for it now."""
        return getattr(self._running, "entry", None) is not None
