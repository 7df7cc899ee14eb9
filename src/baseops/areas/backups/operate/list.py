"""`baseops backups list`: the snapshots of an account, newest first, with what made them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from baseops.areas.backups.snapshot_tags import BACKUP_TAG
from baseops.aws.errors import translated
from baseops.contract.clients import Clients

POLICY_TAG = "aws:dlm:lifecycle-policy-id"
# What botocore answers.
Described = Mapping[str, Any]


@dataclass(frozen=True)
class Listed:
    """One snapshot; `made_by` is the declared backup, the DLM policy, or nothing that is known."""

    snapshot_id: str
    volume_id: str
    started: datetime
    state: str
    size_gib: int
    tier: str
    is_encrypted: bool
    made_by: str
    description: str


def list_snapshots(
    clients: Clients,
    region: str,
    *,
    volumes: Sequence[str] = (),
    tags: Mapping[str, str] | None = None,
    before: datetime | None = None,
) -> list[Listed]:
    """The account's own snapshots of a region. AWS call: ec2:DescribeSnapshots."""
    filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in (tags or {}).items()]
    if volumes:
        filters.append({"Name": "volume-id", "Values": list(volumes)})
    with translated(f"cannot list the snapshots of {region}"):
        pages = clients.client("ec2", region).get_paginator("describe_snapshots")
        found = [each for page in pages.paginate(OwnerIds=["self"], Filters=filters) for each in page["Snapshots"]]
    kept = [_listed(each) for each in found if before is None or each["StartTime"] <= before]
    return sorted(kept, key=lambda each: (each.started, each.snapshot_id), reverse=True)


def _listed(described: Described) -> Listed:
    tags = {each["Key"]: each["Value"] for each in described.get("Tags", ())}
    return Listed(
        snapshot_id=described["SnapshotId"],
        volume_id=described.get("VolumeId", ""),
        started=described["StartTime"],
        state=described["State"],
        size_gib=described["VolumeSize"],
        tier=described.get("StorageTier", "standard"),
        is_encrypted=described.get("Encrypted", False),
        made_by=tags.get(BACKUP_TAG) or tags.get(POLICY_TAG, ""),
        description=described.get("Description", ""),
    )
