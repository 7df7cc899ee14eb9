"""Removes resources of a stack, each before those that it needs; and tells how a whole stack is deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from baseops.sandbox.kinds import KINDS
from baseops.sandbox.stacks.engine import Engine
from baseops.sandbox.stacks.handler import Handler
from baseops.sandbox.stacks.records import Resource, Stack
from baseops.sandbox.stacks.work import Run, Task, TaskError

KEPT = frozenset({"Retain", "RetainExceptOnCreate"})


@dataclass(frozen=True)
class Removal:
    """Removes resources. `keeps` says of each whether it stays in the account; `forgets` what to do when it is gone."""

    engine: Engine
    stack: Stack
    keeps: Callable[[Resource], bool]
    forget: Callable[[Resource], None]
    force: bool = False

    def run(self, resources: Iterable[Resource], done: Callable[[list[str]], None]) -> Run:
        """The removal of the resources, not yet started; `done` gets the logical ids of those that failed."""
        going = {f"{each.logical_id} {each.physical_id}": each for each in resources}
        tasks = {key: self._task(key, each, _needed_by(each.logical_id, going)) for key, each in going.items()}
        return Run(
            self.engine.ticker,
            tasks,
            lambda failed: done([going[key].logical_id for key in failed]),
            goes_on=True,
        )

    def _task(self, key: str, resource: Resource, needs: frozenset[str]) -> Task:
        return Task(key, needs, lambda: self._begin(resource), lambda: self._finish(resource))

    def _begin(self, resource: Resource) -> float | None:
        if self.keeps(resource):
            self._say(resource, "DELETE_SKIPPED")
            self.forget(resource)
            return None
        self._say(resource, "DELETE_IN_PROGRESS")
        return KINDS[resource.type].delete_seconds if resource.physical_id else 0.0

    def _finish(self, resource: Resource) -> None:
        try:
            self._snapshot(resource)
            Handler(self.engine, self.stack).delete(resource)
        except TaskError as error:
            if not self.force:
                self._say(resource, "DELETE_FAILED", str(error), kept=True)
                raise
            self._say(resource, "DELETE_SKIPPED", str(error))
        else:
            self._say(resource, "DELETE_COMPLETE")
        self.forget(resource)

    def _snapshot(self, resource: Resource) -> None:
        if resource.deletion_policy == "Snapshot" and resource.physical_id:
            Handler(self.engine, self.stack).snapshot(resource)

    def _say(self, resource: Resource, status: str, reason: str = "", *, kept: bool | None = None) -> None:
        said = replace(resource, status=status, reason=reason)
        current = self.stack.resources.get(resource.logical_id)
        is_current = current is not None and current.physical_id == resource.physical_id
        self.engine.resource_event(self.stack, said, kept=is_current if kept is None else kept and is_current)


def _needed_by(name: str, going: Mapping[str, Resource]) -> frozenset[str]:
    """Those that need the resource and so have to go first."""
    return frozenset(key for key, each in going.items() if name in each.needs)


def failed_to_delete(names: Iterable[str]) -> str:
    """The reason that a stack gives."""
    return f"The following resource(s) failed to delete: [{', '.join(sorted(names))}]. "


@dataclass
class Deletion:
    """Deletes a whole stack: DELETE_IN_PROGRESS, then DELETE_COMPLETE or DELETE_FAILED."""

    engine: Engine
    stack: Stack
    retained: frozenset[str] = frozenset()
    force: bool = False
    reason: str = "User Initiated"
    token: str = ""
    _run: Run | None = field(default=None, repr=False)

    def start(self) -> None:
        """Begin; it goes on by itself."""
        stack = self.stack
        stack.operation = self
        self.engine.stack_event(stack, "DELETE_IN_PROGRESS", self.reason, self.token)
        removal = Removal(self.engine, stack, self._keeps, self._forget, force=self.force)
        for name in [name for name, each in stack.resources.items() if each.physical_id and not each.is_held]:
            del stack.resources[name]
        self._run = removal.run(stack.resources.values(), self._done)
        self._run.start()

    def stop(self) -> None:
        """Break off."""
        if self._run:
            self._run.stop()

    def _keeps(self, resource: Resource) -> bool:
        return resource.logical_id in self.retained or resource.deletion_policy in KEPT

    def _forget(self, resource: Resource) -> None:
        self.stack.resources.pop(resource.logical_id, None)

    def _done(self, failed: list[str]) -> None:
        self.stack.operation = None
        if failed:
            self.engine.stack_event(self.stack, "DELETE_FAILED", failed_to_delete(failed), self.token)
            return
        self.stack.deleted_at = self.engine.now()
        self.stack.outputs = ()
        self.engine.stack_event(self.stack, "DELETE_COMPLETE", "", self.token)
