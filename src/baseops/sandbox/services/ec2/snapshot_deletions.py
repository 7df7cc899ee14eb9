"""What becomes of deleted snapshots: a lock refuses, a rule of the Recycle Bin keeps them for a time, else they go.

https://docs.aws.amazon.com/ebs/latest/userguide/recycle-bin.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from baseops.sandbox import services
from baseops.sandbox.service import Members, ServiceError, extend, opened
from baseops.sandbox.services.ec2.snapshot_locks import is_locked

_STATE = "baseops_recycled_snapshots"

# Any throughout: moto's EC2 backend and its snapshots carry no types.


@dataclass(frozen=True)
class Recycled:
    """A deleted snapshot, with the tags that it had."""

    snapshot: Any
    tags: Mapping[str, str]
    entered: datetime
    leaves: datetime


def delete(backend: Any, snapshot_id: str, dry_run: bool = False) -> Members:
    """Answer DeleteSnapshot."""
    if dry_run:
        raise ServiceError("Request would have succeeded, but DryRun flag is set.", code="DryRunOperation")
    snapshot = backend.get_snapshot(snapshot_id)
    if is_locked(backend, snapshot_id):
        raise ServiceError(f"The snapshot {snapshot_id} is locked.", code="OperationNotPermitted")
    tags = dict(backend.tags.get(snapshot_id, {}))
    kept = _kept_for(backend, tags)
    backend.delete_snapshot(snapshot_id)
    if kept:
        now = opened().clock.now()
        _bin(backend)[snapshot_id] = Recycled(snapshot, tags, now, now + kept)
        opened().clock.ticker.after(kept, lambda: _bin(backend).pop(snapshot_id, None), f"end of {snapshot_id}")
    return {}


def list_recycled(
    backend: Any,
    snapshot_ids: Sequence[str] = (),
    max_results: int | None = None,
    next_token: str | None = None,
    dry_run: bool = False,
) -> Members:
    """Answer ListSnapshotsInRecycleBin; there is one page."""
    if dry_run or next_token:
        raise ServiceError("The sandbox lists recycled snapshots on one page.", code="InvalidParameterValue")
    found = [
        {
            "SnapshotId": each.snapshot.id,
            "RecycleBinEnterTime": each.entered,
            "RecycleBinExitTime": each.leaves,
            "Description": each.snapshot.description or "",
            "VolumeId": each.snapshot.volume.id,
        }
        for each in _bin(backend).values()
        if not snapshot_ids or each.snapshot.id in snapshot_ids
    ]
    return {"Snapshots": found[: max_results or None]}


def restore(backend: Any, snapshot_id: str, dry_run: bool = False) -> Members:
    """Answer RestoreSnapshotFromRecycleBin."""
    recycled = None if dry_run else _bin(backend).pop(snapshot_id, None)
    if recycled is None:
        raise ServiceError(f"The snapshot '{snapshot_id}' does not exist.", code="InvalidSnapshot.NotFound")
    backend.snapshots[snapshot_id] = recycled.snapshot
    if recycled.tags:
        backend.create_tags([snapshot_id], dict(recycled.tags))
    snapshot = recycled.snapshot
    return {
        "SnapshotId": snapshot_id,
        "VolumeId": snapshot.volume.id,
        "State": snapshot.status,
        "StartTime": snapshot.start_time,
        "Description": snapshot.description or "",
        "Encrypted": snapshot.encrypted,
        "OwnerId": snapshot.owner_id,
        "VolumeSize": snapshot.volume.size,
    }


extend("ec2", "DeleteSnapshot", delete)
extend("ec2", "ListSnapshotsInRecycleBin", list_recycled)
extend("ec2", "RestoreSnapshotFromRecycleBin", restore)


def _bin(backend: Any) -> dict[str, Recycled]:
    if not hasattr(backend, _STATE):
        setattr(backend, _STATE, {})
    found: dict[str, Recycled] = getattr(backend, _STATE)
    return found


def _kept_for(backend: Any, tags: Mapping[str, str]) -> timedelta:
    """The longest retention of the rules that apply.

    https://docs.aws.amazon.com/ebs/latest/userguide/recycle-bin-concepts.html
    """
    (rbin,) = services.modules_of("rbin")
    rules = rbin.Rbin.of(backend.account_id, backend.region_name).rules.values()
    days = [
        int(rule["RetentionPeriod"]["RetentionPeriodValue"])
        for rule in rules
        if rule["ResourceType"] == "EBS_SNAPSHOT" and rule["Status"] == "available" and _applies(rule, tags)
    ]
    return timedelta(days=max(days, default=0))


def _applies(rule: Mapping[str, Any], tags: Mapping[str, str]) -> bool:
    wanted, spared = rule.get("ResourceTags") or (), rule.get("ExcludeResourceTags") or ()
    if any(_has(tags, each) for each in spared):
        return False
    return not wanted or any(_has(tags, each) for each in wanted)


def _has(tags: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return tags.get(wanted["ResourceTagKey"]) == wanted.get("ResourceTagValue", "")
