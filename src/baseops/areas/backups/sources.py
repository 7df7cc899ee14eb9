"""The volumes, instances and policies of an account that a backup is about; describe calls alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from baseops.areas.backups.snapshot_tags import BACKUP_TAG
from baseops.aws.describing import MOST_DAYS, MOST_VALUES, SNAPSHOTS_PER_PAGE, VOLUMES_PER_PAGE, days_between
from baseops.aws.errors import translated
from baseops.contract.clients import Clients
from baseops.contract.site import DECLARATION_TAG

if TYPE_CHECKING:
    from datetime import datetime

    from baseops.areas.backups.spec.section import Entry, Target

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
        starts = range(0, len(ids), MOST_VALUES)
        filters = [{"Name": "attachment.instance-id", "Values": ids[at : at + MOST_VALUES]} for at in starts]
    found: dict[str, Described] = {}
    for each in filters:
        for page in _pages(clients, region, "describe_volumes", VOLUMES_PER_PAGE, Filters=[each]):
            found |= {volume["VolumeId"]: volume for volume in page["Volumes"]}
    return list(found.values())


def selected_volumes(clients: Clients, region: str, entry: Entry) -> list[Described]:
    """The volumes that a backup has to cover: what its target selects, less what it excludes."""
    if entry.target is None:
        return []
    found = target_volumes(clients, region, entry.target)
    if entry.target.resource == "volume":
        return found
    roots = _root_devices(clients, region, entry.target) if entry.exclude.boot_volume else {}
    return [each for each in found if not _is_excluded(each, entry, roots)]


def instances_named(clients: Clients, region: str, ids: Iterable[str]) -> list[Described]:
    """Instances by id, at most two hundred; one that has ended is left out. AWS call: ec2:DescribeInstances."""
    filters = [{"Name": "instance-id", "Values": sorted(ids)}]
    if not filters[0]["Values"]:
        return []
    pages = _pages(clients, region, "describe_instances", Filters=filters)
    return [one for page in pages for group in page["Reservations"] for one in group["Instances"]]


def volumes_with_tags(clients: Clients, region: str, tags: Mapping[str, str]) -> list[Described]:
    """The volumes that have all of the tags. AWS call: ec2:DescribeVolumes."""
    filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in tags.items()]
    pages = _pages(clients, region, "describe_volumes", VOLUMES_PER_PAGE, Filters=filters)
    return [each for page in pages for each in page["Volumes"]]


def all_volumes(clients: Clients, region: str) -> list[Described]:
    """Every volume of a region. AWS call: ec2:DescribeVolumes, one for each five hundred."""
    pages = _pages(clients, region, "describe_volumes", VOLUMES_PER_PAGE)
    return [each for page in pages for each in page["Volumes"]]


def public_snapshots(clients: Clients, region: str, filters: Sequence[Described]) -> list[Described]:
    """The account's own snapshots that everybody may use. AWS call: ec2:DescribeSnapshots."""
    pages = _pages(
        clients,
        region,
        "describe_snapshots",
        SNAPSHOTS_PER_PAGE,
        OwnerIds=["self"],
        RestorableByUserIds=["all"],
        Filters=filters,
    )
    return [each for page in pages for each in page["Snapshots"]]


def recent_snapshots(
    clients: Clients,
    region: str,
    since: datetime,
    now: datetime,
    volume_ids: Sequence[str] | None = None,
    more: Sequence[Described] = (),
) -> list[Described]:
    """The account's own snapshots begun since, as far as days can tell (a few may be older), whatever their state.

    Of all volumes, or of those named where they are few enough for a filter; `more` are further filters. AWS call:
    ec2:DescribeSnapshots, one for each thousand.
    """
    filters = list(more)
    days = days_between(since, now)
    if len(days) <= MOST_DAYS:
        filters.append({"Name": "start-time", "Values": days})
    if volume_ids is not None and len(volume_ids) <= MOST_VALUES:
        filters.append({"Name": "volume-id", "Values": list(volume_ids)})
    return list(_snapshots(clients, region, filters))


def tagged(declaration: str, name: str) -> list[Described]:
    """The filters of a backup's own snapshots and copies."""
    wanted = {DECLARATION_TAG: declaration, BACKUP_TAG: name}
    return [{"Name": f"tag:{key}", "Values": [value]} for key, value in wanted.items()]


def snapshots_of(clients: Clients, region: str, filters: Sequence[Described] = ()) -> list[Described]:
    """The account's own snapshots; of a backup that baseops manages: `tagged`. AWS call: ec2:DescribeSnapshots."""
    return list(_snapshots(clients, region, filters))


def snapshots_of_volumes(clients: Clients, region: str, volume_ids: Sequence[str]) -> list[Described]:
    """The account's own snapshots of volumes, whoever made them: DLM, AWS Backup, a person. ec2:DescribeSnapshots."""
    found: list[Described] = []
    for at in range(0, len(volume_ids), MOST_VALUES):
        filters = [{"Name": "volume-id", "Values": list(volume_ids[at : at + MOST_VALUES])}]
        found += _snapshots(clients, region, filters)
    return found


def policies(clients: Clients, region: str, **filters: Any) -> list[Described]:
    """The DLM policies of a region, as summaries. AWS call: dlm:GetLifecyclePolicies."""
    with translated(f"cannot list the DLM policies of {region}"):
        found: list[Described] = clients.client("dlm", region).get_lifecycle_policies(**filters)["Policies"]
    return found


def _filters(target: Target) -> list[dict[str, Any]]:
    return [{"Name": f"tag:{key}", "Values": [value]} for key, value in target.tags.items()]


def _root_devices(clients: Clients, region: str, target: Target) -> dict[str, str]:
    instances = target_instances(clients, region, target)
    return {each["InstanceId"]: each.get("RootDeviceName", "") for each in instances}


def _is_excluded(volume: Described, entry: Entry, roots: Mapping[str, str]) -> bool:
    """Whether an instance backup leaves the volume out."""
    tags = tags_of(volume)
    if any(tags.get(key) == value for key, value in entry.exclude.data_volume_tags.items()):
        return True
    return any(roots.get(each.get("InstanceId", "")) == each["Device"] for each in volume.get("Attachments", []))


def tags_of(described: Described) -> dict[str, str]:
    """The tags of anything of EC2's."""
    return {each["Key"]: each["Value"] for each in described.get("Tags", [])}


def _snapshots(clients: Clients, region: str, filters: Sequence[Described]) -> Iterator[Described]:
    pages = _pages(clients, region, "describe_snapshots", SNAPSHOTS_PER_PAGE, OwnerIds=["self"], Filters=filters)
    return (each for page in pages for each in page["Snapshots"])


def _pages(clients: Clients, region: str, operation: str, size: int = 0, **arguments: Any) -> Iterator[Described]:
    sized = {"PaginationConfig": {"PageSize": size}} if size else {}
    with translated(f"cannot look at backups in {region}: {operation}"):
        yield from clients.client("ec2", region).get_paginator(operation).paginate(**arguments, **sized)
