"""`baseops backups restore`: a volume from a snapshot, in a zone, tagged, waited for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import uuid4

from baseops.aws.errors import translated
from baseops.aws.waiting import until
from baseops.contract.clients import Clients
from baseops.contract.clock import Clock
from baseops.errors import AwsError

RESTORED_TAG = "baseops:restored-from"


@dataclass(frozen=True)
class Wanted:
    """The volume that is to be made; `volume_type` and the rest are EC2's words."""

    snapshot_id: str
    region: str
    zone: str
    volume_type: str = "gp3"
    tags: Mapping[str, str] | None = None
    kms_key: str | None = None


@dataclass(frozen=True)
class Restored:
    """The volume. `created_seconds` is until it is available, which is before its blocks have been loaded."""

    volume_id: str
    zone: str
    size_gib: int
    created_seconds: float


def restore(wanted: Wanted, clients: Clients, clock: Clock) -> Restored:
    """Make the volume and wait until it is available. AWS calls: ec2:CreateVolume, ec2:DescribeVolumes."""
    ec2 = clients.client("ec2", wanted.region)
    begun = clock.now()
    tags = {**(wanted.tags or {}), RESTORED_TAG: wanted.snapshot_id}
    what = f"cannot make a volume of {wanted.snapshot_id} in {wanted.zone}"
    encryption = {"Encrypted": True, "KmsKeyId": wanted.kms_key} if wanted.kms_key else {}
    with translated(what):
        made = ec2.create_volume(
            SnapshotId=wanted.snapshot_id,
            AvailabilityZone=wanted.zone,
            VolumeType=wanted.volume_type,
            ClientToken=uuid4().hex,
            TagSpecifications=[
                {"ResourceType": "volume", "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
            ],
            **encryption,
        )
    identifier = str(made["VolumeId"])

    def look() -> str | None:
        with translated(f"cannot look at the new volume {identifier}"):
            (found,) = ec2.describe_volumes(VolumeIds=[identifier])["Volumes"]
        if found["State"] == "error":
            raise AwsError(what, "the volume went into the state error", "Check the key's policy and the zone.")
        return None if found["State"] == "creating" else str(found["State"])

    until(clock, look)
    return Restored(identifier, wanted.zone, int(made["Size"]), (clock.now() - begun).total_seconds())
