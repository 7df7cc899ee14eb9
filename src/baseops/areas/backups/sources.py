"""The volumes, instances and policies of an account that a backup is about; describe calls alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from baseops.areas.backups.snapshot_tags import BACKUP_TAG, DECLARATION_TAG
from baseops.aws.errors import translated
from baseops.contract.clients import Clients

if TYPE_CHECKING:
    from baseops.areas.backups.spec.section import Target

# Any: what botocore answers.
Described = Mapping[str, Any]


def target_instances(clients: Clients, region: str, target: Target) -> list[Described]:
    """The instances that any of the tags selects and that have not ended. AWS call: ec2:DescribeInstances."""
    alive = {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]}
    found: dict[str, Described] = {}
    for tag in _filters(target):
        pages = _pages(clients, region, "describe_instances", Filters=[tag, alive])
        for each in (one for page in pages for group in page["Reservations"] for one in group["Instances"]):
            found.setdefault(each["InstanceId"], each)
    return list(found.values())


def target_volumes(clients: Clients, region: str, target: Target) -> list[Described]:
    """The volumes that the target selects, or that its instances have. AWS call: ec2:DescribeVolumes."""
    if target.resource == "volume":
        filters = _filters(target)
    else:
        ids = [each["InstanceId"] for each in target_instances(clients, region, target)]
        filters = [{"Name": "attachment.instance-id", "Values": ids[at : at + 200]} for at in range(0, len(ids), 200)]
    found: dict[str, Described] = {}
    for each in filters:
        for page in _pages(clients, region, "describe_volumes", Filters=[each]):
            found |= {volume["VolumeId"]: volume for volume in page["Volumes"]}
    return list(found.values())


def snapshots_of(clients: Clients, region: str, declaration: str, name: str) -> list[Described]:
    """The snapshots of a backup that baseops manages, by their tags. AWS call: ec2:DescribeSnapshots."""
    wanted = {DECLARATION_TAG: declaration, BACKUP_TAG: name}
    filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in wanted.items()]
    pages = _pages(clients, region, "describe_snapshots", OwnerIds=["self"], Filters=filters)
    return [each for page in pages for each in page["Snapshots"]]


def snapshots_of_volumes(clients: Clients, region: str, volume_ids: Sequence[str]) -> list[Described]:
    """The account's own snapshots of volumes, whoever made them: DLM, AWS Backup, a person. ec2:DescribeSnapshots."""
    found: list[Described] = []
    for at in range(0, len(volume_ids), 200):
        filters = [{"Name": "volume-id", "Values": list(volume_ids[at : at + 200])}]
        for page in _pages(clients, region, "describe_snapshots", OwnerIds=["self"], Filters=filters):
            found += page["Snapshots"]
    return found


def policies(clients: Clients, region: str, **filters: Any) -> list[Described]:
    """The DLM policies of a region, as summaries. AWS call: dlm:GetLifecyclePolicies."""
    with translated(f"cannot list the DLM policies of {region}"):
        found: list[Described] = clients.client("dlm", region).get_lifecycle_policies(**filters)["Policies"]
    return found


def _filters(target: Target) -> list[dict[str, Any]]:
    return [{"Name": f"tag:{key}", "Values": [value]} for key, value in target.tags.items()]


def _pages(clients: Clients, region: str, operation: str, **arguments: Any) -> Iterator[Described]:
    with translated(f"cannot look at backups in {region}: {operation}"):
        yield from clients.client("ec2", region).get_paginator(operation).paginate(**arguments)
