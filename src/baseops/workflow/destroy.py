"""Takes the stacks away again, in the opposite order; keeps keys, evidence and whatever holds data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from baseops.aws.buckets import empty_bucket, is_empty_bucket
from baseops.aws.identity import require_listed
from baseops.cloudformation.events import Listener
from baseops.cloudformation.operations import StackOperations
from baseops.cloudformation.settings import Settings
from baseops.cloudformation.stacks import (
    StackState,
    current_template,
    find_stacks,
    remove_review,
    resources_of,
)
from baseops.contract.clients import Clients
from baseops.contract.clock import Clock
from baseops.contract.setting import Setting
from baseops.contract.site import Site
from baseops.errors import StackError
from baseops.foundation import ARTIFACTS, FOUNDATION, REGION
from baseops.workflow.compile import released


@dataclass(frozen=True)
class Kept:
    """A resource that stays in the account by its DeletionPolicy."""

    stack: str
    region: str
    type: str
    physical_id: str


@dataclass(frozen=True)
class Destruction:
    """What destroy would do, or did: stacks in the order in which they go, settings restored, resources kept.

    `obstacles` are sentences on what cannot go; with any, destroy does not begin.
    """

    stacks: tuple[StackState, ...]
    kept: tuple[Kept, ...]
    settings: tuple[Setting, ...] = ()
    obstacles: tuple[str, ...] = ()


def plan_destruction(site: Site, clients: Clients, regions: Sequence[str] = ()) -> Destruction:
    """Find our stacks by tag, what they would keep, and what stands in the way. Reads only.

    `regions` are more regions to look in than the declared ones: those of the lock, where stacks may have been left.
    """
    require_listed(clients, site)
    places = dict.fromkeys((site.region, *site.regions, *regions))
    found = [state for region in places for state in find_stacks(clients, site.name, region)]
    stacks = sorted(found, key=lambda state: _rank(site, state), reverse=True)
    kept: list[Kept] = []
    obstacles: list[str] = []
    for state in stacks:
        kept += _kept(clients, state)
        obstacles += _obstacles(clients, site, state)
    return Destruction(tuple(stacks), tuple(kept), obstacles=tuple(obstacles))


def destroy(
    site: Site,
    clients: Clients,
    clock: Clock,
    *,
    listener: Listener = lambda _: None,
    bound: int = 5,
    regions: Sequence[str] = (),
) -> Destruction:
    """Restore settings, then delete the stacks; apply afterwards works. `regions` as in `plan_destruction`.

    Raises `StackError` with every obstacle before anything is touched.
    """
    planned = plan_destruction(site, clients, regions)
    require_clear(site, planned)
    restored = Settings(clients, clock, site, released).restore_all()
    operations = StackOperations(clients, clock, site, listener)
    _remove(site, operations, clients, clock, planned.stacks, bound)
    return Destruction(planned.stacks, planned.kept, tuple(restored))


def require_clear(site: Site, planned: Destruction) -> None:
    """Raise `StackError` with every obstacle, where there is one."""
    _refuse(f"declaration {site.name} cannot be destroyed yet", planned.obstacles)


def remove_stacks(
    site: Site,
    operations: StackOperations,
    clients: Clients,
    clock: Clock,
    stacks: Sequence[StackState],
    *,
    bound: int = 5,
) -> Sequence[StackState]:
    """Delete some stacks, the last made first; raises `StackError` with every obstacle before any is touched."""
    obstacles = [each for state in stacks for each in _obstacles(clients, site, state)]
    _refuse(f"stacks of {site.name} that are declared no longer cannot be removed yet", obstacles)
    _remove(site, operations, clients, clock, stacks, bound)
    return stacks


def _refuse(what: str, obstacles: Sequence[str]) -> None:
    if obstacles:
        remedy = "Empty the buckets, turn termination protection off, then run the same command again."
        raise StackError(what, "; ".join(obstacles), remedy)


def _remove(
    site: Site,
    operations: StackOperations,
    clients: Clients,
    clock: Clock,
    stacks: Sequence[StackState],
    bound: int,
) -> None:
    for stage in _stages(site, stacks):
        for state in stage:
            _clear(clients, site, state)
        clock.gather([_deletion(operations, clients, state) for state in stage], bound=bound)


def _deletion(operations: StackOperations, clients: Clients, state: StackState) -> Callable[[], None]:
    def delete() -> None:
        if state.status == "REVIEW_IN_PROGRESS":
            remove_review(clients, state.name, state.region)
            return
        settled = operations.settle_for_deletion(state)
        if settled.exists:
            operations.delete(settled)

    return delete


def _rank(site: Site, state: StackState) -> tuple[int, int]:
    """The place in the order of making: artifacts, foundation, regions, areas by part."""
    short = state.name.removeprefix(f"{site.prefix}-")
    first = {ARTIFACTS: 0, FOUNDATION: 1, REGION: 2}.get(short, 3)
    part = short.rpartition("-")[2]
    return first, int(part) if part.isdigit() else 1


def _stages(site: Site, stacks: Sequence[StackState]) -> list[list[StackState]]:
    ranks = sorted({_rank(site, state) for state in stacks}, reverse=True)
    return [[state for state in stacks if _rank(site, state) == rank] for rank in ranks]


def _kept(clients: Clients, state: StackState) -> list[Kept]:
    if not state.exists:
        return []
    resources = current_template(clients, state).get("Resources")
    ids = resources_of(clients, state)
    found = resources.items() if isinstance(resources, dict) else ()
    return [
        Kept(state.name, state.region, str(each["Type"]), ids[name])
        for name, each in found
        if isinstance(each, dict) and str(each.get("DeletionPolicy")).startswith("Retain") and ids.get(name)
    ]


def _obstacles(clients: Clients, site: Site, state: StackState) -> list[str]:
    if state.protected:
        return [f"stack {state.name} in {state.region} has termination protection"]
    if not state.exists or state.name == f"{site.prefix}-{ARTIFACTS}":
        return []
    resources = current_template(clients, state).get("Resources")
    ids = resources_of(clients, state)
    found = resources.items() if isinstance(resources, dict) else ()
    return [
        f"bucket {ids[name]} of stack {state.name} is not empty"
        for name, each in found
        if isinstance(each, dict)
        and each["Type"] == "AWS::S3::Bucket"
        and each.get("DeletionPolicy", "Delete") == "Delete"
        and name in ids
        and not is_empty_bucket(clients, ids[name], state.region)
    ]


def _clear(clients: Clients, site: Site, state: StackState) -> None:
    # The artifact bucket holds only what compile can make again.
    if state.name == f"{site.prefix}-{ARTIFACTS}" and state.exists and "ArtifactBucketName" in state.outputs:
        empty_bucket(clients, state.outputs["ArtifactBucketName"], state.region)
