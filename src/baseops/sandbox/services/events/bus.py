"""Events on a bus: from services by `put_event`, from callers by PutEvents; rules on them send to their targets.

https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from moto.moto_api._internal import mock_random

from baseops.sandbox.moto_services import moto_backend
from baseops.sandbox.service import Members, ServiceError, calling, extend, opened
from baseops.sandbox.services.events.targets import refuse_target, send
from baseops.semantics.event_patterns import EventPattern, EventPatternError, parse_pattern
from baseops.semantics.schedules import ScheduleError
from baseops.semantics.schedules import parse as parse_schedule

# Any: moto's backend is untyped, events are JSON.

LATENCY_SECONDS = 0.5
"""https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-what-is.html says about half a second."""


def put_event(
    account_id: str,
    region: str,
    *,
    source: str,
    detail_type: str,
    detail: Mapping[str, Any],
    resources: Iterable[str] = (),
    when: datetime | None = None,
    bus: str = "default",
) -> str:
    """Put an event as a service of AWS does; gives its id."""
    moment = when or opened().clock.now()
    event = {
        "version": "0",
        "id": str(mock_random.uuid4()),
        "detail-type": detail_type,
        "source": source,
        "account": account_id,
        "time": moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": region,
        "resources": list(resources),
        "detail": json.loads(json.dumps(detail, default=str)),
    }
    _route(moto_backend("events", account_id, region), bus, event)
    return str(event["id"])


def _route(backend: Any, bus: str, event: Mapping[str, Any]) -> None:
    found = backend.event_buses.get(bus)
    for rule in list(found.rules.values()) if found else ():
        pattern = getattr(rule.event_pattern, "_raw_pattern", None)
        if rule.state != "DISABLED" and pattern and read(pattern).matches(event):
            for target in list(rule.targets):
                _send_soon(backend, rule, target, event)


def _send_soon(backend: Any, rule: Any, target: Mapping[str, Any], event: Mapping[str, Any]) -> None:
    name = f"rule {rule.name} to target {target['Id']}"
    opened().clock.ticker.after(LATENCY_SECONDS, lambda: send(backend, rule, target, event), name)


@lru_cache(maxsize=512)
def read(pattern: str) -> EventPattern:
    """A pattern, read once."""
    return parse_pattern(pattern)


def put_events(backend: Any, entries: list[dict[str, Any]], endpoint_id: str | None = None) -> Members:
    """Take events of a caller's own; those that pretend to be AWS's are refused one by one."""
    if endpoint_id:
        raise ServiceError("The sandbox has no global endpoints", code="ValidationException", status=400)
    if not 1 <= len(entries) <= 10:
        raise ServiceError(
            "1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length "
            "less than or equal to 10",
            code="ValidationException",
            status=400,
        )
    answers = [_put(backend, each) for each in entries]
    return {"Entries": answers, "FailedEntryCount": sum("ErrorCode" in each for each in answers)}


def _put(backend: Any, entry: Mapping[str, Any]) -> dict[str, str]:
    for name in ("Source", "DetailType", "Detail"):
        if not entry.get(name):
            reason = f"Parameter {name} is not valid. Reason: {name} is a required argument."
            return {"ErrorCode": "InvalidArgument", "ErrorMessage": reason}
    if entry["Source"].startswith("aws."):
        return {"ErrorCode": "NotAuthorizedForSourceException", "ErrorMessage": "Not authorized for the source."}
    try:
        detail = json.loads(entry["Detail"])
    except ValueError:
        return {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
    bus = str(entry.get("EventBusName") or "default").rpartition("/")[2]
    identifier = put_event(
        backend.account_id,
        backend.region_name,
        source=entry["Source"],
        detail_type=entry["DetailType"],
        detail=detail,
        resources=entry.get("Resources") or (),
        when=_aware(entry.get("Time")),
        bus=bus,
    )
    return {"EventId": identifier}


def _aware(when: datetime | None) -> datetime | None:
    return when.replace(tzinfo=UTC) if when and not when.tzinfo else when


def put_rule(backend: Any, **_: Any) -> Members:
    """Make or change a rule whose pattern and schedule can be read."""
    given = calling().parameters
    pattern, schedule = given.get("EventPattern"), given.get("ScheduleExpression")
    if pattern:
        _refuse_pattern(pattern)
    if schedule:
        _refuse_schedule(schedule)
    rule = backend.put_rule(
        name=given["Name"],
        description=given.get("Description"),
        event_bus_arn=given.get("EventBusName"),
        event_pattern=pattern,
        role_arn=given.get("RoleArn"),
        scheduled_expression=schedule,
        state=given.get("State"),
        managed_by=None,
        tags=given.get("Tags") or [],
    )
    if schedule:
        _plan(backend, rule, opened().clock.now())
    return {"RuleArn": rule.arn}


def _refuse_pattern(pattern: str) -> None:
    try:
        parse_pattern(pattern)
    except EventPatternError as error:
        raise ServiceError(str(error), code="InvalidEventPatternException", status=400) from error


def _refuse_schedule(expression: str) -> None:
    try:
        parse_schedule(expression)
    except ScheduleError as error:
        message = "Parameter ScheduleExpression is not valid."
        raise ServiceError(message, code="ValidationException", status=400) from error


def _plan(backend: Any, rule: Any, since: datetime) -> None:
    """Put the next moment of a rule's schedule on the clock."""
    expression = rule.scheduled_expression
    schedule = parse_schedule(expression)
    following = schedule.next_after(since)
    if following is None:
        return

    def fire() -> None:
        if backend.event_buses["default"].rules.get(rule.name) is rule and rule.scheduled_expression == expression:
            _fire(backend, rule, following)
            _plan(backend, rule, following)

    opened().clock.ticker.at(following, fire, f"schedule of rule {rule.name}")


def _fire(backend: Any, rule: Any, when: datetime) -> None:
    if rule.state == "DISABLED":
        return
    event = {
        "version": "0",
        "id": str(mock_random.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": backend.account_id,
        "time": when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": backend.region_name,
        "resources": [rule.arn],
        "detail": {},
    }
    for target in list(rule.targets):
        _send_soon(backend, rule, target, event)


def put_targets(backend: Any, rule: str, targets: list[dict[str, Any]], event_bus_name: str | None = None) -> Members:
    """Add targets that the sandbox can reach; the others are refused by name."""
    del rule, event_bus_name
    for target in targets:
        refuse_target(target)
    given = calling().parameters
    backend.put_targets(name=given["Rule"], event_bus_arn=given.get("EventBusName"), targets=targets)
    return {"FailedEntries": [], "FailedEntryCount": 0}


def test_event_pattern(backend: Any, event_pattern: str, event: str) -> Members:
    """Whether an event matches a pattern."""
    try:
        return {"Result": parse_pattern(event_pattern).matches(json.loads(event))}
    except EventPatternError as error:
        raise ServiceError(str(error), code="InvalidEventPatternException", status=400) from error


extend("events", "PutEvents", put_events)
extend("events", "PutRule", put_rule)
extend("events", "PutTargets", put_targets)
extend("events", "TestEventPattern", test_event_pattern)
