"""Ten thousand volumes are looked at in few calls: pages are full, and nothing is asked for each volume."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from baseops.areas.backups.operate.coverage import State, coverage, promise_to_all
from baseops.areas.backups.sources import recent_snapshots, target_volumes

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
VOLUMES = 10_000
MOST = 20 + VOLUMES // 1000


class Paginator:
    """Pages of what there is, each counted as a call; never more on a page than EC2 gives."""

    def __init__(self, operation, member, items, most, calls):
        self.operation, self.member, self.items, self.most, self.calls = operation, member, items, most, calls

    def paginate(self, PaginationConfig=None, **_arguments):  # noqa: N803  # botocore's name
        size = min((PaginationConfig or {}).get("PageSize", self.most), self.most)
        for start in range(0, len(self.items), size):
            self.calls[self.operation] += 1
            yield {self.member: self.items[start : start + size]}


class ManyVolumes:
    """Clients of an account with ten thousand volumes, each with a snapshot of this morning."""

    region = "eu-west-1"

    def __init__(self):
        self.calls = Counter()
        tags = [{"Key": "Backup", "Value": "daily"}]
        self.volumes = [
            {"VolumeId": f"vol-{each:017x}", "CreateTime": NOW, "Size": 8, "State": "in-use", "Tags": tags}
            for each in range(VOLUMES)
        ]
        self.snapshots = [
            {
                "SnapshotId": f"snap-{each:017x}",
                "VolumeId": f"vol-{each:017x}",
                "StartTime": NOW - timedelta(hours=9),
                "State": "completed",
            }
            for each in range(VOLUMES)
        ]

    def client(self, _service, _region=None):
        return SimpleNamespace(
            meta=SimpleNamespace(endpoint_url="https://ec2.eu-west-1.amazonaws.com"), get_paginator=self._paginator
        )

    def _paginator(self, operation):
        if operation == "describe_volumes":
            return Paginator(operation, "Volumes", self.volumes, 500, self.calls)
        return Paginator(operation, "Snapshots", self.snapshots, 1000, self.calls)


@pytest.fixture
def many():
    return ManyVolumes()


def test_the_command_looks_at_ten_thousand_volumes_in_thirty_calls(many):
    clock = SimpleNamespace(now=lambda: NOW)

    found = coverage([promise_to_all(timedelta(hours=30))], many, "eu-west-1", clock)

    assert found.count(State.COVERED) == VOLUMES
    assert found.requests == many.calls.total() <= MOST


def test_the_drill_looks_at_ten_thousand_volumes_in_thirty_calls(many):
    target = SimpleNamespace(resource="volume", tags={"Backup": "daily"})

    volumes = target_volumes(many, "eu-west-1", target)
    ids = [each["VolumeId"] for each in volumes]
    snapshots = recent_snapshots(many, "eu-west-1", NOW - timedelta(hours=30), NOW, ids)

    assert (len(volumes), len(snapshots)) == (VOLUMES, VOLUMES)
    assert many.calls.total() <= MOST
