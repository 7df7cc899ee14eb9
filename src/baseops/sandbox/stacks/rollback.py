"""Tells how a stack goes back: a failed create is removed, a failed update is undone and cleaned up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import partial

from baseops.sandbox.kinds import KINDS
from baseops.sandbox.stacks.engine import Engine
from baseops.sandbox.stacks.handler import Handler
from baseops.sandbox.stacks.records import Former, Resource, Stack
from baseops.sandbox.stacks.removal import Deletion, Removal, failed_to_delete
from baseops.sandbox.stacks.work import Run, Task, TaskError
from baseops.semantics.templates.values import same

_VERBS = {"CREATE": "create", "UPDATE": "update", "IMPORT": "import"}


def failed_to(stack: Stack, names: Iterable[str]) -> str:
    """The reason that a stack gives for turning back: which resources failed at what."""
    sentences = []
    failed = sorted(names)
    for verb, word in _VERBS.items():
        those = [name for name in failed if stack.resources[name].status.startswith(verb)]
        if those:
            sentences.append(f"The following resource(s) failed to {word}: [{', '.join(those)}]. ")
    return "".join(sentences)


def is_alike(one: Resource, other: Resource) -> bool:
    """Whether two states of a resource are the same to its handler."""
    has_tags = bool(KINDS[one.type].tags)
    return same(one.properties, other.properties) and (not has_tags or one.stack_tags == other.stack_tags)


def stays(resource: Resource, *, retain_except_on_create: bool) -> bool:
    """Whether what a failed operation made, or imported, stays in the account.

    Retain keeps it, unless the operation was told RetainExceptOnCreate, or the resource's policy says so:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
    """
    is_retained = resource.deletion_policy == "Retain" and bool(resource.physical_id)
    return resource.imported or (is_retained and not retain_except_on_create)


@dataclass
class CreateRollback:
    """Removes what a failed create made: ROLLBACK_IN_PROGRESS, then ROLLBACK_COMPLETE or ROLLBACK_FAILED."""

    engine: Engine
    stack: Stack
    reason: str
    deletes_stack: bool = False
    retain_except_on_create: bool = False
    _run: Run | None = field(default=None, repr=False)

    def start(self) -> None:
        """Begin; it goes on by itself."""
        stack = self.stack
        if self.deletes_stack:
            Deletion(self.engine, stack, reason=f"{self.reason}Delete requested by user.").start()
            return
        stack.operation = self
        self.engine.stack_event(stack, "ROLLBACK_IN_PROGRESS", f"{self.reason}Rollback requested by user.")
        removal = Removal(self.engine, stack, self._keeps, lambda _: None)
        self._run = removal.run(list(stack.resources.values()), self._done)
        self._run.start()

    def stop(self) -> None:
        """Break off."""
        if self._run:
            self._run.stop()

    def _keeps(self, resource: Resource) -> bool:
        return stays(resource, retain_except_on_create=self.retain_except_on_create)

    def _done(self, failed: list[str]) -> None:
        stack = self.stack
        stack.operation, stack.goal, stack.pending, stack.former = None, stack.pending or stack.goal, None, None
        stack.outputs = ()
        if failed:
            self.engine.stack_event(stack, "ROLLBACK_FAILED", failed_to_delete(failed))
        else:
            self.engine.stack_event(stack, "ROLLBACK_COMPLETE")


@dataclass
class UpdateRollback:
    """Undoes a failed update: UPDATE_ROLLBACK_IN_PROGRESS, cleanup, UPDATE_ROLLBACK_COMPLETE.

    An undo that fails ends in UPDATE_ROLLBACK_FAILED; ContinueUpdateRollback starts another one, with what to skip.
    `prefix` is IMPORT for a failed import.
    """

    engine: Engine
    stack: Stack
    reason: str
    skipped: frozenset[str] = frozenset()
    retain_except_on_create: bool = False
    prefix: str = "UPDATE"
    _run: Run | None = field(default=None, repr=False)

    def start(self) -> None:
        """Begin; it goes on by itself."""
        stack = self.stack
        stack.operation = self
        self.engine.stack_event(stack, f"{self.prefix}_ROLLBACK_IN_PROGRESS", self.reason)
        former = self._former().resources
        touched = {name for name, each in former.items() if self._is_touched(each)}
        tasks = {name: self._task(former[name], former[name].needs & touched) for name in touched}
        ordered = {name: tasks[name] for name in former if name in touched}
        self._run = Run(self.engine.ticker, ordered, self._undone, goes_on=True)
        self._run.start()

    def stop(self) -> None:
        """Break off."""
        if self._run:
            self._run.stop()

    def _former(self) -> Former:
        return self.stack.former or Former(None, {})

    def _is_touched(self, old: Resource) -> bool:
        now = self.stack.resources.get(old.logical_id)
        return now != old

    def _task(self, old: Resource, needs: frozenset[str]) -> Task:
        return Task(old.logical_id, needs, partial(self._begin, old), partial(self._finish, old))

    def _begin(self, old: Resource) -> float | None:
        now = self.stack.resources[old.logical_id]
        if old.logical_id in self.skipped:
            self._say(replace(old, status="UPDATE_COMPLETE", reason="Resource was skipped during rollback"))
            return None
        if now.physical_id != old.physical_id:
            if now.physical_id:
                self.stack.leftovers.append(now)
            self._say(replace(old, status="UPDATE_IN_PROGRESS", reason=""))
            return 0.0
        if is_alike(now, old):
            if now.status != old.status:
                self._finish(old)
            self.stack.resources[old.logical_id] = old
            return None
        self._say(replace(old, status="UPDATE_IN_PROGRESS", reason=""))
        try:
            Handler(self.engine, self.stack).update(now, old)
        except TaskError as error:
            self._say(replace(now, status="UPDATE_FAILED", reason=str(error)))
            raise
        return KINDS[old.type].seconds

    def _finish(self, old: Resource) -> None:
        self._say(replace(old, status="UPDATE_COMPLETE", reason=""))

    def _say(self, resource: Resource) -> None:
        self.engine.resource_event(self.stack, resource)

    def _undone(self, failed: list[str]) -> None:
        stack = self.stack
        if failed:
            stack.operation = None
            reason = f"The following resource(s) failed to update: [{', '.join(sorted(failed))}]. "
            self.engine.stack_event(stack, f"{self.prefix}_ROLLBACK_FAILED", reason)
            return
        if self.prefix == "UPDATE":
            self.engine.stack_event(stack, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
        former = self._former().resources
        made = [each for name, each in stack.resources.items() if name not in former]
        removal = Removal(self.engine, stack, self._keeps, self._forget)
        self._run = removal.run([*made, *stack.leftovers], self._cleaned)
        self._run.start()

    def _keeps(self, resource: Resource) -> bool:
        return stays(resource, retain_except_on_create=self.retain_except_on_create)

    def _forget(self, resource: Resource) -> None:
        if resource.logical_id not in self._former().resources:
            self.stack.resources.pop(resource.logical_id, None)

    def _cleaned(self, failed: list[str]) -> None:
        stack = self.stack
        former = self._former()
        for name in [name for name in stack.resources if name not in former.resources]:
            del stack.resources[name]
        stack.goal, stack.pending, stack.former, stack.operation = former.goal, None, None, None
        stack.tags = former.goal.tags if former.goal else {}
        stack.leftovers.clear()
        stack.superseded.clear()
        self.engine.stack_event(stack, f"{self.prefix}_ROLLBACK_COMPLETE")
