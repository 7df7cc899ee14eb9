"""Executions of automations and their steps: what is known of them, and how AWS shows it. Runs nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from baseops.sandbox.clients import PrincipalClients
from baseops.sandbox.services.events.bus import put_event

# Any: documents and outputs are JSON, moto's backend is untyped.

ENDED = ("Success", "Failed", "TimedOut", "Cancelled")


@dataclass
class Step:
    """One step as it went."""

    id: str
    name: str
    action: str
    began: datetime
    status: str = "InProgress"
    ended: datetime | None = None
    failure: str = ""
    outputs: dict[str, Any] = field(default_factory=dict)

    def described(self) -> dict[str, Any]:
        """As GetAutomationExecution shows it."""
        end = {"ExecutionEndTime": self.ended} if self.ended else {}
        return {
            "StepName": self.name,
            "Action": self.action,
            "StepStatus": self.status,
            "ExecutionStartTime": self.began,
            **end,
            "StepExecutionId": self.id,
            "Outputs": {key: texts(value) for key, value in self.outputs.items()},
            "FailureMessage": self.failure,
        }


@dataclass
class Execution:
    """One execution. `session` has the rights of the role that the document names."""

    id: str
    document: str
    version: str
    content: Mapping[str, Any]
    parameters: Mapping[str, list[str]]
    by: str
    began: datetime
    account_id: str
    region: str
    status: str = "InProgress"
    ended: datetime | None = None
    failure: str = ""
    steps: list[Step] = field(default_factory=list)
    session: PrincipalClients | None = None

    @property
    def is_over(self) -> bool:
        """Nothing more will happen."""
        return self.status in ENDED

    @property
    def outputs(self) -> dict[str, list[str]]:
        """The outputs that the document names, of steps that have run."""
        found = {}
        for name in self.content.get("outputs") or ():
            step, _, output = name.partition(".")
            for each in self.steps:
                if each.name == step and output in each.outputs:
                    found[name] = texts(each.outputs[output])
        return found

    def summary(self) -> dict[str, Any]:
        """As DescribeAutomationExecutions lists it."""
        end = {"ExecutionEndTime": self.ended} if self.ended else {}
        return {
            "AutomationExecutionId": self.id,
            "DocumentName": self.document,
            "DocumentVersion": self.version,
            "AutomationExecutionStatus": self.status,
            "ExecutionStartTime": self.began,
            **end,
            "ExecutedBy": self.by,
            "Outputs": self.outputs,
            "Mode": "Auto",
            "Targets": [],
            "FailureMessage": self.failure,
            "AutomationType": "Local",
        }

    def described(self) -> dict[str, Any]:
        """As GetAutomationExecution shows it."""
        shown = {key: value for key, value in self.summary().items() if key != "AutomationType"}
        return {
            **shown,
            "Parameters": dict(self.parameters),
            "StepExecutions": [step.described() for step in self.steps],
            "StepExecutionsTruncated": False,
        }

    def announce(self) -> None:
        """Tell EventBridge of the status.

        https://docs.aws.amazon.com/systems-manager/latest/userguide/monitoring-systems-manager-event-examples.html
        """
        arn = f"arn:aws:ssm:{self.region}:{self.account_id}:automation-execution/{self.id}"
        detail = {
            "ExecutionId": self.id,
            "Definition": self.document,
            "DefinitionVersion": self.version,
            "Status": self.status,
            "StartTime": f"{self.began:%b %d, %Y %I:%M:%S %p UTC}",
            "ExecutedBy": self.by,
        }
        put_event(
            self.account_id,
            self.region,
            source="aws.ssm",
            detail_type="EC2 Automation Execution Status-change Notification",
            detail=detail,
            resources=[arn],
        )


def executions_of(backend: Any) -> dict[str, Execution]:
    """The executions beside a backend of moto's, oldest first."""
    if not hasattr(backend, "sandbox_automations"):
        backend.sandbox_automations = {}
    found: dict[str, Execution] = backend.sandbox_automations
    return found


def texts(value: Any) -> list[str]:
    """An output's value as AWS lists it."""
    listed = value if isinstance(value, list) else [value]
    return [each if isinstance(each, str) else _plain(each) for each in listed]


def _plain(value: Any) -> str:
    return json.dumps(value, default=str)
