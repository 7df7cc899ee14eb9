"""The drills of logs. What is observed here writes no event: a log event cannot be deleted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from baseops.areas.logs import names
from baseops.areas.logs.live import declared, differences
from baseops.aws.errors import translated
from baseops.contract.drill import Drill, DrillContext, Evidence, proven, refuted
from baseops.contract.refs import Refs
from baseops.errors import NotFoundError
from baseops.semantics import filters

if TYPE_CHECKING:
    from baseops.areas.logs.spec import Entry, Metric, Section

# Any: botocore's answers.

_NOT_SHOWN = {"Tags", "AlarmActions", "OKActions", "InsufficientDataActions", "WarmUpConfiguration"}
"""Properties of an alarm that are looked at by themselves, or that DescribeAlarms does not show."""


def drills(section: Section, refs: Refs) -> Sequence[Drill]:  # noqa: ARG001  # the protocol's signature
    """The drills of the declared sources."""
    filtered = {f"logs.{name}": (name, entry) for name, entry in section.entries.items() if entry.metrics}
    alarmed = tuple(f"logs.{name}" for name, entry in section.managed.items() if entry.alarms or entry.heartbeat)
    found = []
    if filtered:
        found.append(
            Drill(
                name="logs/live-filters",
                promise="the live metric filters are those declared, and match a line derived from their pattern",
                targets=tuple(filtered),
                run=partial(_filters, filtered),
            )
        )
    if alarmed:
        found.append(
            Drill(
                name="logs/live-alarms",
                promise="the live alarms are those declared, enabled, and told to the topic",
                targets=alarmed,
                run=partial(_alarms, section),
            )
        )
    return found


def _filters(entries: dict[str, tuple[str, Entry]], ctx: DrillContext) -> Iterator[Evidence]:
    client = ctx.clients.client("logs", ctx.site.region)
    for target, (name, entry) in entries.items():
        live = _live_filters(client, entry.group.name)
        wrong = [
            (metric_name, why)
            for metric_name, metric in entry.metrics.items()
            if (why := _filter_fault(ctx, client, name, entry, (metric_name, metric), live))
        ]
        for metric_name, why in wrong:
            yield refuted(f"{target}/{metric_name}", why)
        if not wrong:
            tried = len(entry.metrics)
            yield proven(target, "each filter matches a derived line", measures={"filters": tried})


def _live_filters(client: Any, group: str) -> list[Mapping[str, Any]]:
    try:
        with translated(f"cannot list the metric filters of {group}"):
            pages = client.get_paginator("describe_metric_filters").paginate(logGroupName=group)
            return [each for page in pages for each in page["metricFilters"]]
    except NotFoundError:
        return []


def _filter_fault(
    ctx: DrillContext,
    client: Any,
    name: str,
    entry: Entry,
    declared_metric: tuple[str, Metric],
    live: list[Mapping[str, Any]],
) -> str:
    """What is wrong with the live filter of a metric; empty when nothing is."""
    metric_name, metric = declared_metric
    if entry.managed:
        found = next((each for each in live if each["filterName"] == metric_name), None)
    else:
        found = next((each for each in live if each["filterPattern"] == metric.pattern), None)
    if found is None:
        return f"{entry.group.name} has no such metric filter"
    if found["filterPattern"] != metric.pattern:
        return f"the pattern of the live filter {found['filterName']} is not the declared one"
    if entry.managed:
        wrong = list(differences(_transformation(ctx, name, metric_name, metric), found["metricTransformations"][0]))
        if wrong:
            return f"the live filter {metric_name} differs in {', '.join(wrong)}"
    line = filters.compile(metric.pattern).example(1)
    with translated(f"cannot try the filter {found['filterName']}"):
        answer = client.test_metric_filter(filterPattern=found["filterPattern"], logEventMessages=[line])
    return "" if answer["matches"] else f"the live filter {found['filterName']} does not match the derived line"


def _transformation(ctx: DrillContext, name: str, metric_name: str, metric: Metric) -> dict[str, Any]:
    wanted: dict[str, Any] = {
        "metricName": names.metric_name(name, metric_name),
        "metricNamespace": names.namespace(ctx.site),
        "metricValue": metric.value,
    }
    if metric.default is not None:
        wanted["defaultValue"] = metric.default
    if metric.dimensions:
        wanted["dimensions"] = dict(metric.dimensions)
    return wanted


def _alarms(section: Section, ctx: DrillContext) -> Iterator[Evidence]:
    wanted = {each["AlarmName"]: each for each in declared(section, ctx.refs, "AWS::CloudWatch::Alarm")}
    live = _live_alarms(ctx, list(wanted))
    topic = ctx.value(ctx.refs.topic())
    for name in section.managed:
        mine = [alarm for alarm in wanted if alarm.startswith(names.alarm_name(ctx.site, name, ""))]
        wrong = {alarm: why for alarm in mine if (why := _alarm_fault(wanted[alarm], live.get(alarm), topic))}
        for alarm, why in wrong.items():
            yield refuted(f"logs.{name}/{alarm}", why)
        if mine and not wrong:
            yield proven(f"logs.{name}", measures={"alarms": len(mine)})


def _live_alarms(ctx: DrillContext, wanted: list[str]) -> dict[str, Mapping[str, Any]]:
    client = ctx.clients.client("cloudwatch", ctx.site.region)
    found: dict[str, Mapping[str, Any]] = {}
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html: 100 names at a time.
    for at in range(0, len(wanted), 100):
        with translated("cannot describe the alarms"):
            answer = client.describe_alarms(AlarmNames=wanted[at : at + 100], MaxRecords=100)
        found |= {each["AlarmName"]: each for each in answer["MetricAlarms"]}
    return found


def _alarm_fault(wanted: Mapping[str, Any], live: Mapping[str, Any] | None, topic: str) -> str:
    if live is None:
        return "there is no such alarm"
    shown = {name: value for name, value in wanted.items() if name not in _NOT_SHOWN}
    wrong = list(differences(shown, live))
    if wrong:
        return f"the live alarm differs in {', '.join(wrong)}"
    if not live["ActionsEnabled"]:
        return "its actions are disabled"
    return "" if topic in live["AlarmActions"] else "it does not tell the alert topic"
