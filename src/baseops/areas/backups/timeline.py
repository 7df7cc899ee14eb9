"""Snapshots as stretches of time for the page: from their start to the day of their planned deletion; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from baseops.areas.backups.sources import tags_of
from baseops.contract.drill import Span

MOST_LANES = 12
MOST_SPANS = 400

# Any: what botocore answers.
Described = Mapping[str, Any]


def spans(snapshots: Sequence[Described], now: datetime, lanes: Mapping[str, str]) -> list[Span]:
    """The newest snapshots of the volumes in `lanes` (lane by volume id), oldest first.

    A snapshot ends when DLM plans to delete it; where nothing is planned, now.
    """
    shown = dict(list(lanes.items())[:MOST_LANES])
    mine = sorted((each for each in snapshots if each["VolumeId"] in shown), key=lambda each: each["StartTime"])
    return [_span(each, shown[each["VolumeId"]], now) for each in mine[-MOST_SPANS:]]


def planned_end(snapshot: Described) -> datetime | None:
    """When DLM deletes the snapshot, or archives it; None where it counts, or where others look after it.

    https://docs.aws.amazon.com/ebs/latest/userguide/dlm-elements.html#dlm-tagging-snapshots
    """
    written = tags_of(snapshot).get("aws:dlm:expirationTime", "")
    try:
        when = datetime.fromisoformat(written)
    except ValueError:
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def duration(snapshot: Described) -> timedelta | None:
    """How long it took to make, where EC2 says so."""
    ended: datetime | None = snapshot.get("CompletionTime")
    return ended - snapshot["StartTime"] if ended else None


def _span(snapshot: Described, lane: str, now: datetime) -> Span:
    return Span(lane, str(snapshot["State"]), snapshot["StartTime"], planned_end(snapshot) or now)
