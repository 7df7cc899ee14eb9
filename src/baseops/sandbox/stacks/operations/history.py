"""What can be read of stacks: themselves, their resources, events, exports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from baseops.sandbox.stacks import outputs
from baseops.sandbox.stacks.goals import ValidationError
from baseops.sandbox.stacks.operations.room import StackRoom
from baseops.sandbox.stacks.records import MASK, Event, Resource, Stack

# Any: members of AWS's shapes.


class HistoryOperations(StackRoom):
    """DescribeStacks and its kind."""

    def describe_stacks(self, stack_name: str | None = None, next_token: str | None = None) -> Mapping[str, Any]:
        """One stack, or a page of all that are not deleted, newest first."""
        if stack_name:
            found = self.find(stack_name)
            if found is None:
                raise ValidationError(f"Stack with id {stack_name} does not exist")
            return {"Stacks": [_described(found)]}
        stacks, following = self.page([*self.engine.live()][::-1], next_token)
        return {"Stacks": [_described(each) for each in stacks], "NextToken": following}

    def list_stacks(
        self, next_token: str | None = None, stack_status_filter: list[str] | None = None
    ) -> Mapping[str, Any]:
        """All stacks, those deleted as well, newest first."""
        wanted = [
            each
            for each in [*self.engine.stacks.values()][::-1]
            if not stack_status_filter or each.status in stack_status_filter
        ]
        stacks, following = self.page(wanted, next_token)
        return {"StackSummaries": [_summary(each) for each in stacks], "NextToken": following}

    def describe_stack_events(self, stack_name: str, next_token: str | None = None) -> Mapping[str, Any]:
        """A page of a stack's history, newest first."""
        stack = self.stack(stack_name)
        events, following = self.page(stack.events[::-1], next_token)
        return {"StackEvents": [_event(stack, each) for each in events], "NextToken": following}

    def describe_stack_resources(
        self,
        stack_name: str | None = None,
        logical_resource_id: str | None = None,
        physical_resource_id: str | None = None,
    ) -> Mapping[str, Any]:
        """The first hundred resources of a stack, or of the stack that holds a physical id."""
        stack = self.stack(stack_name) if stack_name else self._holder(physical_resource_id or "")
        found = [each for each in stack.resources.values() if logical_resource_id in (None, each.logical_id)]
        return {"StackResources": [_resource(stack, each, "Timestamp") for each in found[:100]]}

    def _holder(self, physical_id: str) -> Stack:
        for stack in self.engine.live():
            if any(each.physical_id == physical_id for each in stack.resources.values()):
                return stack
        raise ValidationError(f"Stack for {physical_id} does not exist")

    def describe_stack_resource(self, stack_name: str, logical_resource_id: str) -> Mapping[str, Any]:
        """One resource of a stack."""
        stack = self.stack(stack_name)
        if logical_resource_id not in stack.resources:
            raise ValidationError(f"Resource {logical_resource_id} does not exist for stack {stack.name}")
        found = stack.resources[logical_resource_id]
        return {"StackResourceDetail": _resource(stack, found, "LastUpdatedTimestamp")}

    def list_stack_resources(self, stack_name: str, next_token: str | None = None) -> Mapping[str, Any]:
        """A page of a stack's resources."""
        stack = self.stack(stack_name)
        found, following = self.page(list(stack.resources.values()), next_token)
        summaries = [_resource(stack, each, "LastUpdatedTimestamp") for each in found]
        for each in summaries:
            del each["StackId"], each["StackName"], each["Description"]
        return {"StackResourceSummaries": summaries, "NextToken": following}

    def list_exports(self, next_token: str | None = None) -> Mapping[str, Any]:
        """The exports of the region."""
        every = sorted((name, stack.id, value) for name, (stack, value) in self.engine.exports().items())
        exports, following = self.page(every, next_token)
        shown = [{"Name": name, "ExportingStackId": stack, "Value": value} for name, stack, value in exports]
        return {"Exports": shown, "NextToken": following}

    def list_imports(self, export_name: str, next_token: str | None = None) -> Mapping[str, Any]:
        """The stacks that import a value."""
        names, following = self.page(outputs.importers(self.engine, export_name), next_token)
        if not names:
            raise ValidationError(f"Export '{export_name}' is not imported by any stack.")
        return {"Imports": names, "NextToken": following}


def _summary(stack: Stack) -> dict[str, Any]:
    goal = stack.shown
    return {
        "StackId": stack.id,
        "StackName": stack.name,
        "CreationTime": stack.created_at,
        "LastUpdatedTime": stack.updated_at,
        "DeletionTime": stack.deleted_at,
        "StackStatus": stack.status,
        "StackStatusReason": stack.reason or None,
        "TemplateDescription": goal.source.get("Description") if goal else None,
        "DriftInformation": _drift(stack),
    }


def _described(stack: Stack) -> dict[str, Any]:
    goal = stack.shown
    summary = _summary(stack)
    description = summary.pop("TemplateDescription")
    return {
        **summary,
        "Description": description,
        "Capabilities": list(goal.capabilities) if goal else [],
        "DisableRollback": stack.disable_rollback,
        "EnableTerminationProtection": stack.is_protected,
        "NotificationARNs": list(goal.notification_arns) if goal else [],
        "Outputs": [
            {
                "OutputKey": each.key,
                "OutputValue": each.value,
                "Description": each.description or None,
                "ExportName": each.export or None,
            }
            for each in stack.outputs
        ],
        "Parameters": _parameters(stack),
        "RoleARN": (goal.role_arn or None) if goal else None,
        "RollbackConfiguration": {},
        "Tags": [{"Key": key, "Value": value} for key, value in stack.tags.items()],
        "TimeoutInMinutes": stack.timeout_minutes,
    }


def _parameters(stack: Stack) -> list[dict[str, Any]]:
    goal = stack.shown
    if goal is None:
        return []
    return [
        {
            "ParameterKey": name,
            "ParameterValue": MASK if name in goal.hidden else value,
            "ResolvedValue": goal.stored.get(name),
        }
        for name, value in goal.parameters.items()
    ]


def _drift(stack: Stack) -> dict[str, Any]:
    return {"StackDriftStatus": stack.drift_status, "LastCheckTimestamp": stack.drift_checked_at}


def _event(stack: Stack, event: Event) -> dict[str, Any]:
    return {
        "StackId": stack.id,
        "EventId": event.id,
        "StackName": stack.name,
        "LogicalResourceId": event.logical_id,
        "PhysicalResourceId": event.physical_id,
        "ResourceType": event.type,
        "Timestamp": event.time,
        "ResourceStatus": event.status,
        "ResourceStatusReason": event.reason or None,
        "ResourceProperties": event.properties or None,
        "ClientRequestToken": event.token or None,
    }


def _resource(stack: Stack, resource: Resource, time_member: str) -> dict[str, Any]:
    return {
        "StackName": stack.name,
        "StackId": stack.id,
        "LogicalResourceId": resource.logical_id,
        "PhysicalResourceId": resource.physical_id or None,
        "ResourceType": resource.type,
        time_member: resource.changed_at,
        "ResourceStatus": resource.status,
        "ResourceStatusReason": resource.reason or None,
        "Description": resource.description or None,
        "DriftInformation": {
            "StackResourceDriftStatus": resource.drift_status,
            "LastCheckTimestamp": resource.drift_checked_at,
        },
    }
