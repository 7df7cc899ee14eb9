"""When a secret is rotated: the declared schedule in Secrets Manager's words and within its limits.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from baseops.semantics.schedules import gaps, parse_cron

if TYPE_CHECKING:
    from baseops.areas.secrets.spec import Rotation

POSTGRES_SINGLE_USER = "postgres-single-user"
SHORTEST = timedelta(hours=4)
LONGEST = timedelta(days=1000)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


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
    minute, *_, year = cron.split()
    if minute != "0":
        return 'rotation starts on the hour: the first field, minutes, is 0, as in "0 3 ? * SUN *"'
    if year != "*":
        return 'the last field, years, is *, as in "0 3 ? * SUN *"'
    if gaps(parse_cron(cron))[0] < SHORTEST:
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
    starts = parse_cron(rotation.cron).times if rotation.cron else ()
    if any(start.hour + window // _HOUR > 24 for start in starts):
        return "the window ends after midnight UTC; write a shorter `window` or an earlier hour"
    return ""


def longest_interval(rotation: Rotation) -> timedelta | None:
    """The longest time between two rotations; None where the schedule says nothing."""
    if rotation.every is not None or rotation.cron is None:
        return rotation.every
    return gaps(parse_cron(rotation.cron))[1]
