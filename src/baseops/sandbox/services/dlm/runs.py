"""What DLM does at a policy's times: snapshots, copies, shares, and their end, with the rights of the policy's role.

When and what is `semantics.lifecycle`'s to say. A permission that the role lacks puts the policy into the state
ERROR. Scripts are taken to succeed, fast restore is not played, and event policies wait for other accounts in vain.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from baseops.sandbox.moto_services import moto_backend
from baseops.sandbox.services.dlm.metrics import count
from baseops.sandbox.services.dlm.role import Roles
from baseops.sandbox.services.dlm.targets import Target, targets
from baseops.sandbox.services.ec2.snapshots import when_completed
from baseops.sandbox.ticker import Entry
from baseops.semantics.lifecycle import (
    Copy,
    Firing,
    Made,
    Share,
    SnapshotPolicy,
    due,
    next_firing,
    policy_from,
    tags_of,
)

if TYPE_CHECKING:
    from baseops.sandbox.services.dlm.policies import Dlm

START_WITHIN = timedelta(hours=1)
RETRY_AFTER = timedelta(minutes=10)
TRIES = 6
"""Within 60 minutes for snapshots; copies are tried for a day."""
COPY_TRIES = 144
_DENIED = ("UnauthorizedOperation", "AccessDenied", "AccessDeniedException")


@dataclass
class Planned:
    """A policy's next start, and what it has made."""

    entry: Entry | None = None
    firing: Firing | None = None
    made: dict[str, Made] = field(default_factory=dict)


