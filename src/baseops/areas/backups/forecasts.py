"""A declared backup as DLM's schedules, and how many snapshots of a volume it comes to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from baseops.areas.backups.timing import spacing
from baseops.semantics.lifecycle import Age, Copy, Keep, SnapshotPolicy, SnapshotSchedule, copies_on, snapshots_on
from baseops.semantics.schedules import Cron, Interval, dlm_interval, parse_cron

if TYPE_CHECKING:
    from baseops.areas.backups.spec.plan import KeepArchived, Plan, Retain, Timing
    from baseops.areas.backups.spec.section import Entry

SAMPLE_START = datetime(2026, 1, 1, tzinfo=UTC)
LONGEST_SAMPLE = timedelta(days=5 * 366)


@dataclass(frozen=True)
class Standing:
    """What there is of one volume `after` a time: snapshots, archived ones, copies by region."""

    after: timedelta
    snapshots: int
    archived: int
    copies: Mapping[str, int]


def lifecycle(name: str, entry: Entry) -> SnapshotPolicy:
    """The schedules as DLM will keep them; copies in other accounts are theirs."""
    return SnapshotPolicy(tuple(_schedule(plan_name or name, plan) for plan_name, plan in entry.plans.items()))


def full(name: str, entry: Entry) -> Standing:
    """What there is when retention has reached its end (after five years at most).

    `ValueError` for a schedule that fires but once.
    """
    after = min(max(_kept_for(plan) for plan in entry.plans.values()) + timedelta(days=2), LONGEST_SAMPLE)
    policy, end = lifecycle(name, entry), SAMPLE_START + after
    snapshots = snapshots_on(policy, end, since=SAMPLE_START)
    copies = Counter(each.region for each in copies_on(policy, end, since=SAMPLE_START))
    archived = sum(each.tier == "archive" for each in snapshots)
    return Standing(after, len(snapshots) - archived, archived, dict(sorted(copies.items())))


def _schedule(name: str, plan: Plan) -> SnapshotSchedule:
    regional = [copy for copy in plan.copies if not copy.account]
    return SnapshotSchedule(
        name=name,
        when=_times(plan.schedule),
        keep=_keep(plan.retain),
        archive=_keep(plan.archive.retain) if plan.archive else None,
        copies=tuple(Copy(copy.region, _age(copy.retain), is_encrypted=True, takes_tags=True) for copy in regional),
    )


def _times(timing: Timing) -> Cron | Interval:
    if timing.cron is not None:
        return parse_cron(timing.cron)
    return dlm_interval((timing.interval or timedelta()) // timedelta(hours=1), timing.time or "")


def _keep(retain: Retain | KeepArchived) -> Keep:
    return Keep(count=retain.count, age=_age(retain.age) if retain.age else None)


def _age(age: timedelta) -> Age:
    return Age(age // timedelta(days=1))


def _kept_for(plan: Plan) -> timedelta:
    gap = spacing(plan.schedule)[1]
    kept: list[Retain | KeepArchived] = [plan.retain, *([plan.archive.retain] if plan.archive else [])]
    standing = sum((each.age or (each.count or 0) * gap for each in kept), timedelta())
    return max([standing, *(copy.retain for copy in plan.copies)]) + gap
