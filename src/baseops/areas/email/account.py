"""What only the account knows: what stands in the way before apply, and what waits outside after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from baseops.areas.email.identities import identities
from baseops.areas.email.preflight import obstacles
from baseops.areas.email.reading import identity_state, sandboxed
from baseops.areas.email.waiting import waiting
from baseops.contract.clients import Clients
from baseops.contract.finding import Finding
from baseops.contract.lock import Lock
from baseops.contract.refs import Refs
from baseops.contract.site import Site

if TYPE_CHECKING:
    from baseops.areas.email.spec import Section


def complete_lock(section: Section, lock: Lock, clients: Clients) -> Lock:  # noqa: ARG001  # the protocol's signature
    """Nothing: email pins nothing that moves by itself."""
    return lock


def preflight(section: Section, site: Site, clients: Clients) -> list[Finding]:
    """What `check --account` says before anything is applied."""
    return obstacles(section, site, clients)


def pending(section: Section, refs: Refs, clients: Clients) -> list[Finding]:  # noqa: ARG001  # the protocol's signature
    """What waits outside after apply: DNS records, confirmations by mail, leave to send to everybody."""
    found = [
        finding
        for identity in identities(section)
        if (answer := identity_state(clients, identity)) is not None
        for finding in waiting(identity, answer, clients)
    ]
    return [*found, *sandboxed(clients)] if section.entries else []
