"""Tells how a stack is brought to a goal: create, update or import, then cleanup; failures go to `rollback`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from baseops.sandbox.kinds import KINDS
from baseops.sandbox.kinds.kind import Kind
from baseops.sandbox.stacks import rollback
from baseops.sandbox.stacks.engine import Engine, known_resources
from baseops.sandbox.stacks.handler import Handler
from baseops.sandbox.stacks.outputs import resolved_outputs
from baseops.sandbox.stacks.records import Former, Goal, Resource, Stack
from baseops.sandbox.stacks.removal import KEPT, Removal
from baseops.sandbox.stacks.work import Run, Task, TaskError
from baseops.semantics.templates.errors import TemplateError
from baseops.semantics.templates.references import dependencies

# Any: templates and properties are JSON of any shape.

Verb = Literal["CREATE", "UPDATE", "IMPORT"]
OnFailure = Literal["ROLLBACK", "DELETE", "DO_NOTHING"]

_REPLACING = "Requested update requires the creation of a new physical resource; hence creating one."
_IMPORT_SECONDS = 2.0


@dataclass
class Deployment:
    """Brings one stack to one goal."""

    engine: Engine
    stack: Stack
    goal: Goal
    verb: Verb
    on_failure: OnFailure = "ROLLBACK"
    retain_except_on_create: bool = False
    _run: Run | None = field(default=None, repr=False)

    def start(self) -> None:
        """Begin; it goes on by itself."""
        stack = self.stack
        if stack.former is None:
            stack.former = Former(stack.goal, dict(stack.resources))
        stack.pending, stack.operation, stack.tags = self.goal, self, self.goal.tags
        if self.verb != "CREATE":
            stack.updated_at = self.engine.now()
        self.engine.stack_event(stack, f"{self.verb}_IN_PROGRESS", "User Initiated")
        needs = dependencies(self.goal.resources)
        tasks = {name: self._task(name, needs[name]) for name in self.goal.resources}
        self._run = Run(self.engine.ticker, tasks, self._done)
        self._run.start()

    def stop(self) -> None:
        """Break off."""
        if self._run:
            self._run.stop()

    # --- one resource -------------------------------------------------------------------------------------

    def _task(self, name: str, needs: frozenset[str]) -> Task:
        return Task(
            name,
            needs,
            lambda: self._begin(name, needs),
            lambda: self._finish(name),
            lambda: self._cancelled(self.stack.resources[name]),
        )

    def _begin(self, name: str, needs: frozenset[str]) -> float | None:
        old = self.stack.resources.get(name)
        exists = old is not None and bool(old.physical_id)
        wanted = self._wanted(name, needs, old)
        if not exists:
            return self._import(wanted) if name in self.goal.imports else self._create(wanted)
        if old is None or self._is_reached(old, wanted):
            self.stack.resources[name] = wanted
            return None
        return self._change(old, wanted)

    def _wanted(self, name: str, needs: frozenset[str], old: Resource | None) -> Resource:
        """The resource as the goal has it, with what exists of it so far."""
        entry = self.goal.resources[name]
        kept = old or Resource(name, entry["Type"], "", {}, {}, "", self.engine.now())
        try:
            properties = self._properties(name)
        except TemplateError as error:
            raise self._failed(kept, "UPDATE" if kept.physical_id else "CREATE", str(error)) from error
        return replace(
            kept,
            properties=properties,
            needs=needs,
            deletion_policy=str(entry.get("DeletionPolicy", "Delete")),
            replace_policy=str(entry.get("UpdateReplacePolicy", "Delete")),
            description=str(entry.get("Description", "")),
            metadata=entry.get("Metadata"),
            stack_tags=self.goal.tags,
        )

    def _properties(self, name: str) -> Mapping[str, Any]:
        scope = self.engine.scope(self.stack, self.goal, known_resources(self.stack))
        resolved: Mapping[str, Any] = scope.resolve(self.goal.resources[name].get("Properties") or {})
        return resolved

    def _is_reached(self, old: Resource, wanted: Resource) -> bool:
        return not old.status.endswith("_FAILED") and rollback.is_alike(old, wanted)

    def _create(self, wanted: Resource) -> float:
        kind = KINDS[wanted.type]
        self._say(wanted, "IN_PROGRESS", verb="CREATE")
        made = self._made(wanted, kind, "CREATE")
        self._say(made, "IN_PROGRESS", "Resource creation Initiated", verb="CREATE")
        return kind.seconds

    def _made(self, wanted: Resource, kind: Kind, verb: str, on_failure: Resource | None = None) -> Resource:
        """Make the resource; `on_failure` is what the stack holds if nothing could be made."""
        handler = Handler(self.engine, self.stack)
        made = wanted
        try:
            made = replace(
                wanted, physical_id=handler.create(wanted.logical_id, kind, wanted.properties, self.goal.tags)
            )
            return replace(made, attributes=handler.attributes(made))
        except TaskError as error:
            held = made if made.physical_id or on_failure is None else on_failure
            raise self._failed(held, verb, str(error)) from error

    def _failed(self, resource: Resource, verb: str, reason: str) -> TaskError:
        self._say(resource, "FAILED", reason, verb=verb)
        return TaskError(reason)

    def _cancelled(self, resource: Resource) -> None:
        work = "creation" if resource.status.startswith("CREATE") else "update"
        self._say(resource, "FAILED", f"Resource {work} cancelled")

    def _import(self, wanted: Resource) -> float:
        kind = KINDS[wanted.type]
        found = replace(wanted, physical_id=self.goal.imports[wanted.logical_id], imported=True)
        self._say(found, "IN_PROGRESS", "Resource import started.", verb="IMPORT")
        handler = Handler(self.engine, self.stack)
        try:
            if handler.read(found) is None:
                raise TaskError(f"Resource {found.physical_id} of type {found.type} does not exist")
            self._say(replace(found, attributes=handler.attributes(found)), "IN_PROGRESS", verb="IMPORT")
        except TaskError as error:
            raise self._failed(found, "IMPORT", str(error)) from error
        return max(kind.seconds, _IMPORT_SECONDS)

    def _change(self, old: Resource, wanted: Resource) -> float:
        kind = KINDS[old.type]
        if kind.must_replace(old.properties, wanted.properties):
            return self._replace(old, wanted, kind)
        self._say(replace(wanted, attributes=old.attributes), "IN_PROGRESS", verb="UPDATE")
        handler = Handler(self.engine, self.stack)
        try:
            handler.update(old, wanted)
            self.stack.resources[old.logical_id] = replace(
                self.stack.resources[old.logical_id], attributes=handler.attributes(wanted)
            )
        except TaskError as error:
            raise self._failed(wanted, "UPDATE", str(error)) from error
        return kind.seconds

    def _replace(self, old: Resource, wanted: Resource, kind: Kind) -> float:
        self._say(wanted, "IN_PROGRESS", _REPLACING, verb="UPDATE")
        ctx = self.engine.context(self.stack, old.logical_id)
        if kind.named(ctx, wanted.properties) == old.physical_id:
            name = wanted.properties.get(kind.name_property, old.physical_id)
            raise self._failed(
                old,
                "UPDATE",
                "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
                f"Rename {name} and update the stack again.",
            )
        made = self._made(replace(wanted, physical_id=""), kind, "UPDATE", on_failure=old)
        self.stack.superseded.append(old)
        self._say(made, "IN_PROGRESS", "Resource creation Initiated", verb="UPDATE")
        return kind.seconds

    def _finish(self, name: str) -> None:
        resource = self.stack.resources[name]
        verb = resource.status.partition("_")[0]
        self._say(resource, "COMPLETE", verb=verb)
        if verb == "IMPORT":
            self._tag_imported(self.stack.resources[name])

    def _tag_imported(self, resource: Resource) -> None:
        """Nothing else of an imported resource is changed: what differs from the template is drift."""
        if not KINDS[resource.type].tags or not resource.stack_tags:
            return
        self._say(
            resource,
            "IN_PROGRESS",
            "Apply stack-level tags to imported resource if applicable.",
            verb="UPDATE",
        )
        try:
            Handler(self.engine, self.stack).update(replace(resource, stack_tags={}), resource)
        except TaskError as error:
            raise self._failed(resource, "UPDATE", str(error)) from error
        self._say(resource, "COMPLETE", verb="UPDATE")

    def _say(self, resource: Resource, state: str, reason: str = "", *, verb: str = "") -> None:
        verb = verb or resource.status.partition("_")[0]
        self.engine.resource_event(self.stack, replace(resource, status=f"{verb}_{state}", reason=reason))

    # --- the end ------------------------------------------------------------------------------------------

    def _done(self, failed: list[str]) -> None:
        if failed:
            self._give_up(rollback.failed_to(self.stack, failed))
            return
        try:
            self.stack.outputs = resolved_outputs(self.engine, self.stack, self.goal)
        except TemplateError as error:
            self._give_up(str(error))
            return
        if self.verb == "UPDATE":
            self._clean_up()
        else:
            self._complete()

    def _clean_up(self) -> None:
        """Remove what was replaced and what the goal no longer has; failures here do not turn the update back."""
        stack = self.stack
        self.engine.stack_event(stack, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        dropped = [each for name, each in stack.resources.items() if name not in self.goal.resources]
        old = {each.physical_id for each in stack.superseded}

        def keeps(resource: Resource) -> bool:
            is_old = resource.physical_id in old
            return (resource.replace_policy if is_old else resource.deletion_policy) in KEPT

        def forget(resource: Resource) -> None:
            if resource.logical_id not in self.goal.resources:
                stack.resources.pop(resource.logical_id, None)

        removal = Removal(self.engine, stack, keeps, forget)
        self._run = removal.run([*dropped, *stack.superseded], self._cleaned)
        self._run.start()

    def _cleaned(self, failed: list[str]) -> None:
        for name in failed:
            if name not in self.goal.resources:
                self.stack.resources.pop(name, None)
        self._complete("Update successful. One or more resources could not be deleted." if failed else "")

    def _complete(self, reason: str = "") -> None:
        stack = self.stack
        stack.goal, stack.pending, stack.former, stack.operation = self.goal, None, None, None
        stack.superseded.clear()
        self.engine.stack_event(stack, f"{self.verb}_COMPLETE", reason, self.goal.token)

    def _give_up(self, reason: str) -> None:
        self.stack.operation = None
        if self.on_failure == "DO_NOTHING":
            if self.verb == "CREATE":
                self.stack.goal = self.goal
            self.engine.stack_event(self.stack, f"{self.verb}_FAILED", reason)
            return
        if self.verb == "CREATE":
            rollback.CreateRollback(
                self.engine,
                self.stack,
                reason,
                deletes_stack=self.on_failure == "DELETE",
                retain_except_on_create=self.retain_except_on_create,
            ).start()
        else:
            rollback.UpdateRollback(
                self.engine,
                self.stack,
                reason,
                retain_except_on_create=self.retain_except_on_create,
                prefix=self.verb,
            ).start()

    def cancel(self) -> None:
        """CancelUpdateStack: break off and go back."""
        self.stop()
        self._give_up("User Initiated")
