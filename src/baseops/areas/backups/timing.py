"""How far apart a backup's snapshots may be: the schedules' gaps, and the hour within which DLM starts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

from baseops.semantics.schedules import gaps, parse_cron

if TYPE_CHECKING:
    from baseops.areas.backups.spec.plan import Plan, Timing

START_WITHIN = timedelta(hours=1)
"""DLM starts within the hour after the time. https://docs.aws.amazon.com/dlm/latest/APIReference/API_CreateRule.html"""

YEAR = timedelta(days=366)


def spacing(timing: Timing) -> tuple[timedelta, timedelta]:
    """The shortest and the longest time between two starts; `ValueError` for a cron that fires but once."""
    if timing.interval is not None:
        return timing.interval, timing.interval
    return gaps(parse_cron(timing.cron or ""))


def longest_gap(plans: Iterable[Plan]) -> timedelta | None:
    """The longest time without a start of any of the schedules: that of the most frequent one.

    An upper bound: schedules that complete one another may come closer. None for schedules without a period.
    """
    found = []
    for plan in plans:
        try:
            found.append(spacing(plan.schedule)[1])
        except ValueError:
            continue
    return min(found, default=None)


def least_rpo(plans: Iterable[Plan]) -> timedelta | None:
    """The shortest `rpo` that the schedules can keep: the gap and the hour to start in, not the snapshot's making."""
    gap = longest_gap(plans)
    return None if gap is None else gap + START_WITHIN
