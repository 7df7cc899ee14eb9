"""What the snapshots that exist say of a declared retention: which are kept too long, too short, or are missing; pure.

DLM keeps a snapshot by the rule that held when it was made, so what is older than the policy's last change is held
to nothing. https://docs.aws.amazon.com/ebs/latest/userguide/view-modify-delete.html
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from baseops.areas.backups.copied import source_of
from baseops.areas.backups.sources import tags_of
from baseops.areas.backups.timeline import planned_end
from baseops.areas.backups.timing import START_WITHIN
from baseops.semantics.lifecycle import Firing, SnapshotPolicy, SnapshotSchedule, firings, snapshots_on

CLEANS_WITHIN = timedelta(hours=25)
"""A day and an hour: what reached its age is deleted in one of the policy's next runs."""
STARTS_LATE = START_WITHIN + timedelta(hours=2)
"""A start is tried again for a while before it counts as missing."""

# Any: what botocore answers.
Described = Mapping[str, Any]


@dataclass(frozen=True)
class Breach:
    """A snapshot, or a volume, with which the retention is not kept."""

    subject: str
    why: str


@dataclass(frozen=True)
class Standing:
    """What there is of one backup: its snapshots in the primary region, when they are looked at, and what limits it.

    `changed` is when the policy was last changed, `due_until` up to when a start must have made its snapshot.
    """

    policy: SnapshotPolicy
    snapshots: Sequence[Described]
    volume_ids: Collection[str]
    now: datetime
    changed: datetime
    due_until: datetime


def too_long(standing: Standing, locked: Collection[str] = ()) -> list[Breach]:
    """Snapshots that should be gone, and those that are planned to stay longer than declared."""
    found = [*_overstaying(standing), *_too_many(standing), *_misplanned(standing, too_late=True)]
    return [each for each in found if each.subject not in locked]


def too_short(standing: Standing) -> list[Breach]:
    """Snapshots that are planned to go before their time, and starts whose snapshots are gone, or never were."""
    return [*_misplanned(standing, too_late=False), *_holes(standing)]


def copies_too_long(copies: Sequence[Described], age: timedelta, now: datetime) -> list[Breach]:
    """Copies that should be gone."""
    return [
        Breach(
            each["SnapshotId"], f"{each['SnapshotId']} is {_days(now - each['StartTime'])} old, kept for {_days(age)}"
        )
        for each in copies
        if each["StartTime"] + age + CLEANS_WITHIN < now
    ]


def copies_missing(
    standing: Standing, copies: Sequence[Described], region: str, copied_until: datetime
) -> list[Breach]:
    """Snapshots begun up to a moment whose copies should still be there and are not."""
    copied = {source_of(each) for each in copies}
    starts = _starts(standing)
    found = []
    for each in _own(standing):
        start = _start_of(starts, each)
        copy = next((one for one in start.copies if one.region == region), None) if start else None
        begun = each["StartTime"]
        if copy is None or copy.age is None or not standing.changed < begun < copied_until:
            continue
        if copy.age.after(begun) > standing.now and each["SnapshotId"] not in copied:
            found.append(Breach(each["SnapshotId"], f"{region} has no copy of {each['SnapshotId']}, kept for a time"))
    return found


def _own(standing: Standing) -> Iterator[Described]:
    for each in standing.snapshots:
        if each["State"] == "completed" and each["VolumeId"] in standing.volume_ids:
            yield each


def _starts(standing: Standing) -> list[Firing]:
    first = min((each["StartTime"] for each in standing.snapshots), default=standing.now)
    return list(firings(standing.policy, first - STARTS_LATE, standing.now))


def _start_of(starts: Sequence[Firing], snapshot: Described) -> Firing | None:
    """The start that made a snapshot."""
    at = bisect_right(starts, snapshot["StartTime"], key=lambda each: each.at) - 1
    found = starts[at] if at >= 0 else None
    return found if found and snapshot["StartTime"] - found.at <= STARTS_LATE else None


def _schedule_of(standing: Standing, starts: Sequence[Firing], snapshot: Described) -> SnapshotSchedule | None:
    """Whose retention holds: of schedules that met, the one that keeps longest; None of a schedule that is no more."""
    named = standing.policy.schedule(tags_of(snapshot).get("aws:dlm:lifecycle-schedule-name", ""))
    start = _start_of(starts, snapshot)
    return start.owner if start and named in start.schedules else named