class Runs:
    """The runs of the policies of one account and region."""

    def __init__(self, backend: Dlm) -> None:
        self._backend = backend
        self._planned: dict[str, Planned] = {}
        self._roles = Roles(backend)

    def plan(self, policy_id: str, after: datetime | None = None) -> None:
        """Wait for the policy's next start; what was planned before is off, unless its hour has begun.

        `after` is the start that was just made, late: another one may have come in the meantime.
        """
        planned = self._planned.setdefault(policy_id, Planned())
        if planned.entry and planned.firing and planned.firing.at <= self._backend.now() < planned.entry.when:
            return
        self._cancel(planned)
        policy = self._policy(policy_id)
        firing = next_firing(policy, after or self._backend.now()) if policy else None
        if firing is None:
            return
        start = firing.at + _delay(policy_id, firing.at)
        planned.firing = firing
        planned.entry = self._at(start, partial(self._run, policy_id, firing), f"run of {policy_id}")

    def forget(self, policy_id: str) -> None:
        """Do nothing more for a policy that was deleted; its snapshots stay."""
        self._cancel(self._planned.pop(policy_id, Planned()))

    def _cancel(self, planned: Planned) -> None:
        if planned.entry:
            planned.entry.cancel()
        planned.entry = planned.firing = None

    def _policy(self, policy_id: str) -> SnapshotPolicy | None:
        """The policy's schedules, while it is enabled and makes snapshots."""
        policy = self._backend.policies.get(policy_id)
        if policy is None or policy["State"] != "ENABLED":
            return None
        details = policy["PolicyDetails"]
        return policy_from(details) if details["PolicyType"] == "EBS_SNAPSHOT_MANAGEMENT" else None

    # --- a run ---

    def _run(self, policy_id: str, firing: Firing) -> None:
        planned = self._planned[policy_id]
        planned.entry = planned.firing = None
        if self._policy(policy_id) is None:
            return
        try:
            self._roles.check(self._backend.policies[policy_id]["ExecutionRoleArn"])
            found = targets(self._ec2(policy_id), self._backend.policies[policy_id]["PolicyDetails"])
        except ClientError as error:
            self._fail(policy_id, error)
            return
        count(self._backend, policy_id, "ResourcesTargeted", len(found))
        for target in found:
            count(self._backend, policy_id, "SnapshotsCreateStarted")
            self._make(policy_id, firing, target, TRIES)
        self._retire(policy_id)
        self.plan(policy_id, firing.at)

    def _make(self, policy_id: str, firing: Firing, target: Target, tries: int) -> None:
        if self._policy(policy_id) is None:
            return
        try:
            snapshots = target.snapshot(self._ec2(policy_id), _description(policy_id, firing), firing)
        except ClientError as error:
            if _is_denied(error) or tries <= 1:
                count(self._backend, policy_id, "SnapshotsCreateFailed")
                self._fail(policy_id, error)
            else:
                again = partial(self._make, policy_id, firing, target, tries - 1)
                self._at(self._backend.now() + RETRY_AFTER, again, f"retry for {target.id}")
            return
        for snapshot_id, volume_id in snapshots:
            self._look_after(policy_id, firing, snapshot_id, volume_id)

    def _look_after(self, policy_id: str, firing: Firing, snapshot_id: str, volume_id: str) -> None:
        now = self._backend.now()
        state = moto_backend("ec2", self._backend.account_id, self._backend.region_name)
        state.create_tags([snapshot_id], tags_of(policy_id, firing, now))
        expires = firing.expires(now)
        self._planned[policy_id].made[snapshot_id] = Made(snapshot_id, volume_id, firing.owner.name, now, expires)
        when_completed(state, snapshot_id, partial(self._completed, policy_id, firing, snapshot_id))
        if expires:
            self._at(expires, partial(self._retire, policy_id), f"expiry of {snapshot_id}")

    def _completed(self, policy_id: str, firing: Firing, snapshot_id: str) -> None:
        count(self._backend, policy_id, "SnapshotsCreateCompleted")
        if policy_id not in self._backend.policies:
            return
        for share in firing.shares:
            self._share(policy_id, snapshot_id, share)
        for copy in firing.copies:
            count(self._backend, policy_id, "SnapshotsCopiedRegionStarted")
            self._copy(policy_id, snapshot_id, copy, COPY_TRIES)

    # --- sharing and copying ---

    def _share(self, policy_id: str, snapshot_id: str, share: Share) -> None:
        if self._done(policy_id, "modify_snapshot_attribute", SnapshotId=snapshot_id, **_permissions("add", share)):
            count(self._backend, policy_id, "SnapshotsSharedCompleted")
        if share.unshare_after:
            end = partial(
                self._done,
                policy_id,
                "modify_snapshot_attribute",
                SnapshotId=snapshot_id,
                **_permissions("remove", share),
            )
            self._at(share.unshare_after.after(self._backend.now()), end, f"end of sharing {snapshot_id}")

    def _copy(self, policy_id: str, snapshot_id: str, copy: Copy, tries: int) -> None:
        source = moto_backend("ec2", self._backend.account_id, self._backend.region_name)
        if policy_id not in self._backend.policies or snapshot_id not in source.snapshots:
            return
        tags = {key: value for key, value in source.tags.get(snapshot_id, {}).items() if not _is_dlms(key)}
        try:
            made = self._ec2(policy_id, copy.region).copy_snapshot(
                SourceRegion=self._backend.region_name,
                SourceSnapshotId=snapshot_id,
                Description=f"Copied for policy: {policy_id} from {snapshot_id} in {self._backend.region_name}",
                **_encryption(copy),
                **_tag_specification(tags if copy.takes_tags else {}),
            )["SnapshotId"]
        except ClientError as error:
            if _is_denied(error) or tries <= 1:
                count(self._backend, policy_id, "SnapshotsCopiedRegionFailed")
            else:
                again = partial(self._copy, policy_id, snapshot_id, copy, tries - 1)
                self._at(self._backend.now() + RETRY_AFTER, again, f"retry of a copy of {snapshot_id}")
            return
        target = moto_backend("ec2", self._backend.account_id, copy.region)
        when_completed(target, made, partial(count, self._backend, policy_id, "SnapshotsCopiedRegionCompleted"))
        if copy.age:
            expiry = copy.age.after(self._backend.now())
            self._at(expiry, partial(self._delete_copy, policy_id, made, copy.region), f"expiry of {made}")

    def _delete_copy(self, policy_id: str, snapshot_id: str, region: str) -> None:
        if policy_id in self._backend.policies:
            gone = self._done(policy_id, "delete_snapshot", region=region, SnapshotId=snapshot_id)
            metric = "SnapshotsCopiedRegionDeleteCompleted" if gone else "SnapshotsCopiedRegionDeleteFailed"
            count(self._backend, policy_id, metric)

    # --- retention ---

    def _retire(self, policy_id: str) -> None:
        policy, planned = self._policy(policy_id), self._planned.get(policy_id)
        if policy is None or planned is None:
            return
        state = moto_backend("ec2", self._backend.account_id, self._backend.region_name)
        for gone in [each for each in planned.made if each not in state.snapshots]:
            del planned.made[gone]
        deleted = {each.volume for each in planned.made.values() if each.volume not in state.volumes}
        for each in due(policy, planned.made.values(), self._backend.now(), deleted_volumes=deleted):
            if each.action == "archive":
                self._archive(policy_id, planned, each.snapshot)
            elif self._done(policy_id, "delete_snapshot", SnapshotId=each.snapshot.id):
                count(self._backend, policy_id, "SnapshotsDeleteCompleted")
                del planned.made[each.snapshot.id]
            else:
                count(self._backend, policy_id, "SnapshotsDeleteFailed")

    def _archive(self, policy_id: str, planned: Planned, snapshot: Made) -> None:
        if self._done(policy_id, "modify_snapshot_tier", SnapshotId=snapshot.id, StorageTier="archive"):
            planned.made[snapshot.id] = replace(snapshot, archived=self._backend.now())

    # --- acting ---

    def _ec2(self, policy_id: str, region: str | None = None) -> Any:
        """EC2 with the rights of the policy's role; Any, as botocore makes the classes at run time."""
        role = self._backend.policies[policy_id]["ExecutionRoleArn"]
        return self._roles.ec2(role, region or self._backend.region_name)

    def _done(self, policy_id: str, operation: str, *, region: str | None = None, **arguments: Any) -> bool:
        """Whether an operation worked, or there was nothing left to do."""
        try:
            getattr(self._ec2(policy_id, region), operation)(**arguments)
        except ClientError as error:
            return "NotFound" in error.response["Error"]["Code"]
        return True

    def _fail(self, policy_id: str, error: ClientError) -> None:
        """Put the policy into the state ERROR where its role is to blame."""
        if _is_denied(error):
            self._backend.fail(policy_id, "Role provided does not have sufficient permissions")

    def _at(self, when: datetime, action: Any, name: str) -> Entry:
        entry: Entry = self._backend.sandbox.clock.ticker.at(when, action, f"DLM: {name}")
        return entry


