"""The drill of alarms: those that the stack declares are in the account, unchanged, and somebody hears of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from baseops.aws.errors import translated
from baseops.contract.clients import Clients
from baseops.contract.drill import DrillContext, Evidence, proven, refuted

# Any: properties of a template, and botocore's answers.
_COMPARED = (
    "Namespace",
    "MetricName",
    "Statistic",
    "Period",
    "EvaluationPeriods",
    "Threshold",
    "ComparisonOperator",
    "TreatMissingData",
)
_PER_CALL = 100
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html"""


def look_at_alarms(
    declared: Sequence[Mapping[str, Any]], target: str, topic: str, ctx: DrillContext
) -> Iterator[Evidence]:
    """Each declared alarm beside the live one. AWS call: cloudwatch:DescribeAlarms."""
    live = live_alarms(ctx.clients, [str(each["AlarmName"]) for each in declared])
    for each in declared:
        name = str(each["AlarmName"])
        problems = list(_problems(each, live.get(name), topic))
        place = f"{target}/{name}"
        yield (
            refuted(place, "; ".join(problems)) if problems else proven(place, "it is as declared, and tells the topic")
        )


def live_alarms(clients: Clients, names: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """The metric alarms of these names that there are."""
    found: dict[str, Mapping[str, Any]] = {}
    for start in range(0, len(names), _PER_CALL):
        with translated("cannot read the alarms on mail"):
            pages = clients.client("cloudwatch").get_paginator("describe_alarms")
            for page in pages.paginate(AlarmNames=list(names[start : start + _PER_CALL]), AlarmTypes=["MetricAlarm"]):
                found |= {each["AlarmName"]: each for each in page["MetricAlarms"]}
    return found


def _problems(declared: Mapping[str, Any], live: Mapping[str, Any] | None, topic: str) -> Iterator[str]:
    if live is None:
        yield "there is no such alarm"
        return
    for name in _COMPARED:
        if name in declared and not _same(declared[name], live.get(name)):
            yield f"{name} is {live.get(name)}, declared is {declared[name]}"
    wanted = {each["Name"]: each["Value"] for each in declared.get("Dimensions", ()) if isinstance(each["Value"], str)}
    found = {each["Name"]: each["Value"] for each in live.get("Dimensions", ())}
    if not wanted.items() <= found.items() or len(found) != len(declared.get("Dimensions", ())):
        yield "it watches another dimension of the metric"
    if not live.get("ActionsEnabled", True):
        yield "its actions are off: nobody hears of it"
    elif topic not in live.get("AlarmActions", ()):
        yield "it does not tell the alert topic"


def _same(declared: Any, live: Any) -> bool:
    try:
        return float(declared) == float(live)
    except (TypeError, ValueError):
        return bool(declared == live)
