"""What watches logs: alarms on metrics, queries and other alarms, a heartbeat, saved queries."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from baseops.areas.logs.spec.counting import OtherMetric
from baseops.areas.logs.spec.texts import GroupName, MetricName, Percentile, check_period
from baseops.fields import Duration, EntryName, Strict

Comparison = Literal[
    "GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold"
]
Treatment = Literal["breaching", "notBreaching", "ignore", "missing"]


class Query(Strict):
    """A query that an alarm runs on a schedule (AWS::CloudWatch::LogAlarm)."""

    query: Annotated[str, Field(min_length=1, max_length=10_000)]
    """CloudWatch Logs Insights query, without its last aggregation."""
    aggregate: Annotated[str, Field(min_length=1, max_length=256)] = "count(*)"
    """What is compared with the threshold, such as count(*) or avg(latency) by host."""
    every: Duration | None = None
    """How often it runs; the alarm's period when left out."""
    groups: tuple[GroupName, ...] = ()
    """Which groups it reads; the entry's own when left out."""


class Alarm(Strict):
    """An alarm on a metric, on a query, or on other alarms."""

    metric: MetricName | OtherMetric | None = None
    """A metric of this entry by name, or any other with namespace and name."""
    query: Query | None = None
    """A scheduled query instead of a metric."""
    rule: Annotated[str, Field(min_length=1, max_length=10_240)] | None = None
    """A composite alarm: an expression such as ALARM(too-many-errors) AND NOT ALARM(maintenance)."""
    statistic: Literal["Sum", "Average", "Minimum", "Maximum", "SampleCount"] | Percentile = "Sum"
    """How the values of a period become one."""
    period: Annotated[int, AfterValidator(check_period)] = 300
    """Seconds."""
    threshold: float | None = None
    """What the value is compared with."""
    comparison: Comparison = "GreaterThanOrEqualToThreshold"
    """How."""
    evaluation_periods: Annotated[int, Field(ge=1)] = 1
    """N of 'M out of N'."""
    datapoints_to_alarm: Annotated[int, Field(ge=1)] | None = None
    """M of 'M out of N'; N when left out."""
    treat_missing_data: Treatment = "missing"
    """What a period without data is."""
    notify_ok: bool = True
    """Whether the return to OK is told too."""
    log_lines: Annotated[int, Field(ge=0, le=50)] = 0
    """With a query: how many of the lines found go into the notification."""
    actions_suppressor: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    """With a rule: the alarm that keeps this one quiet while it rings."""
    actions_suppressor_wait_period: Annotated[int, Field(ge=0, le=86_400)] = 60
    """How many seconds this one waits for the suppressor to ring."""
    actions_suppressor_extension_period: Annotated[int, Field(ge=0, le=86_400)] = 60
    """For how many seconds it stays quiet after the suppressor has stopped."""
    remedy: EntryName | None = None
    """Which remedy of this entry runs when it rings."""
    description: Annotated[str, Field(max_length=1024)] = ""
    """What to know and do when it rings."""

    @model_validator(mode="after")
    def _one_source(self) -> Alarm:
        given = [name for name in ("metric", "query", "rule") if getattr(self, name) is not None]
        if len(given) != 1:
            said = f"got {' and '.join(given)}" if given else "got none"
            raise ValueError(f"an alarm watches one of metric, query and rule; {said}")
        return self


class Heartbeat(Strict):
    """An alarm for silence: it rings when no event has come for a while."""

    silent_for: Duration
    """For how long the source may be silent."""


class SavedQuery(Strict):
    """A query kept in CloudWatch Logs Insights for whoever looks for causes."""

    query: Annotated[str, Field(min_length=1, max_length=10_000)]
    """The query."""
    groups: tuple[GroupName, ...] = ()
    """Which groups it reads, to correlate several sources; the entry's own when left out."""
    language: Literal["CWLI", "SQL", "PPL"] = "CWLI"
    """Logs Insights' own language, SQL or PPL."""
