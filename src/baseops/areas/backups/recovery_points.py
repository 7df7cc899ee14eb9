"""AWS Backup's recovery points of volumes, which need not be snapshots that EC2 shows (logically air-gapped vaults).

https://docs.aws.amazon.com/aws-backup/latest/devguide/logicallyairgappedvault.html
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, TypeAlias

from baseops.aws.errors import translated
from baseops.contract.drill import DrillContext

Point: TypeAlias = tuple[str, datetime]
"""The end of its ARN, and when it was made."""


def recovery_points(ctx: DrillContext, volume_ids: Collection[str], since: datetime) -> Mapping[str, Point]:
    """The newest completed point since, of the volumes that have one.

    AWS calls: backup:ListProtectedResources, all pages; backup:ListRecoveryPointsByResource for each volume that was
    backed up since.
    """
    backup = ctx.clients.client("backup", ctx.site.region)
    found: dict[str, Point] = {}
    with translated("cannot ask AWS Backup for recovery points"):
        for arn in _protected(backup, volume_ids, since):
            newest = _newest(backup, arn, since)
            if newest:
                found[_name(arn)] = newest
    return found


# Any: botocore makes the classes of clients at run time.
def _protected(backup: Any, volume_ids: Collection[str], since: datetime) -> list[str]:
    """The ARNs of those volumes that AWS Backup has backed up since."""
    pages = backup.get_paginator("list_protected_resources").paginate(PaginationConfig={"PageSize": 1000})
    return [
        each["ResourceArn"]
        for page in pages
        for each in page["Results"]
        if each.get("ResourceType") == "EBS"
        and _name(each["ResourceArn"]) in volume_ids
        and each.get("LastBackupTime", since) >= since
    ]


def _newest(backup: Any, arn: str, since: datetime) -> Point | None:
    pages = backup.get_paginator("list_recovery_points_by_resource").paginate(ResourceArn=arn)
    points = [
        (_name(each["RecoveryPointArn"]), each["CreationDate"])
        for page in pages
        for each in page["RecoveryPoints"]
        if each.get("Status") in ("COMPLETED", "AVAILABLE") and each["CreationDate"] >= since
    ]
    return max(points, key=lambda point: point[1], default=None)


def _name(arn: str) -> str:
    return arn.rpartition("/")[2]
