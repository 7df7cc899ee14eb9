"""Holds live groups and metric filters against the declaration, and tries each filter with a line of its pattern.

TestMetricFilter writes no event: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_TestMetricFilter.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from baseops.areas.logs import names
from baseops.areas.logs.live import differences
from baseops.aws.errors import translated
from baseops.contract.drill import DrillContext, Evidence, proven, refuted
from baseops.errors import NotFoundError
from baseops.semantics import filters

if TYPE_CHECKING:
    from baseops.areas.logs.spec import Entry, Metric, Section

# Any: botocore's clients and answers.


def held_groups(section: Section, ctx: DrillContext) -> Iterator[Evidence]:
    """Each group is there, kept as long as declared, in its class, under its key."""
    for name, entry in section.entries.items():
        group = live_group(ctx, entry.group.name)
        why = _group_fault(ctx, entry, group) if group else f"there is no log group {entry.group.name}"
        yield refuted(f"logs.{name}", why) if why else proven(f"logs.{name}", f"{entry.group.name} is as declared")


def live_group(ctx: DrillContext, name: str) -> Mapping[str, Any] | None:
    """A log group as AWS shows it."""
    with translated(f"cannot read the log group {name}"):
        client = ctx.clients.client("logs", ctx.site.region)
        pages = client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=name)
        return next((each for page in pages for each in page["logGroups"] if each["logGroupName"] == name), None)


def _group_fault(ctx: DrillContext, entry: Entry, group: Mapping[str, Any]) -> str:
    days = group.get("retentionInDays")
    if days != entry.group.retention_days:
        kept = f"{days} days" if days else "for ever"
        return f"{entry.group.name} is kept {kept}, declared are {entry.group.retention_days} days"
    if group.get("logGroupClass", "STANDARD") != entry.group.log_class:
        return f"{entry.group.name} has the class {group.get('logGroupClass')}, declared is {entry.group.log_class}"
    if not entry.managed and entry.group.key is None:
        return ""
    key = entry.group.key or ctx.value(ctx.refs.key("logs"))
    return "" if group.get("kmsKeyId") == key else f"{entry.group.name} is not encrypted with the declared key"


def held_filters(section: Section, ctx: DrillContext) -> Iterator[Evidence]:
    """Each declared metric has its live filter, as declared, and that matches a derived line."""
    client = ctx.clients.client("logs", ctx.site.region)
    for name, entry in section.entries.items():
        if not entry.metrics:
            continue
        live = live_filters(client, entry.group.name)
        faults = {metric: _filter_fault(ctx, client, name, entry, metric, live) for metric in entry.metrics}
        wrong = {metric: why for metric, why in faults.items() if why}
        for metric, why in wrong.items():
            yield refuted(f"logs.{name}/{metric}", why)
        if not wrong:
            tried = len(entry.metrics)
            yield proven(f"logs.{name}", "each filter matches a derived line", measures={"filters": tried})


def live_filters(client: Any, group: str) -> list[Mapping[str, Any]]:
    """The metric filters of a group."""
    try:
        with translated(f"cannot list the metric filters of {group}"):
            pages = client.get_paginator("describe_metric_filters").paginate(logGroupName=group)
            return [each for page in pages for each in page["metricFilters"]]
    except NotFoundError:
        return []


def filter_of(entry: Entry, metric_name: str, live: list[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The live filter of a declared metric: ours by its name, somebody else's by its pattern."""
    metric = entry.metrics[metric_name]
    if entry.managed:
        return next((each for each in live if each["filterName"] == metric_name), None)
    return next((each for each in live if each["filterPattern"] == metric.pattern), None)


def _filter_fault(
    ctx: DrillContext, client: Any, name: str, entry: Entry, metric_name: str, live: list[Mapping[str, Any]]
) -> str:
    """What is wrong with the live filter of a metric; empty when nothing is."""
    metric, found = entry.metrics[metric_name], filter_of(entry, metric_name, live)
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
