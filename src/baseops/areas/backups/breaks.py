"""What goes wrong with backups, done to a copy of the sandbox account by ordinary API calls."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, TypeAlias

from baseops.areas.backups.policies import description
from baseops.areas.backups.snapshot_tags import BACKUP_TAG
from baseops.contract.sandbox_account import SandboxAccount
from baseops.contract.site import Site

Break: TypeAlias = Callable[[SandboxAccount], None]

# Any throughout: botocore makes clients at run time, and answers are of many types.


class PolicyBreaks:
    """Breaks of one backup's policy and of what it made."""

    def __init__(self, name: str, site: Site) -> None:
        """`name` is the backup's."""
        self._name = name
        self._site = site

    def disable(self, account: SandboxAccount) -> None:
        """Somebody switched it off for a migration."""
        account.client("dlm").update_lifecycle_policy(PolicyId=self._policy(account)["PolicyId"], State="DISABLED")

    def delete(self, account: SandboxAccount) -> None:
        """It is gone; its snapshots stay."""
        account.client("dlm").delete_lifecycle_policy(PolicyId=self._policy(account)["PolicyId"])

    def keep(self, days: int) -> Break:
        """Its retention is another one."""

        def change(schedule: dict[str, Any]) -> None:
            schedule["RetainRule"] = {"Interval": days, "IntervalUnit": "DAYS"}

        return self._changing(change)

    def copy_nowhere(self, account: SandboxAccount) -> None:
        """Its copy rules are gone."""
        self._changing(lambda schedule: schedule.pop("CrossRegionCopyRules"))(account)

    def copy_under_another_key(self, account: SandboxAccount) -> None:
        """Copies are under a key that somebody made for a test."""

        def change(schedule: dict[str, Any]) -> None:
            for rule in schedule["CrossRegionCopyRules"]:
                kms = account.client("kms", rule["Target"])
                rule["CmkArn"] = kms.create_key(Description="a test")["KeyMetadata"]["Arn"]

        self._allow_any_key(account)
        self._changing(change)(account)

    def forbid_grants(self, account: SandboxAccount) -> None:
        """Its role loses the right to make grants: the next copy fails."""

        def without(statement: dict[str, Any]) -> dict[str, Any]:
            return {**statement, "Action": [each for each in statement["Action"] if each != "kms:CreateGrant"]}

        self._rewrite_role(account, lambda statements: [without(each) for each in statements])

    def close_the_key(self, region: str) -> Break:
        """The policy of the copies' key forbids grants."""

        def act(account: SandboxAccount) -> None:
            rules = self._policy(account)["PolicyDetails"]["Schedules"][0]["CrossRegionCopyRules"]
            key = next(each["CmkArn"] for each in rules if each["Target"] == region)
            kms = account.client("kms", region)
            document = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
            deny = {"Effect": "Deny", "Principal": "*", "Action": "kms:CreateGrant", "Resource": "*"}
            document["Statement"].append(deny)
            kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(document))

        return act

    def delete_a_week(self, account: SandboxAccount) -> None:
        """Somebody deletes snapshots of a week, but for the newest and the oldest of each volume."""
        by_volume: dict[str, list[Any]] = {}
        for each in self._snapshots(account, self._site.region):
            by_volume.setdefault(each["VolumeId"], []).append(each)
        for held in by_volume.values():
            for each in held[2:-2]:
                account.client("ec2").delete_snapshot(SnapshotId=each["SnapshotId"])

    def delete_copies(self, region: str) -> Break:
        """Somebody deletes the copies but for the newest ones."""

        def act(account: SandboxAccount) -> None:
            held = self._snapshots(account, region)
            recent = account.clock.now() - timedelta(days=2)
            for each in held:
                if each["StartTime"] < recent:
                    account.client("ec2", region).delete_snapshot(SnapshotId=each["SnapshotId"])

        return act

    def share(self, region: str, **with_whom: Any) -> Break:
        """The snapshots of a region are opened to somebody else."""

        def act(account: SandboxAccount) -> None:
            ec2 = account.client("ec2", region)
            for each in self._snapshots(account, region):
                ec2.modify_snapshot_attribute(
                    SnapshotId=each["SnapshotId"],
                    Attribute="createVolumePermission",
                    OperationType="add",
                    **with_whom,
                )

        return act

    def _policy(self, account: SandboxAccount) -> dict[str, Any]:
        dlm, wanted = account.client("dlm"), description(self._site, self._name)
        listed = dlm.get_lifecycle_policies()["Policies"]
        found = next(each["PolicyId"] for each in listed if each["Description"] == wanted)
        policy: dict[str, Any] = dlm.get_lifecycle_policy(PolicyId=found)["Policy"]
        return policy

    def _changing(self, change: Callable[[dict[str, Any]], object]) -> Break:
        def act(account: SandboxAccount) -> None:
            policy = self._policy(account)
            for schedule in policy["PolicyDetails"]["Schedules"]:
                change(schedule)
            account.client("dlm").update_lifecycle_policy(
                PolicyId=policy["PolicyId"], PolicyDetails=policy["PolicyDetails"]
            )

        return act

    def _allow_any_key(self, account: SandboxAccount) -> None:
        self._rewrite_role(
            account, lambda statements: [*statements, {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}]
        )

    def _rewrite_role(
        self, account: SandboxAccount, rewrite: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]
    ) -> None:
        iam, role = account.client("iam"), self._policy(account)["ExecutionRoleArn"].rpartition("/")[2]
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
            document["Statement"] = rewrite(document["Statement"])
            iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))

    def _snapshots(self, account: SandboxAccount, region: str) -> list[dict[str, Any]]:
        """Oldest first."""
        mine = [{"Name": f"tag:{BACKUP_TAG}", "Values": [self._name]}]
        found = account.client("ec2", region).describe_snapshots(OwnerIds=["self"], Filters=mine)["Snapshots"]
        return sorted(found, key=lambda each: each["StartTime"])


