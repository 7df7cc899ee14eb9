"""A cron expression that has been read: the days and moments on which it fires."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import pairwise, takewhile
from zoneinfo import ZoneInfo

# A leap year in its middle, and no longer than needed to see every weekday on every date.
_SAMPLE_START, _SAMPLE_DAYS = date(2026, 1, 1), 8 * 366
_DAY = timedelta(days=1)


def zone_of(name: str) -> tzinfo:
    """The time zone of an IANA name; UTC needs no database."""
    return UTC if name == "UTC" else ZoneInfo(name)


@dataclass(frozen=True)
class Cron:
    """A parsed expression. `days` are rules of the day-of-month field, `weekdays` of the day-of-week field.

    It fires by the wall clock of `timezone`: a time that the change to summer time skips does not fire that day, and
    one that comes twice fires the first time.
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#daylist-savings-time
    """

    text: str
    minutes: frozenset[int]
    hours: frozenset[int]
    days: tuple[str, ...]
    months: frozenset[int]
    weekdays: tuple[str, ...]
    years: frozenset[int]
    timezone: str = "UTC"

    @property
    def times(self) -> tuple[time, ...]:
        """The times of a day on which it fires, in order."""
        return tuple(time(hour, minute) for hour in sorted(self.hours) for minute in sorted(self.minutes))

    def fires_on(self, day: date) -> bool:
        """Whether it fires on a day at all."""
        if day.year not in self.years or day.month not in self.months:
            return False
        return self._is_day(day)

    def after(self, moment: datetime) -> Iterator[datetime]:
        """The moments after `moment` (aware) at which it fires, in UTC and in order; ends with the year 2199."""
        if moment.tzinfo is None:
            raise ValueError("a moment without a time zone says nothing")
        moment = moment.astimezone(UTC)
        return (fires for fires in self._from(moment.date() - _DAY) if fires > moment)

    def next_after(self, moment: datetime) -> datetime | None:
        """The first moment after `moment` at which it fires; None if there is none before the year 2200."""
        return next(self.after(moment), None)

    def occurrences(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """The moments from `start` on and before `end` at which it fires."""
        return takewhile(lambda fires: fires < end, self.after(start - timedelta(microseconds=1)))

    def _from(self, day: date) -> Iterator[datetime]:
        zone = zone_of(self.timezone)
        times = self.times
        for each in self._days_from(day):
            for at in times:
                wall = datetime.combine(each, at)
                fires = wall.replace(tzinfo=zone).astimezone(UTC)
                if fires.astimezone(zone).replace(tzinfo=None) == wall:  # else the change to summer time skips it
                    yield fires

    def _days_from(self, start: date) -> Iterator[date]:
        months = sorted(self.months)
        for year in sorted(each for each in self.years if each >= start.year):
            for month in months:
                if (year, month) >= (start.year, start.month):
                    last = calendar.monthrange(year, month)[1]
                    days = (date(year, month, number) for number in range(1, last + 1))
                    yield from (day for day in days if day >= start and self._is_day(day))

    def _is_day(self, day: date) -> bool:
        if self.days:
            return any(_is_day(rule, day) for rule in self.days)
        return any(_is_weekday(rule, day) for rule in self.weekdays)


def gaps(cron: Cron) -> tuple[timedelta, timedelta]:
    """The shortest and the longest time between two firings by the wall clock, over eight years from 2026.

    `ValueError` when it fires at most once in that time.
    """
    days = [day for day in _sample() if cron.fires_on(day)]
    times = [timedelta(hours=each.hour, minutes=each.minute) for each in cron.times]
    found = [late - early for early, late in pairwise(times)] if days else []
    overnight = times[0] - times[-1]
    found += [(late - early) + overnight for early, late in pairwise(days)]
    if not found:
        raise ValueError(f"{cron.text!r} fires at most once between 2026 and 2033")
    return min(found), max(found)


def _sample() -> Iterator[date]:
    return (_SAMPLE_START + timedelta(days=number) for number in range(_SAMPLE_DAYS))


def _is_day(rule: str, day: date) -> bool:
    last = calendar.monthrange(day.year, day.month)[1]
    if rule == "L":
        return day.day == last
    if rule.startswith("L-"):
        return day.day == last - int(rule[2:])
    if rule == "LW":
        return day.day == _nearest_weekday(day, last)
    if rule.endswith("W"):
        number = int(rule[:-1])
        return number <= last and day.day == _nearest_weekday(day, number)
    return day.day == int(rule)


def _nearest_weekday(month: date, day: int) -> int:
    """The working day nearest to a date, never in another month."""
    last = calendar.monthrange(month.year, month.month)[1]
    weekday = month.replace(day=day).weekday()
    if weekday == calendar.SATURDAY:
        return day - 1 if day > 1 else day + 2
    if weekday == calendar.SUNDAY:
        return day + 1 if day < last else day - 2
    return day


def _is_weekday(rule: str, day: date) -> bool:
    number = day.isoweekday() % 7 + 1
    if rule == "L":
        return number == 7
    if rule.endswith("L"):
        last = calendar.monthrange(day.year, day.month)[1]
        return number == int(rule[0]) and day.day + 7 > last
    if "#" in rule:
        weekday, nth = rule.split("#")
        return number == int(weekday) and (day.day - 1) // 7 + 1 == int(nth)
    return number == int(rule)
