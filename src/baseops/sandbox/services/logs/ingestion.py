"""What follows when log events arrive: metrics by filters each minute, the groups' own metrics, subscriptions.

Filters are not retroactive: one made after an event came does not see it.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/MonitoringLogData.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from baseops.sandbox.answer import Answer
from baseops.sandbox.call import Call
from baseops.sandbox.moto_services import moto_backend
from baseops.sandbox.service import follow, opened
from baseops.sandbox.services.cloudwatch.series import Metric, record, series_of
from baseops.sandbox.services.logs.subscriptions import subscribe
from baseops.semantics import filters
from baseops.semantics.metrics import Transformation, emitted, series

# Any: moto's backend is untyped, filters are members of AWS's shapes.

_OVERHEAD = 26
_SYSTEM = "AWS/Logs"


@dataclass(frozen=True, slots=True)
class Event:
    """One event and when it came."""

    came: datetime
    when: datetime
    line: str


@dataclass
class Intake:
    """What came in since the minute began, by group; and who wants to know that a group has new events."""

    pending: dict[str, list[Event]] = field(default_factory=dict)
    listeners: list[Any] = field(default_factory=list)


def intake_of(backend: Any) -> Intake:
    """The intake beside a backend of moto's; it goes with it when the account closes."""
    if not hasattr(backend, "sandbox_intake"):
        backend.sandbox_intake = Intake()
    found: Intake = backend.sandbox_intake
    return found


def took_in(call: Call, answer: Answer) -> None:
    """Follow PutLogEvents."""
    given, backend = call.parameters, call.backend
    accepted = _accepted(given["logEvents"], answer.members.get("rejectedLogEventsInfo") or {})
    if not accepted:
        return
    name, now = str(given["logGroupName"]), opened().clock.now()
    intake = intake_of(backend)
    if name not in intake.pending:
        end = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
        opened().clock.ticker.at(end, lambda: _settle(backend, name), f"metric filters of {name}")
    events = [Event(now, datetime.fromtimestamp(each["timestamp"] / 1000, UTC), each["message"]) for each in accepted]
    intake.pending.setdefault(name, []).extend(events)
    subscribe(backend, name, str(given["logStreamName"]), accepted)
    for listener in intake.listeners:
        listener(name)


def _accepted(events: Sequence[Mapping[str, Any]], rejected: Mapping[str, int]) -> list[Mapping[str, Any]]:
    """Those that are neither too old nor too far in the future."""
    now = opened().clock.now().timestamp() * 1000
    if not rejected:
        return list(events)
    oldest, newest = now - 14 * 86_400_000, now + 2 * 3_600_000
    return [each for each in events if oldest <= each["timestamp"] <= newest]


def _settle(backend: Any, name: str) -> None:
    """Publish what the events of the past minute make."""
    events = intake_of(backend).pending.pop(name, [])
    if not events:
        return
    _publish_own(backend, name, events)
    for each in backend.filters.metric_filters:
        if each["logGroupName"] == name:
            made = datetime.fromtimestamp(each["creationTime"] / 1000, UTC)
            seen = [(event.when, event.line) for event in events if event.came >= made]
            _filter(backend, each, seen)


def _publish_own(backend: Any, name: str, events: Sequence[Event]) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch-Logs-Monitoring-CloudWatch-Metrics.html."""
    minute = events[0].came.replace(second=0, microsecond=0)
    size = sum(len(event.line.encode()) + _OVERHEAD for event in events)
    for metric, value, unit in (("IncomingLogEvents", len(events), "None"), ("IncomingBytes", size, "Bytes")):
        for dimensions in ({"LogGroupName": name}, {}):
            record(
                backend.account_id,
                backend.region_name,
                _SYSTEM,
                metric,
                float(value),
                dimensions=dimensions,
                unit=unit,
                when=minute,
            )


def _filter(backend: Any, made: Mapping[str, Any], events: Sequence[tuple[datetime, str]]) -> None:
    pattern = read(made["filterPattern"])
    kept = series_of(moto_backend("cloudwatch", backend.account_id, backend.region_name))
    for each in made["metricTransformations"]:
        transformation = transformation_of(each)
        for dimensions, data in series(emitted(transformation, pattern, events)).items():
            kept.add(Metric(transformation.namespace, transformation.name, dimensions), data)


def transformation_of(given: Mapping[str, Any]) -> Transformation:
    """A transformation as AWS writes it."""
    default = given.get("defaultValue")
    return Transformation(
        name=given["metricName"],
        namespace=given["metricNamespace"],
        value=str(given["metricValue"]),
        default=None if default is None else float(default),
        unit=given.get("unit") or "None",
        dimensions=tuple(sorted((given.get("dimensions") or {}).items())),
    )


@lru_cache(maxsize=512)
def read(pattern: str) -> filters.Pattern:
    """A pattern, read once."""
    return filters.compile(pattern)


follow("logs", "PutLogEvents", took_in)
