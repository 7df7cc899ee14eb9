"""Holds a drill to its time and money, and counts what it does; keeps the run's lease alive meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from baseops.contract.clock import Clock
from baseops.contract.drill import Step
from baseops.errors import InconclusiveError
from baseops.evidence.lock import RENEW_AFTER
from baseops.evidence.prices import price_of_call

T = TypeVar("T")


class RunBudget:
    """What all drills of a run may cost together."""

    def __init__(self, max_cost_usd: float) -> None:
        """Nothing is spent yet."""
        self.max_cost_usd = max_cost_usd
        self.spent_usd = 0.0
        self._lock = threading.Lock()

    def spend(self, cost_usd: float, what: str) -> None:
        """Spend it, or raise `InconclusiveError`."""
        with self._lock:
            if self.spent_usd + cost_usd > self.max_cost_usd + 1e-12:
                raise InconclusiveError(
                    f"{what} would cost {cost_usd:.4f} USD more",
                    f"{self.spent_usd:.4f} of {self.max_cost_usd:.2f} USD are spent",
                    "Raise drills.max_cost_usd, or give --max-cost.",
                )
            self.spent_usd += cost_usd


@dataclass
class Meter:
    """Fulfils `contract.drill.Budget` for one drill; also what `MeteredClients` tells of every call."""

    drill: str
    run: RunBudget
    clock: Clock
    deadline: datetime
    renew: Callable[[], None]
    requests: int = 0
    blocks: int = 0
    size_bytes: int = 0
    cost_usd: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def spend(self, *, cost_usd: float = 0.0, requests: int = 0, blocks: int = 0, size_bytes: int = 0) -> None:
        """Count it; raises `InconclusiveError` when it would cost too much."""
        self.run.spend(cost_usd, f"the drill {self.drill}")
        with self._lock:
            self.cost_usd += cost_usd
            self.requests += requests
            self.blocks += blocks
            self.size_bytes += size_bytes

    def before_call(self, service: str, operation: str) -> None:
        """Count a request that is about to be made; raises when the drill's time is over."""
        self.require_time()
        self.renew()
        self.spend(requests=1, cost_usd=price_of_call(service, operation))

    def require_time(self) -> None:
        """Raise `InconclusiveError` when the time is over."""
        if self.clock.now() >= self.deadline:
            raise InconclusiveError(f"the drill {self.drill} was ended", "its time is over")

    def measures(self) -> dict[str, float]:
        """What was counted, by the names that evidence uses; what never happened is left out."""
        counted = {
            "requests": self.requests,
            "blocks_read": self.blocks,
            "bytes": self.size_bytes,
            "cost_usd": self.cost_usd,
        }
        return {name: value for name, value in counted.items() if value}


class DrillClock:
    """The clock as a drill sees it: sleeping ends when the drill's time is over."""

    def __init__(self, clock: Clock, meter: Meter) -> None:
        """The meter knows the deadline."""
        self._clock = clock
        self._meter = meter

    def now(self) -> datetime:
        """The time, aware, in UTC."""
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        """Wait in pieces, between which the run's lease is renewed; raises when the time is over."""
        until = self._clock.now() + timedelta(seconds=seconds)
        last = min(until, self._meter.deadline)
        while (left := (last - self._clock.now()).total_seconds()) > 0:
            self._clock.sleep(min(left, RENEW_AFTER.total_seconds()))
            self._meter.renew()
        if until >= self._meter.deadline:
            self._meter.require_time()
        if seconds == 0:
            self._clock.sleep(0)

    def gather(self, tasks: Sequence[Callable[[], T]], *, bound: int = 8) -> list[T]:
        """As the clock below; the tasks use the drill's clients and clock, and so its time."""
        return self._clock.gather(tasks, bound=bound)


class Story:
    """Fulfils `contract.drill.Steps`."""

    def __init__(self, clock: Clock) -> None:
        """Nothing has happened yet."""
        self._clock = clock
        self.steps: list[Step] = []

    def add(self, text: str) -> None:
        """Something begins or was seen now."""
        self.steps.append(Step(self._clock.now(), text))
