"""The DNS records that a declared identity needs, each with its purpose; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from baseops.areas.email.identities import Identity
from baseops.semantics.mail import dkim, ses
from baseops.semantics.mail.dns import Record

PLACEHOLDERS = ("token-1", "token-2", "token-3")
"""What stands for Easy DKIM's tokens before SES has given any."""


@dataclass(frozen=True)
class Signing:
    """What SES says of an identity's DKIM: its tokens, and the zone where it publishes the keys.

    Of a key that somebody brought, the tokens are the selector.
    """

    tokens: tuple[str, ...] = ()
    zone: str = dkim.SIGNING_ZONE
    is_external: bool = False

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Signing:  # Any: botocore's answers
        """From what GetEmailIdentity answers."""
        attributes = answer.get("DkimAttributes", {})
        return cls(
            tuple(attributes.get("Tokens", ())),
            attributes.get("SigningHostedZone") or dkim.SIGNING_ZONE,
            attributes.get("SigningAttributesOrigin") == "EXTERNAL",
        )


def expected(identity: Identity, region: str, signing: Signing | None = None) -> list[Record]:
    """Every record that the identity needs, DKIM first; none for an address.

    Without `signing` the tokens are placeholders, and nobody should add those records.
    """
    if identity.is_address:
        return []
    return [
        *dkim_records(identity, signing or Signing(PLACEHOLDERS)),
        *mail_from_records(identity, region),
        *ses.dmarc_records(identity.name, identity.dmarc),
        *inbound_records(identity, region),
    ]


def is_made_by_stack(identity: Identity, record: Record) -> bool:
    """Whether the stack makes the record itself; what belongs to others' domains or moves mail it never does."""
    if identity.zone is None or record.zone != identity.name:
        return False
    if record.name == f"_dmarc.{identity.name}":
        return identity.entry.dmarc.create
    return "._domainkey." in record.name or record.name == identity.mail_from


def dkim_records(identity: Identity, signing: Signing) -> list[Record]:
    """By which SES verifies the domain and signs for it."""
    own = identity.entry.dkim.own_key
    if own:
        return [ses.own_key_record(identity.name, own.selector, own.public_key)]
    return ses.dkim_records(identity.name, signing.tokens, signing.zone)


def mail_from_records(identity: Identity, region: str) -> list[Record]:
    """MX and SPF of the MAIL FROM domain; none without one."""
    if not identity.mail_from:
        return []
    return ses.mail_from_records(identity.mail_from, region, identity.name, refuse_others=identity.entry.spf == "fail")


def inbound_records(identity: Identity, region: str) -> list[Record]:
    """MX records of the domains that mail is received for; each takes the mail from whoever receives it now."""
    names = [name for rule in identity.entry.inbound.values() for name in (rule.recipients or [identity.name])]
    domains = dict.fromkeys(_mail_domain(name) for name in names)
    return [ses.inbound_record(domain, region, identity.name) for domain in domains]


def _mail_domain(recipient: str) -> str:
    domain = recipient.rpartition("@")[2].lower()
    return f"*{domain}" if domain.startswith(".") else domain
