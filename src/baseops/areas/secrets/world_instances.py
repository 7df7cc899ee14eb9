"""Managed instances that a declaration of secrets names by tags: with a reader's role, and with some other role."""

from __future__ import annotations

from typing import TYPE_CHECKING

from baseops.aws.managed_nodes import make_nodes
from baseops.contract.sandbox_account import SandboxAccount
from baseops.contract.site import Site
from baseops.semantics.roles import role_of

if TYPE_CHECKING:
    from baseops.areas.secrets.spec import Entry


def build(entry: Entry, account: SandboxAccount, site: Site) -> None:
    """Make those that are not there; one of another area's gets the profile, if it has none."""
    if entry.instances is None:
        return
    if entry.readers:
        make_nodes(account, site.region, entry.instances.reader, role=role_of(entry.readers[0]).name)
    name = "-".join(value for _, value in sorted(entry.instances.stranger.items()))
    make_nodes(account, site.region, entry.instances.stranger, role=name)
