"""Time as something that is passed in, so that rehearsals run weeks in seconds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

T = TypeVar("T")


class Clock(Protocol):
    """All waiting and every reading of the time goes through one of these."""

    def now(self) -> datetime:
        """The time, aware, in UTC."""

    def sleep(self, seconds: float) -> None:
        """Wait; on a virtual clock, time moves when every thread of the runner sleeps."""

    def gather(self, tasks: Sequence[Callable[[], T]], *, bound: int = 8) -> list[T]:
        """Run the tasks side by side in at most `bound` threads; results in the tasks' order.

        All tasks end before it returns. If some raised, the first error in the tasks' order is raised, with
        the others as notes on it.
        """
