"""Turns records and what drills say of themselves into stories: one for each drill, the worst first in each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from baseops.contract.drill import Drill
from baseops.evidence.records import Record, parse_timestamp
from baseops.report.units import amount, label

VERDICTS = ("refuted", "inconclusive", "proven", "never")
"""The order of everything on the page: what needs somebody comes first."""
AREAS = ("images", "backups", "logs", "secrets", "email")

_OF_THE_DRILL = ("requests", "blocks_read", "bytes", "bytes_read", "cost_usd")
"""Measures that add up over a drill's targets."""


@dataclass(frozen=True)
class Found:
    """What was found at one target."""

    target: str
    promise: str
    verdict: str
    method: str
    reason: str
    measures: tuple[tuple[str, str], ...]
    not_exercised: tuple[str, ...]


@dataclass(frozen=True)
class Moment:
    """One step: when, and how long after the drill began."""

    at: datetime
    after: timedelta
    text: str


@dataclass(frozen=True)
class Story:
    """A drill from what it promised to what it left.

    `verdict` is the worst over its targets, `never` where it has not run. `age` is that of its oldest finding,
    `proven_age` that of the last run in which it proved all its targets (None: not in the history that was read).
    """

    drill: str
    area: str
    drill_class: str
    promise: str
    verdict: str
    counts: Mapping[str, int]
    run: str
    began: datetime | None
    ended: datetime | None
    age: timedelta | None
    proven_age: timedelta | None
    found: tuple[Found, ...]
    steps: tuple[Moment, ...]
    totals: tuple[tuple[str, str], ...]
    touches: tuple[str, ...]
    traces: tuple[str, ...]
    cost_usd: float | None
    spans: tuple[Mapping[str, str], ...]

    @property
    def anchor(self) -> str:
        """Its place on the page."""
        return "drill-" + self.drill.replace("/", "-")

    @property
    def took(self) -> timedelta | None:
        """From its first call to its last finding."""
        return self.ended - self.began if self.ended and self.began else None

    @property
    def not_exercised(self) -> tuple[str, ...]:
        """What the machine that ran it could not do, each said once."""
        return tuple(dict.fromkeys(text for each in self.found for text in each.not_exercised))

    @property
    def troubles(self) -> tuple[Found, ...]:
        """What is refuted or inconclusive."""
        return tuple(each for each in self.found if each.verdict != "proven")


def stories(drills: Sequence[Drill], runs: Mapping[str, Sequence[Sequence[Record]]], now: datetime) -> list[Story]:
    """One for each drill that is declared or has left records; `runs` has each drill's runs, the newest first."""
    declared = {drill.name: drill for drill in drills}
    known = [*declared, *(name for name in sorted(runs) if name not in declared and runs[name])]
    return [_story(name, declared.get(name), runs.get(name, ()), now) for name in known]


def worst(verdicts: Iterable[str]) -> str:
    """The first of `VERDICTS` that occurs; `never` where there is none."""
    found = set(verdicts)
    return next((each for each in VERDICTS if each in found), "never")


def _story(name: str, drill: Drill | None, runs: Sequence[Sequence[Record]], now: datetime) -> Story:
    newest = list(runs[0]) if runs else []
    found = tuple(sorted(map(_found, newest), key=lambda each: VERDICTS.index(each.verdict)))
    verdicts = [each.verdict for each in found]
    times = [parse_timestamp(each[end]) for each in newest for end in ("started", "ended") if each[end]]
    began = min(times) if times else None
    return Story(
        drill=name,
        area=name.partition("/")[0],
        drill_class=drill.drill_class if drill else newest[0]["class"],
        promise=drill.promise if drill else newest[0]["promise"],
        verdict=worst(verdicts),
        counts={verdict: verdicts.count(verdict) for verdict in VERDICTS[:3]},
        run=newest[0]["run"] if newest else "",
        began=began,
        ended=max(times) if times else None,
        age=_age(newest, now),
        proven_age=next((_age(each, now) for each in runs if all(one["verdict"] == "proven" for one in each)), None),
        found=found,
        steps=tuple(_moment(step, began) for each in newest for step in each["steps"]),
        totals=tuple(_totals(newest)),
        touches=drill.touches if drill else (),
        traces=drill.traces if drill else (),
        cost_usd=drill.cost_usd if drill else None,
        spans=tuple(span for each in newest for span in each["spans"]),
    )


def _found(record: Record) -> Found:
    measures = tuple((label(name), amount(name, value)) for name, value in record["measures"].items())
    return Found(
        target=record["target"],
        promise=record["promise"],
        verdict=record["verdict"],
        method=record["method"],
        reason=record["reason"],
        measures=measures,
        not_exercised=tuple(record["not_exercised"]),
    )


def _moment(step: Mapping[str, Any], began: datetime | None) -> Moment:  # Any: JSON, as the schema says
    at = parse_timestamp(step["at"])
    return Moment(at, at - (began or at), step["text"])


def _age(records: Sequence[Record], now: datetime) -> timedelta | None:
    ended = [parse_timestamp(each["ended"]) for each in records if each["ended"]]
    return now - min(ended) if ended else None


def _totals(records: Sequence[Record]) -> Iterable[tuple[str, str]]:
    for name in _OF_THE_DRILL:
        values = [each["measures"][name] for each in records if name in each["measures"]]
        if values:
            yield label(name), amount(name, sum(values))
