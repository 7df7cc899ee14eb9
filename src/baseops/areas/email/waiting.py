"""What waits outside after apply: records that SES has not found, addresses that nobody has confirmed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from baseops.areas.email.findings import error, warning
from baseops.areas.email.hosted_zone import read_zone
from baseops.areas.email.identities import Identity
from baseops.areas.email.records import Signing, dkim_records
from baseops.contract.clients import Clients
from baseops.contract.finding import Finding, Severity
from baseops.semantics.mail import dmarc, ses

# Any: botocore's answers.


def waiting(identity: Identity, answer: Mapping[str, Any], clients: Clients) -> Iterator[Finding]:
    """Of one identity, from what GetEmailIdentity answers."""
    if identity.is_address:
        if answer.get("VerificationStatus", _verified(answer)) != "SUCCESS":
            yield warning(
                "address-unverified",
                identity.path,
                f"{identity.key} has not followed the link that SES sent it, which is good for 24 hours",
                f"Open that mail, or have it sent again: aws ses verify-email-identity --email-address {identity.name}",
            )
        return
    yield from _dkim(identity, answer)
    yield from _mail_from(identity, answer)
    yield from _dmarc(identity, clients)


def _dmarc(identity: Identity, clients: Clients) -> Iterator[Finding]:
    """SES never looks at DMARC; a zone of this account tells, any other one nobody has asked."""
    name = f"_dmarc.{identity.name}"
    path = (*identity.path, "dmarc")
    if identity.zone is None:
        yield Finding(
            Severity.NOTE,
            "email.dmarc-unknown",
            path,
            f"whether {name} exists is not known to SES; an existing record is left as it is",
            f"Look with: dig +short TXT {name}; if there is none, add the one that baseops email dns prints",
        )
        return
    found = dmarc.find(identity.name, read_zone(clients, identity.zone).records)
    if found is None:
        yield warning(
            "dmarc-missing",
            path,
            f"the hosted zone has no {name}, and large receivers refuse bulk mail without one",
            f"Write create: true under dmarc, or add the record that baseops email dns {identity.key} prints",
        )
    elif found[1].problems:
        yield warning(
            "dmarc-broken",
            path,
            f"receivers ignore parts of the record at _dmarc.{found[0]}: {'; '.join(found[1].problems)}",
            "Correct the record; baseops leaves an existing one as it is",
        )


def _verified(answer: Mapping[str, Any]) -> str:
    return "SUCCESS" if answer.get("VerifiedForSendingStatus") else "PENDING"


def _dkim(identity: Identity, answer: Mapping[str, Any]) -> Iterator[Finding]:
    status = answer.get("DkimAttributes", {}).get("Status", "NOT_STARTED")
    if status == "SUCCESS":
        return
    names = [record.name for record in dkim_records(identity, Signing.of(answer))]
    if status == "FAILED":
        yield error(
            "dkim-failed",
            identity.path,
            f"SES looked for the DKIM records of {identity.key} for {ses.MAX_DKIM_WAIT_HOURS} hours and gave up",
            f"Add the records that baseops email dns {identity.key} prints, then have SES look again: aws sesv2 "
            f"put-email-identity-dkim-attributes --email-identity {identity.name} --signing-enabled",
        )
        return
    where = "are in the hosted zone; SES looks for them" if identity.zone else "have to be added to DNS"
    yield warning(
        "dkim-pending",
        identity.path,
        f"{identity.key} sends nothing before SES has found {len(names)} DKIM record{'s' * (len(names) != 1)}, which "
        f"{where} (up to {ses.MAX_DKIM_WAIT_HOURS} hours)",
        "Wait, and look again: baseops status" if identity.zone else f"Print them: baseops email dns {identity.key}",
    )


def _mail_from(identity: Identity, answer: Mapping[str, Any]) -> Iterator[Finding]:
    found = answer.get("MailFromAttributes", {})
    if not identity.mail_from or found.get("MailFromDomainStatus", "PENDING") == "SUCCESS":
        return
    meanwhile = "SES refuses to send" if found.get("BehaviorOnMxFailure") == "REJECT_MESSAGE" else "SPF is not aligned"
    yield warning(
        "mail-from-pending",
        (*identity.path, "mail_from"),
        f"SES has not found the MX record of {identity.mail_from}; until it has, {meanwhile}",
        "Wait, and look again: baseops status" if identity.zone else f"Print it: baseops email dns {identity.key}",
    )
