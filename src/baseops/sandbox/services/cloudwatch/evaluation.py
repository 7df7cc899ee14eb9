"""When metric alarms are evaluated: as CloudWatch does each minute, but only where the state could be another.

That is after a value came, when a value crosses the edge of a period, when a warm-up ends, after a change by hand.
Each alarm has its own second of the minute, so alarms do not all ring at once.
"""

from __future__ import annotations

import json
from binascii import crc32
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from baseops.sandbox.service import opened
from baseops.sandbox.services.cloudwatch.series import Metric, series_of
from baseops.sandbox.services.cloudwatch.store import Alarm, store_of
from baseops.sandbox.services.cloudwatch.transitions import change, evaluate_composite
from baseops.sandbox.services.cloudwatch.watch import Watch, watch_of
from baseops.sandbox.ticker import Entry
from baseops.semantics.alarms import State

# Any: moto's backend is untyped.

_WORDS = {
    "GreaterThanOrEqualToThreshold": "greater than or equal to",
    "GreaterThanThreshold": "greater than",
    "LessThanThreshold": "less than",
    "LessThanOrEqualToThreshold": "less than or equal to",
}


@dataclass
class Evaluator:
    """The alarms of one account and region on the clock. `is_eager`: each interval, as CloudWatch really does."""

    backend: Any
    is_eager: bool = False
    evaluations: int = 0
    _watches: dict[str, Watch] = field(default_factory=dict)
    _by_metric: dict[Metric, set[str]] = field(default_factory=dict)
    _entries: dict[str, Entry] = field(default_factory=dict)
    _warm_at: dict[str, datetime] = field(default_factory=dict)

    def put(self, alarm: Alarm, *, is_new: bool) -> None:
        """Hear of an alarm that was made or changed."""
        self.forget(alarm.name, keep_warmth=True)
        if alarm.type == "CompositeAlarm":
            opened().clock.ticker.after(
                1.0, lambda: evaluate_composite(self.backend, alarm.name), f"alarm {alarm.name}"
            )
            return
        minutes = (alarm.settings.get("WarmUpConfiguration") or {}).get("WarmUpPeriodDurationInMinutes")
        if is_new and minutes:
            self._warm_at[alarm.name] = opened().clock.now() + timedelta(minutes=int(minutes))
        if alarm.type == "MetricAlarm":
            watch = watch_of(alarm.settings)
            self._watches[alarm.name] = watch
            self._by_metric.setdefault(watch.metric, set()).add(alarm.name)
            self.wake(alarm.name)

    def forget(self, name: str, *, keep_warmth: bool = False) -> None:
        """Hear that an alarm is gone."""
        watch = self._watches.pop(name, None)
        if watch:
            self._by_metric[watch.metric].discard(name)
        entry = self._entries.pop(name, None)
        if entry:
            entry.cancel()
        if not keep_warmth:
            self._warm_at.pop(name, None)

    def heard(self, metric: Metric) -> None:
        """Hear of new values."""
        for name in sorted(self._by_metric.get(metric, ())):
            self.wake(name)

    def wake(self, name: str) -> None:
        """Evaluate the alarm at its next time."""
        watch = self._watches.get(name)
        if watch:
            now = opened().clock.now()
            at = watch.until(now) + self._phase(name, watch)
            self._schedule(name, at if at > now else at + watch.interval)

    def is_warming_up(self, name: str, *, has_enough: bool, waits: bool) -> bool:
        """Whether the alarm has still to wait; once it need not, it never does again."""
        end = self._warm_at.get(name)
        if end is None:
            return False
        if opened().clock.now() >= end or (has_enough and not waits):
            del self._warm_at[name]
            return False
        return True

    def _schedule(self, name: str, when: datetime) -> None:
        former = self._entries.get(name)
        if former:
            if former.when <= when:
                return
            former.cancel()
        self._entries[name] = opened().clock.ticker.at(when, lambda: self._evaluate(name), f"alarm {name}")

    def _evaluate(self, name: str) -> None:
        self._entries.pop(name, None)
        alarm, watch = store_of(self.backend).alarms.get(name), self._watches.get(name)
        if alarm is None or watch is None:
            return
        self.evaluations += 1
        now = opened().clock.now()
        data = series_of(self.backend).of(watch.metric, watch.unit)
        points = watch.points(data, now)
        self._settle(alarm, watch, points, keeps=watch.keeps_state(data, now))
        following = watch.until(now) + watch.interval if self.is_eager else watch.next_change(data, now)
        self._schedule_next(name, watch, following)

    def _settle(self, alarm: Alarm, watch: Watch, points: list[float | None], *, keeps: bool) -> None:
        enough = sum(each is not None for each in points) >= watch.evaluation_periods
        waits = (alarm.settings.get("WarmUpConfiguration") or {}).get("OnlyStartEvaluatingAfterWarmUpPeriodEnds", False)
        if keeps or self.is_warming_up(alarm.name, has_enough=enough, waits=bool(waits)):
            return
        state = watch.state(points, cast("State", alarm.state))
        if state != alarm.state:
            change(self.backend, alarm, state, _reason(watch, points, alarm.state, state), _data(watch, points))

    def _schedule_next(self, name: str, watch: Watch, following: datetime | None) -> None:
        phase = self._phase(name, watch)
        if following:
            self._schedule(name, following + phase)
        end = self._warm_at.get(name)
        if end:
            at = watch.until(end) + phase
            self._schedule(name, at if at >= end else at + watch.interval)

    def _phase(self, name: str, watch: Watch) -> timedelta:
        seconds = watch.interval.total_seconds()
        return timedelta(seconds=1 + crc32(name.encode()) % max(int(min(seconds, 60) * 0.8), 1))


