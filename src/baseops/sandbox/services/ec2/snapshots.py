"""EC2's snapshots take time: pending until their blocks are saved, the first of a volume longest; so do copies.

A copy carries a volume id that means nothing and shares none of its source's permissions
(https://docs.aws.amazon.com/ebs/latest/userguide/ebs-copy-snapshot.html). What a volume holds is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from baseops.sandbox.moto_services import moto_backend
from baseops.sandbox.service import Members, ServiceError, extend, opened
from baseops.sandbox.services.events.bus import put_event

NO_VOLUME = "vol-ffffffff"
"""The volume of every copy."""

COPIES_AT_ONCE = 20
_STATE = "baseops_snapshots_in_progress"

# Any throughout: moto's EC2 backend and its snapshots carry no types.


@dataclass
class InProgress:
    """What goes on in one account and region: who waits for which snapshot, which are copies, what was saved before."""

    waiting: dict[str, list[Callable[[], object]]] = field(default_factory=dict)
    copies: set[str] = field(default_factory=set)
    saved: set[str] = field(default_factory=set)


def in_progress(backend: Any) -> InProgress:
    """The state that is kept with moto's backend, and goes with it."""
    if not hasattr(backend, _STATE):
        setattr(backend, _STATE, InProgress())
    state: InProgress = getattr(backend, _STATE)
    return state


def when_completed(backend: Any, snapshot_id: str, action: Callable[[], object]) -> None:
    """Run an action when a pending snapshot completes; never, if it is deleted before."""
    in_progress(backend).waiting[snapshot_id].append(action)


def create_snapshot(
    backend: Any,
    volume_id: str,
    description: str = "",
    tag_specifications: Sequence[Mapping[str, Any]] = (),
    dry_run: bool = False,
) -> Members:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSnapshot.html."""
    _refuse_dry_run(dry_run)
    snapshot = backend.create_snapshot(volume_id, description)
    snapshot.add_tags(_tags(tag_specifications))
    _begin(backend, snapshot, _time_to_save(backend, snapshot.volume))
    return _described(backend, snapshot)


def create_snapshots(
    backend: Any,
    instance_specification: Mapping[str, Any],
    description: str = "",
    tag_specifications: Sequence[Mapping[str, Any]] = (),
    copy_tags_from_source: str = "",
    dry_run: bool = False,
) -> Members:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSnapshots.html."""
    _refuse_dry_run(dry_run)
    found = []
    for volume_id in _volumes_of(backend, instance_specification):
        snapshot = backend.create_snapshot(volume_id, description)
        source = backend.tags.get(volume_id, {}) if copy_tags_from_source == "volume" else {}
        snapshot.add_tags({**source, **_tags(tag_specifications)})
        _begin(backend, snapshot, _time_to_save(backend, snapshot.volume))
        found.append(_described(backend, snapshot))
    return {"Snapshots": found}


