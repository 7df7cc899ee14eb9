"""Passes derived lines through the live group, filter, alarm and topic, up to the remedy on the instances.

Whoever is told of the alarm is told, and the remedy runs: this drill is one that disturbs. It listens with a queue of
its own that hears of these alarms alone, and writes into a stream of its own, which goes afterwards; what was made of
its events (metrics, what was shipped) stays.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from baseops.areas.logs import names
from baseops.areas.logs.canary import Lots, canary
from baseops.areas.logs.course import Course
from baseops.areas.logs.live_alarms import active_mute_rules, live_alarms
from baseops.areas.logs.probe import receive
from baseops.areas.logs.remedies import document_name
from baseops.areas.logs.remedy_run import run_of
from baseops.areas.logs.stage import TwinGroup, open_stream, probe_queue, write_lot
from baseops.areas.logs.twin import PATIENCE, TICK, longest
from baseops.aws.errors import translated
from baseops.contract.drill import DrillContext, Evidence, Mark, inconclusive, refuted
from baseops.evidence import resources

if TYPE_CHECKING:
    from baseops.areas.logs.spec import Alarm, Entry, Section

# Any: botocore's answers.


@dataclass
class _Part:
    """One live alarm, the lines, and where they are written."""

    name: str
    alarm: Alarm
    entry: Entry
    lots: Lots
    document: str
    course: Course
    group: TwinGroup | None = None


def timeout(section: Section) -> timedelta:
    """How long the drill may take."""
    remedies = [remedy.timeout for entry in section.managed.values() for remedy in entry.remedies.values()]
    return longest(section) + max(remedies, default=timedelta()) + 2 * PATIENCE


def rings(section: Section, ctx: DrillContext) -> Iterator[Evidence]:
    """Look whether nothing rings yet, write, watch, judge."""
    parts = []
    for each in _parts(section, ctx):
        if isinstance(each, Evidence):
            yield each
        else:
            parts.append(each)
    if parts:
        topic = ctx.value(ctx.refs.topic())
        url = _listen(ctx, topic, [part.course.alarm for part in parts])
        _open_streams(ctx, parts)
        _play(ctx, parts, url)
        now = ctx.clock.now()
        for part in parts:
            yield part.course.evidence("the live alarm", part.course.spans(now))


def _parts(section: Section, ctx: DrillContext) -> Iterator[_Part | Evidence]:
    muted = active_mute_rules(ctx)
    begin = (ctx.clock.now() + timedelta(minutes=1)).replace(second=5, microsecond=0)
    for name, entry in section.managed.items():
        for alarm_name, alarm in entry.alarms.items():
            if isinstance(alarm.metric, str):
                yield _part(ctx, name, entry, alarm_name, alarm, muted, begin)


def _part(
    ctx: DrillContext,
    name: str,
    entry: Entry,
    alarm_name: str,
    alarm: Alarm,
    muted: Mapping[str, str],
    begin: datetime,
) -> _Part | Evidence:
    target, full = f"logs.{name}/{alarm_name}", names.alarm_name(ctx.site, name, alarm_name)
    live = live_alarms(ctx, [full]).get(full)
    lines = canary(entry.metrics[str(alarm.metric)], alarm)
    if live is None:
        return refuted(target, "there is no such alarm")
    if isinstance(lines, str):
        return inconclusive(target, f"nothing was written: {lines}")
    if live["StateValue"] == "ALARM":
        return inconclusive(target, "nothing was written: the alarm rings already")
    if full in muted:
        return inconclusive(target, f"nothing was written: the mute rule {muted[full]} is active")
    course = Course(
        target=target,
        alarm=full,
        lane=full,
        begin=begin,
        end=begin + timedelta(seconds=lines.period_seconds * (lines.periods - 1)),
        patience=timedelta(seconds=lines.window_seconds) + PATIENCE,
        told_ok=alarm.notify_ok,
        remedied=alarm.remedy is not None,
        within=entry.promise.alarm_within,
    )
    document = document_name(ctx.site, name, alarm.remedy) if alarm.remedy else ""
    return _Part(name, alarm, entry, Lots(lines, begin), document, course)


def _listen(ctx: DrillContext, topic: str, alarms: list[str]) -> str:
    """A queue of the drill's own that the live topic tells of these alarms alone."""
    url, arn = probe_queue(ctx, "path", topic)
    sns = ctx.clients.client("sns", ctx.site.region)
    attributes = {"FilterPolicy": json.dumps({"AlarmName": alarms}), "FilterPolicyScope": "MessageBody"}

    def make(_: Mark) -> str:
        with translated("cannot subscribe the probe queue to the alert topic"):
            made = sns.subscribe(
                TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=attributes, ReturnSubscriptionArn=True
            )
        return str(made["SubscriptionArn"])

    ctx.journal.create(resources.subscription(ctx.site.region, topic, arn), make)
    return url


def _open_streams(ctx: DrillContext, parts: list[_Part]) -> None:
    """A stream of the drill's own in each live group."""
    opened: dict[str, TwinGroup] = {}
    for part in parts:
        group = part.entry.group.name
        if group not in opened:
            own = TwinGroup(group, ctx.journal.name(f"path-{part.name}"))

            def make(_: Mark, own: TwinGroup = own) -> str:
                open_stream(ctx, own)
                return own.stream

            ctx.journal.create(resources.log_stream(ctx.site.region, group, own.stream), make)
            opened[group] = own
        part.group = opened[group]


def _play(ctx: DrillContext, parts: list[_Part], url: str) -> None:
    while not all(part.course.is_over(ctx.clock.now()) for part in parts):
        for part in parts:
            if part.group:
                write_lot(ctx, part.group, part.lots, part.course)
        ctx.clock.sleep(TICK)
        for message in receive(ctx, url):
            for part in parts:
                part.course.hear(message)
        states = live_alarms(ctx, [part.course.alarm for part in parts])
        for part in parts:
            found: Mapping[str, Any] | None = states.get(part.course.alarm)
            if found:
                part.course.see(found["StateValue"], found["StateTransitionedTimestamp"])
            if part.course.rang and part.document:
                run_of(ctx, part.document, part.course)
