"""Change sets: made a moment after they are asked for, read, listed, deleted, executed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from moto.moto_api._internal import mock_random

from baseops.sandbox.service import ServiceError
from baseops.sandbox.stacks import imports, prevalidation
from baseops.sandbox.stacks.comparison import Comparison
from baseops.sandbox.stacks.deployment import Deployment
from baseops.sandbox.stacks.goals import Request, ValidationError
from baseops.sandbox.stacks.operations.room import StackRoom
from baseops.sandbox.stacks.records import Stack
from baseops.sandbox.stacks.sets import NOTHING, ChangeSet
from baseops.semantics.templates.errors import TemplateError

# Any: members of AWS's shapes.

_SECONDS = 2.0
UPDATABLE = frozenset(
    {
        "CREATE_COMPLETE",
        "CREATE_FAILED",
        "IMPORT_COMPLETE",
        "IMPORT_ROLLBACK_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_FAILED",
        "UPDATE_ROLLBACK_COMPLETE",
    }
)


class ChangeSetOperations(StackRoom):
    """CreateChangeSet and its kind."""

    def create_change_set(self, stack_name: str, change_set_name: str, **members: Any) -> Mapping[str, Any]:
        """Accept a change set; it is computed a moment later."""
        kind = members.get("change_set_type") or "UPDATE"
        stack = self._stack_for(kind, stack_name, change_set_name)
        if any(each.name == change_set_name for each in self._sets_of(stack)):
            raise ServiceError(
                f"ChangeSet [{change_set_name}] already exists", code="AlreadyExistsException", status=400
            )
        goal = self.goals.goal(Request.of(members), stack)
        if kind == "IMPORT":
            goal = imports.explicit(self.engine, stack, goal, members.get("resources_to_import") or ())
        if stack.id not in self.engine.stacks:
            self.engine.stacks[stack.id] = stack
            stack.tags = goal.tags
            self.engine.stack_event(stack, "REVIEW_IN_PROGRESS", "User Initiated")
        made = ChangeSet(
            change_set_name,
            self.arn(f"changeSet/{change_set_name}/{mock_random.uuid4()}"),
            stack.name,
            stack.id,
            kind,
            goal,
            self.now(),
            members.get("description") or "",
            on_failure=members.get("on_stack_failure") or "",
            imports_existing=bool(members.get("import_existing_resources")),
            validates=not members.get("disable_validation"),
        )
        self.change_sets[made.id] = made
        self.engine.ticker.after(_SECONDS, partial(self._compute, made), f"change set {made.name}")
        return {"Id": made.id, "StackId": stack.id}

    def _stack_for(self, kind: str, stack_name: str, change_set_name: str) -> Stack:
        stack = self.find(stack_name)
        if stack is None or stack.is_gone:
            if kind == "UPDATE" or stack_name.startswith("arn:"):
                raise ValidationError(f"Stack [{stack_name}] does not exist")
            return self.new_stack(stack_name)
        in_review = stack.status == "REVIEW_IN_PROGRESS"
        if kind == "CREATE" and not in_review:
            raise ValidationError(
                f"Stack [{stack.name}] already exists and cannot be created again with the changeSet "
                f"[{change_set_name}]."
            )
        if not (in_review and kind != "UPDATE") and stack.status not in UPDATABLE:
            raise ValidationError(f"Stack:{stack.id} is in {stack.status} state and can not be updated.")
        return stack

    def _compute(self, change_set: ChangeSet) -> None:
        if change_set.id not in self.change_sets:
            return
        stack = self.engine.stacks[change_set.stack_id]
        try:
            if change_set.imports_existing:
                change_set.goal = imports.by_name(self.engine, stack, change_set.goal)
            comparison = Comparison(self.engine, stack, change_set.goal)
            change_set.changes = comparison.changes()
            has_changes = bool(change_set.changes) or stack.goal is None or comparison.changes_outputs()
        except TemplateError as error:
            change_set.status, change_set.reason = "FAILED", str(error)
            return
        if change_set.validates:
            change_set.violations = prevalidation.violations(self.engine, stack, change_set.changes)
        change_set.reason = prevalidation.failure(change_set.violations) if has_changes else NOTHING
        if change_set.reason:
            change_set.status = "FAILED"
        else:
            change_set.status, change_set.execution = "CREATE_COMPLETE", "AVAILABLE"

    def describe_change_set(
        self,
        change_set_name: str,
        stack_name: str | None = None,
        next_token: str | None = None,
        include_property_values: bool | None = None,
    ) -> Mapping[str, Any]:
        """One page of a change set."""
        found = self._change_set(change_set_name, stack_name)
        changes, following = self.page(found.changes, next_token)
        return {**found.described(changes, with_values=bool(include_property_values)), "NextToken": following}

    def list_change_sets(self, stack_name: str, next_token: str | None = None) -> Mapping[str, Any]:
        """The change sets of a stack."""
        sets, following = self.page(self._sets_of(self.stack(stack_name)), next_token)
        return {"Summaries": [each.summary() for each in sets], "NextToken": following}

    def delete_change_set(self, change_set_name: str, stack_name: str | None = None) -> Mapping[str, Any]:
        """Delete a change set; one that is not there is no error when given by id."""
        found = self._change_set(change_set_name, stack_name)
        if found.execution == "EXECUTE_IN_PROGRESS":
            raise ServiceError(
                f"ChangeSet [{found.id}] cannot be deleted in its current execution status of [{found.execution}]",
                code="InvalidChangeSetStatus",
                status=400,
            )
        del self.change_sets[found.id]
        return {}

    def execute_change_set(
        self,
        change_set_name: str,
        stack_name: str | None = None,
        client_request_token: str | None = None,
        disable_rollback: bool | None = None,
        retain_except_on_create: bool | None = None,
    ) -> Mapping[str, Any]:
        """Begin to execute; it goes on by itself."""
        found = self._change_set(change_set_name, stack_name)
        if found.execution != "AVAILABLE":
            raise ServiceError(
                f"ChangeSet [{found.id}] cannot be executed in its current status of [{found.status}]",
                code="InvalidChangeSetStatus",
                status=400,
            )
        stack = self.engine.stacks[found.stack_id]
        verb = self._verb(found, stack)
        self._check_free(stack)
        found.execution = "EXECUTE_COMPLETE"
        for each in self._sets_of(stack):
            del self.change_sets[each.id]
        keeps = bool(disable_rollback) or found.on_failure == "DO_NOTHING"
        stack.disable_rollback = keeps
        Deployment(
            self.engine,
            stack,
            replace(found.goal, token=client_request_token or found.goal.token),
            verb,
            "DO_NOTHING" if keeps else "DELETE" if found.on_failure == "DELETE" else "ROLLBACK",
            bool(retain_except_on_create),
        ).start()
        return {}

    def _verb(self, change_set: ChangeSet, stack: Stack) -> Any:
        if change_set.type == "IMPORT":
            return "IMPORT"
        return "CREATE" if stack.status == "REVIEW_IN_PROGRESS" else "UPDATE"

    def _check_free(self, stack: Stack) -> None:
        if stack.status != "REVIEW_IN_PROGRESS" and stack.status not in UPDATABLE:
            raise ValidationError(f"Stack:{stack.id} is in {stack.status} state and can not be updated.")

    def _sets_of(self, stack: Stack) -> list[ChangeSet]:
        """Those that can still be executed or looked at by name; executed ones are found by id alone."""
        return [
            each
            for each in self.change_sets.values()
            if each.stack_id == stack.id and each.execution != "EXECUTE_COMPLETE"
        ]

    def _change_set(self, name: str, stack_name: str | None) -> ChangeSet:
        if name in self.change_sets:
            return self.change_sets[name]
        if name.startswith("arn:"):
            raise ServiceError(f"ChangeSet [{name}] does not exist", code="ChangeSetNotFound", status=404)
        if not stack_name:
            raise ValidationError("StackName must be specified if ChangeSetName is not specified as an ARN.")
        for each in self._sets_of(self.stack(stack_name)):
            if each.name == name:
                return each
        raise ServiceError(f"ChangeSet [{name}] does not exist", code="ChangeSetNotFound", status=404)
