"""Whether every selected volume has a completed snapshot that is young enough: pure, over what was described."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

Described = Mapping[str, Any]
"""What botocore answers. Any: its values are of many types."""


@dataclass(frozen=True)
class Cover:
    """The newest completed snapshot of a volume, and how old its content is; None where there is none."""

    volume_id: str
    snapshot_id: str | None
    age: timedelta | None
    is_new: bool

    def is_within(self, rpo: timedelta) -> bool:
        """Whether the promise holds for it."""
        return self.age is not None and self.age <= rpo


def covers(
    volumes: Sequence[Described], snapshots: Sequence[Described], now: datetime, grace: timedelta
) -> list[Cover]:
    """One for each volume. A snapshot is as old as its start: that is the moment of its content."""
    newest: dict[str, Described] = {}
    for each in sorted(snapshots, key=lambda one: one["StartTime"]):
        if each["State"] == "completed":
            newest[each["VolumeId"]] = each
    return [_cover(volume, newest.get(volume["VolumeId"]), now, grace) for volume in volumes]


def _cover(volume: Described, snapshot: Described | None, now: datetime, grace: timedelta) -> Cover:
    return Cover(
        volume_id=str(volume["VolumeId"]),
        snapshot_id=str(snapshot["SnapshotId"]) if snapshot else None,
        age=now - snapshot["StartTime"] if snapshot else None,
        is_new=now - volume["CreateTime"] < grace,
    )
