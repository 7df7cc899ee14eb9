"""What a policy selects at its time: volumes, or instances with all their volumes at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from baseops.semantics.lifecycle import Firing

# Any: a policy's details are JSON, and botocore makes the classes of clients at run time.


class Target(Protocol):
    """A volume or an instance."""

    @property
    def id(self) -> str:
        """Its id."""

    def snapshot(self, ec2: Any, description: str, firing: Firing) -> list[tuple[str, str]]:
        """Make its snapshots: pairs of snapshot and volume."""


@dataclass(frozen=True)
class Volume:
    """A volume with one of the tags."""

    id: str
    tags: Mapping[str, str]

    def snapshot(self, ec2: Any, description: str, firing: Firing) -> list[tuple[str, str]]:
        """One snapshot."""
        tags = {**(_own(self.tags) if firing.takes_source_tags else {}), **firing.tags}
        made = ec2.create_snapshot(VolumeId=self.id, Description=description, **_specification(tags))
        return [(made["SnapshotId"], self.id)]


@dataclass(frozen=True)
class Instance:
    """An instance with one of the tags; `left_out` are data volumes that an exclusion names."""

    id: str
    without_boot: bool
    left_out: tuple[str, ...]

    def snapshot(self, ec2: Any, description: str, firing: Firing) -> list[tuple[str, str]]:
        """One snapshot of each volume, made together."""
        variable = {"$(instance-id)": self.id, "$(timestamp)": firing.at.strftime("%Y-%m-%dT%H:%M:%SZ")}
        added = {key: variable.get(value, value) for each in firing.schedules for key, value in each.variable_tags}
        made = ec2.create_snapshots(
            InstanceSpecification={
                "InstanceId": self.id,
                "ExcludeBootVolume": self.without_boot,
                **({"ExcludeDataVolumeIds": list(self.left_out)} if self.left_out else {}),
            },
            Description=description,
            **({"CopyTagsFromSource": "volume"} if firing.takes_source_tags else {}),
            **_specification({**firing.tags, **added}),
        )
        return [(each["SnapshotId"], each["VolumeId"]) for each in made["Snapshots"]]


def targets(ec2: Any, details: Mapping[str, Any]) -> list[Target]:
    """What the policy selects now, each once."""
    if details["ResourceTypes"] == ["INSTANCE"]:
        return _instances(ec2, details)
    found: dict[str, Target] = {}
    for tag in details["TargetTags"]:
        pages = ec2.get_paginator("describe_volumes").paginate(Filters=[_filter(tag)])
        for each in (volume for page in pages for volume in page["Volumes"]):
            found[each["VolumeId"]] = Volume(each["VolumeId"], _map(each.get("Tags", ())))
    return list(found.values())


def _instances(ec2: Any, details: Mapping[str, Any]) -> list[Target]:
    parameters = details.get("Parameters") or {}
    left_out = _excluded(ec2, parameters.get("ExcludeDataVolumeTags") or ())
    alive = {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]}
    found: dict[str, Target] = {}
    for tag in details["TargetTags"]:
        pages = ec2.get_paginator("describe_instances").paginate(Filters=[_filter(tag), alive])
        for each in (one for page in pages for group in page["Reservations"] for one in group["Instances"]):
            own = {mapping["Ebs"]["VolumeId"] for mapping in each["BlockDeviceMappings"] if "Ebs" in mapping}
            found[each["InstanceId"]] = Instance(
                each["InstanceId"], bool(parameters.get("ExcludeBootVolume")), tuple(sorted(own & left_out))
            )
    return list(found.values())


def _excluded(ec2: Any, tags: Any) -> set[str]:
    found: set[str] = set()
    for tag in tags:
        found |= {each["VolumeId"] for each in ec2.describe_volumes(Filters=[_filter(tag)])["Volumes"]}
    return found


def _filter(tag: Mapping[str, str]) -> dict[str, Any]:
    return {"Name": f"tag:{tag['Key']}", "Values": [tag["Value"]]}


def _map(tags: Any) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}


def _own(tags: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if not key.startswith("aws:")}


def _specification(tags: Mapping[str, str]) -> dict[str, Any]:
    if not tags:
        return {}
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    return {"TagSpecifications": [{"ResourceType": "snapshot", "Tags": listed}]}
