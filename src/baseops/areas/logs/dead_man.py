"""Proves by silence that an alarm on silence rings: its twin watches a group of the drill's own that goes quiet.

It goes on being quiet until CloudWatch no longer finds any value at all: a group that is dead for long has none, and
an alarm for which missing data is no breach would stop ringing then.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from baseops.areas.logs import names
from baseops.areas.logs.canary import QUIET
from baseops.areas.logs.course import Course
from baseops.areas.logs.live_alarms import live_alarms
from baseops.areas.logs.live_filters import live_group
from baseops.areas.logs.probe import receive
from baseops.areas.logs.stage import Stage, TwinGroup, set_stage, twin_alarm, twin_group, write
from baseops.contract.drill import DrillContext, Evidence, inconclusive, refuted
from baseops.semantics import alarms

if TYPE_CHECKING:
    from baseops.areas.logs.spec import Entry, Section

# Any: botocore's answers.

LONGEST = timedelta(hours=2)
"""The longest silence that a drill waits for."""
PATIENCE = timedelta(minutes=10)
TICK = 30.0


@dataclass
class _Part:
    """One source with a heartbeat."""

    name: str
    entry: Entry
    live: Mapping[str, Any]
    key: str | None
    group: TwinGroup | None = None
    twin: str = ""
    course: Course | None = None


def targets(section: Section) -> tuple[str, ...]:
    """The sources with a heartbeat."""
    return tuple(f"logs.{name}" for name, entry in section.managed.items() if entry.heartbeat)


def longest(section: Section) -> timedelta:
    """How long the drill may take."""
    silences = [entry.heartbeat.silent_for for entry in section.managed.values() if entry.heartbeat]
    return 3 * min(max(silences, default=timedelta()), LONGEST) + 6 * PATIENCE


def rings(section: Section, ctx: DrillContext) -> Iterator[Evidence]:
    """Prepare, fall silent, judge."""
    parts = []
    for each in _parts(section, ctx):
        if isinstance(each, Evidence):
            yield each
        else:
            parts.append(each)
    if not parts:
        return
    stage = set_stage(ctx, "silence")
    for part in parts:
        _make(stage, part)
    _settle(ctx, parts)
    for part in parts:
        part.course = _course(part, ctx.clock.now())
    ctx.steps.add("the last lines are written; from here on nothing comes")
    _wait_for_alarms(ctx, stage, parts)
    yield from _judged(ctx, stage, parts)


def _parts(section: Section, ctx: DrillContext) -> Iterator[_Part | Evidence]:
    for name, entry in section.managed.items():
        if entry.heartbeat is None:
            continue
        full = names.alarm_name(ctx.site, name, names.HEARTBEAT)
        if entry.heartbeat.silent_for > LONGEST:
            hours = LONGEST.total_seconds() / 3600
            yield inconclusive(f"logs.{name}", f"its silence is longer than the {hours:.0f} hours that a drill waits")
            continue
        group, live = live_group(ctx, entry.group.name), live_alarms(ctx, [full]).get(full)
        if group is None or live is None:
            yield refuted(f"logs.{name}", "there is no such group, or no alarm on its silence")
            continue
        yield _Part(name, entry, live, group.get("kmsKeyId"))


def _make(stage: Stage, part: _Part) -> None:
    part.group = twin_group(stage, part.name, part.key)
    live, twin = json.dumps(part.entry.group.name), json.dumps(part.group.name)
    metrics = json.loads(json.dumps(part.live.get("Metrics", [])).replace(live, twin))
    part.twin = twin_alarm(stage, part.name, part.live, {"Metrics": metrics} if metrics else {})


def _settle(ctx: DrillContext, parts: list[_Part]) -> None:
    """Lines come until no twin rings: one that has seen nothing yet may ring already."""
    last = ctx.clock.now() + PATIENCE
    states: set[str] = set()
    while states != {"OK"} and ctx.clock.now() < last:
        _write(ctx, parts)
        ctx.clock.sleep(60)
        states = {each["StateValue"] for each in live_alarms(ctx, [part.twin for part in parts]).values()}


def _course(part: _Part, now: datetime) -> Course:
    silence = part.entry.heartbeat.silent_for if part.entry.heartbeat else timedelta()
    return Course(
        target=f"logs.{part.name}",
        alarm=part.twin,
        lane=f"{part.live['AlarmName']} (twin)",
        begin=now,
        end=now,
        patience=silence + PATIENCE,
        told_ok=bool(part.live.get("OKActions")),
    )


def _write(ctx: DrillContext, parts: list[_Part]) -> None:
    for part in parts:
        if part.group:
            write(ctx, part.group, (QUIET,))


def _wait_for_alarms(ctx: DrillContext, stage: Stage, parts: list[_Part]) -> None:
    """Until every twin rings, or should have; then for as long as CloudWatch looks back."""
    courses = [part.course for part in parts if part.course]
    last = max(each.end + each.patience for each in courses)
    while ctx.clock.now() < last and not all(each.rang and each.notified for each in courses):
        _look(ctx, stage, parts)
    ctx.steps.add(f"{sum(each.rang is not None for each in courses)} of {len(courses)} twins ring")
    empty = max(each.end + _reach(part.live) for part in parts if (each := part.course))
    while ctx.clock.now() < empty and all(each.rang and not each.stopped for each in courses):
        _look(ctx, stage, parts)


def _reach(live: Mapping[str, Any]) -> timedelta:
    """How far back CloudWatch looks for values, and a little more."""
    queries = live.get("Metrics") or [{"MetricStat": live}]
    period = max(int(each["MetricStat"]["Period"]) for each in queries if "MetricStat" in each)
    periods = alarms.evaluation_range(int(live["EvaluationPeriods"]))
    return timedelta(seconds=period * (periods + 1))


def _look(ctx: DrillContext, stage: Stage, parts: list[_Part]) -> None:
    ctx.clock.sleep(TICK)
    courses = [part.course for part in parts if part.course]
    for message in receive(ctx, stage.queue_url):
        for each in courses:
            each.hear(message)
    states = live_alarms(ctx, [each.alarm for each in courses])
    for each in courses:
        if each.alarm in states:
            found = states[each.alarm]
            each.see(found["StateValue"], found["StateTransitionedTimestamp"])


def _judged(ctx: DrillContext, stage: Stage, parts: list[_Part]) -> Iterator[Evidence]:
    """Those that rang in silence and kept ringing have to stop when lines come again."""
    early = {id(part) for part in parts if part.course and part.course.stopped}
    _write(ctx, parts)
    ctx.steps.add("lines come again")
    courses = [part.course for part in parts if part.course]
    for each in courses:
        each.end = ctx.clock.now()
    last = ctx.clock.now() + PATIENCE
    while ctx.clock.now() < last and not all(each.stopped and _told(each) for each in courses):
        _look(ctx, stage, parts)
    now = ctx.clock.now()
    for part in parts:
        course = part.course
        if course and id(part) in early and course.rang:
            measures, spans = dict(course.measures()), course.spans(now, "silence")
            said = "the twin rang, and stopped again though nothing came: missing data counts as no breach"
            yield refuted(course.target, said, method="exercised", measures=measures, spans=spans)
        elif course:
            yield course.evidence("the twin of the alarm on silence", course.spans(now, "silence"))


def _told(course: Course) -> bool:
    return course.notified_ok is not None or not course.told_ok
