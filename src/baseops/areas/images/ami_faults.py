"""What can be wrong with an AMI by its description: state, encryption and key, and with whom it is shared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from baseops.aws.errors import translated
from baseops.contract.clients import Clients

if TYPE_CHECKING:
    from baseops.areas.images.spec import LaunchPermission

# Any: what EC2 describes.
Described = Mapping[str, Any]


def state_faults(image: Described, now: datetime) -> list[str]:
    """It is available, and not deprecated yet: deprecated ones are hidden from searches."""
    image_id, state = image["ImageId"], image.get("State", "available")
    found = [] if state == "available" else [f"{image_id} is {state}"]
    deprecated = image.get("DeprecationTime")
    if deprecated and datetime.fromisoformat(str(deprecated)) <= now:
        found.append(f"{image_id} is deprecated since {str(deprecated)[:10]}")
    return found


def encryption_faults(clients: Clients, region: str, image: Described, key: str | None) -> list[str]:
    """Every snapshot of it is encrypted, with the declared key where that is known. AWS call: ec2:DescribeSnapshots."""
    ids = _snapshot_ids(image)
    with translated(f"cannot describe the snapshots of {image['ImageId']}"):
        found = clients.client("ec2", region).describe_snapshots(SnapshotIds=ids)["Snapshots"] if ids else []
    faults = [f"the snapshot {each['SnapshotId']} is not encrypted" for each in found if not each["Encrypted"]]
    others = [each for each in found if each["Encrypted"] and key and each.get("KmsKeyId") != key]
    faults += [
        f"the snapshot {each['SnapshotId']} is encrypted with another key than the declared one" for each in others
    ]
    if not ids:
        faults.append(f"{image['ImageId']} has no snapshot")
    return faults


def sharing_faults(clients: Clients, region: str, image: Described, permission: LaunchPermission) -> list[str]:
    """Who may launch it is who is declared; nobody else may read a snapshot of it.

    AWS calls: ec2:DescribeImageAttribute, and ec2:DescribeSnapshotAttribute for each snapshot.
    """
    image_id, ec2 = str(image["ImageId"]), clients.client("ec2", region)
    with translated(f"cannot read with whom {image_id} is shared"):
        launching = ec2.describe_image_attribute(ImageId=image_id, Attribute="launchPermission")["LaunchPermissions"]
    wanted = declared(permission)
    faults = list(_differences(image_id, wanted, {_who(each) for each in launching}, "shared with"))
    for each in _snapshot_ids(image):
        with translated(f"cannot read with whom {each} is shared"):
            answer = ec2.describe_snapshot_attribute(SnapshotId=each, Attribute="createVolumePermission")
        # Who may launch the image reads all of it anyway.
        others = {_who(one) for one in answer["CreateVolumePermissions"]} - wanted
        faults += _differences(f"its snapshot {each}", set(), others, "readable by")
    return faults


def declared(permission: LaunchPermission) -> set[str]:
    """Accounts, organisation and units that may launch the image."""
    organization = {permission.organization} if permission.organization else set()
    return {*permission.accounts, *permission.organizational_units, *organization}


def _differences(what: str, wanted: set[str], found: set[str], verb: str) -> Iterator[str]:
    yield from (f"{what} is not {verb} {each}" for each in sorted(wanted - found))
    for each in sorted(found - wanted):
        yield f"{what} is public" if each == "all" else f"{what} is {verb} {each}, which is not declared"


def _who(permission: Mapping[str, Any]) -> str:
    """An account, an ARN, or `all`."""
    return next((str(each) for each in permission.values() if each), "")


def _snapshot_ids(image: Described) -> list[str]:
    mappings = [each["Ebs"] for each in image.get("BlockDeviceMappings", ()) if "Ebs" in each]
    return [str(each["SnapshotId"]) for each in mappings if each.get("SnapshotId")]
