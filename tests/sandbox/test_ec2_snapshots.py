"""Snapshots in the sandbox take time, and copies tell little of where they come from."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from baseops.sandbox.account import Account, open_account


@pytest.fixture
def account() -> Iterator[Account]:
    with open_account(start=datetime(2026, 11, 1, tzinfo=UTC)) as opened:
        yield opened


@pytest.fixture
def volume(account) -> str:
    return str(account.client("ec2").create_volume(AvailabilityZone="eu-west-1a", Size=8)["VolumeId"])


def state_of(account: Account, snapshot: str, region: str = "eu-west-1") -> str:
    found = account.client("ec2", region).describe_snapshots(SnapshotIds=[snapshot])["Snapshots"]
    return str(found[0]["State"])


def test_the_first_snapshot_takes_longer_than_the_next(account, volume):
    ec2 = account.client("ec2")
    first = ec2.create_snapshot(VolumeId=volume)
    assert first["State"] == "pending"
    account.clock.advance(by=timedelta(seconds=179))
    assert state_of(account, first["SnapshotId"]) == "pending"
    account.clock.advance(by=timedelta(seconds=1))
    assert state_of(account, first["SnapshotId"]) == "completed"
    second = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
    account.clock.advance(by=timedelta(seconds=76))
    assert state_of(account, second) == "completed"


def test_a_pending_snapshot_cannot_be_copied(account, volume):
    snapshot = account.client("ec2").create_snapshot(VolumeId=volume)["SnapshotId"]
    with pytest.raises(ClientError, match=f"Snapshot '{snapshot}' is not 'completed'"):
        account.client("ec2", "us-east-1").copy_snapshot(SourceRegion="eu-west-1", SourceSnapshotId=snapshot)


def test_a_copy_has_no_volume_and_no_tags_of_its_source(account, volume):
    tags = [{"ResourceType": "snapshot", "Tags": [{"Key": "a", "Value": "b"}]}]
    snapshot = account.client("ec2").create_snapshot(VolumeId=volume, TagSpecifications=tags)["SnapshotId"]
    account.clock.advance(by=timedelta(minutes=10))
    there = account.client("ec2", "us-east-1")
    copy = there.copy_snapshot(SourceRegion="eu-west-1", SourceSnapshotId=snapshot, Encrypted=True)["SnapshotId"]
    (found,) = there.describe_snapshots(SnapshotIds=[copy])["Snapshots"]
    assert (found["VolumeId"], found["Tags"], found["Encrypted"], found["State"]) == (
        "vol-ffffffff",
        [],
        True,
        "pending",
    )


def test_twenty_copies_go_to_a_region_at_once(account, volume):
    snapshot = account.client("ec2").create_snapshot(VolumeId=volume)["SnapshotId"]
    account.clock.advance(by=timedelta(minutes=10))
    there = account.client("ec2", "us-east-1")
    for _ in range(20):
        there.copy_snapshot(SourceRegion="eu-west-1", SourceSnapshotId=snapshot)
    with pytest.raises(ClientError) as caught:
        there.copy_snapshot(SourceRegion="eu-west-1", SourceSnapshotId=snapshot)
    assert caught.value.response["Error"]["Code"] == "ResourceLimitExceeded"
    account.clock.advance(by=timedelta(minutes=10))
    there.copy_snapshot(SourceRegion="eu-west-1", SourceSnapshotId=snapshot)


def test_tags_of_aws_are_reserved(account, volume):
    tags = [{"ResourceType": "snapshot", "Tags": [{"Key": "aws:dlm:x", "Value": "b"}]}]
    with pytest.raises(ClientError, match="reserved for internal use"):
        account.client("ec2").create_snapshot(VolumeId=volume, TagSpecifications=tags)
