"""What CloudWatch refuses in a metric alarm.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
"""

from __future__ import annotations

from collections.abc import Iterator

_MINUTE, _HOUR, _DAY, _WEEK = 60, 3_600, 86_400, 604_800
HIGH_RESOLUTION_PERIODS = (10, 20, 30)


def limit_problems(*, period: int, evaluation_periods: int, datapoints_to_alarm: int) -> tuple[str, ...]:
    """What AWS would refuse, each with what to write instead; none is ()."""
    return tuple(_problems(period, evaluation_periods, datapoints_to_alarm))


def _problems(period: int, evaluation_periods: int, datapoints_to_alarm: int) -> Iterator[str]:
    if period not in HIGH_RESOLUTION_PERIODS and (period < _MINUTE or period % _MINUTE):
        nearest = max(_MINUTE, round(period / _MINUTE) * _MINUTE)
        yield f"a period is 10, 20 or 30 seconds or whole minutes, not {period} seconds; write {nearest}"
    if evaluation_periods < 1:
        yield f"an alarm looks at one period or more, not {evaluation_periods}; write 1"
    if not 1 <= datapoints_to_alarm <= max(evaluation_periods, 1):
        yield (
            f"datapoints to alarm lie between 1 and the {evaluation_periods} evaluation periods, "
            f"not {datapoints_to_alarm}; write {evaluation_periods}"
        )
    if not period < 1 and period * evaluation_periods > _longest(period):
        most = _longest(period) // period
        span = "seven days" if period >= _HOUR else "one day, for periods shorter than an hour"
        yield f"{evaluation_periods} periods of {period} seconds are longer than {span}; write at most {most} periods"


def _longest(period: int) -> int:
    return _WEEK if period >= _HOUR else _DAY