def evaluator_of(backend: Any) -> Evaluator:
    """The evaluator beside a backend of moto's; it hears of new values."""
    if not hasattr(backend, "sandbox_evaluator"):
        backend.sandbox_evaluator = Evaluator(backend)
        series_of(backend).listener = backend.sandbox_evaluator.heard
    found: Evaluator = backend.sandbox_evaluator
    return found


def _reason(watch: Watch, points: list[float | None], former: str, state: str) -> str:
    real = [each for each in points if each is not None][-watch.evaluation_periods :]
    if state == "INSUFFICIENT_DATA":
        return f"Insufficient Data: {watch.evaluation_periods} datapoints were unknown."
    if not real:
        return (
            f"Threshold Crossed: no datapoints were received for {watch.evaluation_periods} periods and "
            f"{watch.evaluation_periods} missing datapoints were treated as [{_treated(watch)}]."
        )
    values = ", ".join(str(each) for each in reversed(real[-5:]))
    verb = "was" if len(real) == 1 else "were"
    negation = "" if state == "ALARM" else "not "
    return (
        f"Threshold Crossed: {len(real)} out of the last {watch.evaluation_periods} datapoints [{values}] {verb} "
        f"{negation}{_WORDS[watch.comparison]} the threshold ({watch.threshold}) (minimum "
        f"{watch.datapoints_to_alarm} datapoint{'s' if watch.datapoints_to_alarm > 1 else ''} for {former} -> {state} "
        f"transition)."
    )


def _treated(watch: Watch) -> str:
    return "Breaching" if watch.treat_missing == "breaching" else "NonBreaching"


def _data(watch: Watch, points: list[float | None]) -> str:
    real = [each for each in points if each is not None][-watch.evaluation_periods :]
    return json.dumps(
        {
            "version": "1.0",
            "queryDate": f"{opened().clock.now():%Y-%m-%dT%H:%M:%S.000+0000}",
            "statistic": watch.statistic,
            "period": watch.period,
            "recentDatapoints": real,
            "threshold": watch.threshold,
        }
    )
