"""Who may send under which From address: the declared senders, and the policy that lets each do so and no more.

https://docs.aws.amazon.com/ses/latest/dg/control-user-access.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from baseops.areas.email.identities import Identity, Stream
from baseops.semantics.mail.addresses import domain_of, fold, is_within
from baseops.semantics.roles import Role, role_of

if TYPE_CHECKING:
    from baseops.contract.site import Site
    from baseops.contract.types import Json


@dataclass(frozen=True)
class Sender(Role):
    """A role and the From addresses that it may use."""

    patterns: tuple[str, ...]


def senders(identity: Identity, site: Site) -> list[Sender]:
    """The senders of an identity, as they stand in the file."""
    return [_sender(reference, patterns, site) for reference, patterns in identity.entry.senders.items()]


def permission(
    sender: Sender, identity: Identity, others: list[Identity], sets: list[Stream], site: Site
) -> dict[str, Json]:
    """What the sender may do: send from its addresses, through this identity and its configuration sets.

    SES asks for permission on the configuration set as well as on the identity, the identity's default one
    included; and an address that is an identity of its own stands in place of its domain.
    """
    names = [identity.name, *_addresses_within(sender, identity, others)]
    # A sender of another account brings configuration sets of its own.
    own_sets = [] if sender.account else sets
    resources = [f"identity/{name}" for name in names] + [f"configuration-set/{stream.name}" for stream in own_sets]
    statement: dict[str, Json] = {
        "Sid": "SendAsDeclared",
        "Effect": "Allow",
        "Action": ["ses:SendEmail", "ses:SendRawEmail"],
        "Resource": [_arn(resource, site) for resource in dict.fromkeys(resources)],
        "Condition": {"StringLike": {"ses:FromAddress": [fold(pattern) for pattern in sender.patterns]}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def _addresses_within(sender: Sender, identity: Identity, others: list[Identity]) -> list[str]:
    addresses = [each for each in others if each.is_address and is_within(each.domain, identity.name)]
    return [each.name for each in addresses if each.name != identity.name and covers(sender.patterns, each.name)]


def covers(patterns: tuple[str, ...], address: str) -> bool:
    """Whether an address is among the declared ones."""
    domain = domain_of(address)
    return any(
        fold(pattern) == fold(address) or (pattern.startswith("*@") and domain_of(pattern) == domain)
        for pattern in patterns
    )


def _sender(reference: str, patterns: list[str], site: Site) -> Sender:
    role = role_of(reference, site.accounts)
    return Sender(role.reference, role.name, role.path, role.account, tuple(patterns))


def _arn(resource: str, site: Site) -> Json:
    return {"Fn::Sub": f"arn:${{AWS::Partition}}:ses:{site.region}:${{AWS::AccountId}}:{resource}"}
