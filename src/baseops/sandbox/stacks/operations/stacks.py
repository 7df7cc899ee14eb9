"""Stacks: created, updated, deleted, turned back, protected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from baseops.sandbox.service import ServiceError
from baseops.sandbox.stacks import outputs
from baseops.sandbox.stacks.comparison import Comparison
from baseops.sandbox.stacks.deployment import Deployment, OnFailure
from baseops.sandbox.stacks.goals import Request, ValidationError
from baseops.sandbox.stacks.operations.change_sets import UPDATABLE
from baseops.sandbox.stacks.operations.room import StackRoom
from baseops.sandbox.stacks.records import Goal, Stack
from baseops.sandbox.stacks.removal import Deletion
from baseops.sandbox.stacks.rollback import CreateRollback, UpdateRollback
from baseops.semantics.templates.errors import TemplateError

# Any: members of AWS's shapes.

_DELETABLE_WHILE_BUSY = frozenset({"CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "REVIEW_IN_PROGRESS"})


class StackOperations(StackRoom):
    """CreateStack and its kind."""

    def create_stack(self, stack_name: str, **members: Any) -> Mapping[str, Any]:
        """Begin to create a stack; it goes on by itself."""
        if self.find(stack_name):
            raise ServiceError(f"Stack [{stack_name}] already exists", code="AlreadyExistsException", status=400)
        stack = self.new_stack(stack_name)
        goal = self.goals.goal(Request.of(members), stack)
        self.engine.stacks[stack.id] = stack
        stack.is_protected = bool(members.get("enable_termination_protection"))
        stack.timeout_minutes = members.get("timeout_in_minutes")
        on_failure: OnFailure = members.get("on_failure") or "ROLLBACK"
        stack.disable_rollback = bool(members.get("disable_rollback")) or on_failure == "DO_NOTHING"
        self._deploy(stack, goal, "CREATE", "DO_NOTHING" if stack.disable_rollback else on_failure, members)
        return {"StackId": stack.id}

    def update_stack(self, stack_name: str, **members: Any) -> Mapping[str, Any]:
        """Begin to update a stack; nothing to do is refused."""
        stack = self.live_stack(stack_name)
        if stack.status not in UPDATABLE:
            raise ValidationError(f"Stack:{stack.id} is in {stack.status} state and can not be updated.")
        goal = self.goals.goal(Request.of(members), stack)
        comparison = Comparison(self.engine, stack, goal)
        try:
            if not comparison.changes() and not comparison.changes_outputs():
                raise ValidationError("No updates are to be performed.")
        except TemplateError as error:
            raise ValidationError(str(error)) from error
        stack.disable_rollback = bool(members.get("disable_rollback"))
        self._deploy(stack, goal, "UPDATE", "DO_NOTHING" if stack.disable_rollback else "ROLLBACK", members)
        return {"StackId": stack.id}

    def _deploy(self, stack: Stack, goal: Goal, verb: Any, on_failure: OnFailure, members: Mapping[str, Any]) -> None:
        keeps = bool(members.get("retain_except_on_create"))
        Deployment(self.engine, stack, goal, verb, on_failure, keeps).start()

    def delete_stack(
        self,
        stack_name: str,
        retain_resources: list[str] | None = None,
        role_arn: str | None = None,
        client_request_token: str | None = None,
        deletion_mode: str | None = None,
    ) -> Mapping[str, Any]:
        """Begin to delete a stack; one that is not there is no error."""
        stack = self.find(stack_name)
        if stack is None or stack.is_gone or stack.status == "DELETE_IN_PROGRESS":
            return {}
        self._check_deletable(stack, retain_resources or [], deletion_mode or "STANDARD")
        for each in [each for each in self.change_sets.values() if each.stack_id == stack.id]:
            del self.change_sets[each.id]
        if stack.operation:
            stack.operation.stop()
        force = deletion_mode == "FORCE_DELETE_STACK"
        Deletion(
            self.engine, stack, frozenset(retain_resources or ()), force=force, token=client_request_token or ""
        ).start()
        return {}

    def _check_deletable(self, stack: Stack, retained: list[str], mode: str) -> None:
        if stack.is_protected:
            raise ValidationError(f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled")
        if stack.status.endswith("_IN_PROGRESS") and stack.status not in _DELETABLE_WHILE_BUSY:
            raise ValidationError(f"Stack [{stack.name}] cannot be deleted while in status {stack.status}")
        if retained and stack.status != "DELETE_FAILED":
            raise ValidationError(
                f"Invalid operation on stack [{stack.id}]. When you delete a stack, specify which resources to retain "
                "only when the stack is in the DELETE_FAILED state."
            )
        if mode == "FORCE_DELETE_STACK" and stack.status != "DELETE_FAILED":
            raise ValidationError(
                "The DeletionMode FORCE_DELETE_STACK can only be used on stacks in DELETE_FAILED state"
            )
        unknown = [name for name in retained if name not in stack.resources]
        if unknown:
            raise ValidationError(f"The following resources to retain do not exist: [{', '.join(unknown)}]")
        for output in stack.outputs:
            self._check_export(stack, output.export)

    def _check_export(self, stack: Stack, export: str) -> None:
        if not export:
            return
        try:
            outputs.refuse_if_imported(self.engine, stack, export)
        except TemplateError as error:
            raise ValidationError(str(error)) from error

    def cancel_update_stack(self, stack_name: str, client_request_token: str | None = None) -> Mapping[str, Any]:
        """Break off an update and go back."""
        stack = self.live_stack(stack_name)
        if stack.status != "UPDATE_IN_PROGRESS" or not isinstance(stack.operation, Deployment):
            raise ValidationError(f"CancelUpdateStack cannot be called from current stack status {stack.status}")
        stack.operation.cancel()
        return {}

    def continue_update_rollback(
        self,
        stack_name: str,
        role_arn: str | None = None,
        resources_to_skip: list[str] | None = None,
        client_request_token: str | None = None,
    ) -> Mapping[str, Any]:
        """Go on with a rollback that failed."""
        stack = self.live_stack(stack_name)
        if stack.status != "UPDATE_ROLLBACK_FAILED":
            raise ValidationError(
                f"Stack:{stack.id} is in {stack.status} state and can not continue update rollback. "
                "Only stacks in UPDATE_ROLLBACK_FAILED state can."
            )
        skipped = frozenset(resources_to_skip or ())
        wrong = [name for name in skipped if not stack.resources.get(name, None) or not self._has_failed(stack, name)]
        if wrong:
            raise ValidationError(
                f"Resources [{', '.join(sorted(wrong))}] are not in UPDATE_FAILED state and cannot be skipped"
            )
        UpdateRollback(self.engine, stack, "User Initiated", skipped).start()
        return {}

    def _has_failed(self, stack: Stack, name: str) -> bool:
        return stack.resources[name].status == "UPDATE_FAILED"

    def rollback_stack(
        self,
        stack_name: str,
        role_arn: str | None = None,
        client_request_token: str | None = None,
        retain_except_on_create: bool | None = None,
    ) -> Mapping[str, Any]:
        """Turn back a stack that was told not to roll back by itself."""
        stack = self.live_stack(stack_name)
        if stack.status == "CREATE_FAILED":
            keeps = bool(retain_except_on_create)
            CreateRollback(self.engine, stack, "", retain_except_on_create=keeps).start()
        elif stack.status in ("UPDATE_FAILED", "UPDATE_ROLLBACK_FAILED"):
            UpdateRollback(self.engine, stack, "User Initiated").start()
        else:
            raise ValidationError(f"RollbackStack cannot be called from current stack status {stack.status}")
        return {"StackId": stack.id}

    def update_termination_protection(self, stack_name: str, enable_termination_protection: bool) -> Mapping[str, Any]:
        """Protect a stack from deletion, or no longer."""
        stack = self.live_stack(stack_name)
        stack.is_protected = enable_termination_protection
        return {"StackId": stack.id}
