"""Keeps a run's drills together at one mail a second, whichever of them sends; they run side by side."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from baseops.contract.clock import Clock

SPACING = timedelta(seconds=1)


class Pace:
    """When the next mail may go; one for all drills of a run."""

    def __init__(self) -> None:
        """Nothing was sent yet."""
        self._next: datetime | None = None
        self._lock = threading.Lock()

    def await_turn(self, clock: Clock) -> None:
        """Wait until a second has passed since the last mail; turns are given in the order in which they are asked."""
        with self._lock:
            now = clock.now()
            turn = now if self._next is None else max(now, self._next)
            self._next = turn + SPACING
        if turn > now:
            clock.sleep((turn - now).total_seconds())
