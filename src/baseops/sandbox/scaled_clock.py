"""The clock of a served sandbox: real time, `speed` times as fast; what is due happens in a thread of its own."""

from __future__ import annotations

import _thread
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from baseops.aws.clock import SystemClock
from baseops.sandbox.ticker import Entry, Ticker

T = TypeVar("T")


class ScaledClock:
    """Fulfils `contract.clock.Clock`. A sleep of 60 s takes 60 / `speed` real seconds."""

    def __init__(
        self,
        start: datetime,
        *,
        speed: float,
        lock: _thread.RLock,
        set_time: Callable[[datetime], None] = lambda _: None,
    ) -> None:
        if speed <= 0:
            raise ValueError(f"speed must be above 0, not {speed}")
        self._start = start.astimezone(UTC)
        self._origin = time.monotonic()
        self._speed = speed
        self._account_lock = lock
        self._set_time = set_time
        self._real = SystemClock()
        self._acting: tuple[int, datetime] | None = None
        self._changed = threading.Condition()
        self._is_closed = False
        self.ticker = Ticker(self.now, self._wake)
        self._thread = threading.Thread(target=self._tick, name="sandbox-ticker", daemon=True)
        self.refresh()
        self._thread.start()

    def now(self) -> datetime:
        """The time, aware, in UTC; inside an action of the ticker, the time for which it was scheduled."""
        if self._acting and self._acting[0] == threading.get_ident():
            return self._acting[1]
        return self._start + timedelta(seconds=(time.monotonic() - self._origin) * self._speed)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        self._real.sleep(seconds / self._speed)

    def gather(self, tasks: Sequence[Callable[[], T]], *, bound: int = 8) -> list[T]:
        """Run the tasks in at most `bound` threads; all have ended when it returns or raises."""
        return self._real.gather(tasks, bound=bound)

    def may_sleep(self) -> bool:
        """Not while a call or an action is being answered: everybody else would wait."""
        return not self._account_lock._is_owned()  # type: ignore[attr-defined]  # it has no public name

    def asleep_until(self) -> datetime:
        """Now: who waits for an answer, and when the next call comes, is not known here."""
        return self.now()

    def refresh(self) -> None:
        """Bring the process's own time up to this clock's."""
        self._set_time(self.now())

    def close(self) -> None:
        """Let the ticker's thread end."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        self._thread.join()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify()

    def _tick(self) -> None:
        while not self._is_closed:
            entry = self.ticker.take(self.now())
            if entry:
                self._act(entry)
            else:
                self._await_next()

    def _await_next(self) -> None:
        with self._changed:
            due = self.ticker.next_time()
            if due is None or due > self.now():
                seconds = (due - self.now()).total_seconds() / self._speed if due else None
                if not self._is_closed:
                    self._changed.wait(seconds)

    def _act(self, entry: Entry) -> None:
        with self._account_lock:
            self._acting = (threading.get_ident(), entry.when)
            try:
                self._set_time(entry.when)
                self.ticker.run(entry)
            finally:
                self._acting = None
                self.refresh()