def _overstaying(standing: Standing) -> Iterator[Breach]:
    starts = _starts(standing)
    newest = _newest_by_volume(standing.snapshots)
    for each in standing.snapshots:
        identifier, planned = each["SnapshotId"], planned_end(each)
        schedule = _schedule_of(standing, starts, each)
        if schedule is None:
            yield Breach(identifier, f"{identifier} is of a schedule that is declared no longer: nobody deletes it")
            continue
        end = _end(schedule, each)
        if end is None or max(end, planned or end) + CLEANS_WITHIN >= standing.now:
            continue
        is_last = each["VolumeId"] not in standing.volume_ids and newest[each["VolumeId"]] == identifier
        if not is_last:
            yield Breach(identifier, f"{identifier} is {_days(standing.now - each['StartTime'])} old, and still there")


def _end(schedule: SnapshotSchedule, snapshot: Described) -> datetime | None:
    """When it leaves for good by age; None where the count decides."""
    if schedule.keep.age is None:
        return None
    end = schedule.keep.age.after(snapshot["StartTime"])
    if schedule.archive is None:
        return end
    return schedule.archive.age.after(end) if schedule.archive.age else None


def _too_many(standing: Standing) -> Iterator[Breach]:
    groups: dict[tuple[str, str], list[Described]] = {}
    starts = _starts(standing)
    for each in _own(standing):
        schedule = _schedule_of(standing, starts, each)
        if schedule is not None and schedule.keep.count is not None and each.get("StorageTier") != "archive":
            groups.setdefault((each["VolumeId"], schedule.name), []).append(each)
    for (volume, name), held in groups.items():
        count = getattr(standing.policy.schedule(name), "keep").count or 0  # noqa: B009  # it was found by this name
        if len(held) > count + 1:
            yield Breach(volume, f"{volume} has {len(held)} snapshots of the schedule {name}, which keeps {count}")


def _misplanned(standing: Standing, *, too_late: bool) -> Iterator[Breach]:
    """Whose planned end, which DLM writes into a tag, is not the declared one."""
    starts = _starts(standing)
    for each in standing.snapshots:
        planned, schedule = planned_end(each), _schedule_of(standing, starts, each)
        if planned is None or schedule is None or schedule.keep.age is None or each["StartTime"] <= standing.changed:
            continue
        difference = planned - schedule.keep.age.after(each["StartTime"])
        if (difference > STARTS_LATE) if too_late else (difference < -STARTS_LATE):
            kept, declared = planned - each["StartTime"], schedule.keep.age.after(each["StartTime"]) - each["StartTime"]
            identifier = each["SnapshotId"]
            yield Breach(identifier, f"{identifier} is to be kept for {_days(kept)}, declared are {_days(declared)}")


def _holes(standing: Standing) -> Iterator[Breach]:
    """Starts since the volume's oldest snapshot whose own snapshots should still be there."""
    held: dict[str, list[datetime]] = {}
    for each in _own(standing):
        held.setdefault(each["VolumeId"], []).append(each["StartTime"])
    oldest = min((min(times) for times in held.values()), default=standing.now)
    since = max(oldest, standing.changed)
    expected = [
        each.at
        for each in snapshots_on(standing.policy, standing.now, since=since)
        if each.at + STARTS_LATE < standing.due_until and each.tier == "standard"
    ]
    for volume, times in held.items():
        times.sort()
        missing = [at for at in expected if at > times[0] and not _is_made(times, at)]
        if missing:
            yield Breach(
                volume, f"{volume} lacks {len(missing)} snapshots, the first of {missing[0]:%Y-%m-%d %H:%M} UTC"
            )


def _is_made(times: Sequence[datetime], at: datetime) -> bool:
    place = bisect_right(times, at - timedelta(seconds=1))
    return place < len(times) and times[place] - at <= STARTS_LATE


def _newest_by_volume(snapshots: Sequence[Described]) -> dict[str, str]:
    ordered = sorted(snapshots, key=lambda each: each["StartTime"])
    return {each["VolumeId"]: each["SnapshotId"] for each in ordered}


def _days(length: timedelta) -> str:
    days = length / timedelta(days=1)
    return f"{days:.0f} days" if abs(days - round(days)) < 0.05 else f"{days:.1f} days"
