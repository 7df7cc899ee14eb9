"""Lets a twin of every alarm on lines ring: derived lines, metric, alarm, notification, remedy, and back again.

The twin has a log group, filter, alarm, topic, queue, rule and document of its own, copied from what is live; the live
group is not written to, and nobody is told. Its remedy runs until it has sent its command to no instance at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from baseops.areas.logs import names
from baseops.areas.logs.automation import Automation, follow
from baseops.areas.logs.canary import Canary, Lots, canary
from baseops.areas.logs.course import Course
from baseops.areas.logs.live_alarms import live_alarms
from baseops.areas.logs.live_documents import live_document
from baseops.areas.logs.live_filters import filter_of, live_filters, live_group
from baseops.areas.logs.probe import receive
from baseops.areas.logs.remedies import document_name
from baseops.areas.logs.remedy_path import alarm_arn, live_rule, strange_parts
from baseops.areas.logs.stage import (
    Stage,
    TwinGroup,
    set_stage,
    twin_alarm,
    twin_document,
    twin_filter,
    twin_group,
    twin_namespace,
    twin_rule,
    write,
    write_lot,
)
from baseops.contract.drill import DrillContext, Evidence, inconclusive, refuted

if TYPE_CHECKING:
    from baseops.areas.logs.spec import Alarm, Entry, Section

# Any: botocore's answers.

PATIENCE = timedelta(minutes=10)
"""How long after its window an alarm may take: metrics of lines come late, and alarms are evaluated each minute."""
TICK = 15.0
_SETTLES = timedelta(seconds=75)
_MINUTE = timedelta(minutes=1)


@dataclass
class _Part:
    """One alarm that has a twin: what is live, the lines, and (once made) the twin.

    `strange`: the remedy's live document is not the declared one.
    """

    name: str
    alarm_name: str
    entry: Entry
    alarm: Alarm
    live: Mapping[str, Any]
    live_filter: Mapping[str, Any]
    key: str | None
    canary: Canary
    rule: Mapping[str, Any] | None = None
    document: Mapping[str, Any] | None = None
    strange: bool = False
    group: TwinGroup | None = None
    twin: str = ""
    twin_document: str = ""
    lots: Lots | None = None
    course: Course | None = None
    automation: Automation | None = None

    @property
    def target(self) -> str:
        """Where its evidence goes."""
        return f"logs.{self.name}/{self.alarm_name}"

    @property
    def label(self) -> str:
        """What the names of its twins end with."""
        return f"{self.name}-{self.alarm_name}"


def targets(section: Section) -> tuple[str, ...]:
    """The alarms on metrics that are made of lines."""
    return tuple(
        f"logs.{name}/{alarm_name}"
        for name, entry in section.managed.items()
        for alarm_name, alarm in entry.alarms.items()
        if isinstance(alarm.metric, str)
    )


def longest(section: Section) -> timedelta:
    """How long the drill may take."""
    windows = [
        alarm.period * alarm.evaluation_periods
        for entry in section.managed.values()
        for alarm in entry.alarms.values()
        if isinstance(alarm.metric, str)
    ]
    return timedelta(seconds=2 * max(windows, default=0)) + 4 * PATIENCE


def rings(section: Section, ctx: DrillContext) -> Iterator[Evidence]:
    """Prepare, play, judge."""
    parts = []
    for each in _parts(section, ctx):
        if isinstance(each, Evidence):
            yield each
        else:
            parts.append(each)
    if parts:
        _play(ctx, parts)
        now = ctx.clock.now()
        for part in parts:
            if part.course:
                yield part.course.evidence("the twin", part.course.spans(now))


def _parts(section: Section, ctx: DrillContext) -> Iterator[_Part | Evidence]:
    for name, entry in section.managed.items():
        declared = {each: alarm for each, alarm in entry.alarms.items() if isinstance(alarm.metric, str)}
        if not declared:
            continue
        group = live_group(ctx, entry.group.name)
        live = live_filters(ctx.clients.client("logs", ctx.site.region), entry.group.name)
        full = {each: names.alarm_name(ctx.site, name, each) for each in declared}
        alarms = live_alarms(ctx, list(full.values()))
        for alarm_name, alarm in declared.items():
            target, metric = f"logs.{name}/{alarm_name}", str(alarm.metric)
            found = filter_of(entry, metric, live)
            lines = canary(entry.metrics[metric], alarm)
            if isinstance(lines, str):
                yield inconclusive(target, f"no twin was made: {lines}")
            elif group is None or found is None or full[alarm_name] not in alarms:
                yield refuted(target, "there is no such group, filter or alarm of which to make a twin")
            else:
                key = group.get("kmsKeyId")
                part = _Part(name, alarm_name, entry, alarm, alarms[full[alarm_name]], found, key, lines)
                if alarm.remedy:
                    document = document_name(ctx.site, name, alarm.remedy)
                    part.rule, part.document = live_rule(ctx, document), live_document(ctx, document)
                    part.strange = bool(part.document and strange_parts(ctx, name, entry, alarm.remedy, part.document))
                yield part


def _play(ctx: DrillContext, parts: list[_Part]) -> None:
    # Numbers, for the names of rules hold 64 characters.
    rules = {part.label: ctx.journal.name(f"twin-{number}") for number, part in enumerate(parts) if part.rule}
    stage = set_stage(ctx, "twin", list(rules.values()))
    _make_twins(stage, parts, rules)
    begin = (ctx.clock.now() + _SETTLES).replace(second=5, microsecond=0)
    for part in parts:
        part.course, part.lots = _course(part, begin), Lots(part.canary, begin)
    ctx.steps.add(f"{len(parts)} twins of alarms are made, with topic, queue and log groups of their own")
    quiet_at = ctx.clock.now()
    while not all(part.course and part.course.is_over(ctx.clock.now()) for part in parts):
        if ctx.clock.now() >= quiet_at:
            _write_quiet(ctx, parts)
            quiet_at += _MINUTE
        _write_due(ctx, parts)
        ctx.clock.sleep(TICK)
        _look(ctx, stage, parts)


def _make_twins(stage: Stage, parts: list[_Part], rules: Mapping[str, str]) -> None:
    groups: dict[str, TwinGroup] = {}
    for number, part in enumerate(parts):
        part.group = groups.get(part.name) or twin_group(stage, part.name, part.key)
        groups[part.name] = part.group
        twin_filter(stage, part.group, part.live_filter)
        made = {each["metricNamespace"] for each in part.live_filter["metricTransformations"]}
        space = twin_namespace(stage.ctx)
        changes = {
            "Namespace": space if part.live.get("Namespace") in made else f"{space}/none",
            "MetricName": f"{part.group.name}/{part.live.get('MetricName')}",
        }
        part.twin = twin_alarm(stage, part.label, part.live, changes)
        if part.rule:
            arn = alarm_arn(stage.ctx, part.name, part.alarm_name)
            twin_rule(stage, rules[part.label], part.rule, {arn: stage.arn("cloudwatch", f"alarm:{part.twin}")})
        if part.document and not part.strange:
            part.twin_document = twin_document(stage, f"remedy-{number}", part.document)


def _course(part: _Part, begin: datetime) -> Course:
    lines = part.canary
    return Course(
        target=part.target,
        alarm=part.twin,
        lane=f"{part.live['AlarmName']} (twin)",
        begin=begin,
        end=begin + timedelta(seconds=lines.period_seconds * (lines.periods - 1)),
        patience=timedelta(seconds=lines.window_seconds) + PATIENCE,
        told_ok=part.alarm.notify_ok,
        remedied=part.alarm.remedy is not None,
        within=part.entry.promise.alarm_within,
    )


def _write_quiet(ctx: DrillContext, parts: list[_Part]) -> None:
    """A line that no pattern matches, as a source that works writes others all the time."""
    for group in {part.group for part in parts if part.group and part.canary.quiet}:
        matching = [part for part in parts if part.group == group]
        if all(part.canary.quiet for part in matching):
            write(ctx, group, (str(matching[0].canary.quiet),))


def _write_due(ctx: DrillContext, parts: list[_Part]) -> None:
    for part in parts:
        if part.course and part.group and part.lots:
            write_lot(ctx, part.group, part.lots, part.course)


def _look(ctx: DrillContext, stage: Stage, parts: list[_Part]) -> None:
    for message in receive(ctx, stage.queue_url):
        for part in parts:
            if part.course:
                part.course.hear(message)
    states = live_alarms(ctx, [part.twin for part in parts])
    for part in parts:
        found = states.get(part.twin)
        if part.course and found:
            part.course.see(found["StateValue"], found["StateTransitionedTimestamp"])
            _look_at_remedy(ctx, part, part.course)


def _look_at_remedy(ctx: DrillContext, part: _Part, course: Course) -> None:
    if not course.started or course.remedy or course.remedy_fault:
        return
    if part.strange:
        # A copy of whatever somebody wrote into it could reach instances that are in use.
        course.doubt = "its remedy was not run: the live document is not the declared one, see logs/remedies"
    elif not part.twin_document:
        course.remedy_fault = "its remedy has no document"
    elif part.automation is None:
        ctx.steps.add(f"the rule hands on {part.live['AlarmName']}'s twin; its remedy is started")
        part.automation = Automation.start(ctx, part.twin_document, course.started.alarm)
    else:
        follow(ctx, part.automation, course, part.entry.remedies[str(part.alarm.remedy)].document)
