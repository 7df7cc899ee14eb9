"""Which lines, in which number and how often, make an alarm on a declared metric ring; pure.

Lines are derived from the metric's pattern and mean nothing. Where no such lines can be found the reason is given.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, cast

from baseops.semantics import alarms, filters
from baseops.semantics.metrics import statistic

if TYPE_CHECKING:
    from baseops.areas.logs.spec import Alarm, Metric

MOST_LINES = 2_000
"""As many lines are written for one period at most: more would be a load of their own."""
LONGEST_SECONDS = 3_600
"""The longest window of an alarm that a drill waits for."""
QUIET = "baseops drill: nothing happened"


@dataclass(frozen=True)
class Canary:
    """Lines that are written once a period, for as many periods as the alarm needs to ring.

    `quiet` is a line that the pattern does not match; None where it matches everything.
    """

    lines: tuple[str, ...]
    periods: int
    period_seconds: int
    window_seconds: int
    quiet: str | None


@dataclass
class Lots:
    """Which periods have had their lines: an alarm counts points of one window, and what came late is of none."""

    canary: Canary
    begin: datetime
    periods: list[int] = field(default_factory=list)

    def is_due(self, now: datetime) -> bool:
        """Whether a lot is to be written: each is in another period than the last."""
        enough = len(self.periods) >= self.canary.periods
        return not enough and now >= self.begin and self._period(now) not in self.periods[-1:]

    def wrote(self, began: datetime, ended: datetime) -> bool:
        """Count a lot, and forget those that are out of its window; False when it took too long to count itself."""
        here, window = self._period(began), self.canary.window_seconds // self.canary.period_seconds
        if (ended - began).total_seconds() >= self.canary.period_seconds:
            self.periods = []
            return False
        self.periods = [*(each for each in self.periods if here - each < window), here]
        return True

    def _period(self, when: datetime) -> int:
        return int(when.timestamp()) // self.canary.period_seconds


def canary(metric: Metric, alarm: Alarm) -> Canary | str:
    """The lines, or why there are none."""
    pattern = filters.compile(metric.pattern)
    window = alarm.period * alarm.evaluation_periods
    if window > LONGEST_SECONDS:
        return f"its window is {window // 60} minutes, longer than the {LONGEST_SECONDS // 60} that a drill waits"
    if alarm.comparison.startswith("LessThan"):
        return "it rings when too little comes, which lines cannot bring about"
    lines = _lines(pattern, metric, alarm)
    if lines is None:
        return "no lines derived from the pattern bring the metric over the threshold"
    needed = alarm.datapoints_to_alarm or alarm.evaluation_periods
    quiet = None if pattern.matches(QUIET) else QUIET
    return Canary(lines, needed, alarm.period, window, quiet)


def _lines(pattern: filters.Pattern, metric: Metric, alarm: Alarm) -> tuple[str, ...] | None:
    """As many lines as one period takes to breach."""
    threshold = cast("float", alarm.threshold)
    lines: list[str] = []
    values: list[float] = []
    for number in range(1, MOST_LINES + 1):
        line = pattern.example(number)
        value = _value(pattern, metric.value, line)
        if value is None:
            return None
        lines.append(line)
        values.append(value)
        if alarms.breaches(statistic(alarm.statistic, values), alarm.comparison, threshold):
            return tuple(lines)
    return None


def _value(pattern: filters.Pattern, value: str, line: str) -> float | None:
    """What a line adds to the metric."""
    text = (pattern.extract(line) or {}).get(value) if value.startswith("$") else value
    try:
        return float(text or "")
    except ValueError:
        return None


def batches(lines: tuple[str, ...], when: int) -> Iterator[list[dict[str, object]]]:
    """The lines as events of one moment, in batches that PutLogEvents takes.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
    """
    for at in range(0, len(lines), 1_000):
        yield [{"timestamp": when, "message": line} for line in lines[at : at + 1_000]]
