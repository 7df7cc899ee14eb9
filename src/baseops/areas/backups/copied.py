"""The drill of copies: every selected volume has a copy in each region that is young enough, under that region's key.

A copy has an arbitrary volume id and no parent. It is known by the declared tags, which copy rules take along, and by
the snapshot that its description names. It is as old as that snapshot: that is the moment of its content.
https://docs.aws.amazon.com/ebs/latest/userguide/ebs-copy-snapshot.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from baseops.areas.backups.coverage import MOST_NAMED, grace
from baseops.areas.backups.policies import description
from baseops.areas.backups.sources import policies, recent_snapshots, selected_volumes, snapshots_of, tagged
from baseops.areas.backups.wording import spoken
from baseops.contract.drill import DrillContext, Evidence, inconclusive, proven, refuted

if TYPE_CHECKING:
    from baseops.areas.backups.spec.section import Entry

_SNAPSHOT = re.compile(r"snap-[0-9a-f]{8,17}")

# Any: what botocore answers.
Described = Mapping[str, Any]


@dataclass(frozen=True)
class Copied:
    """The newest completed copy of a volume's snapshots: its id, its source, the age of its content."""

    copy: Described
    source_id: str
    age: timedelta


def source_of(copy: Described) -> str:
    """The snapshot that a copy's description names; empty where it names none."""
    found = _SNAPSHOT.search(copy.get("Description") or "")
    return found[0] if found else ""


def regions_of(entry: Entry) -> tuple[str, ...]:
    """Where copies are promised."""
    if entry.promise.copy_rpo is None:
        return ()
    return tuple(dict.fromkeys((*(copy.region for copy in entry.copies_here), *entry.promise.copy_regions)))


def newest_copies(sources: Sequence[Described], copies: Sequence[Described], now: datetime) -> dict[str, Copied]:
    """By volume: the newest completed copy whose source is among the snapshots."""
    known = {each["SnapshotId"]: each for each in sources}
    found: dict[str, Copied] = {}
    for copy in copies:
        source = known.get(source_of(copy))
        if source is None or copy["State"] != "completed":
            continue
        age = now - source["StartTime"]
        best = found.get(source["VolumeId"])
        if best is None or age < best.age:
            found[source["VolumeId"]] = Copied(copy, source["SnapshotId"], age)
    return found


def prove_copies(entries: Mapping[str, Entry], ctx: DrillContext) -> Iterator[Evidence]:
    """By target and region."""
    for name, entry in entries.items():
        for region in regions_of(entry):
            if entry.receive is not None:
                yield _received(name, entry, region, ctx)
            else:
                yield from _proved(name, entry, region, ctx)


def _proved(name: str, entry: Entry, region: str, ctx: DrillContext) -> Iterator[Evidence]:
    target, now, rpo = f"{name}/{region}", ctx.clock.now(), entry.promise.copy_rpo or timedelta()
    volumes = selected_volumes(ctx.clients, ctx.site.region, entry)
    ids = [each["VolumeId"] for each in volumes]
    sources = recent_snapshots(ctx.clients, ctx.site.region, now - rpo, now, ids) if ids else []
    copies = _copies(name, entry, region, now - rpo, ctx)
    ctx.steps.add(f"{target}: {len(copies)} recent copies of {len(sources)} recent snapshots of {len(ids)} volumes")
    found = newest_copies(sources, copies, now)
    due = max(rpo, grace(entry, sources))
    late = [
        each["VolumeId"]
        for each in volumes
        if each["VolumeId"] not in found or found[each["VolumeId"]].age > rpo
        if each["VolumeId"] in found or now - each["CreateTime"] >= due
    ]
    if late and copies and not any(map(source_of, copies)):
        yield inconclusive(target, f"{len(copies)} copies are there and none names the snapshot that it is a copy of")
        return
    wrong = [(volume, why) for volume in late for why in [_lateness(volume, found.get(volume), region, rpo)]]
    wrong += _faults(found, _key(entry, region, ctx))
    yield from _said(target, found, wrong, rpo, len(volumes))


