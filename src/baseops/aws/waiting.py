"""Waiting for something in AWS by looking again and again, on whatever clock is passed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain, repeat
from typing import TypeVar

from baseops.contract.clock import Clock

T = TypeVar("T")


def until(clock: Clock, look: Callable[[], T | None]) -> T:
    """What `look` gives as soon as it gives something; AWS ends every operation that is waited for this way itself."""
    pauses = _pauses()
    while (found := look()) is None:
        clock.sleep(next(pauses))
    return found


def _pauses() -> Iterator[float]:
    """Seconds: short at first, since small changes are quick; five after half a minute, since calls are throttled."""
    return chain((0.5, 1.0, 1.5, 2.0), repeat(3.0, 10), repeat(5.0))
