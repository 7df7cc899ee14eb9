"""When a secret is rotated: the declared schedule in Secrets Manager's words and within its limits.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from baseops.areas.secrets.spec import Rotation

POSTGRES_SINGLE_USER = "postgres-single-user"
SHORTEST = timedelta(hours=4)
LONGEST = timedelta(days=1000)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_HOURS = re.compile(r"(?:\*|(?:1?\d|2[0-3])(?:-(?:1?\d|2[0-3]))?)(?:/(?:[1-9]|1\d|2[0-3]))?")


def schedule_expression(rotation: Rotation) -> str:
    """`rate(30 days)`, `rate(4 hours)` or the cron expression."""
    if rotation.every is None:
        return f"cron({rotation.cron})"
    if rotation.every % _DAY:
        return f"rate({rotation.every // _HOUR} hours)"
    days = rotation.every // _DAY
    return f"rate({days} {'day' if days == 1 else 'days'})"


def window_hours(rotation: Rotation) -> str | None:
    """The window as Secrets Manager writes it, such as `3h`."""
    return None if rotation.window is None else f"{rotation.window // _HOUR}h"


def schedule_problem(rotation: Rotation) -> str:
    """What is wrong with the schedule; '' when nothing is."""
    if (rotation.every is None) == (rotation.cron is None):
        return 'a rotation has either an interval or a cron expression; write `every: 30d` or `cron: "0 3 1 * ? *"`'
    if rotation.cron is not None:
        return cron_problem(rotation.cron)
    if rotation.every is not None and not SHORTEST <= rotation.every <= LONGEST:
        return "Secrets Manager rotates at most every 4 hours and at least every 1000 days; write `every:` 4h to 1000d"
    if rotation.every is not None and rotation.every % _HOUR:
        return "Secrets Manager counts in whole hours or days; write `every: 4h` or `every: 30d`"
    return ""


def cron_problem(cron: str) -> str:
    """What Secrets Manager refuses in a cron expression besides what EventBridge does; '' when nothing is."""
    minute, hours, day, _, weekday, year = cron.split(" ")
    if minute != "0":
        return 'rotation starts on the hour: the first field, minutes, is 0, as in "0 3 ? * SUN *"'
    if year != "*":
        return 'the last field, years, is *, as in "0 3 ? * SUN *"'
    if (day == "?") == (weekday == "?"):
        return 'one of day and weekday is ?, the other is not, as in "0 3 ? * SUN *"'
    if not all(_HOURS.fullmatch(part) for part in hours.split(",")):
        return 'the second field, hours, is a list of hours such as "3", "3,15" or "0/4"'
    if _shortest_gap(hours) < 4:
        return 'Secrets Manager rotates at most every 4 hours: write hours such as "3" or "0/4"'
    return ""


def window_problem(rotation: Rotation) -> str:
    """What is wrong with the window; '' when nothing is."""
    window, every = rotation.window, rotation.every
    if window is None:
        return ""
    if window % _HOUR or not _HOUR <= window <= _DAY:
        return "the window is 1 to 24 whole hours and ends on the same UTC day; write `window: 3h`"
    if every is not None and window > every:
        return "the window is longer than the interval, so two rotations would overlap; write a shorter `window`"
    hour = (rotation.cron or "").split(" ")[1:2]
    if hour and hour[0].isdigit() and int(hour[0]) + window // _HOUR > 24:
        return "the window ends after midnight UTC; write a shorter `window` or an earlier hour"
    return ""


def _shortest_gap(field: str) -> int:
    hours = sorted({hour for part in field.split(",") for hour in _hours(part)})
    gaps = [(later - earlier) % 24 or 24 for earlier, later in zip(hours, hours[1:] + hours[:1], strict=True)]
    return min(gaps, default=24)


def _hours(part: str) -> range:
    span, _, step = part.partition("/")
    first, _, last = span.partition("-")
    start = 0 if first == "*" else int(first or 0)
    end = int(last) if last else 23 if first == "*" or step else start
    return range(start, end + 1, int(step or 1) or 1)
