"""Adds the log group of an entry and the metric filters that make metrics of its lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from troposphere import Ref, logs

from baseops.areas.logs import names
from baseops.cloudformation.builder import StackBuilder
from baseops.cloudformation.resources import logical_id
from baseops.contract.refs import Refs

if TYPE_CHECKING:
    from baseops.areas.logs.spec import Entry, Metric


def add_group(stack: StackBuilder, name: str, entry: Entry, refs: Refs) -> logs.LogGroup:
    """The group; kept when the stack goes, since it holds what happened."""
    return stack.add(
        logs.LogGroup(
            names.group_title(name),
            LogGroupName=entry.group.name,
            RetentionInDays=entry.group.retention_days,
            KmsKeyId=entry.group.key or stack.use(refs.key("logs")),
            DeletionPolicy="Retain",
            UpdateReplacePolicy="Retain",
            **({} if entry.group.log_class == "STANDARD" else {"LogGroupClass": entry.group.log_class}),
        )
    )


def add_filters(stack: StackBuilder, name: str, entry: Entry, group: logs.LogGroup) -> None:
    """A metric filter for each declared metric."""
    for metric_name, metric in entry.metrics.items():
        stack.add(
            logs.MetricFilter(
                logical_id(name, metric_name, "Filter"),
                FilterName=metric_name,
                FilterPattern=metric.pattern,
                LogGroupName=Ref(group),
                MetricTransformations=[_transformation(stack, name, metric_name, metric)],
            )
        )


def _transformation(stack: StackBuilder, name: str, metric_name: str, metric: Metric) -> logs.MetricTransformation:
    # Unlike a default, dimensions make a metric for each combination of values:
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntaxForMetricFilters.html
    optional: dict[str, object] = {}
    if metric.default is not None:
        optional["DefaultValue"] = metric.default
    if metric.dimensions:
        optional["Dimensions"] = [logs.Dimension(Key=k, Value=v) for k, v in metric.dimensions.items()]
    return logs.MetricTransformation(
        MetricName=names.metric_name(name, metric_name),
        MetricNamespace=names.namespace(stack.site),
        MetricValue=metric.value,
        Unit=metric.unit,
        **optional,
    )
