"""How far apart an image's builds are, and how long one takes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from baseops.semantics.schedules import ScheduleError, gaps, parse_cron

if TYPE_CHECKING:
    from baseops.areas.images.spec import Entry, Schedule

BUILD_TIME = timedelta(minutes=60)
"""What a build takes before its tests, distribution to further regions included: a cautious guess."""


def longest_gap(schedule: Schedule) -> timedelta | None:
    """The longest time between two builds; None for a schedule that fires once at most."""
    return _gaps(schedule)[1]


def shortest_gap(schedule: Schedule) -> timedelta | None:
    """The shortest one."""
    return _gaps(schedule)[0]


def oldest(entry: Entry) -> timedelta | None:
    """How old the newest image is at worst, when every build succeeds."""
    gap = longest_gap(entry.schedule) if entry.schedule else None
    return gap + duration(entry) if gap else None


def duration(entry: Entry) -> timedelta:
    """How long a build is given, its tests included."""
    return BUILD_TIME + (entry.tests.timeout if entry.tests.enabled else timedelta())


def _gaps(schedule: Schedule) -> tuple[timedelta, timedelta] | tuple[None, None]:
    try:
        return gaps(parse_cron(schedule.cron, schedule.timezone))
    except (ScheduleError, ValueError):
        return None, None
