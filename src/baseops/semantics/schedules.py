"""When schedules fire: EventBridge's cron expressions and fixed intervals, in UTC; knows nothing of what they start.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
_WEEKDAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), start=1)}
_FIRST_YEAR, _LAST_YEAR = 1970, 2199
# A leap year in its middle, and no longer than needed to see every weekday on every date.
_SAMPLE_START, _SAMPLE_DAYS = date(2026, 1, 1), 8 * 366


@dataclass(frozen=True)
class Cron:
    """A parsed expression. `days` are rules of the day-of-month field, `weekdays` of the day-of-week field."""

    text: str
    minutes: frozenset[int]
    hours: frozenset[int]
    days: tuple[str, ...]
    months: frozenset[int]
    weekdays: tuple[str, ...]
    years: frozenset[int]

    @property
    def times(self) -> tuple[time, ...]:
        """The times of a day on which it fires, in order."""
        return tuple(time(hour, minute) for hour in sorted(self.hours) for minute in sorted(self.minutes))

    def fires_on(self, day: date) -> bool:
        """Whether it fires on a day at all."""
        if day.year not in self.years or day.month not in self.months:
            return False
        if self.days:
            return any(_is_day(rule, day) for rule in self.days)
        return any(_is_weekday(rule, day) for rule in self.weekdays)

    def after(self, moment: datetime) -> Iterator[datetime]:
        """The moments after `moment` (aware) at which it fires, in order; ends with the year 2199."""
        moment = moment.astimezone(UTC)
        day = moment.date()
        while day.year <= max(self.years):
            if self.fires_on(day):
                for each in self.times:
                    fires = datetime.combine(day, each, UTC)
                    if fires > moment:
                        yield fires
            day += timedelta(days=1)


def parse_cron(text: str) -> Cron:
    """Read the six fields (with or without `cron(…)` around them); `ValueError` says which field is wrong, and why."""
    fields = text.removeprefix("cron(").removesuffix(")").split()
    if len(fields) != 6:
        raise ValueError(
            f"a cron expression has six fields (minutes hours day month weekday year), {text!r} has {len(fields)}"
        )
    minutes, hours, days, months, weekdays, years = fields
    if (days == "?") == (weekdays == "?"):
        raise ValueError(f"one of the day-of-month and day-of-week fields, and only one, has to be ? in {text!r}")
    return Cron(
        text=text,
        minutes=_numbers("minutes", minutes, 0, 59),
        hours=_numbers("hours", hours, 0, 23),
        days=() if days == "?" else _rules("day-of-month", days, 1, 31, {}, r"L|LW|\d{1,2}W|L-\d{1,2}"),
        months=_numbers("month", months, 1, 12, _MONTHS),
        weekdays=() if weekdays == "?" else _rules("day-of-week", weekdays, 1, 7, _WEEKDAYS, r"L|[1-7]L|[1-7]#[1-5]"),
        years=_numbers("year", years, _FIRST_YEAR, _LAST_YEAR),
    )


def gaps(cron: Cron) -> tuple[timedelta, timedelta]:
    """The shortest and the longest time between two firings, over eight years from 2026.

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


def intervals_after(start: time, interval: timedelta, moment: datetime) -> Iterator[datetime]:
    """The moments after `moment` at which an interval fires that begins each day at `start` (UTC)."""
    moment = moment.astimezone(UTC)
    anchor = datetime.combine(moment.date() - timedelta(days=1), start, UTC)
    passed = (moment - anchor) // interval
    fires = anchor + (passed + 1) * interval
    while True:
        yield fires
        fires += interval


def _sample() -> Iterator[date]:
    return (_SAMPLE_START + timedelta(days=number) for number in range(_SAMPLE_DAYS))


def _numbers(name: str, field: str, low: int, high: int, words: Mapping[str, int] | None = None) -> frozenset[int]:
    found: set[int] = set()
    for part in field.split(","):
        found |= _span(name, part, low, high, words or {})
    return frozenset(found)


def _rules(name: str, field: str, low: int, high: int, words: Mapping[str, int], special: str) -> tuple[str, ...]:
    rules: list[str] = []
    for part in field.split(","):
        spelled = _spelled(part, words)
        if re.fullmatch(special, spelled):
            rules.append(spelled)
        else:
            rules += [str(number) for number in sorted(_span(name, part, low, high, words))]
    return tuple(rules)


def _spelled(part: str, words: Mapping[str, int]) -> str:
    return re.sub(r"[A-Z]{3}", lambda found: str(words.get(found[0], found[0])), part)


def _span(name: str, part: str, low: int, high: int, words: Mapping[str, int]) -> set[int]:
    found = re.fullmatch(r"(?:(\*)|(\d{1,4})(?:-(\d{1,4}))?)(?:/(\d{1,4}))?", _spelled(part, words))
    if not found:
        raise ValueError(f"the {name} field of a cron expression cannot be {part!r}")
    every, first, last, step = found.groups()
    start = low if every else int(first)
    # A step without a range counts to the end: 5/15 is 5-59/15.
    end = high if every or (step and last is None) else int(last or first)
    if not low <= start <= high or not low <= end <= high or step == "0":
        raise ValueError(f"the {name} field of a cron expression is between {low} and {high}, got {part!r}")
    span = range(start, end + 1) if start <= end else [*range(start, high + 1), *range(low, end + 1)]
    return set(span[:: int(step or 1)])


def _is_day(rule: str, day: date) -> bool:
    last = calendar.monthrange(day.year, day.month)[1]
    if rule == "L":
        return day.day == last
    if rule.startswith("L-"):
        return day.day == last - int(rule[2:])
    if rule == "LW":
        return day.day == _nearest_weekday(day, last)
    if rule.endswith("W"):
        return day.day == _nearest_weekday(day, min(int(rule[:-1]), last))
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
