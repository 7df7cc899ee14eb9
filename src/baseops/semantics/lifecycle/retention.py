"""What a snapshot policy deletes or archives now, of the snapshots that it made.

Retention is by volume and schedule. https://docs.aws.amazon.com/ebs/latest/userguide/dlm-elements.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from baseops.semantics.lifecycle.snapshot_policy import Keep, SnapshotPolicy, SnapshotSchedule

Action: TypeAlias = Literal["archive", "delete"]


@dataclass(frozen=True, slots=True)
class Made:
    """A snapshot that a policy made. `schedule` is the name in its tag; `expires` is the time in its tag, if any."""

    id: str
    volume: str
    schedule: str
    at: datetime
    expires: datetime | None = None
    archived: datetime | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be done with a snapshot."""

    snapshot: Made
    action: Action


def due(
    policy: SnapshotPolicy, made: Iterable[Made], now: datetime, *, deleted_volumes: Collection[str] = ()
) -> list[Due]:
    """What the policy does at `now`, oldest first.

    Snapshots of a schedule that was renamed or removed are not managed any more. Of a volume that was deleted, what is
    kept by count stays, and the last snapshot stays in any case.
    https://docs.aws.amazon.com/ebs/latest/userguide/dlm-elements.html#dlm-retention
    """
    found = []
    for (volume, name), snapshots in _grouped(made).items():
        schedule = policy.schedule(name)
        if schedule is None:
            continue
        actions = list(_actions(schedule, snapshots, now))
        if volume in deleted_volumes:
            actions = _without_last(schedule.keep, actions, snapshots)
        found += actions
    return sorted(found, key=lambda each: each.snapshot.at)


def _grouped(made: Iterable[Made]) -> dict[tuple[str, str], list[Made]]:
    """The snapshots of each volume and schedule, newest first."""
    groups: dict[tuple[str, str], list[Made]] = {}
    for snapshot in sorted(made, key=lambda each: each.at, reverse=True):
        groups.setdefault((snapshot.volume, snapshot.schedule), []).append(snapshot)
    return groups


def _without_last(keep: Keep, actions: list[Due], snapshots: list[Made]) -> list[Due]:
    if keep.count is not None:
        return []
    return [each for each in actions if each.snapshot is not snapshots[0]]


def _actions(schedule: SnapshotSchedule, newest_first: list[Made], now: datetime) -> Iterator[Due]:
    standard = [snapshot for snapshot in newest_first if snapshot.archived is None]
    for snapshot in _leaving(schedule.keep, standard, now):
        yield Due(snapshot, "delete" if schedule.archive is None else "archive")
    if schedule.archive is None:
        return
    archived = [snapshot for snapshot in newest_first if snapshot.archived is not None]
    for snapshot in _leaving_archive(schedule.archive, archived, now):
        yield Due(snapshot, "delete")


def _leaving(keep: Keep, newest_first: list[Made], now: datetime) -> list[Made]:
    if keep.count is not None:
        return newest_first[keep.count :]
    return [each for each in newest_first if (expires := _expires(keep, each)) is not None and expires <= now]


def _expires(keep: Keep, snapshot: Made) -> datetime | None:
    """By its own tag, since a changed age holds for new snapshots only."""
    if snapshot.expires is not None or keep.age is None:
        return snapshot.expires
    return keep.age.after(snapshot.at)


def _leaving_archive(keep: Keep, newest_first: list[Made], now: datetime) -> list[Made]:
    if keep.count is not None:
        return newest_first[keep.count :]
    age = keep.age
    return [each for each in newest_first if age and each.archived and age.after(each.archived) <= now]
