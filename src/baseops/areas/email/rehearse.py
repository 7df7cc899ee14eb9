"""What can be known of the declared mail without AWS: the records it needs, who may send, and what is left to do.

It resolves nothing and sends nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from baseops.areas.email.feedback import queue_title
from baseops.areas.email.identities import Identity, identities, streams
from baseops.areas.email.permissions import Mandate, filled, judge_senders, mandates
from baseops.areas.email.readers import ACTIONS, readers
from baseops.areas.email.records import expected, is_made_by_stack
from baseops.contract.finding import Finding, Severity
from baseops.contract.refs import Refs
from baseops.contract.site import Site
from baseops.semantics.mail import dmarc
from baseops.semantics.mail.addresses import domain_of

if TYPE_CHECKING:
    from baseops.areas.email.spec import Section


def judge(section: Section, refs: Refs) -> list[Finding]:
    """Findings on what the declaration means: expected records, alignment, who could send as whom, port 25."""
    found, site = identities(section), refs.site
    printed = [each for each in mandates(found, site) if each.identity.entry.attach == "print"]
    return [
        *(finding for identity in found for finding in _of_identity(identity, site)),
        *judge_senders(found, site),
        *(_printed(mandate, site) for mandate in printed),
        *(finding for identity in found for finding in _printed_readers(identity, found, site)),
        *(finding for identity in found for finding in _unasked(identity)),
        *(finding for identity in found for finding in _own_key(identity)),
    ]


def _of_identity(identity: Identity, site: Site) -> Iterator[Finding]:
    if identity.entry.managed:
        yield from _of_dns(identity, site)
        yield from _of_alignment(identity)
    yield from _of_port25(identity)


def _of_dns(identity: Identity, site: Site) -> Iterator[Finding]:
    records = expected(identity, site.region)
    if not records:
        return
    outside = [record for record in records if not is_made_by_stack(identity, record)]
    listed = ": " + ", ".join(f"{record.type} {record.name}" for record in outside) if outside else ""
    yield Finding(
        Severity.NOTE,
        "email.records",
        (*identity.path, "dns"),
        f"{identity.key} needs {len(records)} DNS records; the stack makes {len(records) - len(outside)}, and "
        f"{len(outside)} have to be added by whoever keeps the zone{listed}",
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


def _of_alignment(identity: Identity) -> Iterator[Finding]:
    """Whether DMARC can pass at all: by DKIM of the identity, or by SPF of its MAIL FROM domain."""
    policy = identity.dmarc
    for domain in [] if identity.is_address else _from_domains(identity):
        by_dkim = dmarc.is_aligned(domain, identity.name, policy.dkim_alignment)
        by_spf = bool(identity.mail_from) and dmarc.is_aligned(
            domain, identity.mail_from, policy.spf_alignment, identity.name
        )
        if not by_dkim and not by_spf:
            yield Finding(
                Severity.WARNING,
                "email.never-aligned",
                (*identity.path, "dmarc"),
                f"mail from {domain} is signed by {identity.name}, which strict alignment does not count, and its SPF "
                "does not count either: it fails DMARC",
                f"Write dkim_alignment: relaxed, or declare {domain} as an identity of its own",
            )


def _from_domains(identity: Identity) -> list[str]:
    patterns = [pattern for patterns in identity.entry.senders.values() for pattern in patterns]
    return sorted({domain_of(pattern) for pattern in patterns})


def _printed(mandate: Mandate, site: Site) -> Finding:
    sender = mandate.sender
    text = json.dumps(filled(mandate.document, site), separators=(",", ":"))
    return Finding(
        Severity.NOTE,
        "email.policy-to-attach",
        (*mandate.identity.path, "senders", sender.reference),
        f"{sender.reference} gets nothing from baseops, as declared; without a policy of yours it cannot send",
        f"Attach to it: {text}",
    )


def _printed_readers(identity: Identity, found: list[Identity], site: Site) -> Iterator[Finding]:
    if identity.entry.attach != "print" or not identity.entry.managed:
        return
    for stream in streams(identity, site.prefix, found):
        for role in readers(stream, site):
            yield Finding(
                Severity.NOTE,
                "email.reader-to-attach",
                (*stream.path, "events", "readers"),
                f"{role.reference} gets nothing from baseops, as declared; without a policy of yours it cannot read",
                f"Allow it {', '.join(ACTIONS)} on the queue (output {queue_title(stream)}Url of the email stack), and "
                "kms:Decrypt on the logs key",
            )


def _unasked(identity: Identity) -> Iterator[Finding]:
    """Dedicated addresses are their owner's to look after, and no list is declared that could list them."""
    if identity.entry.promise.blocklists.addresses:
        return
    for key, settings in identity.entry.configuration_sets.items():
        if settings.dedicated_pool:
            yield Finding(
                Severity.NOTE,
                "email.blocklists-unasked",
                (*identity.path, "configuration_sets", key, "dedicated_pool"),
                f"nobody asks blocklists about the addresses of the pool {settings.dedicated_pool}",
                "Write promise: {blocklists: {addresses: [zen.spamhaus.org]}}",
            )


def _own_key(identity: Identity) -> Iterator[Finding]:
    """What a rehearsal cannot have is said before it."""
    if identity.entry.managed and identity.entry.dkim.own_key:
        yield Finding(
            Severity.NOTE,
            "email.own-key-rehearsed",
            (*identity.path, "dkim", "own_key"),
            f"a rehearsal has not got the private key of {identity.key}: it makes a pair of its own, whose public key "
            "takes the place of this one",
            "Whether your private key belongs to this public key SES finds out after apply: baseops status",
        )


def _of_port25(identity: Identity) -> Iterator[Finding]:
    port25 = identity.entry.port25
    if port25 and port25.needed:
        yield Finding(
            Severity.WARNING,
            "email.port25",
            (*identity.path, "port25"),
            "EC2 keeps port 25 from the internet until AWS has been asked, and no API asks for it",
            "Fill in https://aws-portal.amazon.com/gp/aws/html-forms-controller/contactus/ec2-email-limit-rdns-request "
            f"with: {port25.reason}; or send through SES on port 587",
        )
