"""What Amazon SES asks of DNS, where it receives mail, and the rates at which it acts on an account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from baseops.semantics.mail import dkim, dmarc, spf
from baseops.semantics.mail.dns import Record, Zone
from baseops.semantics.partitions import domain_of

INBOUND_REGIONS = frozenset(
    {
        "ap-northeast-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "ap-southeast-3",
        "ca-central-1",
        "eu-central-1",
        "eu-west-1",
        "eu-west-2",
        "us-east-1",
        "us-east-2",
        "us-west-2",
    }
)
INBOUND_REGIONS_AS_OF = "2024-01"
"""https://docs.aws.amazon.com/general/latest/gr/ses.html, 'Email receiving endpoints'."""

REVIEW_BOUNCE_RATE = 0.05
REVIEW_COMPLAINT_RATE = 0.001
"""At these SES puts an account under review. https://docs.aws.amazon.com/ses/latest/dg/faqs-enforcement.html"""

MAX_DESTINATIONS = 10
"""Event destinations of a configuration set. https://docs.aws.amazon.com/ses/latest/dg/quotas.html"""

MIN_OWN_KEY_BITS, MAX_OWN_KEY_BITS = 1024, 2048
"""Of a DKIM key that one brings.

https://docs.aws.amazon.com/ses/latest/dg/send-email-authentication-dkim-bring-your-own.html
"""

MAX_DKIM_WAIT_HOURS = 72
"""How long SES looks for the records. https://docs.aws.amazon.com/ses/latest/dg/creating-identities.html"""

State = Literal["present", "missing", "different", "unknown"]


@dataclass(frozen=True)
class Compared:
    """An expected record beside what was found under its name."""

    record: Record
    state: State
    found: tuple[str, ...] = ()


def mail_from_mx(region: str) -> str:
    """The host that takes the bounces of a custom MAIL FROM domain.

    https://docs.aws.amazon.com/ses/latest/dg/mail-from.html
    """
    return f"feedback-smtp.{region}.amazonses.com"


def smtp_endpoint(region: str) -> str:
    """The host that takes mail by SMTP. https://docs.aws.amazon.com/ses/latest/dg/smtp-connect.html."""
    return f"email-smtp.{region}.{domain_of(region)}"


def smtp_service(region: str) -> str:
    """The name of that service for endpoints of a VPC.

    https://docs.aws.amazon.com/ses/latest/dg/send-email-set-up-vpc-endpoints.html
    """
    return f"com.amazonaws.{region}.email-smtp"


def inbound_mx(region: str) -> str:
    """The host that receives mail for SES receipt rules."""
    return f"inbound-smtp.{region}.amazonaws.com"


def dkim_records(domain: str, tokens: Sequence[str], zone: str = dkim.SIGNING_ZONE) -> list[Record]:
    """The three CNAMEs of Easy DKIM, by which SES also verifies the domain."""
    named = [dkim.cname(token, domain, zone) for token in tokens]
    purpose = f"DKIM and verification of {domain} in SES"
    return [
        Record(name, "CNAME", (value,), f"{purpose} ({n} of {len(named)})", domain)
        for n, (name, value) in enumerate(named, 1)
    ]


def own_key_record(domain: str, selector: str, public_key: str) -> Record:
    """The TXT record of a DKIM key that one brings oneself.

    https://docs.aws.amazon.com/ses/latest/dg/send-email-authentication-dkim-bring-your-own.html
    """
    return Record(f"{selector}._domainkey.{domain}", "TXT", (f"p={public_key}",), f"DKIM key of {domain}", domain)


def mail_from_records(mail_from: str, region: str, domain: str, *, refuse_others: bool = False) -> list[Record]:
    """MX and SPF of a custom MAIL FROM domain."""
    policy = f"v=spf1 include:{spf.SES_INCLUDE} {'-' if refuse_others else '~'}all"
    return [
        Record(mail_from, "MX", (f"10 {mail_from_mx(region)}",), f"bounces of {mail_from} go to SES", domain),
        Record(mail_from, "TXT", (policy,), f"SPF: SES may send for {mail_from}", domain),
    ]


def dmarc_records(domain: str, policy: dmarc.Dmarc) -> list[Record]:
    """The DMARC record of a domain, and the consent of other domains that its reports go to."""
    own = Record(f"_dmarc.{domain}", "TXT", (dmarc.write(policy),), f"DMARC policy of {domain}", domain)
    consent = [
        Record(
            f"{domain}._report._dmarc.{other}",
            "TXT",
            ("v=DMARC1",),
            f"{other} takes the DMARC reports of {domain}",
            other,
        )
        for other in dmarc.reports_elsewhere(domain, policy)
    ]
    return [own, *consent]


def inbound_record(name: str, region: str, domain: str) -> Record:
    """The MX record by which SES receives mail for a domain; it takes that mail away from whoever had it."""
    return Record(name, "MX", (f"10 {inbound_mx(region)}",), f"mail to {name} is received by SES", domain)


def compare(expected: Sequence[Record], zone: Zone) -> list[Compared]:
    """Each expected record beside what the zone has.

    Other TXT values beside the expected one do no harm, except a second SPF record. An existing DMARC or SPF
    policy of another meaning is somebody's decision and counts as different, never as missing.
    """
    return [_compare(record, zone) for record in expected]


def is_verified(records: Sequence[Record], zone: Zone) -> bool:
    """Whether SES would find all of the records."""
    return bool(records) and all(each.state == "present" for each in compare(records, zone))


def _compare(record: Record, zone: Zone) -> Compared:
    if zone.is_unknown(record.name):
        return Compared(record, "unknown")
    alias = zone.get(record.name, "CNAME")
    if record.type != "CNAME" and alias:
        return Compared(record, "different", alias)
    found = tuple(value for value in zone.get(record.name, record.type) if _concerns(record, value))
    if not found:
        return Compared(record, "missing")
    return Compared(record, "present" if _means(record, found) else "different", found)


def _concerns(record: Record, value: str) -> bool:
    """Whether a TXT value is of the expected kind at all, and not a site verification beside it."""
    if record.type != "TXT" or "._domainkey." in record.name:
        return True
    is_kind = spf.is_spf if spf.is_spf(record.values[0]) else dmarc.is_dmarc
    return is_kind(value)


def _means(record: Record, found: tuple[str, ...]) -> bool:
    expected = record.values[0]
    if record.type == "CNAME":
        return [value.lower() for value in found] == [expected.lower()]
    if record.type == "MX":
        return [value.split()[-1].lower() for value in found] == [expected.split()[-1]]
    if len(found) > 1:
        return False
    if spf.is_spf(expected):
        return spf.includes_ses(spf.parse(found[0]))
    if dmarc.is_dmarc(expected):
        return dmarc.parse(found[0]) == dmarc.parse(expected)
    return dkim.key_of(found[0]) == dkim.key_of(expected)
