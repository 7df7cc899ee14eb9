"""What Data Lifecycle Manager does by itself: when it starts, what it makes, what it deletes, and when.

Pure: a policy is read from the form that the API and CloudFormation share, moments come in, snapshots are plain
values. One truth for forecasts and for the sandbox. It knows no volume's content, and nothing of images.
https://docs.aws.amazon.com/ebs/latest/userguide/dlm-elements.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import merge
from itertools import groupby, takewhile
from typing import Any

from baseops.semantics.schedules import Schedule as Times
from baseops.semantics.schedules import dlm_interval, parse_cron

START_WITHIN = timedelta(hours=1)
"""DLM starts within the hour after the time. https://docs.aws.amazon.com/dlm/latest/APIReference/API_CreateRule.html"""

RETRIED_FOR = timedelta(hours=1)
"""A snapshot that fails is tried again for so long, a copy for a day (COPY_RETRIED_FOR).

https://docs.aws.amazon.com/ebs/latest/userguide/monitor-dlm-cw-metrics.html
"""

COPY_RETRIED_FOR = timedelta(days=1)
COPIES_AT_ONCE = 20
"""Concurrent copies to a destination region. https://docs.aws.amazon.com/ebs/latest/userguide/ebs-copy-snapshot.html"""

_DAYS = {"DAYS": 1, "WEEKS": 7, "MONTHS": 30, "YEARS": 365}

# Any: a policy as the API gives it, whose values are of as many kinds as JSON has.
Written = Mapping[str, Any]


@dataclass(frozen=True)
class Keep:
    """How long something stays: the newest `count` of each volume, or each for `age`; exactly one of the two."""

    count: int | None = None
    age: timedelta | None = None


@dataclass(frozen=True)
class CopyRule:
    """A copy of each snapshot in another region; without `age` it stays until somebody deletes it."""

    region: str
    age: timedelta | None = None
    copy_tags: bool = False
    key: str | None = None
    encrypted: bool = False


@dataclass(frozen=True)
class Schedule:
    """One schedule of a policy. `archive` says how long a snapshot stays in the archive after `keep` is over."""

    name: str
    times: Times
    keep: Keep
    archive: Keep | None = None
    copies: tuple[CopyRule, ...] = ()


@dataclass(frozen=True)
class Snapshot:
    """A snapshot of one volume as retention sees it: when it was started, and by which schedules."""

    id: str
    started: datetime
    schedules: frozenset[str]


@dataclass(frozen=True)
class Run:
    """A moment at which one or more schedules fire; together they make one snapshot of each volume."""

    at: datetime
    schedules: tuple[Schedule, ...]

    @property
    def copies(self) -> tuple[CopyRule, ...]:
        """One copy to each region that any schedule names, kept for the longest time that any says."""
        found: dict[str, CopyRule] = {}
        for rule in (rule for schedule in self.schedules for rule in schedule.copies):
            former = found.get(rule.region)
            if former is None or _longer(rule.age, former.age):
                found[rule.region] = rule
        return tuple(found[region] for region in sorted(found))

    @property
    def age(self) -> timedelta | None:
        """How long the snapshot is kept at most, where the schedules retain by age."""
        ages = [schedule.keep.age for schedule in self.schedules if schedule.keep.age is not None]
        return max(ages, default=None)


def _longer(one: timedelta | None, other: timedelta | None) -> bool:
    return other is not None and (one is None or one > other)


def read_schedules(details: Written) -> tuple[Schedule, ...]:
    """The schedules of a policy's `PolicyDetails`."""
    return tuple(_read_schedule(each) for each in details.get("Schedules", ()))


def _read_schedule(written: Written) -> Schedule:
    archive = written.get("ArchiveRule")
    return Schedule(
        name=written["Name"],
        times=_read_times(written["CreateRule"]),
        keep=_read_keep(written["RetainRule"]),
        archive=_read_keep(archive["RetainRule"]["RetentionArchiveTier"]) if archive else None,
        copies=tuple(_read_copy(rule) for rule in written.get("CrossRegionCopyRules") or ()),
    )


def _read_times(rule: Written) -> Times:
    if "CronExpression" in rule:
        return parse_cron(rule["CronExpression"])
    return dlm_interval(int(rule["Interval"]), rule["Times"][0])


def _read_keep(rule: Written) -> Keep:
    return Keep(count=int(rule["Count"])) if "Count" in rule else Keep(age=length(rule))


def _read_copy(rule: Written) -> CopyRule:
    return CopyRule(
        region=rule.get("Target") or rule["TargetRegion"],
        age=length(rule["RetainRule"]) if rule.get("RetainRule") else None,
        copy_tags=bool(rule.get("CopyTags", False)),
        key=rule.get("CmkArn"),
        encrypted=bool(rule["Encrypted"]),
    )


