"""When a snapshot policy makes snapshots, and what the schedules that meet in one snapshot agree on.

Schedules that start at the same time make one snapshot, with the longest retention, the tags of all, and copies and
fast restore wherever one of them wants it.
https://docs.aws.amazon.com/ebs/latest/userguide/dlm-elements.html#dlm-lifecycle-schedule
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import groupby

from baseops.semantics.lifecycle.snapshot_policy import Copy, Share, SnapshotPolicy, SnapshotSchedule
from baseops.semantics.schedules import Schedule, shortest_gap

_ONCE = timedelta(days=36_500)


@dataclass(frozen=True, slots=True)
class Firing:
    """One start of a policy; each volume gets one snapshot. DLM begins within the hour after `at`."""

    at: datetime
    schedules: tuple[SnapshotSchedule, ...]

    @property
    def owner(self) -> SnapshotSchedule:
        """The schedule whose retention holds: the one that keeps longest."""
        return max(self.schedules, key=lambda schedule: _kept_for(schedule, self.at))

    @property
    def tags(self) -> dict[str, str]:
        """The tags that the schedules add."""
        return dict(pair for schedule in self.schedules for pair in schedule.tags)

    @property
    def takes_source_tags(self) -> bool:
        """Whether the volume's own tags are copied to the snapshot."""
        return any(schedule.takes_source_tags for schedule in self.schedules)

    @property
    def copies(self) -> tuple[Copy, ...]:
        """One copy for each region that a schedule names, kept as long as the longest says."""
        kept: dict[str, Copy] = {}
        for copy in (each for schedule in self.schedules for each in schedule.copies):
            known = kept.get(copy.region)
            if known is None or _copied_until(copy, self.at) > _copied_until(known, self.at):
                kept[copy.region] = copy
        return tuple(kept.values())

    @property
    def shares(self) -> tuple[Share, ...]:
        """The accounts that the schedules share with."""
        return tuple(dict.fromkeys(schedule.share for schedule in self.schedules if schedule.share))

    def expires(self, made: datetime) -> datetime | None:
        """When a snapshot made at `made` leaves the standard tier by age; None where the count decides."""
        age = self.owner.keep.age
        return None if age is None else age.after(made)


def firings(policy: SnapshotPolicy, start: datetime, end: datetime) -> Iterator[Firing]:
    """The starts from `start` on and before `end`, in order."""
    each = [_named(number, schedule.when.occurrences(start, end)) for number, schedule in enumerate(policy.schedules)]
    for at, met in groupby(heapq.merge(*each), key=lambda pair: pair[0]):
        yield Firing(at, tuple(policy.schedules[number] for _, number in met))


def next_firing(policy: SnapshotPolicy, after: datetime) -> Firing | None:
    """The first start after a moment."""
    moments = [(schedule.when.next_after(after), schedule) for schedule in policy.schedules]
    first = min((at for at, _ in moments if at is not None), default=None)
    return None if first is None else Firing(first, tuple(schedule for at, schedule in moments if at == first))


def tags_of(policy_id: str, firing: Firing, made: datetime) -> dict[str, str]:
    """The tags that DLM puts on a snapshot, its own among them.

    https://docs.aws.amazon.com/ebs/latest/userguide/dlm-elements.html#dlm-tagging-snapshots
    """
    tags = {
        **firing.tags,
        "aws:dlm:lifecycle-policy-id": policy_id,
        "aws:dlm:lifecycle-schedule-name": firing.owner.name,
        "dlm:managed": "true",
    }
    expires = firing.expires(made)
    if expires is not None:
        tags["aws:dlm:expirationTime"] = expires.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return tags


def _named(number: int, moments: Iterator[datetime]) -> Iterator[tuple[datetime, int]]:
    return ((at, number) for at in moments)


def _kept_for(schedule: SnapshotSchedule, at: datetime) -> timedelta:
    """How long a snapshot stays; by count, as long as it takes to make so many more."""
    total = timedelta(0)
    for keep in (schedule.keep, schedule.archive):
        if keep is not None and keep.age is not None:
            total += keep.age.after(at) - at
        elif keep is not None and keep.count is not None:
            total += keep.count * _gap(schedule.when)
    return total


@lru_cache(maxsize=256)
def _gap(when: Schedule) -> timedelta:
    return shortest_gap(when) or _ONCE


def _copied_until(copy: Copy, at: datetime) -> datetime:
    return datetime.max.replace(tzinfo=UTC) if copy.age is None else copy.age.after(at)
