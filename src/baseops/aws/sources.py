"""From the name of a source to a device: which snapshot is meant, whether its blocks can be read, and by whom.

AWS calls: ec2:DescribeSnapshots; for a tag ec2:DescribeVolumes; for an image ec2:DescribeImages; then EBS's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

from baseops.aws.block_requests import requests_for
from baseops.aws.ebs import EbsBlocks
from baseops.aws.errors import translated
from baseops.aws.source_names import SourceName, parse
from baseops.aws.spending import QUOTA_PER_SECOND, SHARE, Pace, Spending
from baseops.contract.clients import Clients
from baseops.contract.clock import Clock
from baseops.errors import NotFoundError, SnapshotError, UsageError
from baseops.snapshots.blocks import BlockSource, FileBlocks
from baseops.snapshots.device import FETCHES_AT_ONCE, Device
from baseops.snapshots.disk_cache import CachedBlocks
from baseops.snapshots.files import Snapshot
from baseops.snapshots.opening import open_device

# What botocore answers.
Described = Mapping[str, Any]


@dataclass(frozen=True)
class Reading:
    """How blocks are read: the share of the quota, caps, where to cache them (None: in memory alone)."""

    share: float = SHARE
    max_bytes: int | None = None
    max_usd: float | None = None
    cache: str | None = None
    at_once: int = FETCHES_AT_ONCE


@dataclass
class Opened:
    """A source that was opened: its device, what it is, and what reading it has cost. Use it in `with`, or close it."""

    name: SourceName
    device: Device
    blocks: BlockSource
    spending: Spending
    described: Described = field(default_factory=dict)
    region: str = ""
    closing: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        """Nothing to begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    @property
    def identifier(self) -> str:
        """The snapshot's id, or the file's path."""
        return str(self.described.get("SnapshotId") or self.name.value)

    @property
    def started(self) -> datetime | None:
        """When the snapshot was begun."""
        when: datetime | None = self.described.get("StartTime")
        return when

    def files(self) -> Snapshot:
        """The file system that is meant."""
        return open_device(self.device, self.name.label)

    def close(self) -> None:
        """Close what is open; a second time does nothing."""
        self.closing.close()


class Sources:
    """Opens sources with one account's clients; `connect` is called when the first one needs AWS."""

    def __init__(
        self, connect: Callable[[], Clients], clock: Clock, reading: Reading | None = None, pace: Pace | None = None
    ) -> None:
        """Make no call yet; `pace` takes the place of the reading's share of the quota."""
        self._connect = connect
        self._clock = clock
        self._reading = reading or Reading()
        self.spending = Spending(self._reading.max_bytes, self._reading.max_usd)
        self._pace = pace or Pace(clock, QUOTA_PER_SECOND * self._reading.share)
        self._clients: Clients | None = None

    def open(
        self, text: str, *, at: datetime | None = None, tag: str | None = None, region: str | None = None
    ) -> Opened:
        """Open what a text names; `at` takes the newest snapshot before a time."""
        return self.open_name(parse(text, tag=tag), at=at, region=region)

    def open_name(self, name: SourceName, *, at: datetime | None = None, region: str | None = None) -> Opened:
        """The same for a parsed name."""
        if not name.needs_aws:
            return self._opened(name, FileBlocks(name.value), {}, "")
        place = region or self.clients.region
        described = self._find(name, place, at)
        require_readable(described, place)
        requests = requests_for(self.clients, place)
        with ExitStack() as closing:
            closing.callback(requests.close)
            blocks = EbsBlocks(described["SnapshotId"], requests, self._clock, self.spending, self._pace)
            opened = self._opened(name, blocks, described, place)
            opened.closing.push(closing.pop_all())
        return opened

    @property
    def clients(self) -> Clients:
        """The clients, made on first use."""
        if self._clients is None:
            self._clients = self._connect()
        return self._clients

    def _opened(self, name: SourceName, blocks: BlockSource, described: Described, region: str) -> Opened:
        closing = ExitStack()
        if isinstance(blocks, FileBlocks):
            closing.enter_context(blocks)
            device = Device(blocks)
        else:
            if self._reading.cache is not None:
                blocks = CachedBlocks(blocks, self._reading.cache)
                closing.callback(blocks.close)
            device = Device(blocks, gather=self._clock.gather, bound=self._reading.at_once)
        return Opened(name, device, blocks, self.spending, described, region, closing)

    def _find(self, name: SourceName, region: str, at: datetime | None) -> Described:
        if name.kind == "snapshot":
            return _snapshot(self.clients, region, name.value)
        if name.kind == "image":
            return _snapshot(self.clients, region, _root_snapshot(self.clients, region, name.value))
        volume = name.value if name.kind == "volume" else _volume_with(self.clients, region, name.tag)
        return newest(self.clients, region, volume, at)


def newest(clients: Clients, region: str, volume: str, at: datetime | None = None) -> Described:
    """The newest completed snapshot of a volume, before a time if one is given."""
    filters = [{"Name": "volume-id", "Values": [volume]}, {"Name": "status", "Values": ["completed"]}]
    with translated(f"cannot look for snapshots of {volume} in {region}"):
        pages = clients.client("ec2", region).get_paginator("describe_snapshots")
        found = [
            each
            for page in pages.paginate(OwnerIds=["self"], Filters=filters)
            for each in page["Snapshots"]
            if at is None or each["StartTime"] <= at
        ]
    if not found:
        before = f" before {at:%Y-%m-%d %H:%M} UTC" if at else ""
        raise NotFoundError(
            f"there is no completed snapshot of {volume}{before} in {region}",
            "",
            "List what there is: baseops backups list",
        )
    return max(found, key=lambda each: (each["StartTime"], each["SnapshotId"]))


