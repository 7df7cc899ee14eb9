"""The Recycle Bin's rules in the sandbox, and the block on public snapshots."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from baseops.sandbox.account import Account, open_account

WEEK = {"RetentionPeriodUnit": "DAYS", "RetentionPeriodValue": 7}
LOCK = {"UnlockDelay": {"UnlockDelayUnit": "DAYS", "UnlockDelayValue": 7}}


@pytest.fixture
def account() -> Iterator[Account]:
    with open_account(start=datetime(2026, 11, 1, tzinfo=UTC)) as opened:
        yield opened


@pytest.fixture
def rbin(account):
    return account.client("rbin")


def test_rules_are_made_listed_and_removed_by_region(account, rbin):
    made = rbin.create_rule(ResourceType="EBS_SNAPSHOT", RetentionPeriod=WEEK, Description="deleted snapshots")
    (listed,) = rbin.list_rules(ResourceType="EBS_SNAPSHOT")["Rules"]
    assert listed["Identifier"] == made["Identifier"]
    assert rbin.list_rules(ResourceType="EC2_IMAGE")["Rules"] == []
    assert account.client("rbin", "us-east-1").list_rules(ResourceType="EBS_SNAPSHOT")["Rules"] == []
    rbin.delete_rule(Identifier=made["Identifier"])
    assert rbin.list_rules(ResourceType="EBS_SNAPSHOT")["Rules"] == []


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (
            {"ResourceType": "EBS_SNAPSHOT", "RetentionPeriod": {**WEEK, "RetentionPeriodValue": 366}},
            "The retention period for EBS_SNAPSHOT must be between 1 and 365 days.",
        ),
        (
            {"ResourceType": "EBS_VOLUME", "RetentionPeriod": {**WEEK, "RetentionPeriodValue": 8}},
            "The retention period for EBS_VOLUME must be between 1 and 7 days.",
        ),
        (
            {
                "ResourceType": "EBS_SNAPSHOT",
                "RetentionPeriod": WEEK,
                "ResourceTags": [{"ResourceTagKey": "a"}],
                "LockConfiguration": LOCK,
            },
            "Only Region-level retention rules can be locked.",
        ),
        (
            {
                "ResourceType": "EBS_SNAPSHOT",
                "RetentionPeriod": WEEK,
                "ResourceTags": [{"ResourceTagKey": "a"}],
                "ExcludeResourceTags": [{"ResourceTagKey": "b"}],
            },
            "You can't specify both resource tags and exclusion tags.",
        ),
    ],
)
def test_a_bad_rule_is_refused(rbin, rule, message):
    with pytest.raises(ClientError) as caught:
        rbin.create_rule(**rule)
    assert caught.value.response["Error"] == {"Code": "ValidationException", "Message": message}


def test_a_locked_rule_stays_until_its_delay_is_over(account, rbin):
    made = rbin.create_rule(ResourceType="EBS_SNAPSHOT", RetentionPeriod=WEEK, LockConfiguration=LOCK)
    with pytest.raises(ClientError, match="You cannot delete a locked retention rule"):
        rbin.delete_rule(Identifier=made["Identifier"])
    rbin.unlock_rule(Identifier=made["Identifier"])
    account.clock.advance(by=timedelta(days=6))
    with pytest.raises(ClientError, match="You cannot update a locked retention rule"):
        rbin.update_rule(Identifier=made["Identifier"], RetentionPeriod=WEEK)
    account.clock.advance(by=timedelta(days=1))
    rbin.delete_rule(Identifier=made["Identifier"])


def test_public_snapshots_are_blocked_by_region(account):
    ec2, elsewhere = account.client("ec2"), account.client("ec2", "us-east-1")
    assert ec2.get_snapshot_block_public_access_state()["State"] == "unblocked"
    ec2.enable_snapshot_block_public_access(State="block-all-sharing")
    assert ec2.get_snapshot_block_public_access_state()["State"] == "block-all-sharing"
    assert elsewhere.get_snapshot_block_public_access_state()["State"] == "unblocked"
    ec2.disable_snapshot_block_public_access()
    assert ec2.get_snapshot_block_public_access_state()["State"] == "unblocked"
