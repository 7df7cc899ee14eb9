"""`baseops email dns`: the DNS records of the declared identities, with the tokens that SES gave them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from baseops.areas.email.identities import Identity, identities
from baseops.areas.email.reading import identity_state
from baseops.areas.email.records import Signing, expected, is_made_by_stack
from baseops.contract.clients import Clients
from baseops.contract.site import Site
from baseops.errors import UsageError
from baseops.semantics.mail.dns import Record

if TYPE_CHECKING:
    from baseops.areas.email.spec import Section


@dataclass(frozen=True)
class Listed:
    """One identity's records. `is_complete` is false while SES has given no DKIM tokens.

    `records` are all that it needs, `made` those among them that the stack makes itself.
    """

    identity: str
    records: tuple[Record, ...]
    made: tuple[Record, ...]
    is_complete: bool


def list_records(section: Section, site: Site, clients: Clients, names: Sequence[str] = ()) -> list[Listed]:
    """The records of the named identities, or of every declared domain. AWS call: ses:GetEmailIdentity.

    Raises `UsageError` for a name that is not declared.
    """
    declared = identities(section)
    for name in names:
        if name not in {identity.key for identity in declared}:
            known = ", ".join(identity.key for identity in declared) or "none"
            raise UsageError(f"no identity {name} is declared", f"declared are: {known}", "Name one of them.")
    chosen = [each for each in declared if each.key in names or (not names and not each.is_address)]
    return [_listed(identity, site, clients) for identity in chosen]


def _listed(identity: Identity, site: Site, clients: Clients) -> Listed:
    signing = _signing(identity, clients)
    records = tuple(expected(identity, site.region, signing))
    made = tuple(record for record in records if is_made_by_stack(identity, record))
    has_own_key = identity.entry.dkim.own_key is not None
    return Listed(identity.key, records, made, identity.is_address or has_own_key or bool(signing.tokens))


def _signing(identity: Identity, clients: Clients) -> Signing:
    answer = identity_state(clients, identity)
    return Signing.of(answer) if answer else Signing()
