"""The process's own time (`datetime.now`, `time.time`) set to the sandbox's, for moto reads it everywhere."""

from __future__ import annotations

import sys
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import time_machine


class ProcessTime:
    """Virtual from `start` until `stop`. Monotonic timers stay real."""

    def __init__(self, *, ticks: bool) -> None:
        self._ticks = ticks
        self._travel: time_machine.travel | None = None
        self._traveller: time_machine.Traveller | None = None

    def set(self, when: datetime) -> None:
        """Make it this time; from there it stands still, or runs on at real speed where it `ticks`."""
        if self._traveller:
            self._traveller.move_to(when, tick=self._ticks)
        else:
            self._travel = _travel(when, ticks=self._ticks)
            self._traveller = self._travel.start()

    def stop(self) -> None:
        """Back to the real time."""
        if self._travel:
            self._travel.stop()
        self._travel = self._traveller = None


def _travel(when: datetime, *, ticks: bool) -> time_machine.travel:
    """Import time_machine without the pytest that it would pull in for its fixture: 0.2 s nobody here needs."""
    hidden = "pytest" not in sys.modules
    if hidden:
        sys.modules["pytest"] = None  # type: ignore[assignment]  # Python's own way to say: not there
    try:
        module = import_module("time_machine")
    finally:
        if hidden:
            del sys.modules["pytest"]
    travel: time_machine.travel = module.travel(when, tick=ticks)
    return travel
