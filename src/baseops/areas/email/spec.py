"""The declaration of mail identities, and what can be said against one without asking AWS or DNS.

Pydantic models of the section, then `check`: cross-references, AWS limits and traps. It never reads an account.
"""

from __future__ import annotations

import re
from datetime import timedelta
from ipaddress import ip_address, ip_network
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from baseops.areas.email import checks
from baseops.contract.finding import Finding
from baseops.contract.site import Site
from baseops.fields import AreaSection, Duration, EntryName, RoleReference, Strict
from baseops.semantics.mail import ses
from baseops.semantics.mail.addresses import address_problem, domain_problem, is_address

# Any, in the validators: whatever stood in the YAML file.
_EXAMPLES = tuple(map(ip_network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")))
"""Addresses of documentation, which examples are written with."""


def _without_problem(problem: Any) -> Any:  # Any: a pydantic annotation
    def check(value: str) -> str:
        found = problem(value)
        if found:
            raise ValueError(found)
        return value

    return AfterValidator(check)


def _identity_problem(name: str) -> str:
    return address_problem(name) if is_address(name) else domain_problem(name)


def _from_problem(pattern: str) -> str:
    wildcard = pattern.removeprefix("*@")
    if wildcard != pattern:
        return domain_problem(wildcard)
    if "*" in pattern or "?" in pattern:
        return f"{pattern} has a wildcard inside: write one address, or *@ and a domain for all of a domain"
    return address_problem(pattern)


def _recipient_problem(recipient: str) -> str:
    return address_problem(recipient) if is_address(recipient) else domain_problem(recipient.removeprefix("."))


def _report_address(value: Any) -> Any:
    if isinstance(value, str) and value.startswith("mailto:"):
        raise ValueError(f"write the address without mailto: as {value.removeprefix('mailto:')}")
    return value


def _one_or_more(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _short(key: str) -> Any:
    """A bare text stands for a mapping with one key."""

    def widen(value: Any) -> Any:
        return {key: value} if isinstance(value, str) else value

    return widen


def _suppression(value: Any) -> Any:
    # YAML 1.1 reads an unquoted `off` as false.
    if value is False or value == "off":
        return []
    if value == "inherit":
        return None
    if isinstance(value, list) and value and all(reason in ("BOUNCE", "COMPLAINT") for reason in value):
        return sorted(set(value))
    raise ValueError(f"expected inherit, off, or a list of BOUNCE and COMPLAINT, got {value!r}")


def _optional(value: Any) -> Any:
    """`off` (which YAML 1.1 reads as false) means none of it."""
    return None if value is False or value == "off" else value


def _dns(value: Any) -> Any:
    if isinstance(value, str) and value != "print":
        raise ValueError(
            f"expected print, or {{zone: Z0123456789ABCDEFGHIJ}} for a zone of this account, got {value!r}"
        )
    return value


def _destination(value: Any) -> Any:
    if value in ("sns", "sqs", "eventbridge", "cloudwatch") or isinstance(value, dict):
        return value
    raise ValueError(f"expected sns, sqs, eventbridge, cloudwatch or {{firehose: ARN}}, got {value!r}")


def _server_problem(text: str) -> str:
    try:
        address = ip_address(text)
    except ValueError:
        return f"{text} is no IP address"
    if address.is_global or any(address in each for each in _EXAMPLES if each.version == address.version):
        return ""
    return f"{text} is not public: write the address that receivers see, such as an Elastic IP"


def _list_problem(zone: str) -> str:
    if re.search(r"(?i)(?:^|\.)dq\.spamhaus\.net$", zone):
        return (
            "a name of Spamhaus's Data Query Service holds your key, which would stand here and in evidence: "
            "write zen.spamhaus.org, and have prove ask a name server that Spamhaus answers (--dns)"
        )
    return domain_problem(zone)


def _shape(pattern: str, words: str) -> Any:  # Any: a pydantic annotation
    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"expected {words}, got {value!r}")
        return value

    return AfterValidator(check)


def _below(limit: float, name: str) -> Any:  # Any: a pydantic annotation
    def check(value: float) -> float:
        if not 0 < value < limit:
            raise ValueError(
                f"expected a rate above 0 and below {limit:g}, at which SES puts the account under review for its "
                f"{name} rate, got {value:g}"
            )
        return value

    return AfterValidator(check)


def _between(low: timedelta, high: timedelta, words: str) -> Any:  # Any: a pydantic annotation
    def check(value: timedelta) -> timedelta:
        if not low <= value <= high:
            raise ValueError(f"expected {words}")
        return value

    return AfterValidator(check)


Domain = Annotated[str, _without_problem(domain_problem)]
Address = Annotated[str, _without_problem(address_problem)]
ReportAddress = Annotated[str, BeforeValidator(_report_address), _without_problem(address_problem)]
IdentityName = Annotated[str, _without_problem(_identity_problem)]
From = Annotated[str, _without_problem(_from_problem)]
Recipient = Annotated[str, _without_problem(_recipient_problem)]
Blocklist = Annotated[str, _without_problem(_list_problem), AfterValidator(str.lower)]
ServerAddress = Annotated[str, _without_problem(_server_problem)]
HostedZoneId = Annotated[
    str, _shape(r"Z[A-Z0-9]{1,31}", "the id of a Route 53 hosted zone such as Z0123456789ABCDEFGHIJ")
]
SetName = Annotated[str, _shape(r"[A-Za-z0-9_-]{1,64}", "a name of 1-64 letters, digits, hyphens and underscores")]
SecretName = Annotated[str, _shape(r"[A-Za-z0-9/_+=.@-]{1,512}", "the name of a secret such as app/dkim-key")]
Selector = Annotated[
    str, _shape(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", "a selector of lower-case letters, digits and hyphens")
]
PublicKey = Annotated[
    str, _shape(r"[A-Za-z0-9+/]{100,}={0,2}", "the base64 text of an RSA public key, without its BEGIN and END lines")
]
BucketName = Annotated[str, _shape(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "the name of a bucket")]
StreamArn = Annotated[
    str,
    _shape(
        r"arn:aws[\w-]*:firehose:[a-z]{2}(?:-[a-z]+)+-\d:\d{12}:deliverystream/[\w.-]{1,64}",
        "the ARN of a Firehose stream",
    ),
]
EventType = Literal[
    "SEND",
    "REJECT",
    "BOUNCE",
    "COMPLAINT",
    "DELIVERY",
    "OPEN",
    "CLICK",
    "RENDERING_FAILURE",
    "DELIVERY_DELAY",
    "SUBSCRIPTION",
]
Suppression = Annotated[
    list[Literal["BOUNCE", "COMPLAINT"]] | None,
    BeforeValidator(
        _suppression, json_schema_input_type=Literal["inherit", "off", False] | list[Literal["BOUNCE", "COMPLAINT"]]
    ),
]


class MailFrom(Strict):
    """The MAIL FROM domain, where bounces go and whose SPF counts: a subdomain that neither sends nor receives.

    https://docs.aws.amazon.com/ses/latest/dg/mail-from.html
    """

    domain: Domain
    on_mx_failure: Literal["use-default", "reject"] = Field(
        default="use-default",
        description="When its MX record is missing: send under amazonses.com (DKIM alone aligns), or refuse to send.",
    )


class OwnKey(Strict):
    """A DKIM key that you bring yourself (BYODKIM). The private key stays in Secrets Manager, out of the template."""

    selector: Selector = Field(description="The name before `._domainkey` in DNS.")
    private_key: SecretName = Field(description="The secret that holds the base64 text of the RSA private key.")
    public_key: PublicKey = Field(description="The base64 text of the public key, for DNS.")


class Dkim(Strict):
    """How mail of a domain is signed; by Easy DKIM unless a key of yours is named."""

    key_length: Literal[1024, 2048] = 2048
    own_key: OwnKey | None = None


class Dmarc(Strict):
    """What receivers are asked to do with mail that fails both SPF and DKIM, and where they report.

    https://www.rfc-editor.org/rfc/rfc7489#section-6.3
    """

    policy: Literal["none", "quarantine", "reject"] = "none"
    rua: Annotated[list[ReportAddress], BeforeValidator(_one_or_more, json_schema_input_type=str | list[str])] = Field(
        default=[], description="Who gets the aggregate reports; the domain's postmaster unless another is named."
    )
    ruf: Annotated[list[ReportAddress], BeforeValidator(_one_or_more, json_schema_input_type=str | list[str])] = Field(
        default=[], description="Who gets reports of single failures."
    )
    subdomain_policy: Literal["none", "quarantine", "reject"] | None = None
    percent: int = Field(default=100, ge=1, le=100, description="To how much of the failing mail the policy applies.")
    dkim_alignment: Literal["relaxed", "strict"] = "relaxed"
    spf_alignment: Literal["relaxed", "strict"] = "relaxed"
    create: bool = Field(
        default=False,
        description="Make the record in the hosted zone. Only where there is none: an existing one is never touched.",
    )


class HostedZone(Strict):
    """The Route 53 zone of this account in which the records are made."""

    zone: HostedZoneId


class Firehose(Strict):
    """An existing Firehose stream that takes events."""

    firehose: StreamArn


class Events(Strict):
    """Which events of a configuration set are published, and where they go.

    https://docs.aws.amazon.com/ses/latest/dg/monitor-using-event-publishing.html
    """

    types: list[EventType] = Field(
        default=["REJECT", "BOUNCE", "COMPLAINT", "RENDERING_FAILURE", "DELIVERY_DELAY"], min_length=1
    )
    to: list[
        Annotated[Literal["sns", "sqs", "eventbridge", "cloudwatch"] | Firehose, BeforeValidator(_destination)]
    ] = Field(default=["sqs"], description="`sqs` is a queue with dead letters behind a topic, `sns` the topic alone.")
    share: EntryName | None = Field(
        default=None, description="Publish to the topic and queue of another configuration set of this identity."
    )
    readers: list[RoleReference] = Field(
        default=[], description="Roles that empty the queue: they get leave to read and delete, and to decrypt."
    )
    unread_for: Duration = Field(
        default=timedelta(days=4), description="An alarm rings when an event has waited in the queue for so long."
    )
    max_receive_count: int = Field(
        default=5, ge=1, le=1000, description="After so many attempts an event is a dead letter."
    )


class RateAlarms(Strict):
    """Alarms below the rates at which SES itself acts, so that people know first.

    https://docs.aws.amazon.com/ses/latest/dg/reputationdashboard-cloudwatch-alarm.html
    """

    bounce_rate: Annotated[float, _below(ses.REVIEW_BOUNCE_RATE, "bounce")] = 0.04
    complaint_rate: Annotated[float, _below(ses.REVIEW_COMPLAINT_RATE, "complaint")] = 0.0008


Alarms = Annotated[
    RateAlarms | None, BeforeValidator(_optional, json_schema_input_type=RateAlarms | Literal["off", False] | None)
]


class Tracking(Strict):
    """How opens and clicks are tracked; without it links lead through a domain of Amazon's."""

    domain: Domain
    https: Literal["require", "require-open-only", "optional"] = "require"


class ConfigurationSet(Strict):
    """How one stream of mail is sent: suppression, TLS, what is published, at which rates an alarm rings."""

    name: SetName | None = Field(
        default=None, description="Its name in SES; made of the declaration's and the identity's otherwise."
    )
    suppression: Suppression = Field(
        default=None,
        description="Which suppressed addresses are left out: `inherit` the account's setting, `off`, or reasons.",
    )
    tls: Literal["require", "optional"] = Field(
        default="optional", description="`require`: mail to a receiver without TLS is not delivered."
    )
    reputation_metrics: bool = True
    sending: bool = Field(default=True, description="False pauses the stream.")
    max_delivery: (
        Annotated[
            Duration,
            _between(
                timedelta(minutes=5), timedelta(hours=14), "from 5m to 14h, the time for which SES tries to deliver"
            ),
        ]
        | None
    ) = None
    dedicated_pool: SetName | None = Field(default=None, description="An existing pool of dedicated addresses.")
    tracking: Tracking | None = None
    events: Events = Events()
    alarms: Alarms = RateAlarms()


class InboundTarget(Strict):
    """Where received mail is kept."""

    bucket: BucketName | None = Field(default=None, description="An existing bucket; one of our own otherwise.")
    prefix: str = Field(default="", max_length=512)


class InboundRule(Strict):
    """Mail to some recipients is received by SES and kept in a bucket. Rules are tried in the order they stand in.

    https://docs.aws.amazon.com/ses/latest/dg/receiving-email-receipt-rules-console-walkthrough.html
    """

    recipients: list[Recipient] = Field(
        default=[],
        max_length=500,
        description="Addresses, domains, or `.domain` for all its subdomains; the whole identity unless named.",
    )
    to: InboundTarget = InboundTarget()
    tls: Literal["require", "optional"] = "require"
    scan: bool = Field(default=True, description="Look for spam and viruses; the verdict is in the mail's headers.")
    keep: Duration | None = Field(
        default=None, description="Delete received mail after so long; kept for ever otherwise."
    )


class Port25(Strict):
    """Whether instances send mail by port 25 themselves, which EC2 keeps from the internet until AWS has been asked.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-resource-limits.html#port-25-throttle
    """

    needed: bool
    reason: str = Field(default="", max_length=500, description="Why it is needed, as you would tell AWS.")
    instances: Annotated[dict[str, str], Field(min_length=1)] | None = Field(
        default=None,
        description="Tags of instances that `prove` looks at: security groups and network ACLs must let port 25 of "
        "them out to the internet where it is needed, and must not where it is not.",
    )
    submission: Literal[465, 587, 2465, 2587] | None = Field(
        default=None, description="The port by which these instances reach SES's SMTP endpoint instead."
    )


class Blocklists(Strict):
    """Blocklists in DNS that must not list where mail comes from; only with the test entries of RFC 5782.

    They are asked by the name servers of whoever runs `prove` (or `--dns`). Spamhaus answers neither public ones nor
    large users; such a list is inconclusive, never proven.
    """

    addresses: list[Blocklist] = Field(
        default=[],
        description="Lists of addresses, such as zen.spamhaus.org: asked for the dedicated addresses of SES that mail "
        "of the identity leaves from, and for `servers`.",
    )
    domains: list[Blocklist] = Field(
        default=[], description="Lists of domains, such as dbl.spamhaus.org: asked for its domain and MAIL FROM domain."
    )
    servers: list[ServerAddress] = Field(
        default=[], max_length=256, description="Public addresses of mail servers of your own that send for it as well."
    )

    @property
    def zones(self) -> list[str]:
        """All lists, each once."""
        return list(dict.fromkeys((*self.addresses, *self.domains)))


class Promise(Strict):
    """What `prove` holds the identity to, besides that it is verified, signs, and that its records are found."""

    feedback_within: Duration = Field(
        default=timedelta(minutes=5), description="A simulated bounce and complaint have come home within this time."
    )
    headroom: float = Field(
        default=0.2, ge=0, lt=1, description="The part of the daily sending quota that is left over on any day."
    )
    blocklists: Blocklists = Blocklists()


class Entry(Strict):
    """One SES identity: a domain, or a single address."""

    dns: Annotated[
        Literal["print"] | HostedZone,
        BeforeValidator(_dns),
        Field(
            description="Print the records for whoever keeps the zone, or make them in a hosted zone of this account."
        ),
    ] = "print"
    mail_from: Annotated[MailFrom, BeforeValidator(_short("domain"), json_schema_input_type=str | MailFrom)] | None = (
        None
    )
    dkim: Dkim = Dkim()
    dmarc: Dmarc = Dmarc()
    spf: Literal["softfail", "fail"] = Field(
        default="softfail", description="What the MAIL FROM domain's SPF says of all other senders: `~all` or `-all`."
    )
    feedback_forwarding: bool | None = Field(
        default=None, description="Whether SES also mails bounces and complaints to the sender; SES's default is yes."
    )
    senders: dict[RoleReference, Annotated[list[From], Field(min_length=1)]] = Field(
        default={}, description="Which role may send under which From addresses; `*@acme.example` is all of a domain."
    )
    administrators: list[RoleReference] = Field(
        default=[],
        description="Roles that may send besides: where there are `senders`, `prove` refutes everybody else who may.",
    )
    attach: Literal["inline", "policy", "print"] = Field(
        default="inline",
        description="How senders and readers get their permission: an inline policy on the role, a managed policy that "
        "you attach, or nothing but the text of the policy, printed by `baseops rehearse`.",
    )
    configuration_sets: dict[EntryName, ConfigurationSet] = Field(
        default={}, description="`default` is used for mail that names none; every other one by its name."
    )
    inbound: dict[EntryName, InboundRule] = Field(
        default={}, description="Rules for received mail; all of a region's are in one rule set."
    )
    port25: Port25 | None = None
    promise: Promise = Promise()
    managed: bool = Field(
        default=True, description="False: somebody else made it, baseops only holds it to its promises."
    )


class Vdm(Strict):
    """The Virtual Deliverability Manager of the account; it costs by message."""

    dashboard: bool = True
    optimized_delivery: bool = False


class AccountClaims(Strict):
    """What is set for SES in the whole account and region; each is left alone unless it is written here."""

    suppression: Suppression = Field(
        default=None, description="For which reasons addresses go on the account's suppression list; `off` for none."
    )
    vdm: Vdm | None = None
    receipt_rule_set: SetName | None = Field(
        default=None,
        description="`own`: make a receipt rule set and activate it; otherwise the existing one that gets the rules.",
    )
    alarms: Alarms = RateAlarms()


class Section(AreaSection):
    """The `email` of a declaration, by identity."""

    __pydantic_extra__: dict[IdentityName, Entry] = Field(init=False)
    account: AccountClaims = AccountClaims()

    @property
    def entries(self) -> dict[str, Entry]:
        """The declared identities."""
        return self.__pydantic_extra__

    def with_entries(self, entries: dict[str, Entry]) -> Section:
        """The same section with other identities."""
        return type(self).model_construct(_fields_set={*entries, "account"}, account=self.account, **entries)


def check(section: Section, site: Site) -> list[Finding]:
    """Cross-references, AWS limits and traps that the schema cannot say."""
    return checks.check(section, site)
