"""The DNS records of an identity in a Route 53 zone of this account, where the declaration names one.

The DMARC record only on request: a template cannot know whether there is one, and an existing one is never touched.
The domain's own MX record never: it would take the mail away from whoever receives it now.
"""

from __future__ import annotations

from typing import Any

from troposphere import GetAtt, route53

from baseops.areas.email.identities import Identity
from baseops.areas.email.sending import identity_title
from baseops.cloudformation.builder import StackBuilder
from baseops.semantics.mail import ses
from baseops.semantics.mail.addresses import is_within
from baseops.semantics.mail.dns import Record, quote

# Any: troposphere takes a text or a helper such as GetAtt for every property.

TOKENS = (1, 2, 3)


def add_records(stack: StackBuilder, identity: Identity) -> None:
    """DKIM, MAIL FROM, and DMARC where asked for; nothing without a zone."""
    if identity.zone is None or identity.is_address:
        return
    _dkim(stack, identity)
    if identity.mail_from:
        refuse = identity.entry.spf == "fail"
        for record in ses.mail_from_records(identity.mail_from, stack.region, identity.name, refuse_others=refuse):
            _add(stack, identity, f"MailFrom{record.type.capitalize()}", record)
    if identity.entry.dmarc.create:
        for number, record in enumerate(ses.dmarc_records(identity.name, identity.dmarc)):
            # The consent of a stranger's domain can only be given there.
            if is_within(record.zone, identity.name):
                _add(stack, identity, "Dmarc" if not number else f"DmarcConsent{number}", record)


def _dkim(stack: StackBuilder, identity: Identity) -> None:
    own = identity.entry.dkim.own_key
    if own:
        _add(stack, identity, "DkimKey", ses.own_key_record(identity.name, own.selector, own.public_key))
        return
    title = identity_title(identity)
    for number in TOKENS:
        name, value = GetAtt(title, f"DkimDNSTokenName{number}"), GetAtt(title, f"DkimDNSTokenValue{number}")
        _record_set(stack, identity, f"Dkim{number}", name, "CNAME", [value])


def _add(stack: StackBuilder, identity: Identity, word: str, record: Record) -> None:
    values = [quote(value, record.type) for value in record.values]
    _record_set(stack, identity, word, f"{record.name}.", record.type, values)


def _record_set(stack: StackBuilder, identity: Identity, word: str, name: Any, kind: str, values: list[Any]) -> None:
    stack.add(
        route53.RecordSetType(
            identity.logical_id(word, "Record"),
            HostedZoneId=identity.zone,
            Name=name,
            Type=kind,
            TTL="300",
            ResourceRecords=values,
        )
    )
