"""EC2's side of what volumes hold: snapshots, copies and images take blocks along. The blocks lie in `volumes.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from baseops.errors import SandboxError
from baseops.sandbox import ext4_images
from baseops.sandbox.answer import Answer
from baseops.sandbox.call import Call
from baseops.sandbox.moto_services import moto_backend
from baseops.sandbox.service import follow
from baseops.sandbox.volume_files import FilesError, content_of_volume, write_files
from baseops.sandbox.volumes import Content, content_of_snapshot, contents_of


# Any: moto's EC2 backend and its snapshots carry no types.
def _take(backend: Any, snapshot_id: str) -> None:
    snapshot = backend.snapshots.get(snapshot_id)
    volume = backend.volumes.get(snapshot.volume.id) if snapshot is not None else None
    if volume is not None:
        contents_of(backend).snapshots[snapshot_id] = content_of_volume(backend, volume)


def on_create_snapshot(call: Call, answer: Answer) -> None:
    """The snapshot holds what the volume holds now."""
    _take(call.backend, answer.members["SnapshotId"])


def on_create_snapshots(call: Call, answer: Answer) -> None:
    """The same for each of an instance's volumes."""
    for each in answer.members["Snapshots"]:
        _take(call.backend, each["SnapshotId"])


def on_copy_snapshot(call: Call, answer: Answer) -> None:
    """A copy holds the same blocks, in a lineage of its own."""
    region, source = call.parameters["SourceRegion"], call.parameters["SourceSnapshotId"]
    there = content_of_snapshot(moto_backend("ec2", call.account_id, region), source)
    copy = answer.members["SnapshotId"]
    contents_of(call.backend).snapshots[copy] = Content(there.blocks, f"{there.lineage}@{region}")


def on_create_image(call: Call, answer: Answer) -> None:
    """An image's snapshots hold what the instance's volumes hold now."""
    image = call.backend.amis.get(answer.members["ImageId"])
    instance = call.backend.get_instance(call.parameters["InstanceId"])
    volumes = {device: mapping.volume_id for device, mapping in instance.get_block_device_mapping}
    root = volumes.get(instance.root_device_name) or next(iter(volumes.values()), None)
    snapshot = getattr(image, "ebs_snapshot", None)
    if snapshot is not None and root in call.backend.volumes:
        volume = call.backend.volumes[root]
        snapshot.volume.size, snapshot.encrypted = volume.size, bool(volume.encrypted)
        image.root_device_name = instance.root_device_name
        taken = content_of_volume(call.backend, volume)
        contents_of(call.backend).snapshots[snapshot.id] = taken


def on_copy_image(call: Call, answer: Answer) -> None:
    """The copy's snapshot holds what the source's holds."""
    region, source = call.parameters["SourceRegion"], call.parameters["SourceImageId"]
    ec2 = moto_backend("ec2", call.account_id, region)
    snapshot = call.backend.amis[answer.members["ImageId"]].ebs_snapshot
    origin = ec2.amis[source].ebs_snapshot
    snapshot.volume.size = origin.volume.size
    snapshot.encrypted = bool(origin.encrypted or call.parameters.get("Encrypted"))
    snapshot.kms_key_id = call.parameters.get("KmsKeyId")
    there = content_of_snapshot(ec2, origin.id)
    contents_of(call.backend).snapshots[snapshot.id] = Content(there.blocks, f"{there.lineage}@{region}")


def write(account_id: str, volume_id: str, files: Mapping[str, bytes | None]) -> None:
    """Change files of a volume, wherever in the account it is."""
    from moto.ec2.models import ec2_backends

    for backend in list(ec2_backends[account_id].values()):
        if volume_id in backend.volumes:
            if ext4_images.why_not() is None:
                _written(backend, backend.volumes[volume_id], files)
            return
    raise SandboxError(f"there is no volume {volume_id}", f"account {account_id} has none of this id in any region")


def _written(backend: Any, volume: Any, files: Mapping[str, bytes | None]) -> None:
    try:
        write_files(backend, volume, files)
    except FilesError as error:
        raise SandboxError(f"the files of {volume.id} cannot be changed", str(error)) from error


follow("ec2", "CreateSnapshot", on_create_snapshot)
follow("ec2", "CreateSnapshots", on_create_snapshots)
follow("ec2", "CopySnapshot", on_copy_snapshot)
follow("ec2", "CreateImage", on_create_image)
follow("ec2", "CopyImage", on_copy_image)
