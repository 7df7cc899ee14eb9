"""The process's own time (`datetime.now`, `time.time`) set to the sandbox's, for moto reads it everywhere."""

from __future__ import annotations

from datetime import datetime

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
            self._travel = time_machine.travel(when, tick=self._ticks)
            self._traveller = self._travel.start()

    def stop(self) -> None:
        """Back to the real time."""
        if self._travel:
            self._travel.stop()
        self._travel = self._traveller = None
