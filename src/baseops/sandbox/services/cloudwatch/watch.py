"""What a metric alarm watches: its metric, window and treatment, from what was put; and its state at a moment.

It knows, too, when that state could change next though no value comes: alarms are evaluated only then. Pure but
for the error that it raises for what the sandbox cannot evaluate.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from baseops.sandbox.service import ServiceError
from baseops.sandbox.services.cloudwatch.series import Metric, dimensions_of
from baseops.semantics import alarms, metrics
from baseops.semantics.metrics import Datum

# Any: members of AWS's shapes.

_FILL = re.compile(r"FILL\(\s*([a-z]\w*)\s*,\s*(-?\d+(?:\.\d+)?)\s*\)")
_MANY = 200
"""With more values than that in its window an alarm is evaluated each time, without looking for the next change."""


@dataclass(frozen=True)
class Watch:
    """One metric alarm, ready to be evaluated."""

    metric: Metric
    statistic: str
    period: int
    threshold: float
    comparison: alarms.Comparison
    evaluation_periods: int
    datapoints_to_alarm: int
    treat_missing: alarms.TreatMissing
    unit: str | None = None
    filler: float | None = None
    ignores_few_samples: bool = False

    @property
    def interval(self) -> timedelta:
        """How often it is evaluated."""
        return alarms.evaluation_interval(self.period, self.evaluation_periods)

    @property
    def reach(self) -> timedelta:
        """How far it looks back."""
        return timedelta(seconds=self.period) * alarms.evaluation_range(self.evaluation_periods)

    def until(self, now: datetime) -> datetime:
        """Where its window ends when it is evaluated now."""
        seconds = self.interval.total_seconds()
        return datetime.fromtimestamp(now.timestamp() // seconds * seconds, UTC)

    def points(self, data: Sequence[Datum], now: datetime) -> list[float | None]:
        """The points that it looks at, oldest first."""
        found = metrics.points(
            data,
            until=self.until(now),
            period=timedelta(seconds=self.period),
            count=alarms.evaluation_range(self.evaluation_periods),
            statistic_name=self.statistic,
        )
        if self.filler is not None and any(each is not None for each in found):
            return [self.filler if each is None else each for each in found]
        return found

    def state(self, points: Sequence[float | None], previous: alarms.State) -> alarms.State:
        """The state that the points make."""
        return alarms.evaluate(
            [alarms.breaches(each, self.comparison, self.threshold) for each in points],
            evaluation_periods=self.evaluation_periods,
            datapoints_to_alarm=self.datapoints_to_alarm,
            treat_missing=self.treat_missing,
            previous=previous,
        )

    def keeps_state(self, data: Sequence[Datum], now: datetime) -> bool:
        """Whether a percentile has too few samples to say anything."""
        if not self.ignores_few_samples:
            return False
        end = self.until(now)
        samples = len(self._within(data, end - timedelta(seconds=self.period * self.evaluation_periods), end))
        return alarms.has_too_few_samples(float(self.statistic[1:]), samples)

    def next_change(self, data: Sequence[Datum], now: datetime) -> datetime | None:
        """The next end of a window at which a point could be another, if no value comes; None if never.

        A point changes only when a value gets older than a whole number of periods.
        """
        end = self.until(now)
        oldest = end - self.reach
        window = data[bisect_left(data, oldest, key=_when) :]
        if not window:
            return None
        if len(window) > _MANY:
            return end + self.interval
        return min(self._crossing(each.when, end) for each in window)

    def _crossing(self, when: datetime, end: datetime) -> datetime:
        period = timedelta(seconds=self.period)
        edge = when if when >= end else when + -(-(end - when) // period) * period
        return self.until(edge) + self.interval

    def _within(self, data: Sequence[Datum], start: datetime, end: datetime) -> Sequence[Datum]:
        return data[bisect_left(data, start, key=_when) : bisect_left(data, end, key=_when)]


def _when(datum: Datum) -> datetime:
    return datum.when


def watch_of(settings: Mapping[str, Any]) -> Watch:
    """Read a metric alarm's settings. Raises AWS's error, or ours for what the sandbox cannot evaluate."""
    one = _one_metric(settings) if settings.get("Metrics") else dict(settings)
    if settings.get("EvaluationCriteria") or not one.get("MetricName"):
        raise _invalid("The sandbox evaluates alarms on one metric; the request names none")
    if "Threshold" not in settings or settings.get("ThresholdMetricId"):
        raise _invalid("The sandbox evaluates static thresholds alone, no anomaly detection")
    statistic = str(one.get("Statistic") or one.get("ExtendedStatistic") or "")
    _check_statistic(statistic)
    periods = int(settings["EvaluationPeriods"])
    low_samples = settings.get("EvaluateLowSampleCountPercentile") == "ignore"
    return Watch(
        metric=Metric(str(one["Namespace"]), str(one["MetricName"]), dimensions_of(one.get("Dimensions"))),
        statistic=statistic,
        period=int(one["Period"]),
        threshold=float(settings["Threshold"]),
        comparison=settings["ComparisonOperator"],
        evaluation_periods=periods,
        datapoints_to_alarm=int(settings.get("DatapointsToAlarm") or periods),
        treat_missing=alarms.treatment(str(one["Namespace"]), settings.get("TreatMissingData") or None),
        unit=one.get("Unit"),
        filler=one.get("Filler"),
        ignores_few_samples=low_samples and statistic.startswith("p"),
    )


def filled(expression: str) -> tuple[str, float]:
    """What `FILL(id, number)` fills and with what; anything else is refused."""
    found = _FILL.fullmatch(expression.strip())
    if not found:
        raise _invalid(f"The sandbox knows no other metric math than FILL(id, number), not {expression!r}")
    return found[1], float(found[2])


def _one_metric(settings: Mapping[str, Any]) -> dict[str, Any]:
    queries = {each["Id"]: each for each in settings["Metrics"]}
    shown = [each for each in queries.values() if each.get("ReturnData", True)]
    if len(shown) != 1:
        raise _invalid("Exactly one element of the metrics list should return data.")
    query, filler = shown[0], None
    if query.get("Expression"):
        inner, filler = filled(query["Expression"])
        if inner not in queries or "MetricStat" not in queries[inner]:
            raise _invalid(f"Error in expression '{query['Id']}': Undefined variable {inner}")
        query = queries[inner]
    stat = query["MetricStat"]
    if query.get("AccountId"):
        raise _invalid("The sandbox evaluates alarms on metrics of their own account")
    return {
        **stat["Metric"],
        "Period": stat["Period"],
        "Statistic": stat["Stat"],
        "Unit": stat.get("Unit"),
        "Filler": filler,
    }


def _check_statistic(name: str) -> None:
    try:
        metrics.check_statistic(name)
    except ValueError as error:
        raise _invalid(str(error)) from error


def _invalid(message: str) -> ServiceError:
    return ServiceError(message, code="ValidationError", status=400)
