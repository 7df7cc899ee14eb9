"""AWS Backup of volumes on demand, which moto lacks: jobs, recovery points, protected resources.

A point in an ordinary vault is a snapshot of this account as well; one in a logically air-gapped vault is not shown by
EC2. https://docs.aws.amazon.com/aws-backup/latest/devguide/API_StartBackupJob.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from baseops.sandbox.moto_services import moto_backend
from baseops.sandbox.service import Members, ServiceError, extend, opened

_STATE = "baseops_recovery_points"
TAKES = timedelta(minutes=10)


@dataclass
class Points:
    """The recovery points of an account and region, and which vaults are air-gapped."""

    points: list[dict[str, Any]] = field(default_factory=list)
    air_gapped: set[str] = field(default_factory=set)


# Any throughout: moto's backend, which carries no types; it goes with the account, and so does what is kept on it.
def points_of(backend: Any) -> Points:
    """The state that is kept with moto's backend."""
    if not hasattr(backend, _STATE):
        setattr(backend, _STATE, Points())
    state: Points = getattr(backend, _STATE)
    return state


def create_air_gapped_vault(
    backend: Any,
    backup_vault_name: str,
    min_retention_days: int,
    max_retention_days: int,
    backup_vault_tags: Mapping[str, str] | None = None,
    creator_request_id: str = "",
) -> Members:
    """Answer CreateLogicallyAirGappedBackupVault."""
    if not 7 <= min_retention_days <= max_retention_days:
        raise _invalid("The minimum retention period is 7 days, and the maximum is not below it.")
    vault = backend.create_backup_vault(backup_vault_name, dict(backup_vault_tags or {}), "", creator_request_id)
    points_of(backend).air_gapped.add(backup_vault_name)
    return {"BackupVaultName": backup_vault_name, "BackupVaultArn": vault.backup_vault_arn, "VaultState": "AVAILABLE"}


def start_backup_job(
    backend: Any,
    backup_vault_name: str,
    resource_arn: str,
    iam_role_arn: str,
    idempotency_token: str = "",
) -> Members:
    """Answer StartBackupJob, for volumes; the token is botocore's own, new with each call."""
    backend.describe_backup_vault(backup_vault_name)
    kind, _, volume = resource_arn.rpartition("/")
    if not kind.endswith(":volume"):
        raise _invalid(f"The sandbox backs up volumes, not {resource_arn}.")
    now = opened().clock.now()
    point = {
        "RecoveryPointArn": _made(backend, backup_vault_name, volume),
        "ResourceArn": resource_arn,
        "CreationDate": now,
        "Status": "PARTIAL",
        "BackupVaultName": backup_vault_name,
        "IamRoleArn": iam_role_arn,
    }
    points_of(backend).points.append(point)
    opened().clock.ticker.after(TAKES, lambda: point.update(Status="COMPLETED"), f"backup of {volume}")
    job = f"{len(points_of(backend).points):08d}-0000-4000-8000-000000000000"
    return {"BackupJobId": job, "RecoveryPointArn": point["RecoveryPointArn"], "CreationDate": now, "IsParent": False}


def list_recovery_points(backend: Any, resource_arn: str, **_page: Any) -> Members:
    """Answer ListRecoveryPointsByResource."""
    return {"RecoveryPoints": [each for each in points_of(backend).points if each["ResourceArn"] == resource_arn]}


def list_protected_resources(backend: Any, **_page: Any) -> Members:
    """Answer ListProtectedResources."""
    last: dict[str, datetime] = {}
    for each in points_of(backend).points:
        if each["Status"] == "COMPLETED":
            last[each["ResourceArn"]] = each["CreationDate"]
    return {
        "Results": [
            {"ResourceArn": arn, "ResourceType": "EBS", "LastBackupTime": moment} for arn, moment in last.items()
        ]
    }


extend("backup", "CreateLogicallyAirGappedBackupVault", create_air_gapped_vault)
extend("backup", "StartBackupJob", start_backup_job)
extend("backup", "ListRecoveryPointsByResource", list_recovery_points)
extend("backup", "ListProtectedResources", list_protected_resources)


def _made(backend: Any, vault: str, volume: str) -> str:
    """The recovery point's ARN; in an ordinary vault it is a snapshot that the service makes."""
    region = backend.region_name
    ec2 = moto_backend("ec2", backend.account_id, region)
    if volume not in ec2.volumes:
        raise _invalid(f"The volume {volume} does not exist.")
    if vault in points_of(backend).air_gapped:
        return f"arn:aws:backup:{region}:{backend.account_id}:recovery-point:{volume}-{len(points_of(backend).points)}"
    snapshot = (
        opened()
        .clients_of(backend.account_id)
        .client("ec2", region)
        .create_snapshot(VolumeId=volume, Description="This snapshot is created by the AWS Backup service.")
    )
    return f"arn:aws:ec2:{region}::snapshot/{snapshot['SnapshotId']}"


def _invalid(message: str) -> ServiceError:
    return ServiceError(message, code="InvalidParameterValueException", status=400)
