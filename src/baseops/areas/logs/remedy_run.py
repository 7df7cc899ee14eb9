"""Finds the execution that an alarm started, and says how the remedy went on the instances."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from baseops.areas.logs.course import Course
from baseops.areas.logs.probe import Started
from baseops.aws.errors import translated
from baseops.contract.drill import DrillContext

# Any: botocore's answers.

_RUNS = ("Pending", "InProgress", "Waiting", "Scheduled", "Cancelling")


def run_of(ctx: DrillContext, document: str, course: Course) -> None:
    """Look for the execution since the first line, and tell the course of it."""
    if course.remedy or course.remedy_fault or course.doubt:
        return
    found = _execution(ctx, document, course)
    if found is None:
        return
    if course.started is None:
        course.started = Started(course.alarm, found["ExecutionStartTime"])
        ctx.steps.add(f"{document} was started")
    if found["AutomationExecutionStatus"] in _RUNS:
        return
    if found.get("Outputs", {}).get("decide.Run") == ["no"]:
        course.doubt = "its remedy was started and decided not to run: its cooldown is not over, or a rule mutes it"
    elif found["AutomationExecutionStatus"] == "Success":
        course.remedy = "its remedy ran"
    else:
        _blame(ctx, course, found)


def _execution(ctx: DrillContext, document: str, course: Course) -> Mapping[str, Any] | None:
    """The first execution since the first line."""
    filters = [
        {"Key": "DocumentNamePrefix", "Values": [document]},
        {"Key": "StartTimeAfter", "Values": [course.begin.strftime("%Y-%m-%dT%H:%M:%SZ")]},
    ]
    with translated(f"cannot look for executions of {document}"):
        pages = ctx.clients.client("ssm", ctx.site.region).get_paginator("describe_automation_executions")
        found = [each for page in pages.paginate(Filters=filters) for each in page["AutomationExecutionMetadataList"]]
    mine: list[Mapping[str, Any]] = [each for each in found if each["DocumentName"] == document]
    return min(mine, key=lambda each: each["ExecutionStartTime"], default=None)


def _blame(ctx: DrillContext, course: Course, execution: Mapping[str, Any]) -> None:
    """Whether the command failed, or did not get to the instances."""
    since = execution["ExecutionStartTime"].strftime("%Y-%m-%dT%H:%M:%SZ")
    with translated("cannot look for the command of a remedy"):
        pages = ctx.clients.client("ssm", ctx.site.region).get_paginator("list_commands")
        found = [
            each
            for page in pages.paginate(Filters=[{"key": "InvokedAfter", "value": since}])
            for each in page["Commands"]
        ]
    mine = [each for each in found if each.get("Comment") == course.alarm]
    # https://docs.aws.amazon.com/systems-manager/latest/userguide/monitor-commands.html: Incomplete counts
    # instances that could not be reached, Failed those on which the command went wrong.
    if mine and all(each["StatusDetails"] in ("Incomplete", "Undeliverable", "DeliveryTimedOut") for each in mine):
        course.doubt = f"its remedy could not be delivered to any of {mine[0]['TargetCount']} instances"
    else:
        course.remedy_fault = f"its remedy ended as {execution['AutomationExecutionStatus']}"