def _delay(policy_id: str, at: datetime) -> timedelta:
    """Some time within the hour, always the same for the same policy and moment."""
    digest = hashlib.sha256(f"{policy_id} {at.isoformat()}".encode()).digest()
    return timedelta(seconds=int.from_bytes(digest[:4], "big") % int(START_WITHIN.total_seconds()))


def _description(policy_id: str, firing: Firing) -> str:
    names = ", ".join(schedule.name for schedule in firing.schedules)
    return f"Created for policy: {policy_id} schedule: {names}"


def _is_denied(error: ClientError) -> bool:
    return error.response["Error"]["Code"] in _DENIED


def _is_dlms(key: str) -> bool:
    return key.startswith(("aws:", "dlm:"))


def _encryption(copy: Copy) -> dict[str, Any]:
    return {"Encrypted": copy.is_encrypted, **({"KmsKeyId": copy.key_arn} if copy.key_arn else {})}


def _tag_specification(tags: dict[str, str]) -> dict[str, Any]:
    if not tags:
        return {}
    return {"TagSpecifications": [{"ResourceType": "snapshot", "Tags": _list(tags)}]}


def _list(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _permissions(operation: str, share: Share) -> dict[str, Any]:
    return {"Attribute": "createVolumePermission", "OperationType": operation, "UserIds": list(share.accounts)}
