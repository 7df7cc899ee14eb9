"""Stacks of ours whose area or region the declaration has no longer; apply removes them last."""

from __future__ import annotations

from baseops.cloudformation.changes import StackPlan, from_templates
from baseops.cloudformation.stacks import StackState, current_template, find_stacks
from baseops.contract.clients import Clients
from baseops.contract.lock import Lock
from baseops.contract.site import Site
from baseops.workflow.compile import Compiled


def find_leftover(compiled: Compiled, clients: Clients) -> list[StackState]:
    """The stacks that apply would remove. AWS call: DescribeStacks in every region, those of the lock included."""
    site = compiled.declaration.site
    wanted = {(template.name, template.region) for template in compiled.templates}
    found = [each for region in known_regions(site, compiled.lock) for each in find_stacks(clients, site.name, region)]
    return [
        each for each in found if (each.name, each.region) not in wanted and each.name.startswith(f"{site.prefix}-")
    ]


def known_regions(site: Site, lock: Lock) -> list[str]:
    """The declared regions, then those in which the lock remembers a stack."""
    remembered = (place.partition("@")[2] for place in sorted(lock.places))
    return list(dict.fromkeys((site.region, *site.regions, *(region for region in remembered if region))))


def plan_removal(site: Site, clients: Clients, state: StackState) -> StackPlan:
    """What removing a stack takes away; its data stays where its template says so."""
    changes = from_templates(current_template(clients, state), {}) if state.exists else ()
    return StackPlan(
        state.name.removeprefix(f"{site.prefix}-"),
        state.name,
        state.region,
        "compiled",
        changes,
        "it is declared no longer, and removed",
    )
