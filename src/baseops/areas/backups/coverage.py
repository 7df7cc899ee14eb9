"""The drill of coverage: every selected volume has a completed snapshot, or recovery point, that is young enough.

What AWS Backup makes of a volume is mostly a snapshot of this account too, and counts by itself; where a volume seems
late, AWS Backup is asked for points that EC2 does not show.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from baseops.areas.backups.recovery_points import recovery_points
from baseops.areas.backups.sources import recent_snapshots, selected_volumes, snapshots_of_volumes
from baseops.areas.backups.timeline import MOST_LANES, duration, spans
from baseops.areas.backups.timing import least_rpo
from baseops.areas.backups.wording import spoken
from baseops.contract.drill import DrillContext, Evidence, inconclusive, proven, refuted

if TYPE_CHECKING:
    from baseops.areas.backups.spec.section import Entry

Described = Mapping[str, Any]
"""What botocore answers. Any: its values are of many types."""

MOST_NAMED = 50
"""Late volumes that get a record of their own; the others are counted."""


@dataclass(frozen=True)
class Cover:
    """The newest completed snapshot of a volume, and how old its content is; None where there is none.

    `pending` is a snapshot that is still being made, `was_due` whether the volume is old enough to need one.
    """

    volume_id: str
    snapshot_id: str | None
    age: timedelta | None
    was_due: bool
    pending: str | None = None

    def is_within(self, rpo: timedelta) -> bool:
        """Whether the promise holds for it."""
        return self.age is not None and self.age <= rpo

    def is_late(self, rpo: timedelta) -> bool:
        """Whether the promise is broken."""
        return not self.is_within(rpo) and (self.was_due or self.age is not None)


def covers(
    volumes: Sequence[Described], snapshots: Sequence[Described], now: datetime, grace: timedelta
) -> list[Cover]:
    """One for each volume. A snapshot is as old as its start: that is the moment of its content."""
    newest: dict[str, Described] = {}
    pending: dict[str, str] = {}
    for each in sorted(snapshots, key=lambda one: one["StartTime"]):
        if each["State"] == "completed":
            newest[each["VolumeId"]] = each
        elif each["State"] == "pending":
            pending[each["VolumeId"]] = each["SnapshotId"]
    return [
        _cover(volume, newest.get(volume["VolumeId"]), pending.get(volume["VolumeId"]), now, grace)
        for volume in volumes
    ]


def grace(entry: Entry, snapshots: Sequence[Described]) -> timedelta:
    """How old a volume is when it must have a snapshot: as declared; else the `rpo`, or what DLM needs at most.

    That is a gap between two starts, the hour within which DLM starts, and as long as the slowest snapshot took.
    """
    if entry.promise.new_volume_grace is not None:
        return entry.promise.new_volume_grace
    slowest = max((took for each in snapshots if (took := duration(each))), default=timedelta())
    needed = (least_rpo(entry.plans.values()) or timedelta()) + slowest
    return max(entry.promise.rpo or timedelta(), needed)


def prove_coverage(entries: Mapping[str, Entry], ctx: DrillContext) -> Iterator[Evidence]:
    """By target."""
    for name, entry in entries.items():
        if entry.promise.rpo is not None:
            yield from _proved(name, entry, entry.promise.rpo, ctx)


def _proved(name: str, entry: Entry, rpo: timedelta, ctx: DrillContext) -> Iterator[Evidence]:
    region, now = ctx.site.region, ctx.clock.now()
    volumes = selected_volumes(ctx.clients, region, entry)
    ctx.steps.add(f"{name} selects {len(volumes)} volumes")
    if not volumes:
        yield inconclusive(name, "it selects no volume; nothing shows that it would make a snapshot")
        return
    ids = [each["VolumeId"] for each in volumes]
    snapshots = recent_snapshots(ctx.clients, region, now - rpo, now, ids)
    found = covers(volumes, snapshots, now, grace(entry, snapshots))
    late = [each for each in found if each.is_late(rpo)]
    if late:
        late = _older(_elsewhere(late, rpo, now, ctx), rpo, ctx)
        found = [each for each in found if not each.is_late(rpo)] + late
        late = [each for each in late if each.is_late(rpo)]
    yield from _said(name, found, late, rpo, _drawn(ids, now, ctx))


def _said(
    name: str, found: list[Cover], late: list[Cover], rpo: timedelta, drawn: dict[str, Any]
) -> Iterator[Evidence]:
    due = [each for each in found if each.age is not None or each.was_due]
    measures = {"volumes": len(found), "volumes_new": len(found) - len(due), "volumes_late": len(late)}
    for each in late[:MOST_NAMED]:
        yield refuted(f"{name}/{each.volume_id}", _lateness(each), measures=measures, **drawn)
        drawn = {}
    if late:
        if len(late) > MOST_NAMED:
            yield refuted(name, f"{len(late) - MOST_NAMED} more volumes have no snapshot within {spoken(rpo)}")
        return
    if not due:
        yield inconclusive(name, f"{len(found)} volumes are selected and none is old enough to need a snapshot")
        return
    ages = [each.age.total_seconds() for each in due if each.age is not None]
    new = f"; {len(found) - len(due)} are new" if len(found) > len(due) else ""
    yield proven(
        name,
        f"{len(due)} volumes have a snapshot within {spoken(rpo)}{new}",
        measures={**measures, "oldest_age_seconds": max(ages)},
        **drawn,
    )


def _drawn(volume_ids: list[str], now: datetime, ctx: DrillContext) -> dict[str, Any]:
    """The timeline of a few volumes."""
    lanes = {each: each for each in volume_ids[:MOST_LANES]}
    return {"spans": spans(snapshots_of_volumes(ctx.clients, ctx.site.region, list(lanes)), now, lanes)}


def _elsewhere(late: list[Cover], rpo: timedelta, now: datetime, ctx: DrillContext) -> list[Cover]:
    """What AWS Backup has of the late ones."""
    ctx.steps.add(f"{len(late)} have no snapshot in time; ask AWS Backup for recovery points")
    points = recovery_points(ctx, {each.volume_id for each in late}, now - rpo)
    found = []
    for each in late:
        point = points.get(each.volume_id)
        found.append(replace(each, snapshot_id=point[0], age=now - point[1]) if point else each)
    return found


def _older(covers: list[Cover], rpo: timedelta, ctx: DrillContext) -> list[Cover]:
    """With the newest snapshot that there is, however old; of as many as are named."""
    asked = [each.volume_id for each in covers if each.is_late(rpo) and each.age is None][:MOST_NAMED]
    now = ctx.clock.now()
    newest: dict[str, Described] = {}
    for each in snapshots_of_volumes(ctx.clients, ctx.site.region, asked):
        known = newest.get(each["VolumeId"])
        if each["State"] == "completed" and (known is None or known["StartTime"] < each["StartTime"]):
            newest[each["VolumeId"]] = each
    return [_with(each, newest.get(each.volume_id), now) for each in covers]


def _with(cover: Cover, snapshot: Described | None, now: datetime) -> Cover:
    if snapshot is None or cover.age is not None:
        return cover
    return replace(cover, snapshot_id=snapshot["SnapshotId"], age=now - snapshot["StartTime"])


def _lateness(cover: Cover) -> str:
    pending = f"; {cover.pending} is still being made" if cover.pending else ""
    if cover.age is None:
        return f"{cover.volume_id} has no completed snapshot{pending}"
    hours = cover.age.total_seconds() / 3600
    return f"the newest completed snapshot of {cover.volume_id} is {cover.snapshot_id}, {hours:.1f} h old{pending}"


def _cover(
    volume: Described, snapshot: Described | None, pending: str | None, now: datetime, grace: timedelta
) -> Cover:
    return Cover(
        volume_id=str(volume["VolumeId"]),
        snapshot_id=str(snapshot["SnapshotId"]) if snapshot else None,
        age=now - snapshot["StartTime"] if snapshot else None,
        was_due=now - volume["CreateTime"] >= grace,
        pending=pending,
    )
