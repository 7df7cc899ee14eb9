"""`baseops backups forecast`: which snapshots there will be, where, how large and what they cost; without AWS.

Where schedules fire at one time DLM makes one snapshot, with the longest retention: `semantics.lifecycle` says so.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from baseops.areas.backups.forecasts import lifecycle
from baseops.semantics.lifecycle import SnapshotPolicy, copies_on, firings, snapshots_on

if TYPE_CHECKING:
    from baseops.areas.backups.spec.section import Section

STANDARD_USD_PER_GIB_MONTH = 0.05
ARCHIVE_USD_PER_GIB_MONTH = 0.0125
"""https://aws.amazon.com/ebs/pricing/, us-east-1; dearer in some regions."""


@dataclass(frozen=True)
class Fleet:
    """What is assumed of the volumes of each backup: how many, how large, how much of one changes in a day."""

    volumes: int = 1
    gib: float = 8.0
    daily_change: float = 0.03


@dataclass(frozen=True)
class Day:
    """What exists at one moment. `copies` by region; sizes in GiB."""

    when: datetime
    snapshots: int
    archived: int
    copies: tuple[tuple[str, int], ...]
    gib: float
    usd_per_month: float


@dataclass(frozen=True)
class Forecast:
    """One backup over the days, begun with no snapshots."""

    name: str
    days: tuple[Day, ...]
    overlaps: int
    """How many times, in the days looked at, schedules fired together and made one snapshot."""


def forecast(section: Section, start: datetime, days: int, fleet: Fleet) -> list[Forecast]:
    """Every backup that makes snapshots, day by day."""
    found = []
    for name, entry in section.managed.items():
        if entry.plans:
            policy = lifecycle(name, entry)
            moments = [start + timedelta(days=number) for number in range(1, days + 1)]
            each_day = tuple(_day(policy, start, each, fleet) for each in moments)
            found.append(Forecast(name, each_day, _overlaps(policy, start, days)))
    return found


def _day(policy: SnapshotPolicy, start: datetime, when: datetime, fleet: Fleet) -> Day:
    snapshots = snapshots_on(policy, when, since=start)
    archived = [each for each in snapshots if each.tier == "archive"]
    copies = Counter(each.region for each in copies_on(policy, when, since=start))
    standard = sorted(each.at for each in snapshots if each.tier != "archive")
    gib = _incremental(standard, fleet)
    for region in copies:
        gib += _incremental(
            sorted(each.at for each in copies_on(policy, when, since=start) if each.region == region), fleet
        )
    # What is archived is a full copy.
    usd = gib * STANDARD_USD_PER_GIB_MONTH + len(archived) * fleet.gib * ARCHIVE_USD_PER_GIB_MONTH
    return Day(
        when=when,
        snapshots=len(standard) * fleet.volumes,
        archived=len(archived) * fleet.volumes,
        copies=tuple((region, count * fleet.volumes) for region, count in sorted(copies.items())),
        gib=(gib + len(archived) * fleet.gib) * fleet.volumes,
        usd_per_month=usd * fleet.volumes,
    )


def _incremental(moments: list[datetime], fleet: Fleet) -> float:
    """The oldest holds all of the volume, each later one what changed since the one before it."""
    if not moments:
        return 0.0
    changed = 0.0
    for before, after in pairwise(moments):
        days = (after - before) / timedelta(days=1)
        changed += fleet.gib * (1 - (1 - fleet.daily_change) ** days)
    return fleet.gib + changed


def _overlaps(policy: SnapshotPolicy, start: datetime, days: int) -> int:
    return sum(len(each.schedules) > 1 for each in firings(policy, start, start + timedelta(days=days)))


def bars(values: list[float]) -> str:
    """A line of text that shows how values go."""
    marks = "▁▂▃▄▅▆▇█"
    top = max(values, default=0) or 1
    return "".join(marks[min(7, int(value / top * 7.999))] for value in values)
