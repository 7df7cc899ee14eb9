"""Answers LookupEvents: management events of 90 days, some minutes late, 50 a page, two calls a second.

https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
"""

from __future__ import annotations

import base64
import json
from collections import deque
from datetime import UTC, datetime, timedelta
from typing import Any

from baseops.sandbox.service import Members, ServiceError, calling, extend, opened
from baseops.sandbox.services.cloudtrail.events import Record

PAGE = 50
PER_SECOND = 2


class ThrottlingError(ServiceError):
    """Too many calls in this account and region."""

    code = "ThrottlingException"
    status = 400


def lookup_events(
    backend: Any,  # moto's, which carries no types
    lookup_attributes: list[dict[str, str]] | None = None,
    start_time: datetime | None = None,
    end_time: datetime | None = None,
    event_category: str | None = None,
    max_results: int = PAGE,
    next_token: str | None = None,
) -> Members:
    """One page, newest first."""
    _throttle(backend)
    _refuse_wrong(lookup_attributes or [], start_time, end_time, max_results)
    if event_category:
        return {"Events": []}
    call, history = calling(), opened().trail
    as_of, offset = _read(next_token) if next_token else (opened().clock.now(), 0)
    found = [
        record
        for record in history.visible(call.account_id, call.region, as_of)
        if _is_within(record, start_time, end_time) and all(_has(record, each) for each in lookup_attributes or [])
    ]
    page = found[offset : offset + max_results]
    more = offset + max_results < len(found)
    return {
        "Events": [event(each) for each in page],
        "NextToken": _write(as_of, offset + max_results) if more else None,
    }


def event(record: Record) -> Members:
    """A record as LookupEvents gives it."""
    return {
        "EventId": record["eventID"],
        "EventName": record["eventName"],
        "ReadOnly": str(record["readOnly"]).lower(),
        "AccessKeyId": record["userIdentity"].get("accessKeyId"),
        "EventTime": datetime.fromisoformat(record["eventTime"]),
        "EventSource": record["eventSource"],
        "Username": username(record),
        "Resources": [
            {"ResourceType": each.get("type"), "ResourceName": each["ARN"]} for each in record.get("resources", [])
        ],
        "CloudTrailEvent": json.dumps(record),
    }


def username(record: Record) -> str | None:
    """A user's name, or that of a role's session."""
    who = record["userIdentity"]
    name = who.get("userName") or str(who.get("principalId", "")).partition(":")[2]
    return name or None


def _has(record: Record, attribute: dict[str, str]) -> bool:
    wanted, members = attribute["AttributeValue"], event(record)
    if attribute["AttributeKey"] in {"ResourceType", "ResourceName"}:
        return any(each.get(attribute["AttributeKey"]) == wanted for each in members["Resources"])
    return bool(members[attribute["AttributeKey"]] == wanted)


def _is_within(record: Record, start: datetime | None, end: datetime | None) -> bool:
    when = datetime.fromisoformat(record["eventTime"])
    return (start is None or when >= _aware(start)) and (end is None or when <= _aware(end))


def _aware(when: datetime) -> datetime:
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _refuse_wrong(
    attributes: list[dict[str, str]], start: datetime | None, end: datetime | None, max_results: int
) -> None:
    if len(attributes) > 1:
        raise ServiceError("You can only specify one lookup attribute.", code="InvalidLookupAttributesException")
    if start and end and _aware(start) > _aware(end):
        raise ServiceError("The start time must be before the end time.", code="InvalidTimeRangeException")
    if not 1 <= max_results <= PAGE:
        raise ServiceError(f"MaxResults must be between 1 and {PAGE}.", code="InvalidMaxResultsException")


def _throttle(backend: Any) -> None:
    now = opened().clock.now()
    recent: deque[datetime] = vars(backend).setdefault("sandbox_lookups", deque())
    while recent and recent[0] <= now - timedelta(seconds=1):
        recent.popleft()
    if len(recent) >= PER_SECOND:
        raise ThrottlingError("Rate exceeded")
    recent.append(now)


def _write(as_of: datetime, offset: int) -> str:
    return base64.b64encode(json.dumps([as_of.isoformat(), offset]).encode()).decode()


def _read(token: str) -> tuple[datetime, int]:
    try:
        as_of, offset = json.loads(base64.b64decode(token))
        return datetime.fromisoformat(as_of), int(offset)
    except ValueError as error:
        raise ServiceError("The pagination token is not valid.", code="InvalidNextTokenException") from error


extend("cloudtrail", "LookupEvents", lookup_events)
