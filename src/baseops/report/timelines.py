"""Lays spans of time out as a timeline: lanes one under the other, overlapping spans of a lane in rows of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from baseops.evidence.records import parse_timestamp

_A_MOMENT = timedelta(milliseconds=1)
MOST_LANES = 40
MOST_BARS = 600
"""What a person can still tell apart; the table below a plot has it all."""


@dataclass(frozen=True)
class Bar:
    """A stretch of time in a row; a moment where it ends as it starts."""

    lane: str
    state: str
    start: datetime
    end: datetime
    row: int

    @property
    def is_moment(self) -> bool:
        """Whether it has no length."""
        return self.start == self.end


@dataclass(frozen=True)
class Timeline:
    """`lanes` are names with the first row and the number of rows; `left_out` counts spans that would be too many."""

    lanes: tuple[tuple[str, int, int], ...]
    bars: tuple[Bar, ...]
    now: datetime | None
    left_out: int = 0

    @property
    def rows(self) -> int:
        """Of all lanes together."""
        return sum(rows for _, _, rows in self.lanes)

    @property
    def states(self) -> tuple[str, ...]:
        """Each once, as they first appear."""
        return tuple(dict.fromkeys(each.state for each in self.bars))

    @property
    def starts(self) -> datetime:
        """The first moment."""
        return min(each.start for each in self.bars)

    @property
    def ends(self) -> datetime:
        """The last moment."""
        return max(each.end for each in self.bars)


def timeline(spans: Sequence[Mapping[str, str]], now: datetime | None = None) -> Timeline:
    """Of a drill's spans, one at least. A span that ends before it starts is turned."""
    drawn = set(list(dict.fromkeys(span["lane"] for span in spans))[:MOST_LANES])
    by_lane: dict[str, list[tuple[datetime, datetime, str]]] = {}
    for span in [each for each in spans if each["lane"] in drawn][:MOST_BARS]:
        start, end = sorted((parse_timestamp(span["start"]), parse_timestamp(span["end"])))
        by_lane.setdefault(span["lane"], []).append((start, end, span["state"]))
    lanes, bars, first = [], [], 0
    for lane, stretches in by_lane.items():
        placed = _placed(stretches, lane, first)
        rows = max(each.row for each in placed) - first + 1
        lanes.append((lane, first, rows))
        bars += placed
        first += rows
    return Timeline(tuple(lanes), tuple(bars), now, len(spans) - len(bars))


def _placed(stretches: Sequence[tuple[datetime, datetime, str]], lane: str, first: int) -> list[Bar]:
    """Each stretch in the first row that is free when it starts; a moment takes its place too."""
    free: list[datetime] = []
    bars = []
    for start, end, state in sorted(stretches):
        row = next((number for number, until in enumerate(free) if until <= start), len(free))
        free[row : row + 1] = [max(end, start + _A_MOMENT)]
        bars.append(Bar(lane, state, start, end, first + row))
    return bars
