"""Files in volumes: written at the account's time, read back from snapshots by blocks, apart in copies."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from baseops.errors import SandboxError
from baseops.sandbox import ext4_images
from baseops.sandbox.account import Account, open_account
from baseops.snapshots.blocks import InMemoryBlocks
from baseops.snapshots.device import Device
from baseops.snapshots.files import Snapshot
from baseops.snapshots.opening import open_image

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
GIB = 1 << 30

pytestmark = pytest.mark.skipif(bool(ext4_images.why_not()), reason=ext4_images.why_not() or "")


@pytest.fixture
def account() -> Iterator[Account]:
    with open_account(start=START) as opened:
        yield opened


@pytest.fixture
def volume(account: Account) -> str:
    return made(account)


def made(account: Account, snapshot: str | None = None) -> str:
    origin = {"SnapshotId": snapshot} if snapshot else {}
    return str(account.client("ec2").create_volume(AvailabilityZone="eu-west-1a", Size=8, **origin)["VolumeId"])


def taken(account: Account, volume: str) -> str:
    snapshot = str(account.client("ec2").create_snapshot(VolumeId=volume)["SnapshotId"])
    account.clock.advance(by=timedelta(hours=1))
    return snapshot


def blocks(account: Account, snapshot: str) -> dict[int, bytes]:
    ebs = account.client("ebs")
    found = ebs.list_snapshot_blocks(SnapshotId=snapshot)["Blocks"]
    return {
        each["BlockIndex"]: ebs.get_snapshot_block(SnapshotId=snapshot, **each)["BlockData"].read() for each in found
    }


def files_of(account: Account, snapshot: str) -> Snapshot:
    """The file system of a snapshot, as anybody may read it."""
    return open_image(Device(InMemoryBlocks(blocks(account, snapshot), 8 * GIB)))


def changed(account: Account, first: str, second: str) -> list[int]:
    found = account.client("ebs").list_changed_blocks(FirstSnapshotId=first, SecondSnapshotId=second)
    return [each["BlockIndex"] for each in found["ChangedBlocks"]]


def test_what_is_written_is_in_the_next_snapshot_at_the_accounts_time(account, volume):
    account.write_files(volume, {"/etc/fstab": b"none\n", "/app.db": b"x" * 70_000})

    found = files_of(account, taken(account, volume))

    assert found.open("/etc/fstab").read() == b"none\n"
    assert found.stat("/app.db").size == 70_000
    assert found.stat("/app.db").modified == START
    assert found.stat("/etc").modified == START


def test_a_snapshot_keeps_what_its_volume_held(account, volume):
    account.write_files(volume, {"/a": b"old", "/b": b"here"})
    first = taken(account, volume)
    account.write_files(volume, {"/a": b"new", "/b": None, "/c/d/e": b""})
    second = taken(account, volume)

    before, after = files_of(account, first), files_of(account, second)

    assert (before.open("/a").read(), before.listdir()) == (b"old", ["a", "b", "lost+found"])
    assert (after.open("/a").read(), after.listdir()) == (b"new", ["a", "c", "lost+found"])
    assert after.stat("/a").modified == START + timedelta(hours=1)


def test_snapshots_differ_where_files_do(account, volume):
    account.write_files(volume, {"/large": b"x" * 3_000_000, "/small": b"1"})
    first = taken(account, volume)
    same = taken(account, volume)
    account.write_files(volume, {"/small": b"2"})
    last = taken(account, volume)

    assert changed(account, first, same) == []
    assert 1 <= len(changed(account, same, last)) <= 3
    assert len(blocks(account, last)) >= 7


def test_the_image_is_a_sound_file_system(account, volume, tmp_path: Path):
    account.write_files(volume, {f"/srv/{number}": bytes([number]) * number * 40 for number in range(250)})
    taken(account, volume)
    account.write_files(volume, {**{f"/srv/{number}": None for number in range(0, 250, 3)}, "/srv/big": b"y" * 900_000})
    image = tmp_path / "image"
    with image.open("wb") as file:
        for index, data in blocks(account, taken(account, volume)).items():
            file.seek(index * 524288)
            file.write(data)
        file.truncate(8 * GIB)

    judged = subprocess.run(["/usr/sbin/e2fsck", "-fn", image], capture_output=True, text=True, check=False)

    assert judged.returncode == 0, judged.stdout + judged.stderr


def test_files_larger_than_the_file_system_make_it_grow(account, volume):
    account.write_files(volume, {"/a": b"a"})
    first = taken(account, volume)
    account.write_files(volume, {"/b": b"b" * 70_000_000})

    found = files_of(account, taken(account, volume))

    assert (found.stat("/b").size, found.open("/a").read()) == (70_000_000, b"a")
    assert files_of(account, first).listdir() == ["a", "lost+found"]


def test_a_volume_from_a_snapshot_has_its_files(account, volume):
    account.write_files(volume, {"/etc/fstab": b"none\n"})
    snapshot = taken(account, volume)
    restored = made(account, snapshot)
    account.write_files(restored, {"/etc/hostname": b"restored\n"})

    found = files_of(account, taken(account, restored))

    assert found.listdir("/etc") == ["fstab", "hostname"]
    assert found.stat("/etc/fstab").modified == START
    assert files_of(account, taken(account, volume)).listdir("/etc") == ["fstab"]


def test_a_path_stays_inside_the_volume(account, volume):
    account.write_files(volume, {"/../../../outside": b"1"})

    assert files_of(account, taken(account, volume)).listdir() == ["lost+found", "outside"]


def test_a_copy_of_the_account_changes_files_of_its_own(account, volume):
    account.write_files(volume, {"/large": b"x" * 1_500_000, "/small": b"1"})
    first = taken(account, volume)
    account.write_files(volume, {"/small": b"2"})

    def in_the_copy() -> tuple[bytes, list[int]]:
        account.write_files(volume, {"/small": b"copy"})
        second = taken(account, volume)
        return files_of(account, second).open("/small").read(), changed(account, first, second)

    said, differing = account.fork(in_the_copy)

    assert said == b"copy"
    assert 1 <= len(differing) <= 3
    assert files_of(account, taken(account, volume)).open("/small").read() == b"2"


def test_a_volume_that_is_not_there_is_refused(account):
    with pytest.raises(SandboxError, match="there is no volume vol-0123"):
        account.write_files("vol-0123", {"/a": b""})
