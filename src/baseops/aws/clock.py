"""The real clock, and how tasks run side by side. Knows nothing of AWS."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

from baseops.errors import Interrupted

T = TypeVar("T")


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """How a task ended: with one value, or with an error and no value."""

    values: tuple[T, ...] = ()
    error: BaseException | None = None

    @classmethod
    def of(cls, task: Callable[[], T]) -> Outcome[T]:
        """Run the task; what it raises is kept."""
        try:
            return cls((task(),))
        except BaseException as error:  # noqa: BLE001  # a thread has nobody to raise to; `settle` does
            return cls(error=error)


def settle(outcomes: Sequence[Outcome[T]]) -> list[T]:
    """The values in order; or the first error, with the others as notes on it."""
    errors = [outcome.error for outcome in outcomes if outcome.error is not None]
    if not errors:
        return [value for outcome in outcomes for value in outcome.values]
    first, *others = errors
    for other in others:
        if other is not first:
            first.add_note(f"Also failed: {type(other).__name__}: {other}")
    raise first


def interruption() -> Interrupted:
    """What a sleeping task is woken with after Ctrl-C, once, so that its clean-up may sleep again."""
    return Interrupted("the work was interrupted", "Ctrl-C", "Run the same command again: it goes on from there")


class SystemClock:
    """Real time in UTC; fulfils `contract.clock.Clock`.

    Ctrl-C during `gather` starts no further task, wakes the sleeping ones with `Interrupted` and is raised when
    all have ended. A second Ctrl-C does not wait.
    """

    def __init__(self) -> None:
        self._thread = threading.local()
        self._interrupted = threading.Event()

    def now(self) -> datetime:
        """The time, aware, in UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait; raises `Interrupted` once in each task of an interrupted `gather`."""
        if not getattr(self._thread, "interruptible", False):
            time.sleep(seconds)  # the one place that really waits
        elif self._interrupted.wait(seconds):
            self._thread.interruptible = False
            raise interruption()

    def gather(self, tasks: Sequence[Callable[[], T]], *, bound: int = 8) -> list[T]:
        """Run the tasks in at most `bound` threads; all have ended when it returns or raises."""
        if bound < 1:
            raise ValueError(f"bound must be at least 1, not {bound}")
        threads = min(bound, len(tasks))
        if threads <= 1:
            return settle([Outcome.of(task) for task in tasks]) if len(tasks) > 1 else [task() for task in tasks]
        if not hasattr(self._thread, "interruptible"):
            self._interrupted.clear()
        return settle(self._outcomes(tasks, threads))

    def _outcomes(self, tasks: Sequence[Callable[[], T]], threads: int) -> list[Outcome[T]]:
        with ThreadPoolExecutor(threads, thread_name_prefix="gather") as pool:
            try:
                futures = [pool.submit(self._run, task) for task in tasks]
                wait(futures)
            except KeyboardInterrupt:
                self._interrupted.set()
                pool.shutdown(wait=True, cancel_futures=True)
                raise
        return [future.result() for future in futures]

    def _run(self, task: Callable[[], T]) -> Outcome[T]:
        self._thread.interruptible = not self._interrupted.is_set()
        return Outcome.of(task)
