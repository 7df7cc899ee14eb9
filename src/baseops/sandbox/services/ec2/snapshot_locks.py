"""EC2's locks on snapshots, which moto lacks: a locked snapshot cannot be deleted until its lock expires.

https://docs.aws.amazon.com/ebs/latest/userguide/ebs-snapshot-lock.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from baseops.sandbox.service import Members, ServiceError, extend, opened

_STATE = "baseops_snapshot_locks"


# Any: moto's EC2 backend, which carries no types; it goes with the account, and so does what is kept on it.
def lock(
    backend: Any,
    snapshot_id: str,
    lock_mode: str,
    cool_off_period: int | None = None,
    lock_duration: int | None = None,
    expiration_date: datetime | None = None,
    dry_run: bool = False,
) -> Members:
    """Answer LockSnapshot."""
    _refuse_dry_run(dry_run)
    backend.get_snapshot(snapshot_id)
    if (lock_duration is None) == (expiration_date is None):
        raise _invalid("Specify either a lock duration or an expiration date.")
    if cool_off_period and lock_mode != "compliance":
        raise _invalid("A cooling-off period can be specified in compliance mode only.")
    now = opened().clock.now()
    found: dict[str, Any] = {
        "SnapshotId": snapshot_id,
        "OwnerId": backend.account_id,
        "LockState": lock_mode,
        "LockCreatedOn": now,
        "LockDurationStartTime": now,
        "LockExpiresOn": expiration_date or now + timedelta(days=lock_duration or 0),
    }
    if lock_duration:
        found["LockDuration"] = lock_duration
    if cool_off_period:
        ends = now + timedelta(hours=cool_off_period)
        found |= {"LockState": "compliance-cooloff", "CoolOffPeriod": cool_off_period, "CoolOffPeriodExpiresOn": ends}
    _locks(backend)[snapshot_id] = found
    return found


def unlock(backend: Any, snapshot_id: str, dry_run: bool = False) -> Members:
    """Answer UnlockSnapshot."""
    _refuse_dry_run(dry_run)
    state = _locks(backend).get(snapshot_id)
    if state is None or _state(state) == "expired":
        raise ServiceError(f"Snapshot {snapshot_id} is not locked.", code="SnapshotNotLocked")
    if _state(state) == "compliance":
        raise ServiceError(f"Snapshot {snapshot_id} is locked in compliance mode.", code="OperationNotPermitted")
    del _locks(backend)[snapshot_id]
    return {"SnapshotId": snapshot_id}


def describe(
    backend: Any,
    snapshot_ids: Sequence[str] = (),
    filters: Sequence[Mapping[str, Any]] = (),
    max_results: int | None = None,
    next_token: str | None = None,
    dry_run: bool = False,
) -> Members:
    """Answer DescribeLockedSnapshots; there is one page."""
    _refuse_dry_run(dry_run)
    if max_results or next_token:
        raise _invalid("The sandbox lists locked snapshots on one page.")
    wanted = [each["Values"] for each in filters if each["Name"] == "lock-state"]
    held = [{**each, "LockState": _state(each)} for each in _locks(backend).values()]
    return {
        "Snapshots": [
            each
            for each in held
            if (not snapshot_ids or each["SnapshotId"] in snapshot_ids)
            and all(each["LockState"] in one for one in wanted)
        ]
    }


def is_locked(backend: Any, snapshot_id: str) -> bool:
    """Whether a lock keeps it from being deleted."""
    state = _locks(backend).get(snapshot_id)
    return state is not None and _state(state) != "expired"


extend("ec2", "LockSnapshot", lock)
extend("ec2", "UnlockSnapshot", unlock)
extend("ec2", "DescribeLockedSnapshots", describe)


def _locks(backend: Any) -> dict[str, dict[str, Any]]:
    if not hasattr(backend, _STATE):
        setattr(backend, _STATE, {})
    found: dict[str, dict[str, Any]] = getattr(backend, _STATE)
    return found


def _state(held: Mapping[str, Any]) -> str:
    now = opened().clock.now()
    if held["LockExpiresOn"] <= now:
        return "expired"
    ends = held.get("CoolOffPeriodExpiresOn")
    return "compliance" if ends and ends <= now else str(held["LockState"])


def _refuse_dry_run(dry_run: bool) -> None:
    if dry_run:
        raise ServiceError("Request would have succeeded, but DryRun flag is set.", code="DryRunOperation")


def _invalid(message: str) -> ServiceError:
    return ServiceError(message, code="InvalidParameterCombination")
