"""The drill of retention: what exists is kept neither longer nor shorter than declared, copies in their regions too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from baseops.areas.backups.coverage import MOST_NAMED
from baseops.areas.backups.forecasts import lifecycle
from baseops.areas.backups.kept import Breach, Standing, copies_missing, copies_too_long, too_long, too_short
from baseops.areas.backups.live_policy import find_policy
from baseops.areas.backups.sources import selected_volumes, snapshots_of, tagged
from baseops.areas.backups.timeline import spans
from baseops.aws.describing import MOST_VALUES
from baseops.aws.errors import translated
from baseops.contract.drill import DrillContext, Evidence, Span, inconclusive, proven, refuted

if TYPE_CHECKING:
    from baseops.areas.backups.spec.plan import Copy
    from baseops.areas.backups.spec.section import Entry

# Any: what botocore answers.
Described = Mapping[str, Any]


def prove_retention(entries: Mapping[str, Entry], ctx: DrillContext) -> Iterator[Evidence]:
    """By target; copies by region under it."""
    for name, entry in entries.items():
        policy = find_policy(name.partition(".")[2], ctx)
        if policy is None:
            yield inconclusive(name, "there is no policy of ours, so nothing says since when its rules hold")
            continue
        standing = _standing(name, entry, policy["DateModified"], ctx)
        yield _snapshots(name, standing, ctx)
        for copy in {each.region: each for each in entry.copies_here}.values():
            yield from _copies(name, entry, copy, standing, ctx)


def _standing(name: str, entry: Entry, changed: datetime, ctx: DrillContext) -> Standing:
    region, short, now = ctx.site.region, name.partition(".")[2], ctx.clock.now()
    volumes = selected_volumes(ctx.clients, region, entry)
    return Standing(
        policy=lifecycle(short, entry),
        snapshots=snapshots_of(ctx.clients, region, tagged(ctx.site.name, short)),
        volume_ids={each["VolumeId"] for each in volumes},
        now=now,
        changed=changed,
        due_until=now - (entry.promise.rpo or timedelta()),
    )


def _snapshots(name: str, standing: Standing, ctx: DrillContext) -> Evidence:
    ctx.steps.add(
        f"{name} has {len(standing.snapshots)} snapshots; its policy was last changed {standing.changed:%Y-%m-%d}"
    )
    long = too_long(standing)
    if long:
        long = too_long(standing, _locked([each.subject for each in long], ctx))
    lanes = {each: each for each in sorted(standing.volume_ids)}
    drawn = spans(standing.snapshots, standing.now, lanes)
    since = sum(each["StartTime"] > standing.changed for each in standing.snapshots)
    if not since and not long:
        return inconclusive(name, "no snapshot was made since the policy was last changed", spans=drawn)
    short = too_short(standing)
    found = _said(name, [*long, *short], len(standing.snapshots), drawn)
    return replace(found, reason=found.reason + _recycled(standing, ctx)) if short else found


def _copies(name: str, entry: Entry, copy: Copy, standing: Standing, ctx: DrillContext) -> Iterator[Evidence]:
    target = f"{name}/{copy.region}"
    copies = snapshots_of(ctx.clients, copy.region, tagged(ctx.site.name, name.partition(".")[2]))
    kept = max(each.retain for each in entry.copies_here if each.region == copy.region)
    until = standing.now - (entry.promise.copy_rpo or entry.promise.rpo or timedelta(days=1))
    breaches = [*copies_too_long(copies, kept, standing.now), *copies_missing(standing, copies, copy.region, until)]
    if not copies and not breaches:
        yield inconclusive(target, f"{copy.region} has no copies yet")
        return
    drawn = [
        Span(f"copies in {copy.region}", str(each["State"]), each["StartTime"], each["StartTime"] + kept)
        for each in copies[:MOST_NAMED]
    ]
    yield _said(target, breaches, len(copies), drawn)


def _said(target: str, breaches: Sequence[Breach], count: int, drawn: Sequence[Span]) -> Evidence:
    measures = {"snapshots": count, "breaches": len(breaches)}
    if not breaches:
        return proven(target, f"{count} snapshots are kept as declared", measures=measures, spans=drawn)
    shown = "; ".join(each.why for each in breaches[:5])
    more = f"; and {len(breaches) - 5} more" if len(breaches) > 5 else ""
    return refuted(target, shown + more, measures=measures, spans=drawn)


def _recycled(standing: Standing, ctx: DrillContext) -> str:
    """How many deleted ones can still be brought back. AWS call: ec2:ListSnapshotsInRecycleBin."""
    with translated("cannot see what is in the Recycle Bin"):
        pages = ctx.clients.client("ec2", ctx.site.region).get_paginator("list_snapshots_in_recycle_bin").paginate()
        held = [each for page in pages for each in page["Snapshots"] if each["VolumeId"] in standing.volume_ids]
    return f"; {len(held)} deleted ones are still in the Recycle Bin" if held else ""


def _locked(identifiers: Sequence[str], ctx: DrillContext) -> set[str]:
    """Those that a lock keeps DLM from deleting. AWS call: ec2:DescribeLockedSnapshots."""
    snapshots = [each for each in identifiers if each.startswith("snap-")][:MOST_VALUES]
    if not snapshots:
        return set()
    ec2 = ctx.clients.client("ec2", ctx.site.region)
    with translated("cannot see which snapshots are locked"):
        found = ec2.describe_locked_snapshots(SnapshotIds=snapshots)["Snapshots"]
    return {each["SnapshotId"] for each in found if each["LockState"] != "expired"}
