"""Log groups, and the metrics that are made of their lines."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from baseops.areas.logs.spec.texts import GroupName, check_pattern, check_retention
from baseops.fields import KeyArn, Strict


def _as_text(value: Any) -> Any:  # Any: whatever stood in the YAML file
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


MetricValue = Annotated[str, BeforeValidator(_as_text), WithJsonSchema({"type": ["string", "number"]})]


class Group(Strict):
    """A log group of CloudWatch Logs."""

    name: GroupName
    """Its name, such as /acme/web/nginx."""
    retention_days: Annotated[int, AfterValidator(check_retention)] = 90
    """For how many days events are kept."""
    key: KeyArn | None = None
    """A KMS key in place of ours for logs."""
    log_class: Annotated[Literal["STANDARD", "INFREQUENT_ACCESS"], Field(alias="class")] = "STANDARD"
    """STANDARD, or INFREQUENT_ACCESS (cheaper, without metric and subscription filters; never changed later)."""


# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html
Unit = Literal[
    "Seconds",
    "Microseconds",
    "Milliseconds",
    "Bytes",
    "Kilobytes",
    "Megabytes",
    "Gigabytes",
    "Terabytes",
    "Bits",
    "Kilobits",
    "Megabits",
    "Gigabits",
    "Terabits",
    "Percent",
    "Count",
    "Bytes/Second",
    "Kilobytes/Second",
    "Megabytes/Second",
    "Gigabytes/Second",
    "Terabytes/Second",
    "Bits/Second",
    "Kilobits/Second",
    "Megabits/Second",
    "Gigabits/Second",
    "Terabits/Second",
    "Count/Second",
    "None",
]


class Metric(Strict):
    """A metric filter: what lines count, and as how much."""

    pattern: Annotated[str, Field(max_length=1024), AfterValidator(check_pattern)]
    """A filter pattern of CloudWatch Logs."""
    value: MetricValue = "1"
    """What one matching line adds: a number, or a field of the pattern such as $.bytes or $bytes."""
    default: float | None = None
    """The value of a minute that has events and no match; not with dimensions."""
    unit: Unit = "None"
    """A CloudWatch unit such as Count, Bytes or Milliseconds."""
    dimensions: Annotated[dict[str, str], Field(max_length=3)] = Field(default_factory=dict)
    """Up to three names, each with a field of the pattern. Each combination of values is a metric of its own."""


class OtherMetric(Strict):
    """A metric that something else publishes."""

    namespace: Annotated[str, Field(min_length=1, max_length=255)]
    """Its namespace, such as AWS/ApplicationELB."""
    name: Annotated[str, Field(min_length=1, max_length=255)]
    """Its name."""
    dimensions: Annotated[dict[str, str], Field(max_length=30)] = Field(default_factory=dict)
    """Its dimensions; all of them, or it is another metric."""
