"""Schedules that repeat after a fixed time: rate(…) expressions, and DLM's intervals, which begin at a time of day."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from itertools import takewhile
from typing import TypeAlias

from baseops.semantics.schedules.cron import Cron, gaps
from baseops.semantics.schedules.errors import ScheduleError

DLM_HOURS = (1, 2, 3, 4, 6, 8, 12, 24)
"""The intervals that DLM allows. https://docs.aws.amazon.com/dlm/latest/APIReference/API_CreateRule.html"""

_MOST = 99_999
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RATE = re.compile(r"rate\(\s*(\d+)\s+(minute|hour|day)(s?)\s*\)")
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class Rate:
    """Every so often, counted from `since`: the moment at which the rule was made, which fires nothing itself."""

    every: timedelta
    since: datetime = _EPOCH

    def counted_from(self, moment: datetime) -> Rate:
        """The same rate of a rule made at `moment`."""
        return replace(self, since=moment)

    def after(self, moment: datetime) -> Iterator[datetime]:
        """The moments after `moment` (aware) at which it fires, in UTC, without end."""
        first = max(moment.astimezone(UTC), self.since.astimezone(UTC))
        count = (first - self.since) // self.every + 1
        while True:
            yield self.since.astimezone(UTC) + count * self.every
            count += 1

    def next_after(self, moment: datetime) -> datetime:
        """The first moment after `moment` at which it fires."""
        return next(self.after(moment))

    def occurrences(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """The moments from `start` on and before `end` at which it fires."""
        return takewhile(lambda fires: fires < end, self.after(start - timedelta(microseconds=1)))


@dataclass(frozen=True, slots=True)
class Interval:
    """Every so many hours, at `start` (UTC) and from there on."""

    every: timedelta
    start: time

    def after(self, moment: datetime) -> Iterator[datetime]:
        """The moments after `moment` (aware) at which it fires, in UTC, without end."""
        return intervals_after(self.start, self.every, moment)

    def next_after(self, moment: datetime) -> datetime:
        """The first moment after `moment` at which it fires."""
        return next(self.after(moment))

    def occurrences(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """The moments from `start` on and before `end` at which it fires."""
        return takewhile(lambda fires: fires < end, self.after(start - timedelta(microseconds=1)))


Schedule: TypeAlias = Cron | Rate | Interval


def parse_rate(text: str) -> Rate:
    """Read `rate(1 day)` or `rate(12 hours)`; raises ScheduleError. EventBridge insists on the right plural."""
    found = _RATE.fullmatch(text.strip())
    if not found:
        raise ScheduleError.at(
            text, 0, "a rate is a whole number and minutes, hours or days", "Write it as in rate(5 minutes)"
        )
    number, unit, plural = int(found[1]), found[2], found[3]
    if number == 0:
        raise ScheduleError.at(text, found.start(1), "a rate is at least 1", f"Write rate(1 {unit})")
    if (number == 1) == bool(plural):
        wanted = unit if number == 1 else f"{unit}s"
        raise ScheduleError.at(text, found.start(2), f"{number} takes {wanted}", f"Write rate({number} {wanted})")
    if number > _MOST:
        raise ScheduleError.at(text, found.start(1), f"a rate is at most {_MOST}", "Write a larger unit")
    return Rate(timedelta(**{f"{unit}s": number}))


def dlm_interval(hours: int, at: str) -> Interval:
    """DLM's interval rule: hours, and the time of day (UTC, hh:mm) of its first start; raises ScheduleError."""
    if hours not in DLM_HOURS:
        allowed = ", ".join(map(str, DLM_HOURS))
        raise ScheduleError(f"interval of {hours} hours", f"DLM allows {allowed}", "Write one of these, or a cron")
    found = _TIME.fullmatch(at)
    if not found:
        raise ScheduleError(f"time {at!r}", "DLM takes hours and minutes in UTC", "Write it as in 03:00")
    return Interval(timedelta(hours=hours), time(int(found[1]), int(found[2])))


def intervals_after(start: time, interval: timedelta, moment: datetime) -> Iterator[datetime]:
    """The moments after `moment` at which an interval fires that begins each day at `start` (UTC)."""
    moment = moment.astimezone(UTC)
    anchor = datetime.combine(moment.date() - timedelta(days=1), start, UTC)
    passed = (moment - anchor) // interval
    fires = anchor + (passed + 1) * interval
    while True:
        yield fires
        fires += interval


def shortest_gap(schedule: Schedule) -> timedelta | None:
    """The shortest time between two firings; None for a cron that fires at most once in eight years."""
    if not isinstance(schedule, Cron):
        return schedule.every
    try:
        return gaps(schedule)[0]
    except ValueError:
        return None
