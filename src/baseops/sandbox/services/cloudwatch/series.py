"""The metrics of one account and region: values by metric, in order of time, and who wants to know of new ones.

Services of AWS publish through `record`; PutMetricData is in `metric_operations`. moto's list of all values, searched
from its beginning for every question, would make weeks of virtual time cost hours.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from baseops.sandbox.moto_services import moto_backend
from baseops.sandbox.service import opened
from baseops.semantics.metrics import Datum, Dimensions


@dataclass(frozen=True, slots=True)
class Metric:
    """What tells metrics apart."""

    namespace: str
    name: str
    dimensions: Dimensions = ()


Listener = Callable[[Metric], None]


@dataclass
class Series:
    """All values, by metric; a listener hears of each new one."""

    values: dict[Metric, list[Datum]] = field(default_factory=dict)
    listener: Listener | None = None

    def add(self, metric: Metric, data: Iterable[Datum]) -> None:
        """Add values, each at its time."""
        kept = self.values.setdefault(metric, [])
        for datum in data:
            if not kept or kept[-1].when <= datum.when:
                kept.append(datum)
            else:
                kept.insert(bisect_right(kept, datum.when, key=lambda each: each.when), datum)
        if self.listener:
            self.listener(metric)

    def of(self, metric: Metric, unit: str | None = None) -> list[Datum]:
        """The values of a metric; of one unit when it is named."""
        found = self.values.get(metric, [])
        return found if unit is None else [each for each in found if each.unit == unit]


def series_of(backend: Any) -> Series:
    """The series beside a backend of moto's (untyped); it goes with it when the account closes."""
    if not hasattr(backend, "sandbox_series"):
        backend.sandbox_series = Series()
    found: Series = backend.sandbox_series
    return found


def record(
    account_id: str,
    region: str,
    namespace: str,
    name: str,
    value: float,
    *,
    dimensions: Mapping[str, str] | None = None,
    unit: str = "None",
    when: datetime | None = None,
) -> None:
    """Publish one value as a service of AWS does, which may use AWS's own namespaces."""
    moment = when or opened().clock.now()
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    metric = Metric(namespace, name, tuple(sorted((dimensions or {}).items())))
    backend = moto_backend("cloudwatch", account_id, region)
    series_of(backend).add(metric, [Datum(moment, value, unit, metric.dimensions)])


def dimensions_of(members: Iterable[Mapping[str, str]] | None) -> Dimensions:
    """Dimensions as AWS writes them."""
    return tuple(sorted((each["Name"], each["Value"]) for each in members or ()))


def described(dimensions: Dimensions) -> list[dict[str, str]]:
    """The same the other way."""
    return [{"Name": name, "Value": value} for name, value in dimensions]
