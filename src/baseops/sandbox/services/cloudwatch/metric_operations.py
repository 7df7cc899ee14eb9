"""PutMetricData, and what reads it back: GetMetricStatistics, GetMetricData, ListMetrics.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from baseops.sandbox.service import Members, ServiceError, calling, extend, opened
from baseops.sandbox.services.cloudwatch.series import Metric, Series, described, dimensions_of, series_of
from baseops.sandbox.services.cloudwatch.watch import filled
from baseops.semantics import metrics

# Any: moto's backend is untyped, members have AWS's shapes.

OLDEST = timedelta(weeks=2)
NEWEST = timedelta(hours=2)
_PAGE = 500


def put_metric_data(backend: Any, **_: Any) -> Members:
    """Take values at their times, at most two weeks old."""
    given = calling().parameters
    if "StrictEntityValidation" in given or given.get("EntityMetricData"):
        raise _invalid("The sandbox keeps no entities of metrics")
    data = list(given.get("MetricData") or ())
    for each in data:
        _refuse(each)
    for each in data:
        dimensions = dimensions_of(each.get("Dimensions"))
        found = list(_values(each, dimensions))
        series_of(backend).add(Metric(given["Namespace"], each["MetricName"], dimensions), found)
    return {}


def _refuse(datum: Mapping[str, Any]) -> None:
    if datum.get("StatisticValues"):
        raise _invalid("The sandbox takes Value or Values, no StatisticValues: percentiles need every value")
    if datum.get("Value") is None and not datum.get("Values"):
        raise ServiceError(
            "At least one of the parameters must be specified: MetricData.member.1.Value",
            code="MissingParameter",
            status=400,
        )
    if datum.get("Unit", "None") not in metrics.UNITS:
        raise _invalid(f"The parameter MetricData.member.1.Unit must be a value in the set {sorted(metrics.UNITS)}")
    now, when = opened().clock.now(), _time(datum)
    if not now - OLDEST <= when <= now + NEWEST:
        raise _invalid(
            "The parameter MetricData.member.1.Timestamp must specify a time within the past two weeks and no more "
            "than two hours in the future"
        )


def _values(datum: Mapping[str, Any], dimensions: metrics.Dimensions) -> Iterator[metrics.Datum]:
    values = datum.get("Values") or [datum.get("Value")]
    counts = datum.get("Counts") or [1] * len(values)
    for value, count in zip(values, counts, strict=True):
        for _ in range(int(float(count))):
            yield metrics.Datum(_time(datum), float(value), datum.get("Unit") or "None", dimensions)


def _time(datum: Mapping[str, Any]) -> datetime:
    when: datetime = datum.get("Timestamp") or opened().clock.now()
    return _aware(when)


def get_metric_statistics(backend: Any, **_: Any) -> Members:
    """The statistics of a metric, period by period."""
    given = calling().parameters
    metric = Metric(given["Namespace"], given["MetricName"], dimensions_of(given.get("Dimensions")))
    names = [*(given.get("Statistics") or ()), *(given.get("ExtendedStatistics") or ())]
    if not names:
        raise _invalid("At least one of the parameters must be specified: Statistics, ExtendedStatistics")
    data = series_of(backend).of(metric, given.get("Unit"))
    points: dict[datetime, dict[str, Any]] = {}
    for name in names:
        for when, value in _aggregated(data, given["StartTime"], given["EndTime"], int(given["Period"]), name):
            point = points.setdefault(when, {"Timestamp": when, "Unit": data[0].unit})
            if name in (given.get("Statistics") or ()):
                point[name] = value
            else:
                point.setdefault("ExtendedStatistics", {})[name] = value
    return {"Label": metric.name, "Datapoints": [points[when] for when in sorted(points)]}


def get_metric_data(backend: Any, **_: Any) -> Members:
    """The values of metrics and of FILL over them; other expressions are refused."""
    given = calling().parameters
    queries = {each["Id"]: each for each in given["MetricDataQueries"]}
    newest_first = given.get("ScanBy", "TimestampDescending") == "TimestampDescending"
    results = []
    for each in queries.values():
        if each.get("ReturnData", True):
            found = _queried(series_of(backend), each, queries, given)
            points = sorted(found.items(), reverse=newest_first)
            results.append(
                {
                    "Id": each["Id"],
                    "Label": each.get("Label") or _label(each),
                    "StatusCode": "Complete",
                    "Timestamps": [when for when, _ in points],
                    "Values": [value for _, value in points],
                }
            )
    return {"MetricDataResults": results, "Messages": []}


def _queried(
    series: Series, query: Mapping[str, Any], queries: Mapping[str, Any], given: Mapping[str, Any]
) -> dict[datetime, float]:
    if query.get("Expression"):
        inner, filler = filled(query["Expression"])
        if inner not in queries:
            raise _invalid(f"Error in expression '{query['Id']}': Undefined variable {inner}")
        found = _queried(series, queries[inner], queries, given)
        period = timedelta(seconds=int(queries[inner]["MetricStat"]["Period"]))
        begin, end = _floor(given["StartTime"], period), _aware(given["EndTime"])
        every = [begin + period * number for number in range(max(0, -(-(end - begin) // period)))]
        return {when: found.get(when, filler) for when in every} if found else {}
    stat = query["MetricStat"]
    wanted = stat["Metric"]
    metric = Metric(wanted["Namespace"], wanted["MetricName"], dimensions_of(wanted.get("Dimensions")))
    data = series.of(metric, stat.get("Unit"))
    return dict(_aggregated(data, given["StartTime"], given["EndTime"], int(stat["Period"]), stat["Stat"]))


def _label(query: Mapping[str, Any]) -> str:
    return str(query["MetricStat"]["Metric"]["MetricName"] if "MetricStat" in query else query["Id"])


def _aggregated(
    data: list[metrics.Datum], start: datetime, end: datetime, seconds: int, name: str
) -> list[tuple[datetime, float]]:
    period = timedelta(seconds=seconds)
    try:
        return metrics.aggregated(
            data, start=_floor(start, period), end=_aware(end), period=period, statistic_name=name
        )
    except ValueError as error:
        raise _invalid(str(error)) from error


def list_metrics(
    backend: Any,
    namespace: str | None = None,
    metric_name: str | None = None,
    dimensions: list[dict[str, str]] | None = None,
    next_token: str | None = None,
    recently_active: str | None = None,
    include_linked_accounts: bool = False,
    owning_account: str | None = None,
) -> Members:
    """Metrics that have values, of the last two weeks; in pages."""
    since = opened().clock.now() - (timedelta(hours=3) if recently_active else OLDEST)
    wanted = [(each["Name"], each.get("Value")) for each in dimensions or ()]
    found = [
        metric
        for metric, data in series_of(backend).values.items()
        if namespace in (None, metric.namespace)
        and metric_name in (None, metric.name)
        and data[-1].when >= since
        and all(_has(metric, name, value) for name, value in wanted)
    ]
    start = int(next_token or 0)
    page = sorted(found, key=lambda each: (each.namespace, each.name, each.dimensions))[start : start + _PAGE]
    more = {"NextToken": str(start + _PAGE)} if start + _PAGE < len(found) else {}
    shown = [
        {"Namespace": each.namespace, "MetricName": each.name, "Dimensions": described(each.dimensions)}
        for each in page
    ]
    return {"Metrics": shown, **more}


def _has(metric: Metric, name: str, value: str | None) -> bool:
    return any(each == name and value in (None, its) for each, its in metric.dimensions)


def _aware(when: datetime) -> datetime:
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _floor(when: datetime, period: timedelta) -> datetime:
    """Periods of a graph begin at whole multiples of themselves."""
    seconds = period.total_seconds()
    return datetime.fromtimestamp(_aware(when).timestamp() // seconds * seconds, UTC)


def _invalid(message: str) -> ServiceError:
    return ServiceError(message, code="InvalidParameterValue", status=400)


extend("cloudwatch", "GetMetricData", get_metric_data)
extend("cloudwatch", "GetMetricStatistics", get_metric_statistics)
extend("cloudwatch", "ListMetrics", list_metrics)
extend("cloudwatch", "PutMetricData", put_metric_data)
