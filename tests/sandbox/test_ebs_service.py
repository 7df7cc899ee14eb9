"""The sandbox's EBS direct APIs: what snapshots hold, tokens, pages, comparisons, writing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from baseops.sandbox.account import Account, open_account
from baseops.sandbox.volumes import attach_image, volume_image

BLOCK = 524288


@pytest.fixture
def account() -> Iterator[Account]:
    with open_account(start=datetime(2026, 11, 1, tzinfo=UTC)) as opened:
        yield opened


@pytest.fixture
def volume(account: Account, tmp_path: Path) -> str:
    """A volume of 1 GiB with three written blocks: 0, 5 and 2047."""
    identifier = str(account.client("ec2").create_volume(AvailabilityZone="eu-west-1a", Size=1)["VolumeId"])
    image = tmp_path / "disk.img"
    with image.open("wb") as file:
        for index in (0, 5, 2047):
            file.seek(index * BLOCK)
            file.write(bytes([index % 251 + 1]) * 10)
        file.truncate(1 << 30)
    attach_image(account.folder, identifier, image)
    return identifier


def snapshot(account: Account, volume: str) -> str:
    made = account.client("ec2").create_snapshot(VolumeId=volume)["SnapshotId"]
    account.clock.advance(by=timedelta(hours=1))
    return str(made)


def listed(account: Account, identifier: str, **more: Any) -> dict[str, Any]:
    return dict(account.client("ebs").list_snapshot_blocks(SnapshotId=identifier, **more))


def test_a_snapshot_holds_the_written_blocks_of_its_volume(account, volume):
    found = listed(account, snapshot(account, volume))

    assert [each["BlockIndex"] for each in found["Blocks"]] == [0, 5, 2047]
    assert (found["BlockSize"], found["VolumeSize"], found.get("NextToken")) == (BLOCK, 1, None)


def test_a_block_comes_with_its_length_and_checksum(account, volume):
    identifier = snapshot(account, volume)
    block = listed(account, identifier)["Blocks"][1]

    answer = account.client("ebs").get_snapshot_block(SnapshotId=identifier, **block)
    data = answer["BlockData"].read()

    assert data == (bytes([6]) * 10).ljust(BLOCK, b"\0")
    assert answer["DataLength"] == BLOCK
    assert answer["Checksum"] == base64.b64encode(hashlib.sha256(data).digest()).decode()


def test_the_listing_starts_where_it_is_told(account, volume):
    found = listed(account, snapshot(account, volume), StartingBlockIndex=1)

    assert [each["BlockIndex"] for each in found["Blocks"]] == [5, 2047]


def test_a_token_is_good_for_its_block_for_seven_days(account, volume):
    identifier = snapshot(account, volume)
    first, second, _ = listed(account, identifier)["Blocks"]
    ebs = account.client("ebs")

    with pytest.raises(ClientError, match="The block token is not valid") as caught:
        ebs.get_snapshot_block(SnapshotId=identifier, BlockIndex=0, BlockToken=second["BlockToken"])
    assert caught.value.response["Reason"] == "INVALID_BLOCK_TOKEN"
    account.clock.advance(by=timedelta(days=7))
    with pytest.raises(ClientError, match="The block token is not valid"):
        ebs.get_snapshot_block(SnapshotId=identifier, **first)


def test_pages_are_as_large_as_asked_for(account, tmp_path):
    identifier = account.client("ec2").create_volume(AvailabilityZone="eu-west-1a", Size=1)["VolumeId"]
    volume_image(account.folder, identifier).parent.mkdir(parents=True, exist_ok=True)
    volume_image(account.folder, identifier).write_bytes(b"x" * BLOCK * 150)
    made = snapshot(account, identifier)

    first = listed(account, made, MaxResults=100)
    second = listed(account, made, NextToken=first["NextToken"], MaxResults=100)

    assert [len(first["Blocks"]), len(second["Blocks"])] == [100, 50]
    assert "NextToken" not in second
    account.clock.advance(by=timedelta(hours=1))
    with pytest.raises(ClientError, match="The page token is not valid"):
        listed(account, made, NextToken=first["NextToken"])


def test_two_snapshots_of_a_volume_tell_what_changed(account, volume):
    first = snapshot(account, volume)
    with volume_image(account.folder, volume).open("r+b") as file:
        file.seek(5 * BLOCK)
        file.write(b"other")
        file.seek(700 * BLOCK)
        file.write(b"new")
    second = snapshot(account, volume)
    ebs = account.client("ebs")

    found, token, pages = [], None, 0
    while token or not pages:
        more = {"NextToken": token} if token else {}
        page = ebs.list_changed_blocks(FirstSnapshotId=first, SecondSnapshotId=second, MaxResults=100, **more)
        found += page["ChangedBlocks"]
        token, pages = page.get("NextToken"), pages + 1

    assert [(each["BlockIndex"], "FirstBlockToken" in each) for each in found] == [(5, True), (700, False)]
    assert pages > 10  # most of them empty, and not the last


def test_snapshots_of_different_volumes_cannot_be_compared(account, volume):
    other = account.client("ec2").create_volume(AvailabilityZone="eu-west-1a", Size=1)["VolumeId"]
    first, second = snapshot(account, volume), snapshot(account, other)

    with pytest.raises(ClientError, match="not related"):
        account.client("ebs").list_changed_blocks(FirstSnapshotId=first, SecondSnapshotId=second)


def test_a_pending_snapshot_has_no_blocks_yet(account, volume):
    pending = account.client("ec2").create_snapshot(VolumeId=volume)["SnapshotId"]

    with pytest.raises(ClientError, match="is in the state pending"):
        listed(account, pending)


def test_a_snapshot_that_does_not_exist(account):
    with pytest.raises(ClientError, match="does not exist") as caught:
        listed(account, "snap-0123456789abcdef0")
    assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_what_is_written_block_by_block_can_be_read_and_restored(account):
    ebs, data = account.client("ebs"), b"z" * BLOCK
    made = ebs.start_snapshot(VolumeSize=1)["SnapshotId"]
    checksum = base64.b64encode(hashlib.sha256(data).digest()).decode()
    put = {"SnapshotId": made, "BlockIndex": 3, "BlockData": data, "DataLength": BLOCK, "ChecksumAlgorithm": "SHA256"}
    with pytest.raises(ClientError, match="checksum does not match"):
        ebs.put_snapshot_block(**put, Checksum=base64.b64encode(bytes(32)).decode())
    ebs.put_snapshot_block(**put, Checksum=checksum)
    ebs.complete_snapshot(SnapshotId=made, ChangedBlocksCount=1)
    account.clock.advance(by=timedelta(minutes=1))

    volume = account.client("ec2").create_volume(AvailabilityZone="eu-west-1a", SnapshotId=made)["VolumeId"]
    again = listed(account, snapshot(account, volume))

    assert [each["BlockIndex"] for each in again["Blocks"]] == [3]


def test_a_copy_in_another_region_holds_the_same(account, volume):
    source = snapshot(account, volume)
    there = account.client("ec2", "us-east-1")
    copy = there.copy_snapshot(SourceRegion="eu-west-1", SourceSnapshotId=source)["SnapshotId"]
    account.clock.advance(by=timedelta(hours=1))

    found = account.client("ebs", "us-east-1").list_snapshot_blocks(SnapshotId=copy)

    assert [each["BlockIndex"] for each in found["Blocks"]] == [0, 5, 2047]
