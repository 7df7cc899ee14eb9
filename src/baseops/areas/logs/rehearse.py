"""What can be known of declared logs without AWS: patterns that no line matches, alarms that never ring or stop."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from baseops.areas.logs.findings import Path, error, note, warning
from baseops.contract.finding import Finding
from baseops.contract.refs import Refs
from baseops.semantics import filters

if TYPE_CHECKING:
    from baseops.areas.logs.spec import Alarm, Entry, Metric, Section

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/MonitoringLogData.html
MAX_COMBINATIONS = 1000


def judge(section: Section, refs: Refs) -> list[Finding]:  # noqa: ARG001  # the protocol's signature
    """Metrics and alarms of managed entries, played through."""
    found: list[Finding] = []
    for name, entry in section.managed.items():
        for metric_name, metric in entry.metrics.items():
            found += _of_metric(("logs", name, "metrics", metric_name), metric_name, metric)
        for alarm_name, alarm in entry.alarms.items():
            found += _of_alarm(("logs", name, "alarms", alarm_name), alarm, entry)
    return found


def _of_metric(path: Path, name: str, metric: Metric) -> Iterator[Finding]:
    try:
        filters.compile(metric.pattern).example()
    except filters.PatternError as problem:
        yield error("unsatisfiable", (*path, "pattern"), str(problem), "Write a pattern that a line can match")
    if metric.dimensions:
        yield note(
            "combinations",
            (*path, "dimensions"),
            f"each combination of {', '.join(metric.dimensions)} that occurs is a metric of its own, and is paid as "
            f"one; CloudWatch Logs turns {name} off when there are more than {MAX_COMBINATIONS} in an hour",
            "Use fields with few values",
        )


def _of_alarm(path: Path, alarm: Alarm, entry: Entry) -> Iterator[Finding]:
    """A metric of lines has no data point for a minute without events, and a default only where events came.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntaxForMetricFilters.html
    """
    if not isinstance(alarm.metric, str) or alarm.metric not in entry.metrics:
        return
    watches_low = alarm.comparison.startswith("LessThan")
    if watches_low and alarm.treat_missing_data != "breaching":
        yield warning(
            "blind-alarm",
            (*path, "treat_missing_data"),
            "when no event comes there is no data point, and the alarm says nothing just when it should ring",
            "Write treat_missing_data: breaching",
        )
    if not watches_low and alarm.treat_missing_data == "missing" and entry.metrics[alarm.metric].default is None:
        yield note(
            "no-way-back",
            (*path, "treat_missing_data"),
            "when matching lines end there is no data point, and the alarm goes to INSUFFICIENT_DATA, not to OK",
            "Write treat_missing_data: notBreaching, or default: 0 at the metric",
        )
