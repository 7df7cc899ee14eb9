"""How long a drill took run by run: the measures in seconds over its history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from baseops.evidence.records import Record, parse_timestamp
from baseops.report.units import label

_NOT_DURATIONS = ("age", "retention", "rpo", "promised", "limit", "threshold")
"""Seconds that measure something else than the drill's own work."""


@dataclass(frozen=True)
class Point:
    """One measure at one run: the longest over the drill's targets."""

    at: datetime
    run: str
    seconds: float


@dataclass(frozen=True)
class Trend:
    """The points of each measure, the oldest run first."""

    lines: tuple[tuple[str, tuple[Point, ...]], ...]


def trend(runs: Sequence[Sequence[Record]], most: int = 4) -> Trend | None:
    """From the runs of a drill, newest first; None where fewer than two runs measured anything that takes time.

    What the drill itself timed is preferred to how long the whole took, which is worth a look only where it did things.
    """
    points: dict[str, list[Point]] = {}
    for records in reversed(runs):
        for name in sorted({name for each in records for name in each["measures"] if _is_duration(name)}):
            values = [each["measures"][name] for each in records if name in each["measures"]]
            at = max(parse_timestamp(each["ended"]) for each in records)
            points.setdefault(name, []).append(Point(at, records[0]["run"], max(values)))
    lines = {name: found for name, found in points.items() if len(found) > 1 and any(each.seconds for each in found)}
    timed = [name for name in lines if name != "seconds"]
    if not timed and any(each["method"] == "exercised" for records in runs for each in records):
        timed = list(lines)
    if not timed:
        return None
    return Trend(tuple((label(name), tuple(lines[name])) for name in timed[:most]))


def _is_duration(name: str) -> bool:
    words = name.split("_")
    return words[-1] == "seconds" and not any(word in _NOT_DURATIONS for word in words)
