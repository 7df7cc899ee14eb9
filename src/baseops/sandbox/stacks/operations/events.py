"""DescribeEvents: a stack's history, or what was found wrong with a change set before it could be executed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from baseops.sandbox.stacks.goals import ValidationError
from baseops.sandbox.stacks.operations.change_sets import ChangeSetOperations
from baseops.sandbox.stacks.prevalidation import Violation
from baseops.sandbox.stacks.records import Event, Stack
from baseops.sandbox.stacks.sets import ChangeSet

# Any: members of AWS's shapes.


class EventOperations(ChangeSetOperations):
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeEvents.html."""

    def describe_events(
        self,
        stack_name: str | None = None,
        change_set_name: str | None = None,
        operation_id: str | None = None,
        filters: Mapping[str, Any] | None = None,
        next_token: str | None = None,
    ) -> Mapping[str, Any]:
        """A page of events, newest first; those of an operation are found by the change set's id."""
        if not (stack_name or change_set_name or operation_id):
            raise ValidationError("One of ChangeSetName, OperationId or StackName must be specified")
        named = change_set_name or operation_id
        if named:
            change_set = self._change_set(named, stack_name)
            found = [_violation(change_set, each) for each in change_set.violations]
        else:
            stack = self.stack(stack_name or "")
            found = [_progress(stack, each) for each in reversed(stack.events)]
        if (filters or {}).get("FailedEvents"):
            found = [each for each in found if _is_failure(each)]
        events, following = self.page(found, next_token)
        return {"OperationEvents": events, "NextToken": following}


def _is_failure(event: Mapping[str, Any]) -> bool:
    return event["EventType"] == "VALIDATION_ERROR" or str(event.get("ResourceStatus")).endswith("_FAILED")


def _violation(change_set: ChangeSet, violation: Violation) -> dict[str, Any]:
    return {
        "EventId": f"{violation.logical_id}-{violation.validation}",
        "EventType": "VALIDATION_ERROR",
        "LogicalResourceId": violation.logical_id,
        "OperationId": change_set.id,
        "OperationStatus": "FAILED" if violation.mode == "FAIL" else "SUCCEEDED",
        "OperationType": "CREATE_CHANGESET",
        "ResourceType": violation.type,
        "StackId": change_set.stack_id,
        "Timestamp": change_set.created_at,
        "ValidationFailureMode": violation.mode,
        "ValidationName": violation.validation,
        "ValidationPath": violation.path,
        "ValidationStatus": "FAILED",
        "ValidationStatusReason": violation.reason,
    }


def _progress(stack: Stack, event: Event) -> dict[str, Any]:
    is_failed = event.status.endswith("_FAILED") and event.logical_id != stack.name
    return {
        "ClientRequestToken": event.token or None,
        "EventId": event.id,
        "EventType": "PROVISIONING_ERROR" if is_failed else "STACK_EVENT",
        "LogicalResourceId": event.logical_id,
        "PhysicalResourceId": event.physical_id,
        "ResourceProperties": event.properties or None,
        "ResourceStatus": event.status,
        "ResourceStatusReason": event.reason or None,
        "ResourceType": event.type,
        "StackId": stack.id,
        "Timestamp": event.time,
    }
