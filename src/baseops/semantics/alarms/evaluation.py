"""The state of a metric alarm from its points, missing ones included.

Reproduces the documented tables of "How alarm state is evaluated when data is missing".
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Literal, TypeAlias

State: TypeAlias = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
TreatMissing: TypeAlias = Literal["breaching", "notBreaching", "ignore", "missing"]
Comparison: TypeAlias = Literal[
    "GreaterThanOrEqualToThreshold",
    "GreaterThanThreshold",
    "LessThanThreshold",
    "LessThanOrEqualToThreshold",
    "LessThanLowerOrGreaterThanUpperThreshold",
    "LessThanLowerThreshold",
    "GreaterThanUpperThreshold",
]

_DAY_SECONDS = 86_400
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


def breaches(value: float | None, comparison: Comparison, threshold: float | tuple[float, float]) -> bool | None:
    """Whether a value breaches the threshold; None stays None.

    The comparisons of anomaly detection take the band, (lower, upper), as threshold.
    """
    if value is None:
        return None
    if isinstance(threshold, tuple):
        lower, upper = threshold
        below = value < lower and comparison != "GreaterThanUpperThreshold"
        return below or (value > upper and comparison != "LessThanLowerThreshold")
    return _COMPARISONS[comparison](value, threshold)


def evaluate(
    points: Sequence[bool | None],
    *,
    evaluation_periods: int,
    datapoints_to_alarm: int,
    treat_missing: TreatMissing,
    previous: State,
) -> State:
    """The new state from the points of the evaluation range, oldest first: True breaching, False not, None missing.

    With as many real points as evaluation periods, the newest of those decide and the treatment of missing data is not
    asked. Otherwise missing points are filled in, as few as possible.
    """
    if not 1 <= datapoints_to_alarm <= evaluation_periods:
        raise ValueError(f"{datapoints_to_alarm} of {evaluation_periods} datapoints to alarm is not possible")
    real = [point for point in points if point is not None]
    if len(real) >= evaluation_periods:
        return _state(sum(real[-evaluation_periods:]) >= datapoints_to_alarm)
    breaching = sum(real)
    if treat_missing == "breaching":
        return _state(breaching + evaluation_periods - len(real) >= datapoints_to_alarm)
    if treat_missing == "notBreaching" or breaching >= datapoints_to_alarm:
        return _state(breaching >= datapoints_to_alarm)
    if real and not all(real):
        return "OK"
    if treat_missing == "ignore":
        return previous
    return "ALARM" if _is_no_longer_premature(points, datapoints_to_alarm) else "INSUFFICIENT_DATA"


def _state(is_breaching: bool) -> State:  # the claim is all it takes
    return "ALARM" if is_breaching else "OK"


def _is_no_longer_premature(points: Sequence[bool | None], datapoints_to_alarm: int) -> bool:
    """The oldest breaching point is as old as the datapoints to alarm, and nothing since contradicts it."""
    oldest = next((place for place, point in enumerate(points) if point), None)
    return oldest is not None and len(points) - oldest >= datapoints_to_alarm


def evaluation_range(evaluation_periods: int) -> int:
    """How many points CloudWatch fetches: more than it needs.

    The number is documented only by the example of 3 periods, for which it is 5; so it is two more here.
    """
    return evaluation_periods + 2


def evaluation_interval(period: int, evaluation_periods: int = 1) -> timedelta:
    """How often an alarm is evaluated: each minute over a sliding window, high-resolution ones each 10 seconds.

    Alarms that look back longer than a day are evaluated hourly.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
    """
    if period * evaluation_periods > _DAY_SECONDS:
        return timedelta(hours=1)
    return timedelta(seconds=10) if period < 60 else timedelta(minutes=1)


def treatment(namespace: str, treat_missing: TreatMissing | None = None) -> TreatMissing:
    """The treatment of missing data that counts: `missing` unless chosen; DynamoDB's metrics are always ignored."""
    return "ignore" if namespace == "AWS/DynamoDB" else treat_missing or "missing"


def has_too_few_samples(percentile: float, samples: float) -> bool:
    """Whether `EvaluateLowSampleCountPercentile: ignore` keeps the state of an alarm on, say, p99.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/percentiles-with-low-samples.html
    """
    return samples < 1000 / (100 - percentile if percentile >= 50 else percentile)
