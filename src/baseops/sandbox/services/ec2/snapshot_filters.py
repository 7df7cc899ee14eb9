"""DescribeSnapshots as EC2 answers it: `start-time` is text with wildcards, and who may use a snapshot selects.

moto compares a datetime with the text, and passes over OwnerIds and RestorableByUserIds.
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSnapshots.html
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models.elastic_block_store import Snapshot
from moto.ec2.responses.elastic_block_store import ElasticBlockStore

_by_moto = Snapshot.get_filter_value


# Any: whatever moto's filters compare.
def filter_value(snapshot: Any, filter_name: str, method_name: str | None = None) -> Any:
    """The value that a filter is held against."""
    if filter_name == "start-time":
        return f"{snapshot.start_time:%Y-%m-%dT%H:%M:%S}.000Z"
    return _by_moto(snapshot, filter_name, method_name)


def describe_snapshots(response: Any) -> ActionResult:
    """Answer DescribeSnapshots."""
    owners = {response.current_account if each == "self" else each for each in response._get_param("OwnerIds", [])}
    users = set(response._get_param("RestorableByUserIds", []))
    found = response.ec2_backend.describe_snapshots(
        snapshot_ids=response._get_param("SnapshotIds", []), filters=response._filters_from_querystring()
    )
    return ActionResult(
        {
            "Snapshots": [
                each
                for each in found
                if (not owners or each.owner_id in owners) and (not users or _is_usable(each, users))
            ]
        }
    )


def _is_usable(snapshot: Any, users: set[str]) -> bool:
    if "all" in users and "all" in snapshot.create_volume_permission_groups:
        return True
    return bool(users & (set(snapshot.create_volume_permission_userids) | ({"self"} if snapshot.owner_id else set())))


Snapshot.get_filter_value = filter_value  # type: ignore[method-assign, assignment]  # changed from outside moto
ElasticBlockStore.describe_snapshots = describe_snapshots  # type: ignore[method-assign, assignment]  # changed from outside moto
