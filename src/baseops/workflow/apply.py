"""Makes the account what the declaration says: stacks stage by stage, then settings; ends with what is pending."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from baseops.aws.identity import require_listed
from baseops.cloudformation.changesets import MAX_INLINE_BYTES, Body
from baseops.cloudformation.events import Listener
from baseops.cloudformation.operations import Applied, StackOperations
from baseops.cloudformation.settings import SettingPlan, Settings
from baseops.cloudformation.stacks import StackState
from baseops.cloudformation.text import template_text
from baseops.contract.clients import Clients
from baseops.contract.clock import Clock
from baseops.contract.finding import Finding
from baseops.contract.template import Template
from baseops.foundation import ARTIFACTS
from baseops.workflow.compile import Compiled, Stage, released
from baseops.workflow.destroy import remove_stacks
from baseops.workflow.inputs import Outputs, artifact_bucket
from baseops.workflow.leftover import find_leftover
from baseops.workflow.pending import pending
from baseops.workflow.uploads import Uploads


@dataclass(frozen=True)
class ApplyResult:
    """What apply did: each stack, each setting, what waits outside, and the stacks that were declared no longer."""

    stacks: tuple[Applied, ...]
    settings: tuple[SettingPlan, ...]
    pending: tuple[Finding, ...]
    removed: tuple[StackState, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether anything in the account was changed."""
        return (
            bool(self.removed)
            or any(each.outcome != "unchanged" for each in self.stacks)
            or any(each.action in ("write", "restore") for each in self.settings)
        )


def apply(
    compiled: Compiled,
    clients: Clients,
    clock: Clock,
    *,
    listener: Listener = lambda _: None,
    bound: int = 5,
) -> ApplyResult:
    """Apply everything, then remove the stacks that are declared no longer.

    A second run changes nothing, and an interrupted one is picked up by the next. `listener` hears each stack event;
    `bound` is how many stacks are worked on side by side. AWS calls: CloudFormation change sets, executions and
    deletions, uploads to the artifact bucket, and the settings' own. Raises `StackError` when a stack fails (AWS has
    rolled it back; the others of its stage are finished first).
    """
    site = compiled.declaration.site
    require_listed(clients, site)
    outputs = Outputs(clients, site)
    operations = StackOperations(clients, clock, site, listener)
    stacks: list[Applied] = []
    for stage in compiled.stages:
        stacks += clock.gather(_tasks(stage, compiled, clients, operations, outputs), bound=bound)
        for each in stacks[-len(stage) :]:
            outputs.tell(each.template, each.outputs)
        if stage[0].stack == ARTIFACTS:
            uploads(compiled, clients, outputs).put_all(compiled.artifacts)
    settings = Settings(clients, clock, site, released).apply(compiled.settings)
    removed = remove_stacks(site, operations, clients, clock, find_leftover(compiled, clients), bound=bound)
    return ApplyResult(tuple(stacks), tuple(settings), tuple(pending(compiled, clients)), tuple(removed))


def _tasks(
    stage: Stage, compiled: Compiled, clients: Clients, operations: StackOperations, outputs: Outputs
) -> list[Callable[[], Applied]]:
    def task(template: Template) -> Callable[[], Applied]:
        inputs = outputs.of(template)
        body = body_of(template, compiled, clients, outputs)
        return lambda: operations.apply(template, body, inputs)

    return [task(template) for template in stage]


def uploads(compiled: Compiled, clients: Clients, outputs: Outputs) -> Uploads:
    """The artifact bucket, which the artifacts stack has made."""
    site = compiled.declaration.site
    return Uploads(clients, outputs.find(artifact_bucket(site)) or "", site.region)


def body_of(template: Template, compiled: Compiled, clients: Clients, outputs: Outputs) -> Body:
    """How a template travels; only a large one needs the artifact bucket."""
    text = template_text(template)
    if len(text.encode()) <= MAX_INLINE_BYTES:
        return Body(text)
    return uploads(compiled, clients, outputs).body_of(template)
