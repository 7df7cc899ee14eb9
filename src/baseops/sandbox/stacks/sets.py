"""A change set as the sandbox remembers it, and how it is shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from baseops.sandbox.stacks.comparison import Detail, ResourceChange, shown_value
from baseops.sandbox.stacks.prevalidation import Violation
from baseops.sandbox.stacks.records import MASK, Goal

# Any: members of AWS's shapes.

NOTHING = "The submitted information didn't contain changes. Submit different information to create a change set."


@dataclass
class ChangeSet:
    """One change set. `on_failure` and `retain_except_on_create` hold for its execution."""

    name: str
    id: str
    stack_name: str
    stack_id: str
    type: str
    goal: Goal
    created_at: datetime
    description: str = ""
    status: str = "CREATE_PENDING"
    reason: str = ""
    execution: str = "UNAVAILABLE"
    on_failure: str = ""
    imports_existing: bool = False
    validates: bool = True
    changes: list[ResourceChange] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """As ListChangeSets shows it."""
        return {
            "ChangeSetId": self.id,
            "ChangeSetName": self.name,
            "CreationTime": self.created_at,
            "Description": self.description or None,
            "ExecutionStatus": self.execution,
            "ImportExistingResources": self.imports_existing,
            "IncludeNestedStacks": False,
            "StackId": self.stack_id,
            "StackName": self.stack_name,
            "Status": self.status,
            "StatusReason": self.reason or None,
        }

    def described(self, changes: list[ResourceChange], *, with_values: bool) -> dict[str, Any]:
        """As DescribeChangeSet shows it, with one page of its changes."""
        goal = self.goal
        return {
            **self.summary(),
            "Capabilities": list(goal.capabilities),
            "Changes": [
                {"Type": "Resource", "ResourceChange": _change(each, goal, with_values=with_values)} for each in changes
            ],
            "NotificationARNs": list(goal.notification_arns),
            "OnStackFailure": self.on_failure or None,
            "Parameters": [
                {
                    "ParameterKey": name,
                    "ParameterValue": MASK if name in goal.hidden else value,
                    "ResolvedValue": goal.stored.get(name),
                }
                for name, value in goal.parameters.items()
            ],
            "RollbackConfiguration": {},
            "Tags": [{"Key": key, "Value": value} for key, value in goal.tags.items()],
        }


def _change(change: ResourceChange, goal: Goal, *, with_values: bool) -> dict[str, Any]:
    return {
        "Action": change.action,
        "AfterContext": _context(change.after, goal) if with_values else None,
        "BeforeContext": _context(change.before, goal) if with_values else None,
        "Details": [_detail(each, goal, with_values=with_values) for each in change.details],
        "LogicalResourceId": change.logical_id,
        "PhysicalResourceId": change.physical_id or None,
        "PolicyAction": change.policy_action or None,
        "Replacement": change.replacement or None,
        "ResourceType": change.type,
        "Scope": change.scope,
    }


def _context(context: Mapping[str, Any] | None, goal: Goal) -> str | None:
    return None if context is None else goal.masked(json.dumps(context))


def _detail(detail: Detail, goal: Goal, *, with_values: bool) -> dict[str, Any]:
    target: dict[str, Any] = {"Attribute": detail.attribute, "RequiresRecreation": detail.recreation}
    if detail.name:
        target["Name"] = detail.name
    if with_values:
        target["Path"] = detail.path
        target["AttributeChangeType"] = detail.change
        if detail.before is not None:
            target["BeforeValue"] = goal.masked(shown_value(detail.before))
        if detail.after is not None:
            target["AfterValue"] = goal.masked(shown_value(detail.after))
    return {
        "CausingEntity": detail.causing or None,
        "ChangeSource": detail.source,
        "Evaluation": detail.evaluation,
        "Target": target,
    }
