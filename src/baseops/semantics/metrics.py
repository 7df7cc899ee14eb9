"""What metric filters make of log events, and what CloudWatch makes of values: points for periods and statistics.

Pure: events and values go in with their times. Whether a line matches is the pattern's affair (`filters`).
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntaxForMetricFilters.html
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TypeAlias

from baseops.semantics.filters import Pattern

Dimensions: TypeAlias = tuple[tuple[str, str], ...]
"""Names and values, sorted by name; each set of them is a metric of its own."""

MAX_DIMENSIONS = 3
MAX_DIMENSION_PAIRS = 1_000
"""A metric filter that makes more pairs within the hour may be disabled."""

_SIZES = tuple(f"{prefix}{unit}" for unit in ("bytes", "bits") for prefix in ("", "kilo", "mega", "giga", "tera"))
UNITS = frozenset(
    ["Seconds", "Microseconds", "Milliseconds", "Percent", "Count", "Count/Second", "None"]
    + [f"{size.capitalize()}{rate}" for size in _SIZES for rate in ("", "/Second")]
)

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,10})?|100)")


@dataclass(frozen=True, slots=True)
class Transformation:
    """How a metric filter makes values of matching events.

    `dimensions` are pairs of a name and a field: ("Status", "$.status").
    """

    name: str
    namespace: str
    value: str = "1"
    default: float | None = None
    unit: str = "None"
    dimensions: Dimensions = ()


@dataclass(frozen=True, slots=True)
class Datum:
    """One value of a metric."""

    when: datetime
    value: float
    unit: str = "None"
    dimensions: Dimensions = ()


def problems(transformation: Transformation, pattern: Pattern) -> tuple[str, ...]:
    """What AWS would refuse or never fill, each with what to write instead; none is ()."""
    found = [*_value_problems(transformation, pattern), *_dimension_problems(transformation, pattern)]
    if transformation.unit not in UNITS:
        found.append(f"{transformation.unit} is no unit of CloudWatch; write Count, Bytes, Milliseconds or None")
    for what, name in (("name", transformation.name), ("namespace", transformation.namespace)):
        if not re.fullmatch(r"[^:*$]{1,255}", name):
            found.append(f"a metric's {what} has 1 to 255 characters without : * $, unlike {name!r}; leave them out")
    return tuple(found)


def _value_problems(transformation: Transformation, pattern: Pattern) -> Iterator[str]:
    value = transformation.value
    if not _NUMBER.fullmatch(value) and value not in pattern.fields:
        known = ", ".join(pattern.fields) or "none: only JSON and space-delimited patterns have fields"
        yield f"the metric value {value} is neither a number nor a field of the pattern ({known}); write 1 to count"
    if transformation.default is not None and transformation.dimensions:
        yield "a metric with dimensions has no default value; leave one of them out"


def _dimension_problems(transformation: Transformation, pattern: Pattern) -> Iterator[str]:
    dimensions = transformation.dimensions
    if len(dimensions) > MAX_DIMENSIONS:
        yield f"a metric filter has at most {MAX_DIMENSIONS} dimensions, not {len(dimensions)}; leave some out"
    if dimensions and pattern.kind not in ("json", "space"):
        yield "dimensions need a JSON or space-delimited pattern; write one, or leave the dimensions out"
        return
    for name, field in dimensions:
        if field not in pattern.fields:
            yield f"dimension {name} takes {field}, which the pattern does not name; add `{field} = *` to the pattern"


# --- from events to values ----------------------------------------------------------------------------------------


def emitted(transformation: Transformation, pattern: Pattern, events: Iterable[tuple[datetime, str]]) -> list[Datum]:
    """The values that a metric filter publishes for the events, by minute.

    The default stands for minutes with events of which none matches; a minute without events has no value at all.
    A matching event whose field holds no number, or lacks a dimension, counts as a match and gives no value.
    """
    values: list[Datum] = []
    matched: dict[datetime, bool] = {}
    for when, line in events:
        minute = when.replace(second=0, microsecond=0)
        fields = pattern.extract(line)
        matched[minute] = matched.get(minute, False) or fields is not None
        if fields is not None:
            values += _datum(transformation, minute, fields)
    if transformation.default is not None:
        silent = [minute for minute, has_match in matched.items() if not has_match]
        values += [Datum(minute, transformation.default, transformation.unit) for minute in silent]
    return sorted(values, key=lambda datum: datum.when)


def _datum(transformation: Transformation, minute: datetime, fields: dict[str, str]) -> list[Datum]:
    text = fields.get(transformation.value, transformation.value)
    if not _NUMBER.fullmatch(text) or any(field not in fields for _, field in transformation.dimensions):
        return []
    dimensions = tuple(sorted((name, fields[field]) for name, field in transformation.dimensions))
    return [Datum(minute, float(text), transformation.unit, dimensions)]


def series(data: Iterable[Datum]) -> dict[Dimensions, list[Datum]]:
    """The metrics that share a name, told apart by their dimensions."""
    found: dict[Dimensions, list[Datum]] = {}
    for datum in data:
        found.setdefault(datum.dimensions, []).append(datum)
    return found


def makes_too_many_pairs(data: Sequence[Datum]) -> bool:
    """Whether some hour holds so many different names and values of dimensions that AWS may disable the filter."""
    hours: dict[datetime, set[tuple[str, str]]] = {}
    for datum in data:
        hours.setdefault(datum.when.replace(minute=0, second=0, microsecond=0), set()).update(datum.dimensions)
    return any(len(pairs) >= MAX_DIMENSION_PAIRS for pairs in hours.values())


# --- from values to points ----------------------------------------------------------------------------------------

_STATISTICS: dict[str, Callable[[Sequence[float]], float]] = {
    "Sum": math.fsum,
    "Average": lambda values: math.fsum(values) / len(values),
    "Minimum": min,
    "Maximum": max,
    "SampleCount": lambda values: float(len(values)),
}


def check_statistic(name: str) -> None:
    """Raise ValueError unless it is Sum, Average, Minimum, Maximum, SampleCount or a percentile such as p99.9."""
    if name not in _STATISTICS and not _PERCENTILE.fullmatch(name):
        raise ValueError(f"statistic {name!r} is not known: write {', '.join(_STATISTICS)} or a percentile such as p99")


def statistic(name: str, values: Sequence[float]) -> float | None:
    """A statistic of the values of one period; None without values.

    A percentile is the highest of the values that remain when the highest are left out; there is none of negative
    values. https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html
    """
    check_statistic(name)
    if not values:
        return None
    if name in _STATISTICS:
        return _STATISTICS[name](values)
    if min(values) < 0:
        return None
    rank = math.ceil(float(name[1:]) / 100 * len(values) - 1e-9)
    return sorted(values)[max(rank, 1) - 1]


def points(
    data: Sequence[Datum], *, until: datetime, period: timedelta, count: int, statistic_name: str
) -> list[float | None]:
    """The last `count` points before `until`, oldest first, None where a period has no value.

    `data` is one metric, in order of time. The periods end at `until`, since alarms look back from the minute at
    which they are evaluated.
    """
    edges = [until - period * back for back in range(count, -1, -1)]
    places = [bisect_left(data, edge, key=lambda datum: datum.when) for edge in edges]
    return [statistic(statistic_name, [datum.value for datum in data[begin:end]]) for begin, end in pairwise(places)]


def aggregated(
    data: Sequence[Datum], *, start: datetime, end: datetime, period: timedelta, statistic_name: str
) -> list[tuple[datetime, float]]:
    """The points of a graph: for each period from `start` that has values, when it begins and its statistic."""
    count = math.ceil((end - start) / period)
    known = data[: bisect_left(data, end, key=lambda datum: datum.when)]
    values = points(known, until=start + count * period, period=period, count=count, statistic_name=statistic_name)
    begins = (start + number * period for number in range(count))
    return [(begin, value) for begin, value in zip(begins, values, strict=True) if value is not None]
