"""Whether the account still is what the declaration says: drift of stacks and settings, and what is pending."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from baseops.aws.identity import require_listed
from baseops.cloudformation.drift import StackDrift, detect
from baseops.cloudformation.settings import SettingPlan, Settings
from baseops.cloudformation.stacks import Next, StackState, read_state
from baseops.contract.clients import Clients
from baseops.contract.clock import Clock
from baseops.contract.finding import Finding
from baseops.workflow.compile import Compiled, released
from baseops.workflow.leftover import find_leftover
from baseops.workflow.pending import pending


@dataclass(frozen=True)
class Status:
    """The account as found. `missing` are stacks that are declared and not there, `leftover` those the other way."""

    stacks: tuple[StackState, ...]
    drift: tuple[StackDrift, ...]
    settings: tuple[SettingPlan, ...]
    pending: tuple[Finding, ...]
    leftover: tuple[StackState, ...] = ()

    @property
    def missing(self) -> tuple[StackState, ...]:
        """Declared stacks that do not exist."""
        return tuple(state for state in self.stacks if not state.exists)

    @property
    def broken(self) -> tuple[StackState, ...]:
        """Stacks that a failed operation left behind; nothing is known of their drift."""
        return tuple(state for state in self.stacks if state.next in (Next.STUCK, Next.REMOVE_FIRST))

    @property
    def has_drifted(self) -> bool:
        """Whether anything differs from the declaration as applied."""
        return (
            bool(self.missing or self.broken or self.leftover)
            or any(each.drifted for each in self.drift)
            or any(each.action in ("write", "refused", "restore") for each in self.settings)
        )


def status(compiled: Compiled, clients: Clients, clock: Clock, *, bound: int = 5) -> Status:
    """Read the state of everything declared; changes nothing."""
    site = compiled.declaration.site
    require_listed(clients, site)
    states = [read_state(clients, template.name, template.region) for template in compiled.templates]
    settled = [state for state in states if state.is_settled]
    drifts = clock.gather([partial(detect, clients, clock, state) for state in settled], bound=bound)
    return Status(
        stacks=tuple(states),
        drift=tuple(drifts),
        settings=tuple(Settings(clients, clock, site, released).plan(compiled.settings)),
        pending=tuple(pending(compiled, clients)),
        leftover=tuple(find_leftover(compiled, clients)),
    )
