"""What can be known of the declared mail without AWS: the records it needs, who may send, and what is left to do.

It resolves nothing and sends nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from baseops.areas.email.identities import Identity, default_stream, identities, streams
from baseops.areas.email.records import expected
from baseops.areas.email.senders import permission, senders
from baseops.contract.finding import Finding, Severity
from baseops.contract.refs import Refs
from baseops.contract.site import Site
from baseops.semantics.mail import dmarc
from baseops.semantics.mail.dns import Record

if TYPE_CHECKING:
    from baseops.areas.email.spec import Section


def judge(section: Section, refs: Refs) -> list[Finding]:
    """Findings on what the declaration means: expected records, alignment, printed policies, port 25."""
    found = identities(section)
    return [finding for identity in found for finding in _of_identity(identity, found, refs.site)]


def _of_identity(identity: Identity, others: list[Identity], site: Site) -> Iterator[Finding]:
    if identity.entry.managed:
        yield from _of_dns(identity, site)
        yield from _of_alignment(identity)
        yield from _of_policies(identity, others, site)
    yield from _of_port25(identity)


def _of_dns(identity: Identity, site: Site) -> Iterator[Finding]:
    records = expected(identity, site.region)
    if not records:
        return
    where = f"hosted zone {identity.zone}" if identity.zone else "whoever keeps the zone"
    outside = [record for record in records if not _is_made(record, identity)]
    yield Finding(
        Severity.NOTE,
        "email.records",
        (*identity.path, "dns"),
        f"{identity.key} needs {len(records)} DNS records in all; {len(records) - len(outside)} are made by the stack, "
        f"{len(outside)} are for {where if not identity.zone else 'somebody to add'}: "
        + (", ".join(f"{record.type} {record.name}" for record in outside) or "none"),
        f"After apply: baseops email dns {identity.key}" if outside else "",
    )
    for record in outside:
        if record.zone != identity.name:
            yield Finding(
                Severity.NOTE,
                "email.reports-elsewhere",
                (*identity.path, "dmarc", "rua"),
                f"receivers send DMARC reports to {record.zone} only if that domain agrees: TXT {record.name}",
                f"Have {record.zone} add it, or write an address of {identity.name}",
            )


def _is_made(record: Record, identity: Identity) -> bool:
    """Whether the stack makes the record itself."""
    if identity.zone is None or record.zone != identity.name:
        return False
    if record.name == f"_dmarc.{identity.name}":
        return identity.entry.dmarc.create
    return "._domainkey." in record.name or record.name == identity.mail_from


def _of_alignment(identity: Identity) -> Iterator[Finding]:
    if identity.is_address:
        return
    policy = identity.dmarc
    by_dkim = True
    by_spf = bool(identity.mail_from) and dmarc.is_aligned(identity.name, identity.mail_from, policy.spf_alignment)
    subdomains = {
        pattern.rpartition("@")[2].lower()
        for patterns in identity.entry.senders.values()
        for pattern in patterns
        if pattern.rpartition("@")[2].lower() != identity.name
    }
    if policy.dkim_alignment == "strict" and subdomains:
        by_dkim = False
    if not by_dkim and not by_spf:
        yield Finding(
            Severity.WARNING,
            "email.never-aligned",
            (*identity.path, "dmarc"),
            f"mail from {', '.join(sorted(subdomains))} is signed by {identity.name}, which strict alignment does not "
            f"count, and SPF does not count either: it fails DMARC",
            "Write dkim_alignment: relaxed, or declare the subdomain as an identity of its own",
        )


def _of_policies(identity: Identity, others: list[Identity], site: Site) -> Iterator[Finding]:
    if identity.entry.attach != "print":
        return
    sets = streams(identity, site.prefix, others) or [default_stream(identity, site.prefix, others)]
    for sender in senders(identity, site):
        document = json.dumps(permission(sender, identity, others, sets, site), separators=(",", ":"))
        for intrinsic, value in (("${AWS::Partition}", "aws"), ("${AWS::AccountId}", site.accounts[0])):
            document = document.replace(intrinsic, value)
        plain = json.dumps(_without_subs(json.loads(document)), separators=(",", ":"))
        yield Finding(
            Severity.NOTE,
            "email.policy-to-attach",
            (*identity.path, "senders", sender.reference),
            f"{sender.reference} sends as declared with this policy: {plain}",
            f"Attach it to {sender.reference}",
        )


def _without_subs(value: object) -> object:
    if isinstance(value, dict):
        return (
            value["Fn::Sub"] if set(value) == {"Fn::Sub"} else {key: _without_subs(each) for key, each in value.items()}
        )
    return [_without_subs(each) for each in value] if isinstance(value, list) else value


def _of_port25(identity: Identity) -> Iterator[Finding]:
    port25 = identity.entry.port25
    if port25 and port25.needed:
        yield Finding(
            Severity.WARNING,
            "email.port25",
            (*identity.path, "port25"),
            "EC2 throttles outgoing mail on port 25 until AWS has been asked, and no API asks for it",
            "Fill in https://aws-portal.amazon.com/gp/aws/html-forms-controller/contactus/ec2-email-limit-rdns-request "
            f"with: {port25.reason}; or send through SES on port 587",
        )
