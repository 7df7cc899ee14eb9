"""A snapshot's blocks through the EBS direct APIs: as few requests as needed, verified, tried again, paced, capped."""

from __future__ import annotations

import base64
import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from botocore.exceptions import ClientError

from baseops.aws.block_requests import Listing, Received
from baseops.aws.ebs import EbsBlocks
from baseops.aws.sources import Reading, Sources, changed_blocks
from baseops.aws.spending import Pace, Spending
from baseops.errors import AccessError, AwsError, NotFoundError, SnapshotError, UsageError
from baseops.sandbox.account import Account, open_account
from baseops.sandbox.faults import Fault
from baseops.sandbox.volumes import attach_image, volume_image

T = TypeVar("T")
BLOCK = 524288
START = datetime(2026, 11, 1, tzinfo=UTC)


class FakeClock:
    """Time moves when somebody sleeps."""

    def __init__(self) -> None:
        self.time = START
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += timedelta(seconds=seconds)

    def gather(self, tasks: Sequence[Callable[[], T]], *, bound: int = 8) -> list[T]:
        return [task() for task in tasks]


class FakeRequests:
    """A volume of 16 GiB with every third block written; goes wrong as told."""

    def __init__(self, clock: FakeClock, *troubles: Exception | Received) -> None:
        self.clock = clock
        self.troubles = list(troubles)
        self.lists: list[tuple[int, int]] = []
        self.gets: list[int] = []
        self.round = 0

    def list_blocks(self, snapshot_id: str, start: int, results: int, token: str | None) -> Listing:
        begin = int(token) if token else start
        self.lists.append((begin, results))
        self.round += 1
        indexes = [index for index in range(begin, 32768) if index % 3 == 0][:results]
        end = indexes[-1] + 1 if indexes else 32768
        following = str(end) if end < 32766 else None
        return Listing(
            [(index, f"{index}:{self.round}") for index in indexes],
            following,
            16 << 30,
            BLOCK,
            self.clock.now() + timedelta(days=7),
        )

    def list_changed(self, first_id: str, second_id: str, token: str | None) -> Listing:
        raise AssertionError("nobody compares here")

    def get_block(self, snapshot_id: str, index: int, token: str, into: memoryview | None = None) -> Received:
        self.gets.append(index)
        if self.troubles:
            trouble = self.troubles.pop(0)
            if isinstance(trouble, Received):
                return trouble
            raise trouble
        return good(index)


