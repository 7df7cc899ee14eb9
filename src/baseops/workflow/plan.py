"""What apply would change, from real change sets and settings; leaves nothing behind in the account."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from baseops.aws.identity import require_listed
from baseops.cloudformation.adoption import adoptions
from baseops.cloudformation.changes import StackPlan, from_templates
from baseops.cloudformation.changesets import MAX_INLINE_BYTES, ChangeSets
from baseops.cloudformation.existing import Existing, find_existing, with_imports
from baseops.cloudformation.settings import SettingPlan, Settings
from baseops.cloudformation.stacks import Next, StackState, current_template, read_state, remove_review
from baseops.cloudformation.text import template_text
from baseops.contract.clients import Clients
from baseops.contract.clock import Clock
from baseops.contract.template import Template
from baseops.contract.types import Json
from baseops.workflow.apply import body_of
from baseops.workflow.compile import Compiled, released
from baseops.workflow.inputs import Outputs
from baseops.workflow.leftover import find_leftover, plan_removal


@dataclass(frozen=True)
class Plan:
    """Everything that apply would do. `collisions` exist already and cannot be imported: apply would refuse."""

    stacks: tuple[StackPlan, ...]
    settings: tuple[SettingPlan, ...]
    collisions: tuple[Existing, ...] = ()

    @property
    def has_changes(self) -> bool:
        """Whether apply would change anything."""
        return any(stack.changes for stack in self.stacks) or any(
            each.action in ("write", "restore") for each in self.settings
        )


def plan(compiled: Compiled, clients: Clients, clock: Clock, *, bound: int = 5) -> Plan:
    """Plan; change sets and stacks in review that it makes are removed before it returns.

    A stack whose inputs are outputs that do not exist yet (day 0) is compared with what is there by template alone,
    and marked `compiled`. AWS calls: CreateChangeSet and its like, reads; nothing is executed.
    """
    site = compiled.declaration.site
    require_listed(clients, site)
    outputs = Outputs(clients, site)
    planner = _Planner(compiled, clients, clock, outputs)
    tasks = [planner.task(template) for template in compiled.templates]
    found = clock.gather(tasks, bound=bound)
    settings = Settings(clients, clock, site, released).plan(compiled.settings)
    return Plan(
        stacks=(
            *(stack for stack, _ in found),
            *(plan_removal(site, clients, state) for state in find_leftover(compiled, clients)),
        ),
        settings=tuple(settings),
        collisions=tuple(each for _, existing in found for each in existing if not each.importable),
    )


class _Planner:
    def __init__(self, compiled: Compiled, clients: Clients, clock: Clock, outputs: Outputs) -> None:
        self._compiled = compiled
        self._clients = clients
        self._outputs = outputs
        self._change_sets = ChangeSets(clients, clock, compiled.declaration.site)

    def task(self, template: Template) -> Callable[[], tuple[StackPlan, list[Existing]]]:
        missing = self._outputs.missing(template)
        return lambda: self._plan(template, inputs_known=not missing)

    def _plan(self, template: Template, *, inputs_known: bool) -> tuple[StackPlan, list[Existing]]:
        state = read_state(self._clients, template.name, template.region)
        known = current_template(self._clients, state) if state.exists else {}
        existing = find_existing(self._clients, template, known)
        reason = self._why_not_aws(template, state, known, inputs_known=inputs_known)
        if reason:
            changes = with_imports(from_templates(known, template.body), existing)
            return StackPlan(template.stack, template.name, template.region, "compiled", changes, reason), existing
        return self._ask(template, state), existing

    def _why_not_aws(
        self, template: Template, state: StackState, known: Mapping[str, Json], *, inputs_known: bool
    ) -> str:
        """Why no change set can be made yet; empty when one can."""
        if state.next in (Next.WAIT, Next.STUCK, Next.REMOVE_FIRST):
            return f"the stack is in {state.status}"
        if not inputs_known:
            return "its inputs do not exist yet"
        if self._needs_bucket(template):
            return "too large to ask AWS before the artifact bucket exists"
        if adoptions(self._clients, template, known):
            return "resources that exist are taken over first"
        return ""

    def _ask(self, template: Template, state: StackState) -> StackPlan:
        body = body_of(template, self._compiled, self._clients, self._outputs)
        try:
            change_set = self._change_sets.create(template, body, self._outputs.of(template), state)
            if not change_set.is_empty:
                self._change_sets.discard(template, change_set.id)
        finally:
            if not state.exists:
                remove_review(self._clients, template.name, template.region)
        return StackPlan(template.stack, template.name, template.region, "aws", change_set.changes)

    def _needs_bucket(self, template: Template) -> bool:
        large = len(template_text(template).encode()) > MAX_INLINE_BYTES
        return large and not self._outputs.has_artifact_bucket()
