"""Reads the six fields of a cron expression; strict where AWS's page is, and says what to write instead."""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from baseops.semantics.schedules.cron import Cron, zone_of
from baseops.semantics.schedules.errors import ScheduleError

_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
_WEEKDAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), start=1)}
_SPAN = re.compile(r"(?:(\*)|(\d{1,4})(?:-(\d{1,4}))?)(?:/(\d{1,4}))?")
_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Field:
    """What one of the six fields may hold."""

    name: str
    low: int
    high: int
    example: str
    words: Mapping[str, int] = field(default_factory=dict)
    special: str = r"(?!)"
    """Rules that depend on the month."""


_MINUTES = Field("minutes", 0, 59, "0, 0/15 or 5,35")
_HOURS = Field("hours", 0, 23, "3, 8-18 or 0/4")
_DAYS = Field("day-of-month", 1, 31, "1, 1-7, L, 15W or ?", {}, r"L|LW|\d{1,2}W|L-\d{1,2}")
_MONTH = Field("month", 1, 12, "*, 1/3 or JAN,JUL", _MONTHS)
_WEEKDAY = Field("day-of-week", 1, 7, "SUN, MON-FRI, 6L, 2#1 or ?", _WEEKDAYS, r"L|[1-7]L|[1-7]#[1-5]")
_YEARS = Field("year", 1970, 2199, "* or 2027")
_COUNT = 6


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of the expression and where it stands."""

    text: str
    position: int
    source: str

    def error(self, why: str, remedy: str) -> ScheduleError:
        return ScheduleError.at(self.source, self.position, why, remedy)


def parse_cron(text: str, timezone: str = "UTC") -> Cron:
    """Read the six fields, with or without `cron(…)` around them; raises ScheduleError."""
    _check_timezone(timezone)
    minutes, hours, days, months, weekdays, years = _split(text)
    _check_days(days, weekdays)
    return Cron(
        text=text,
        minutes=_numbers(_MINUTES, minutes),
        hours=_numbers(_HOURS, hours),
        days=() if days.text == "?" else _rules(_DAYS, days),
        months=_numbers(_MONTH, months),
        weekdays=() if weekdays.text == "?" else _rules(_WEEKDAY, weekdays),
        years=_numbers(_YEARS, years),
        timezone=timezone,
    )


def _check_timezone(timezone: str) -> None:
    try:
        zone_of(timezone)
    except (KeyError, OSError, ValueError) as error:
        why = "it is not in the IANA time zone database"
        raise ScheduleError(f"time zone {timezone!r}", why, "Write it as in Europe/Berlin or UTC") from error


def _split(text: str) -> list[_Part]:
    begin = len("cron(") if text.startswith("cron(") else 0
    end = len(text)
    if begin:
        if not text.endswith(")"):
            raise ScheduleError.at(text, end, "the parenthesis is never closed", "Add )")
        end -= 1
    parts = [_Part(found[0], found.start(), text) for found in _WORD.finditer(text, begin, end)]
    if len(parts) != _COUNT:
        why = "a cron expression has six fields (minutes hours day-of-month month day-of-week year)"
        remedy = f"Write {_six_fields(parts)}" if len(parts) == 5 else "Write them as in 0 3 ? * SUN *"
        raise ScheduleError.at(text, begin, f"{why}, not {len(parts)}", remedy)
    return parts


def _six_fields(parts: list[_Part]) -> str:
    """What five fields, as Unix writes them, most likely mean; there, days of the week count from Sunday = 0."""
    minutes, hours, day, month, weekday = (part.text for part in parts)
    if weekday == "*":
        weekday = "?"
    elif day == "*":
        day = "?"
    if re.fullmatch(r"[0-7]([-,][0-7])*", weekday):
        names = list(_WEEKDAYS)
        weekday = re.sub(r"\d", lambda found: names[int(found[0]) % 7], weekday)
    return f"{minutes} {hours} {day} {month} {weekday} *"


def _check_days(days: _Part, weekdays: _Part) -> None:
    why = "one of the day-of-month and day-of-week fields, and only one, has to be ?"
    if days.text == weekdays.text == "?":
        raise days.error(why, "Write * for the day of the month")
    if "?" not in (days.text, weekdays.text):
        if days.text == "*":
            raise days.error(why, "Write ? for the day of the month")
        raise weekdays.error(why, "Write ? for the day of the week, or make two schedules")


def _pieces(part: _Part) -> list[_Part]:
    """What stands between the commas."""
    pieces = []
    position = part.position
    for text in part.text.split(","):
        pieces.append(_Part(text, position, part.source))
        position += len(text) + 1
    return pieces


def _numbers(rule: Field, part: _Part) -> frozenset[int]:
    return frozenset(number for piece in _pieces(part) for number in _span(rule, piece))


def _rules(rule: Field, part: _Part) -> tuple[str, ...]:
    rules: list[str] = []
    pieces = _pieces(part)
    for piece in pieces:
        spelled = _spelled(rule, piece.text)
        if not re.fullmatch(rule.special, spelled):
            rules += [str(number) for number in sorted(_span(rule, piece))]
            continue
        if "#" in spelled and len(pieces) > 1:
            raise piece.error("# allows a single day of the week", "Make a schedule for each")
        number = re.search(r"\d+", spelled)
        if number and not rule.low <= int(number[0]) <= rule.high:
            raise piece.error(_range_of(rule), f"Write it as in {rule.example}")
        rules.append(spelled)
    return tuple(dict.fromkeys(rules))


def _spelled(rule: Field, text: str) -> str:
    """Names as numbers."""
    return re.sub(r"[A-Z]{3}", lambda found: str(rule.words.get(found[0], found[0])), text.upper())


def _range_of(rule: Field) -> str:
    return f"the {rule.name} field is between {rule.low} and {rule.high}"


def _span(rule: Field, piece: _Part) -> set[int]:
    found = _SPAN.fullmatch(_spelled(rule, piece.text))
    if not found:
        raise piece.error(f"the {rule.name} field cannot be {piece.text!r}", f"Write it as in {rule.example}")
    every, first, last, step = found.groups()
    if step and rule is _WEEKDAY:
        raise piece.error("the day-of-week field knows no /", "Name the days, as in MON,WED,FRI")
    start = rule.low if every else int(first)
    # A step without a range counts to the end: 5/15 is 5-59/15.
    end = rule.high if every or (step and last is None) else int(last or first)
    if not (rule.low <= start <= rule.high and rule.low <= end <= rule.high):
        raise piece.error(_range_of(rule), f"Write it as in {rule.example}")
    if step is not None and int(step) == 0:
        raise piece.error("a step is at least 1", f"Write it as in {rule.example}")
    span = range(start, end + 1) if start <= end else [*range(start, rule.high + 1), *range(rule.low, end + 1)]
    return set(span[:: int(step or 1)])