def length(rule: Written) -> timedelta:
    """`Interval` and `IntervalUnit` as a length of time; a month has thirty days, a year 365."""
    return timedelta(days=int(rule["Interval"]) * _DAYS[rule["IntervalUnit"]])


def runs(schedules: Sequence[Schedule], after: datetime) -> Iterator[Run]:
    """The moments after `after` (aware) at which schedules fire, in order; those of the same moment together."""

    def moments(number: int, schedule: Schedule) -> Iterator[tuple[datetime, int]]:
        return ((at, number) for at in schedule.times.after(after))

    fired = merge(*(moments(number, schedule) for number, schedule in enumerate(schedules)))
    for at, group in groupby(fired, key=lambda each: each[0]):
        yield Run(at, tuple(schedules[number] for _, number in group))


def starts(policy_id: str, at: datetime) -> datetime:
    """When DLM really starts what fires at a moment: within the hour after, always the same for policy and moment."""
    digest = hashlib.sha256(f"{policy_id} {at.isoformat()}".encode()).digest()
    return at + timedelta(seconds=int.from_bytes(digest[:4], "big") % int(START_WITHIN.total_seconds()))


def outdated(
    snapshots: Iterable[Snapshot], schedules: Sequence[Schedule], now: datetime, *, source_exists: bool = True
) -> list[Snapshot]:
    """The snapshots of one volume whose time in the standard tier is over, oldest first.

    A snapshot of several schedules stays as long as any of them keeps it; one of a schedule that was renamed or
    removed is let go of and stays. When the volume is gone, those kept by count stay, and the last of all.
    """
    known = {schedule.name: schedule.keep for schedule in schedules}
    ordered = sorted(snapshots, key=lambda each: (each.started, each.id))
    kept_by_count = _newest(ordered, known)
    over = [
        each
        for each in ordered
        if each.schedules and each.schedules <= known.keys() and not _is_kept(each, known, kept_by_count, now)
    ]
    if source_exists:
        return over
    by_age = [each for each in over if all(known[name].age is not None for name in each.schedules)]
    return [each for each in by_age if each is not ordered[-1]]


def _newest(ordered: Sequence[Snapshot], known: Mapping[str, Keep]) -> set[tuple[str, str]]:
    """Which snapshot is among the newest of which schedule."""
    found = set()
    for name, keep in known.items():
        own = [each.id for each in ordered if name in each.schedules]
        found |= {(name, each) for each in own[max(0, len(own) - (keep.count or 0)) :]}
    return found


def _is_kept(
    snapshot: Snapshot, known: Mapping[str, Keep], kept_by_count: Collection[tuple[str, str]], now: datetime
) -> bool:
    for name in snapshot.schedules:
        age = known[name].age
        if (name, snapshot.id) in kept_by_count if age is None else now - snapshot.started < age:
            return True
    return False


@dataclass(frozen=True)
class Standing:
    """How many there are of one volume at a moment: snapshots, archived ones, and copies by region."""

    snapshots: int
    archived: int
    copies: Mapping[str, int]


def forecast(schedules: Sequence[Schedule], start: datetime, end: datetime) -> Standing:
    """What stands at `end` of a volume that exists since `start`, if every run succeeds at its time."""
    made: list[Snapshot] = []
    copied: list[str] = []
    for run in takewhile(lambda run: run.at <= end, runs(schedules, start)):
        made.append(Snapshot(run.at.isoformat(), run.at, frozenset(each.name for each in run.schedules)))
        copied += [rule.region for rule in run.copies if rule.age is None or run.at + rule.age > end]
    over = outdated(made, schedules, end)
    return Standing(
        snapshots=len(made) - len(over),
        archived=sum(_archived(schedule, made, over, end) for schedule in schedules),
        copies={region: copied.count(region) for region in sorted(set(copied))},
    )


def _archived(schedule: Schedule, made: Sequence[Snapshot], over: Sequence[Snapshot], now: datetime) -> int:
    """How many of a schedule's snapshots are in the archive: moved there, and not yet deleted."""
    if schedule.archive is None:
        return 0
    own = [each for each in made if schedule.name in each.schedules]
    moved = [each for each in own if each in over]
    if schedule.archive.count is not None:
        return min(len(moved), schedule.archive.count)
    age = schedule.archive.age or timedelta()
    return sum(now - _moved_at(each, own, schedule.keep) < age for each in moved)


def _moved_at(snapshot: Snapshot, own: Sequence[Snapshot], keep: Keep) -> datetime:
    """When its time in the standard tier was over: by age, or when so many newer ones had been made."""
    if keep.age is not None:
        return snapshot.started + keep.age
    return own[own.index(snapshot) + (keep.count or 0)].started