def good(index: int) -> Received:
    data = index.to_bytes(4, "big") * (BLOCK // 4)
    return Received(data, base64.b64encode(hashlib.sha256(data).digest()).decode(), "SHA256")


def refusal(code: str, status: int = 400, reason: str = "") -> ClientError:
    details = {"Error": {"Code": code, "Message": "no"}, "Reason": reason}
    return ClientError({**details, "ResponseMetadata": {"HTTPStatusCode": status}}, "GetSnapshotBlock")


def source(*troubles: Exception | Received, **caps: float) -> tuple[EbsBlocks, FakeRequests, FakeClock, Pace]:
    clock = FakeClock()
    requests, pace = FakeRequests(clock, *troubles), Pace(clock)
    spending = Spending(**caps)  # type: ignore[arg-type]
    return EbsBlocks("snap-0a1b2c3d4e5f60718", requests, clock, spending, pace), requests, clock, pace


def test_only_the_windows_that_are_needed_are_listed():
    blocks, requests, _, _ = source()

    assert blocks.present(0)
    assert not blocks.present(1)
    assert blocks.present(30_000)
    assert blocks.present(30_003)
    assert requests.lists == [(0, 1000), (30_000, 1000)]
    assert (blocks.size, blocks.block_size, blocks.count) == (16 << 30, BLOCK, 32768)


def test_everything_can_be_listed_in_pages_of_ten_thousand():
    blocks, requests, _, _ = source()

    assert [index for index, _ in blocks.listed()] == list(range(0, 32768, 3))
    assert requests.lists[1:] == [(0, 10_000), (29_998, 10_000)]


def test_tokens_are_renewed_before_they_expire():
    blocks, requests, clock, _ = source()
    clock.time += timedelta(days=7)

    blocks.read(3)

    assert requests.lists == [(0, 1000), (3, 1000)]


def test_a_token_that_aws_no_longer_takes_is_renewed_once():
    blocks, requests, _, _ = source(refusal("ValidationException", reason="INVALID_BLOCK_TOKEN"))

    assert blocks.read(3) == good(3).data
    assert requests.gets == [3, 3]


@pytest.mark.parametrize(
    "trouble",
    [
        refusal("RequestThrottledException"),
        refusal("InternalServerException", 500),
        ConnectionResetError("reset"),
        Received(b"short", "", "SHA256"),
        Received(bytes(BLOCK), good(9).checksum, "SHA256"),
        Received(bytes(BLOCK), "", ""),
    ],
    ids=["throttled", "server error", "connection", "cut off", "checksum", "no checksum"],
)
def test_trouble_that_passes_is_tried_again(trouble):
    blocks, requests, clock, pace = source(trouble)

    assert blocks.read(3) == good(3).data
    assert requests.gets == [3, 3]
    assert clock.slept == [0.2]
    assert pace.per_second == 200


def test_throttling_of_the_account_slows_down():
    blocks, _, _, pace = source(refusal("ThrottlingException"))

    blocks.read(3)

    assert pace.per_second == 100


def test_a_checksum_that_stays_wrong_is_an_error():
    blocks, requests, _, _ = source(*[Received(bytes(BLOCK), good(9).checksum, "SHA256")] * 20)

    with pytest.raises(AwsError, match=r"cannot read block 3 of snap-[0-9a-f]+: after 8 attempts: its checksum"):
        blocks.read(3)
    assert len(requests.gets) == 8


def test_a_refusal_is_not_tried_again():
    blocks, requests, _, _ = source(refusal("AccessDeniedException", 403))

    with pytest.raises(AccessError, match="Allow"):
        blocks.read(3)
    assert requests.gets == [3]


def test_reading_keeps_to_its_share_of_the_quota():
    blocks, _, clock, _ = source()

    for _ in range(264):
        blocks.read(3)

    assert clock.now() - START == pytest.approx(timedelta(seconds=1), abs=timedelta(milliseconds=10))


def test_caps_stop_the_reading():
    blocks, _, _, _ = source(max_bytes=2 * BLOCK)
    with pytest.raises(SnapshotError, match="the cap is 1,048,576 bytes"):
        deque(map(blocks.read, range(0, 30, 3)))

    blocks, _, _, _ = source(max_usd=0.00001)
    with pytest.raises(SnapshotError, match="the cap is 1e-05 US dollars"):
        deque(map(blocks.read, range(0, 30, 3)))


@pytest.fixture
def account() -> Iterator[Account]:
    with open_account(start=START) as opened:
        yield opened


@pytest.fixture
def image(tmp_path: Path, make_ext: Callable[..., Path]) -> Path:
    return make_ext("ext4", size="24M")


def volume_of(account: Account, image: Path, name: str = "web") -> str:
    tags = [{"ResourceType": "volume", "Tags": [{"Key": "Name", "Value": name}]}]
    made = account.client("ec2").create_volume(AvailabilityZone="eu-west-1a", Size=1, TagSpecifications=tags)
    attach_image(account.folder, made["VolumeId"], image)
    return str(made["VolumeId"])


def snapshot_of(account: Account, volume: str) -> str:
    made = account.client("ec2").create_snapshot(VolumeId=volume)["SnapshotId"]
    account.clock.advance(by=timedelta(hours=1))
    return str(made)


def test_files_come_out_of_a_snapshot_whatever_names_it(account: Account, image: Path):
    volume = volume_of(account, image)
    old, new = snapshot_of(account, volume), snapshot_of(account, volume)
    sources = Sources(lambda: account, account.clock)

    for name in (new, f"latest:{volume}", "latest:tag=Name=web"):
        with sources.open(name) as opened:
            assert opened.identifier == new
            assert opened.files().open("/etc/fstab").read() == b"/dev/xvda1 / ext4\n"
    with sources.open(f"latest:{volume}", at=START + timedelta(minutes=90)) as opened:
        assert opened.identifier == new
    with sources.open(f"latest:{volume}", at=START + timedelta(minutes=30)) as opened:
        assert opened.identifier == old


def test_injected_faults_change_nothing_but_time(account: Account, image: Path):
    made = snapshot_of(account, volume_of(account, image))
    account.faults.add(Fault("ebs", "*", error="RequestThrottledException", status=400, probability=0.05))
    account.faults.add(Fault("ebs", "*", error="InternalServerException", status=500, probability=0.03))
    account.faults.add(Fault("ebs", "*", drop="response", probability=0.02))
    sources = Sources(lambda: account, account.clock)

    with sources.open(made) as opened:
        snapshot = opened.files()
        for entry in snapshot.walk("/"):
            if entry.kind == "file" and entry.path.startswith("/many/"):
                number = int(entry.name.removeprefix("file-"))
                assert snapshot.open(entry).read() == str(number).encode()


def test_one_small_file_costs_next_to_nothing(account: Account, image: Path):
    made = snapshot_of(account, volume_of(account, image))
    sources = Sources(lambda: account, account.clock)

    with sources.open(made) as opened:
        opened.files().open("/etc/fstab").read()

    assert sources.spending.block_requests <= 10
    assert sources.spending.usd < 0.001


def test_a_cache_on_disk_reads_each_block_once(account: Account, image: Path, tmp_path: Path):
    made = snapshot_of(account, volume_of(account, image))
    folder = tmp_path / "cache"
    folder.mkdir()
    sources = Sources(lambda: account, account.clock, Reading(cache=str(folder)))

    with sources.open(made) as opened:
        opened.blocks.read(0)
        opened.blocks.read(0)
        assert list(folder.iterdir()) == []  # it has no name

    assert sources.spending.block_requests == 1


def test_blocks_that_changed_between_two_snapshots(account: Account, image: Path):
    volume = volume_of(account, image)
    first = snapshot_of(account, volume)
    with volume_image(account.folder, volume).open("r+b") as file:
        file.seek(40 * BLOCK)
        file.write(b"new")
    second = snapshot_of(account, volume)
    sources = Sources(lambda: account, account.clock)

    with sources.open(first) as old, sources.open(second) as new:
        assert changed_blocks(sources, old, new) == {40}


def test_errors_say_what_to_do(account: Account, image: Path):
    volume = volume_of(account, image)
    volume_of(account, image, "twice")
    volume_of(account, image, "twice")
    pending = account.client("ec2").create_snapshot(VolumeId=volume)["SnapshotId"]
    sources = Sources(lambda: account, account.clock)

    with pytest.raises(SnapshotError, match=r"it is pending\. Wait: aws ec2 wait snapshot-completed"):
        sources.open(pending)
    with pytest.raises(NotFoundError, match="cannot find snap-0123456789abcdef0 in eu-west-1"):
        sources.open("snap-0123456789abcdef0")
    with pytest.raises(NotFoundError, match=f"there is no completed snapshot of {volume}"):
        sources.open(f"latest:{volume}")
    with pytest.raises(UsageError, match="2 volumes have the tag Name=twice"):
        sources.open("latest:tag=Name=twice")
    with pytest.raises(NotFoundError, match="no volume has the tag Name=none"):
        sources.open("latest:tag=Name=none")


def test_a_snapshot_that_vanishes_is_an_error(account: Account, image: Path):
    made = snapshot_of(account, volume_of(account, image))
    sources = Sources(lambda: account, account.clock)

    with sources.open(made) as opened:
        account.client("ec2").delete_snapshot(SnapshotId=made)
        with pytest.raises(NotFoundError, match=f"cannot read block 0 of {made}"):
            opened.files()
