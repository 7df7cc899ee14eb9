"""How CloudWatch tells of an alarm's change: the message of a topic, the detail of an event, the data of history.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from baseops.sandbox.services.cloudwatch.store import Alarm

# Any: messages are JSON of AWS's shapes.


@dataclass(frozen=True)
class Former:
    """The state that an alarm had before."""

    state: str
    reason: str
    reason_data: str | None
    since: datetime


def subject(alarm: Alarm) -> str:
    """The subject of the mail."""
    return f'{alarm.state}: "{alarm.name}" in {_region(alarm)}'[:100]


def message(alarm: Alarm, former: Former) -> dict[str, Any]:
    """What subscribers of a topic get."""
    shown = alarm.described()
    return {
        "AlarmName": alarm.name,
        "AlarmDescription": shown.get("AlarmDescription"),
        "AWSAccountId": alarm.arn.split(":")[4],
        "AlarmConfigurationUpdatedTimestamp": _short(alarm.updated),
        "NewStateValue": alarm.state,
        "NewStateReason": alarm.reason,
        "StateChangeTime": _short(alarm.changed),
        "Region": _region(alarm),
        "AlarmArn": alarm.arn,
        "OldStateValue": former.state,
        "OKActions": shown["OKActions"],
        "AlarmActions": shown["AlarmActions"],
        "InsufficientDataActions": shown["InsufficientDataActions"],
        **_watched(alarm),
    }


def event_detail(alarm: Alarm, former: Former) -> dict[str, Any]:
    """What rules match on."""
    settings = alarm.settings
    configuration: dict[str, Any] = {"description": settings.get("AlarmDescription", "")}
    if alarm.type == "CompositeAlarm":
        configuration["alarmRule"] = settings["AlarmRule"]
    elif alarm.type == "MetricAlarm":
        configuration["metrics"] = _metrics(settings)
    return {
        "alarmName": alarm.name,
        "state": _state(alarm.state, alarm.reason, alarm.reason_data, alarm.changed),
        "previousState": _state(former.state, former.reason, former.reason_data, former.since),
        "configuration": configuration,
    }


def history_data(alarm: Alarm, former: Former) -> dict[str, Any]:
    """The data of a state's update."""
    return {
        "oldState": {"stateValue": former.state, "stateReason": former.reason},
        "newState": {"stateValue": alarm.state, "stateReason": alarm.reason},
    }


def _state(value: str, reason: str, data: str | None, when: datetime) -> dict[str, Any]:
    more = {"reasonData": data} if data else {}
    return {"value": value, "reason": reason, **more, "timestamp": _short(when)}


def _metrics(settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    if settings.get("Metrics"):
        return [_query(each) for each in settings["Metrics"]]
    dimensions = {each["Name"]: each["Value"] for each in settings.get("Dimensions") or ()}
    metric = {"namespace": settings["Namespace"], "name": settings["MetricName"], "dimensions": dimensions}
    stat = settings.get("Statistic") or settings.get("ExtendedStatistic")
    return [
        {
            "id": "m1",
            "metricStat": {"metric": metric, "period": settings["Period"], "stat": stat},
            "returnData": True,
        }
    ]


def _query(query: Mapping[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": query["Id"], "returnData": query.get("ReturnData", True)}
    if query.get("Expression"):
        return {**shown, "expression": query["Expression"]}
    stat = query["MetricStat"]
    dimensions = {each["Name"]: each["Value"] for each in stat["Metric"].get("Dimensions") or ()}
    metric = {"namespace": stat["Metric"]["Namespace"], "name": stat["Metric"]["MetricName"], "dimensions": dimensions}
    return {**shown, "metricStat": {"metric": metric, "period": stat["Period"], "stat": stat["Stat"]}}


def _watched(alarm: Alarm) -> dict[str, Any]:
    settings = alarm.settings
    if alarm.type == "CompositeAlarm":
        return {"AlarmRule": settings["AlarmRule"]}
    trigger: dict[str, Any] = {
        "ComparisonOperator": settings["ComparisonOperator"],
        "Threshold": settings["Threshold"],
        "TreatMissingData": settings.get("TreatMissingData", ""),
    }
    if alarm.type == "LogAlarm":
        return {"Trigger": {**trigger, "QueryString": settings["ScheduledQueryConfiguration"].get("QueryString", "")}}
    trigger["EvaluationPeriods"] = settings["EvaluationPeriods"]
    if settings.get("Metrics"):
        return {"Trigger": {**trigger, "Metrics": json.loads(json.dumps(settings["Metrics"], default=str))}}
    return {
        "Trigger": {
            **trigger,
            "MetricName": settings["MetricName"],
            "Namespace": settings["Namespace"],
            "StatisticType": "Statistic" if settings.get("Statistic") else "ExtendedStatistic",
            "Statistic": str(settings.get("Statistic") or settings.get("ExtendedStatistic")).upper(),
            "Unit": settings.get("Unit"),
            "Dimensions": [{"value": d["Value"], "name": d["Name"]} for d in settings.get("Dimensions") or ()],
            "Period": settings["Period"],
        }
    }


def _region(alarm: Alarm) -> str:
    return alarm.arn.split(":")[3]


def _short(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
