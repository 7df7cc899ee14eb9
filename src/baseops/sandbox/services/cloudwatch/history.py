"""What happened to alarms: DescribeAlarmHistory. Items are forgotten after two weeks.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarmHistory.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeAlias

from baseops.sandbox.service import Members, ServiceError, calling, extend, opened
from baseops.sandbox.services.cloudwatch.store import Alarm

# Any: moto's backend is untyped, the data of items is JSON of AWS's shapes.

KEPT = timedelta(weeks=2)
_PAGE = 100
ItemType: TypeAlias = Literal["ConfigurationUpdate", "StateUpdate", "Action"]


@dataclass(frozen=True)
class Item:
    """One thing that happened to an alarm."""

    when: datetime
    alarm: str
    alarm_type: str
    type: ItemType
    summary: str
    data: str


def note(backend: Any, alarm: Alarm, kind: ItemType, summary: str, data: Mapping[str, Any]) -> None:
    """Add an item."""
    written = json.dumps({"version": "1.0", **data}, separators=(",", ":"), default=str)
    items_of(backend).append(Item(opened().clock.now(), alarm.name, alarm.type, kind, summary, written))


def items_of(backend: Any) -> list[Item]:
    """All items beside a backend of moto's, oldest first."""
    if not hasattr(backend, "sandbox_history"):
        backend.sandbox_history = []
    found: list[Item] = backend.sandbox_history
    return found


def describe_alarm_history(backend: Any, **_: Any) -> Members:
    """The items of one alarm or all, newest first unless asked otherwise; in pages."""
    given = calling().parameters
    if given.get("AlarmContributorId"):
        raise ServiceError("The sandbox's alarms have no contributors", code="InvalidParameterValue", status=400)
    found = [item for item in items_of(backend) if _is_wanted(item, given)]
    if given.get("ScanBy", "TimestampDescending") == "TimestampDescending":
        found.reverse()
    start, count = int(given.get("NextToken") or 0), int(given.get("MaxRecords") or _PAGE)
    more = {"NextToken": str(start + count)} if start + count < len(found) else {}
    return {"AlarmHistoryItems": [_shown(item) for item in found[start : start + count]], **more}


def _is_wanted(item: Item, given: Mapping[str, Any]) -> bool:
    name, begin, end = given.get("AlarmName"), given.get("StartDate"), given.get("EndDate")
    types = given.get("AlarmTypes") or ([item.alarm_type] if name else ["MetricAlarm"])
    return (
        name in (None, item.alarm)
        and item.alarm_type in types
        and given.get("HistoryItemType") in (None, item.type)
        and item.when >= opened().clock.now() - KEPT
        and (begin is None or item.when >= _aware(begin))
        and (end is None or item.when <= _aware(end))
    )


def _shown(item: Item) -> dict[str, Any]:
    return {
        "AlarmName": item.alarm,
        "AlarmType": item.alarm_type,
        "Timestamp": item.when,
        "HistoryItemType": item.type,
        "HistorySummary": item.summary,
        "HistoryData": item.data,
    }


def _aware(value: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=UTC)


extend("cloudwatch", "DescribeAlarmHistory", describe_alarm_history)