def require_readable(described: Described, region: str) -> None:
    """`SnapshotError` with the way out for a snapshot whose blocks cannot be read now."""
    identifier, state = described["SnapshotId"], described.get("State", "completed")
    if state != "completed":
        raise SnapshotError(
            f"the blocks of {identifier} cannot be read yet",
            f"it is {state}",
            f"Wait: aws ec2 wait snapshot-completed --region {region} --snapshot-ids {identifier}",
        )
    if described.get("StorageTier") == "archive" and not described.get("RestoreExpiryTime"):
        raise SnapshotError(
            f"the blocks of {identifier} cannot be read",
            "it is in the archive tier",
            f"Restore it, which takes up to 72 hours: aws ec2 restore-snapshot-tier --region {region} "
            f"--snapshot-id {identifier} --temporary-restore-days 3",
        )


def _snapshot(clients: Clients, region: str, identifier: str) -> Described:
    with translated(
        f"cannot find {identifier} in {region}",
        "Name the right region with --region; a snapshot of another account has to be shared with this one.",
    ):
        answer = clients.client("ec2", region).describe_snapshots(SnapshotIds=[identifier])
    if not answer["Snapshots"]:
        raise NotFoundError(f"there is no {identifier} in {region}", "", "Name the right region with --region.")
    found: Described = answer["Snapshots"][0]
    return found


def _root_snapshot(clients: Clients, region: str, image: str) -> str:
    """The snapshot of an image's root device. Permission to launch an image is none to read its blocks."""
    with translated(f"cannot find {image} in {region}"):
        found = clients.client("ec2", region).describe_images(ImageIds=[image])["Images"]
    if not found:
        raise NotFoundError(f"there is no {image} in {region}", "", "Name the right region with --region.")
    mappings = {
        each.get("DeviceName"): each.get("Ebs", {}).get("SnapshotId") for each in found[0]["BlockDeviceMappings"]
    }
    snapshot = mappings.get(found[0].get("RootDeviceName"))
    if not snapshot:
        raise SnapshotError(
            f"{image} has no snapshot of its root device",
            "it is not backed by EBS, or belongs to somebody who does not share its snapshots",
            "Name a snapshot that the account owns",
        )
    return str(snapshot)


def _volume_with(clients: Clients, region: str, tag: tuple[str, str]) -> str:
    """The one volume with a tag."""
    filters = [{"Name": f"tag:{tag[0]}", "Values": [tag[1]]}]
    with translated(f"cannot look for volumes with the tag {tag[0]}={tag[1]} in {region}"):
        pages = clients.client("ec2", region).get_paginator("describe_volumes").paginate(Filters=filters)
        found = [each["VolumeId"] for page in pages for each in page["Volumes"]]
    if len(found) == 1:
        return str(found[0])
    if not found:
        raise NotFoundError(f"no volume has the tag {tag[0]}={tag[1]} in {region}", "", "Name it: latest:vol-…")
    raise UsageError(
        f"{len(found)} volumes have the tag {tag[0]}={tag[1]} in {region}",
        ", ".join(sorted(found)[:20]),
        f"Name one of them: latest:{min(found)}",
    )


def changed_blocks(sources: Sources, first: Opened, second: Opened) -> set[int] | None:
    """The blocks that differ between two snapshots of one volume; None where AWS does not see them as related.

    AWS call: ebs:ListChangedBlocks, all pages.
    """
    same_volume = first.described.get("VolumeId") == second.described.get("VolumeId")
    if not (first.described and second.described and same_volume and first.region == second.region):
        return None
    return set(_changes(sources, first, second))


def _changes(sources: Sources, first: Opened, second: Opened) -> Iterator[int]:
    requests = requests_for(sources.clients, second.region)
    token: str | None = None
    what = f"cannot compare {first.identifier} with {second.identifier}"
    while True:
        sources.spending.listed()
        with translated(what):
            page = requests.list_changed(first.identifier, second.identifier, token)
        yield from (index for index, _ in page.blocks)
        token = page.following
        if not token:
            return


def parse_time(text: str, *, end_of_day: bool = True) -> datetime:
    """A date or a time as people write it, UTC without a zone. A date alone is the end of that day, or its start."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is no date", "", "Write it like 2026-11-23 or 2026-11-23T03:00") from error
    if end_of_day and len(text) == len("2026-11-23"):
        when = when.replace(hour=23, minute=59, second=59)
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def open_snapshot(
    source: str,
    *,
    at: datetime | None = None,
    profile: str | None = None,
    region: str | None = None,
    endpoint_url: str | None = None,
) -> Snapshot:
    """The file system of a source (a snapshot, latest:…, an AMI, a file), journal replayed. Use it in `with`.

    What the path in the source says is left to the caller; credentials and region are found as by the AWS CLI.
    """
    from baseops.aws.clock import SystemClock
    from baseops.aws.session import Session

    def connect() -> Clients:
        return Session(profile=profile, region=region, endpoint_url=endpoint_url)

    opened = Sources(connect, SystemClock()).open(source, at=at)
    try:
        snapshot = opened.files()
    except BaseException:
        opened.close()
        raise
    snapshot.on_close(opened.close)
    return snapshot