def copy_snapshot(
    backend: Any,
    source_region: str,
    source_snapshot_id: str,
    description: str = "",
    encrypted: bool = False,
    kms_key_id: str | None = None,
    tag_specifications: Sequence[Mapping[str, Any]] = (),
    **presigned: Any,
) -> Members:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CopySnapshot.html.

    SDKs add a presigned URL and the destination's region (`presigned`), which say nothing new here.
    """
    _refuse_dry_run(bool(presigned.get("dry_run")))
    source = _completed(moto_backend("ec2", backend.account_id, source_region), source_snapshot_id)
    state = in_progress(backend)
    if len(state.copies) >= COPIES_AT_ONCE:
        raise ServiceError(
            f"Too many snapshot copies in progress. The limit is {COPIES_AT_ONCE} for this destination region.",
            code="ResourceLimitExceeded",
        )
    snapshot = backend.copy_snapshot(source_snapshot_id, source_region, description, kms_key_id)
    snapshot.encrypted = bool(source.encrypted or encrypted or kms_key_id)
    lineage = f"{source.volume.id}@{source_region}"
    snapshot.volume = SimpleNamespace(id=NO_VOLUME, size=source.volume.size, encrypted=snapshot.encrypted)
    snapshot.add_tags(_tags(tag_specifications))
    state.copies.add(snapshot.id)
    first = lineage not in state.saved
    state.saved.add(lineage)
    _begin(backend, snapshot, timedelta(seconds=120 + (20 if first else 4) * snapshot.volume.size))
    return {"SnapshotId": snapshot.id, "Tags": _tag_list(_tags(tag_specifications))}


extend("ec2", "CreateSnapshot", create_snapshot)
extend("ec2", "CreateSnapshots", create_snapshots)
extend("ec2", "CopySnapshot", copy_snapshot)


def _begin(backend: Any, snapshot: Any, duration: timedelta) -> None:
    snapshot.status = "pending"
    in_progress(backend).waiting[snapshot.id] = []
    opened().clock.ticker.after(duration, lambda: _finish(backend, snapshot), f"completion of {snapshot.id}")


def _finish(backend: Any, snapshot: Any) -> None:
    state = in_progress(backend)
    actions = state.waiting.pop(snapshot.id, [])
    state.copies.discard(snapshot.id)
    if snapshot.id not in backend.snapshots:
        return
    snapshot.status = "completed"
    snapshot.completion_time = opened().clock.now()
    _announce(backend, snapshot, opened().clock.now())
    for action in actions:
        action()


def _announce(backend: Any, snapshot: Any, ended: datetime) -> None:
    """https://docs.aws.amazon.com/ebs/latest/userguide/ebs-cloud-watch-events.html."""
    arn = f"arn:aws:ec2::{backend.region_name}:snapshot/{snapshot.id}"
    is_copy = snapshot.volume.id == NO_VOLUME
    moment = ended.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    detail = {
        "event": "copySnapshot" if is_copy else "createSnapshot",
        "result": "succeeded",
        "cause": "",
        "snapshot_id": arn,
        "startTime": snapshot.start_time.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "endTime": moment,
        **({} if is_copy else {"source": f"arn:aws:ec2::{backend.region_name}:volume/{snapshot.volume.id}"}),
    }
    put_event(
        backend.account_id,
        backend.region_name,
        source="aws.ec2",
        detail_type="EBS Snapshot Notification",
        detail=detail,
        resources=[arn],
    )


def _time_to_save(backend: Any, volume: Any) -> timedelta:
    """The first snapshot of a volume saves all of it, later ones what has changed."""
    state = in_progress(backend)
    first = volume.id not in state.saved
    state.saved.add(volume.id)
    return timedelta(seconds=60 + (15 if first else 2) * volume.size)


def _volumes_of(backend: Any, specification: Mapping[str, Any]) -> list[str]:
    instance = backend.get_instance(specification["InstanceId"])
    attached = dict(instance.get_block_device_mapping)
    left_out = set(specification.get("ExcludeDataVolumeIds") or ())
    if specification.get("ExcludeBootVolume"):
        # moto gives an instance without mappings its root volume as /dev/sda1, whatever its image says.
        root = instance.root_device_name if instance.root_device_name in attached else "/dev/sda1"
        attached.pop(root, None)
    return [mapping.volume_id for mapping in attached.values() if mapping.volume_id not in left_out]


def _completed(backend: Any, snapshot_id: str) -> Any:
    snapshot = backend.describe_snapshots(snapshot_ids=[snapshot_id])[0]
    if snapshot.status != "completed":
        raise ServiceError(f"Snapshot '{snapshot_id}' is not 'completed'.", code="IncorrectState")
    return snapshot


def _described(backend: Any, snapshot: Any) -> dict[str, Any]:
    return {
        "SnapshotId": snapshot.id,
        "VolumeId": snapshot.volume.id,
        "State": snapshot.status,
        "StartTime": snapshot.start_time,
        "Progress": "",
        "OwnerId": snapshot.owner_id,
        "Description": snapshot.description or "",
        "Encrypted": snapshot.encrypted,
        "VolumeSize": snapshot.volume.size,
        # moto's own way to a resource's tags looks at every tag of the account.
        "Tags": _tag_list(backend.tags.get(snapshot.id, {})),
    }


def _tags(specifications: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    found = {
        tag["Key"]: tag.get("Value", "")
        for each in specifications
        if each.get("ResourceType") == "snapshot"
        for tag in each.get("Tags", ())
    }
    reserved = [key for key in found if key.startswith("aws:")]
    if reserved:
        raise ServiceError("Tag keys starting with 'aws:' are reserved for internal use", code="InvalidParameterValue")
    return found


def _tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _refuse_dry_run(dry_run: bool) -> None:
    if dry_run:
        raise ServiceError("Request would have succeeded, but DryRun flag is set.", code="DryRunOperation")
