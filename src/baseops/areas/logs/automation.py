"""Starts the twin of a remedy and follows it to its end: the decision, and the command that it sends to nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from baseops.areas.logs.course import Course
from baseops.aws.errors import translated
from baseops.contract.drill import DrillContext

# Any: botocore's answers.

_OVER = ("Success", "Failed", "TimedOut", "Cancelled", "CompletedWithSuccess", "CompletedWithFailure")


@dataclass(frozen=True)
class Automation:
    """One execution of the twin of a remedy's document."""

    execution: str
    alarm: str
    began: datetime

    @classmethod
    def start(cls, ctx: DrillContext, document: str, alarm: str) -> Automation:
        """Start it as the rule would: with the alarm's name, by the automation's own role."""
        # A second execution, begun because the first answer was lost, would find the cooldown not over.
        # https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_StartAutomationExecution.html
        token = str(UUID(int=ctx.random.getrandbits(128), version=4))
        with translated("cannot start the twin of a remedy"):
            ssm = ctx.clients.client("ssm", ctx.site.region)
            made = ssm.start_automation_execution(
                DocumentName=document, Parameters={"AlarmName": [alarm]}, ClientToken=token
            )
        return cls(str(made["AutomationExecutionId"]), alarm, ctx.clock.now())


def follow(ctx: DrillContext, automation: Automation, course: Course, document: str) -> None:
    """Look how it goes, and tell the course when it is over."""
    with translated("cannot follow the twin of a remedy"):
        ssm = ctx.clients.client("ssm", ctx.site.region)
        found = ssm.get_automation_execution(AutomationExecutionId=automation.execution)["AutomationExecution"]
    if found["AutomationExecutionStatus"] not in _OVER:
        return
    steps = {each["StepName"]: each for each in found.get("StepExecutions", ())}
    decided = found.get("Outputs", {}).get("decide.Run")
    if steps.get("decide", {}).get("StepStatus") != "Success":
        course.remedy_fault = "its remedy could not decide whether to run"
    elif decided != ["yes"]:
        course.remedy_fault = "its remedy decided not to run"
    elif "run" not in steps:
        course.remedy_fault = "its remedy did not come to its command"
    elif not _was_sent(ssm, document, automation):
        course.remedy_fault = "its remedy could not send its command"
    else:
        course.remedy = "its remedy decided to run and sent its command (here to no instance)"
        ctx.steps.add("the remedy's command was sent, to no instance")


def _was_sent(ssm: Any, document: str, automation: Automation) -> bool:
    """Whether Systems Manager took the command: the alarm's name is its comment."""
    since = automation.began.strftime("%Y-%m-%dT%H:%M:%SZ")
    plain = document.rpartition("document/")[2]
    filters = [{"key": "InvokedAfter", "value": since}, {"key": "DocumentName", "value": plain}]
    with translated("cannot look for the command of a remedy's twin"):
        pages = ssm.get_paginator("list_commands").paginate(Filters=filters)
        commands: list[Mapping[str, Any]] = [each for page in pages for each in page["Commands"]]
    return any(each.get("Comment") == automation.alarm for each in commands)
