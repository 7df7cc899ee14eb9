"""Deleting what destroy keeps: only what is there, users before what they use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from baseops.sandbox.account import Account, open_account
from baseops.workflow.data import delete_data
from baseops.workflow.destroy import Kept


@pytest.fixture
def account() -> Iterator[Account]:
    with open_account("111111111111", "eu-west-1") as opened:
        yield opened


def kept(kind: str, name: str) -> Kept:
    return Kept("baseops-acme-x", "eu-west-1", kind, name)


def test_what_is_there_is_deleted_keys_last_and_what_is_gone_is_passed_over(account: Account) -> None:
    rule = account.client("rbin").create_rule(
        ResourceType="EBS_SNAPSHOT", RetentionPeriod={"RetentionPeriodValue": 7, "RetentionPeriodUnit": "DAYS"}
    )
    key = account.client("kms").create_key()["KeyMetadata"]
    account.client("logs").create_log_group(logGroupName="/acme/web")
    wanted = [
        kept("AWS::KMS::Key", key["KeyId"]),
        kept("AWS::Rbin::Rule", rule["RuleArn"]),
        kept("AWS::Logs::LogGroup", "/acme/web"),
        kept("AWS::Logs::LogGroup", "/acme/gone"),
        kept("AWS::EC2::VPC", "vpc-0a1"),
    ]
    gone = delete_data(account, wanted)
    assert [each.type for each in gone] == ["AWS::Logs::LogGroup", "AWS::Rbin::Rule", "AWS::KMS::Key"]
    assert account.client("logs").describe_log_groups()["logGroups"] == []
    assert account.client("rbin").list_rules(ResourceType="EBS_SNAPSHOT")["Rules"] == []
    state = account.client("kms").describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"]
    assert state == "PendingDeletion"