def _copies(name: str, entry: Entry, region: str, since: datetime, ctx: DrillContext) -> list[Described]:
    wanted = tagged(ctx.site.name, name.partition(".")[2]) if entry.managed else []
    return recent_snapshots(ctx.clients, region, since, ctx.clock.now(), more=wanted)


def _key(entry: Entry, region: str, ctx: DrillContext) -> str | None:
    """The ARN of the key that copies there must be under; None where nobody said."""
    if not entry.managed:
        return None
    own = next((copy.key for copy in entry.copies_here if copy.region == region and copy.key), None)
    return own or ctx.value(ctx.refs.key("backups", region))


def _faults(found: Mapping[str, Copied], key: str | None) -> list[tuple[str, str]]:
    """What is wrong with the keys of the newest copies."""
    wrong = []
    for volume, each in found.items():
        copy = each.copy
        if not copy.get("Encrypted"):
            wrong.append((volume, f"the copy {copy['SnapshotId']} is not encrypted"))
        elif key is not None and copy.get("KmsKeyId") != key:
            used = copy.get("KmsKeyId") or "an unknown key"
            wrong.append((volume, f"the copy {copy['SnapshotId']} is under {used}, not under {key}"))
    return wrong


def _said(
    target: str, found: Mapping[str, Copied], wrong: list[tuple[str, str]], rpo: timedelta, volumes: int
) -> Iterator[Evidence]:
    for volume, why in wrong[:MOST_NAMED]:
        yield refuted(f"{target}/{volume}", why)
    if len(wrong) > MOST_NAMED:
        yield refuted(target, f"{len(wrong) - MOST_NAMED} more volumes have no such copy")
    if wrong:
        return
    if not found:
        yield inconclusive(target, f"{volumes} volumes are selected and none is old enough to need a copy")
        return
    oldest = max(each.age.total_seconds() for each in found.values())
    yield proven(
        target,
        f"{len(found)} volumes have an encrypted copy within {spoken(rpo)}",
        measures={"volumes": volumes, "copies": len(found), "oldest_age_seconds": oldest},
    )


def _lateness(volume: str, copied: Copied | None, region: str, rpo: timedelta) -> str:
    if copied is None:
        return f"{region} has no completed copy of a snapshot of {volume} from the last {spoken(rpo)}"
    hours = copied.age.total_seconds() / 3600
    return f"the newest copy, {copied.copy['SnapshotId']} of {copied.source_id}, is {hours:.1f} h old"


def _received(name: str, entry: Entry, region: str, ctx: DrillContext) -> Evidence:
    """What other accounts shared: nothing says of which volumes, so the newest copy speaks for all."""
    target, rpo, now = f"{name}/{region}", entry.promise.copy_rpo or timedelta(), ctx.clock.now()
    made = [each for each in received_copies(name.partition(".")[2], region, ctx) if each["State"] == "completed"]
    if not made:
        return inconclusive(target, "no copy of a shared snapshot is there; perhaps nothing was shared yet")
    newest = max(made, key=lambda each: each["StartTime"])
    age = now - newest["StartTime"]
    hours = f"the newest copy is {newest['SnapshotId']}, {age.total_seconds() / 3600:.1f} h old"
    if age > rpo:
        return refuted(target, hours)
    wrong = _faults({"": Copied(newest, "", age)}, _key(entry, region, ctx))
    return refuted(target, wrong[0][1]) if wrong else proven(target, hours, measures={"copies": len(made)})


def received_copies(name: str, region: str, ctx: DrillContext) -> list[Described]:
    """The copies of other accounts' snapshots that a backup's policy made in a region."""
    wanted = description(ctx.site, name)
    listed = policies(ctx.clients, ctx.site.region)
    mine = {each["PolicyId"] for each in listed if each.get("Description") == wanted}
    return [each for each in snapshots_of(ctx.clients, region) if _is_of(each, mine)]


def _is_of(snapshot: Described, policy_ids: set[str]) -> bool:
    """Whether one of the policies made it, by its tag or its description."""
    tags = {each["Value"] for each in snapshot.get("Tags", []) if each["Key"] == "aws:dlm:lifecycle-policy-id"}
    return bool(tags & policy_ids) or any(each in (snapshot.get("Description") or "") for each in policy_ids)
