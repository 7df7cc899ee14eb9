"""Values that several parts of a declaration of logs take: names, patterns, periods, days."""

from __future__ import annotations

from typing import Annotated

from baseops.fields import matching
from baseops.semantics import filters

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
RETENTION_DAYS = (
    1,
    3,
    5,
    7,
    14,
    30,
    60,
    90,
    120,
    150,
    180,
    365,
    400,
    545,
    731,
    1096,
    1827,
    2192,
    2557,
    2922,
    3288,
    3653,
)


def check_retention(value: int) -> int:
    """A number of days for which CloudWatch Logs can keep events."""
    if value not in RETENTION_DAYS:
        nearest = min(RETENTION_DAYS, key=lambda days: (abs(days - value), -days))
        listed = ", ".join(map(str, RETENTION_DAYS))
        raise ValueError(
            f"CloudWatch Logs keeps events for one of {listed} days, not {value}; the nearest is {nearest}"
        )
    return value


def check_pattern(value: str) -> str:
    """A filter pattern that CloudWatch Logs takes."""
    try:
        filters.compile(value)
    except filters.PatternError as error:
        raise ValueError(str(error)) from error
    return value


def check_period(value: int) -> int:
    """The period of an alarm, in seconds."""
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    if value not in (10, 20, 30) and (value < 60 or value % 60):
        raise ValueError(f"an alarm's period is 10, 20, 30 or a multiple of 60 seconds, not {value}")
    return value


GroupName = Annotated[
    str,
    matching(r"[\w./#-]{1,512}", "a log group name of 1-512 letters, digits and _ - / . #, such as /acme/web/nginx"),
]
MetricName = Annotated[
    str, matching(r"[A-Za-z][A-Za-z0-9_.-]{0,99}", "a metric name of 1-100 letters, digits and _ . -, such as Http5xx")
]
Percentile = Annotated[str, matching(r"p\d{1,2}(?:\.\d{1,10})?|p100", "a percentile such as p99 or p99.9")]
