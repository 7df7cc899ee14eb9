"""The drills of backups. What is observed here reads descriptions alone; no block of a snapshot is touched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from baseops.areas.backups.coverage import Cover, Described, covers
from baseops.areas.backups.sources import snapshots_of_volumes, target_volumes
from baseops.areas.backups.wording import spoken
from baseops.contract.drill import Drill, DrillContext, Evidence, inconclusive, proven, refuted
from baseops.contract.refs import Refs

if TYPE_CHECKING:
    from baseops.areas.backups.spec.section import Entry, Section, Target


def drills(section: Section, refs: Refs) -> Sequence[Drill]:  # noqa: ARG001  # the protocol's signature
    """The drills of the declared entries."""
    covered = {
        f"backups.{name}": entry for name, entry in section.entries.items() if entry.target and entry.promise.rpo
    }
    if not covered:
        return []
    return [
        Drill(
            name="backups/coverage",
            promise="the newest completed snapshot of every selected volume is as young as promised",
            targets=tuple(covered),
            run=partial(_coverage, covered),
        )
    ]


def _coverage(entries: dict[str, Entry], ctx: DrillContext) -> Iterator[Evidence]:
    for name, entry in entries.items():
        if entry.target is not None:
            yield from _covered(name, entry, entry.target, ctx)


def _covered(name: str, entry: Entry, target: Target, ctx: DrillContext) -> Iterator[Evidence]:
    rpo, grace = entry.promise.rpo, entry.grace
    if rpo is None or grace is None:
        return
    region = ctx.site.region
    volumes = [each for each in target_volumes(ctx.clients, region, target) if not _is_excluded(each, entry, target)]
    ctx.steps.add(f"{name} selects {len(volumes)} volumes")
    snapshots = snapshots_of_volumes(ctx.clients, region, [each["VolumeId"] for each in volumes])
    found = covers(volumes, snapshots, ctx.clock.now(), grace)
    due = [each for each in found if each.age is not None or not each.is_new]
    late = [each for each in due if not each.is_within(rpo) and not (each.is_new and each.age is None)]
    for each in late:
        yield refuted(f"{name}/{each.volume_id}", _lateness(each))
    if late:
        return
    if not due:
        yield inconclusive(name, f"{len(found)} volumes are selected and none is old enough to need a snapshot")
        return
    ages = [each.age.total_seconds() for each in due if each.age is not None]
    new = len(found) - len(due)
    yield proven(
        name,
        f"{len(due)} volumes have a snapshot within {spoken(rpo)}" + (f"; {new} are new" if new else ""),
        measures={"volumes": len(found), "volumes_new": new, "oldest_age_seconds": max(ages)},
    )


def _lateness(cover: Cover) -> str:
    if cover.age is None:
        return f"{cover.volume_id} has no completed snapshot"
    hours = cover.age.total_seconds() / 3600
    return f"the newest completed snapshot of {cover.volume_id} is {cover.snapshot_id}, {hours:.1f} h old"


def _is_excluded(volume: Described, entry: Entry, target: Target) -> bool:
    """Whether an instance backup leaves the volume out."""
    if target.resource == "volume":
        return False
    tags = {each["Key"]: each["Value"] for each in volume.get("Tags", [])}
    if any(tags.get(key) == value for key, value in entry.exclude.data_volume_tags.items()):
        return True
    devices = [each["Device"] for each in volume.get("Attachments", [])]
    return entry.exclude.boot_volume and any(device in ("/dev/xvda", "/dev/sda1") for device in devices)