def mistype(tags: Mapping[str, str]) -> Break:
    """A new volume whose tag has two letters swapped."""

    def act(account: SandboxAccount) -> None:
        key, value = next(iter(tags.items()))
        wrong = {"Key": key, "Value": value[:-2] + value[-1] + value[-2]}
        account.client("ec2").create_volume(
            AvailabilityZone=f"{account.region}a",
            Size=8,
            TagSpecifications=[{"ResourceType": "volume", "Tags": [wrong]}],
        )

    return act


def select_late(tags: Mapping[str, str]) -> Break:
    """A volume that DLM never snapshots: it was made under a policy that was disabled meanwhile."""

    def act(account: SandboxAccount) -> None:
        dlm = account.client("dlm")
        for each in dlm.get_lifecycle_policies()["Policies"]:
            dlm.update_lifecycle_policy(PolicyId=each["PolicyId"], State="DISABLED")
        key, value = next(iter(tags.items()))
        account.client("ec2").create_volume(
            AvailabilityZone=f"{account.region}a",
            Size=8,
            TagSpecifications=[{"ResourceType": "volume", "Tags": [{"Key": key, "Value": value}]}],
        )

    return act


def empty_the_bin(account: SandboxAccount) -> None:
    """The Recycle Bin keeps for a day."""
    rbin = account.client("rbin")
    for each in rbin.list_rules(ResourceType="EBS_SNAPSHOT")["Rules"]:
        period = {"RetentionPeriodValue": 1, "RetentionPeriodUnit": "DAYS"}
        rbin.update_rule(Identifier=each["Identifier"], RetentionPeriod=period)


def allow_public_snapshots(account: SandboxAccount) -> None:
    """The block on public sharing is off."""
    account.client("ec2").disable_snapshot_block_public_access()
