"""What SES keeps of one account and region: plain values that the operations change."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from baseops.semantics.mail import ses
from baseops.semantics.mail.addresses import domain_of, is_address
from baseops.semantics.mail.simulator import outcome

# Any throughout: members of AWS's shapes, whose types only the botocore model knows.
REPRESENTATIVE = 100
"""After so many mails the rates count here."""


@dataclass
class Signing:
    """The DKIM of a domain."""

    tokens: list[str]
    origin: str = "AWS_SES"
    selector: str = ""
    public_key: str = ""
    is_enabled: bool = True
    status: str = "PENDING"
    next_length: str = "RSA_2048_BIT"
    generated: datetime | None = None


@dataclass
class MailFrom:
    """The MAIL FROM domain of an identity."""

    domain: str
    behavior: str = "USE_DEFAULT_VALUE"
    status: str = "PENDING"


@dataclass
class EmailIdentity:
    """A domain or an address.

    `missing_since` is when records that had been found were first not found; `looks` counts how often SES has begun
    to look for them anew.
    """

    name: str
    created: datetime
    signing: Signing
    tags: list[dict[str, str]] = field(default_factory=list)
    configuration_set: str = ""
    mail_from: MailFrom | None = None
    forwards_feedback: bool = True
    policies: dict[str, str] = field(default_factory=dict)
    status: str = "PENDING"
    last_checked: datetime | None = None
    last_success: datetime | None = None
    missing_since: datetime | None = None
    looks: int = 0

    @property
    def is_address(self) -> bool:
        """Whether it is a single address."""
        return is_address(self.name)

    @property
    def domain(self) -> str:
        """Its domain."""
        return domain_of(self.name)

    @property
    def is_verified(self) -> bool:
        """Whether mail may be sent from it."""
        return self.status == "SUCCESS"


@dataclass
class ConfigurationSet:
    """A configuration set: its options under AWS's names, and its event destinations by name."""

    name: str
    options: dict[str, dict[str, Any]] = field(default_factory=dict)
    tags: list[dict[str, str]] = field(default_factory=list)
    destinations: dict[str, dict[str, Any]] = field(default_factory=dict)

    def option(self, group: str, name: str, default: Any = None) -> Any:
        """One option, or the default where it was never set."""
        return self.options.get(group, {}).get(name, default)


@dataclass
class SuppressedAddress:
    """An address that SES leaves out, and why."""

    address: str
    reason: str
    updated: datetime
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass
class Reputation:
    """How many mails went to real recipients and how many of those bounced for good, by configuration set.

    SES takes as many mails as are "a representative volume", and does not say how many that is.
    https://docs.aws.amazon.com/ses/latest/dg/faqs-enforcement.html
    """

    sent: Counter[str] = field(default_factory=Counter)
    bounced: Counter[str] = field(default_factory=Counter)

    @property
    def is_bad(self) -> bool:
        """Whether SES would put the account under review."""
        return self.sent.total() >= REPRESENTATIVE and self.bounce_rate() >= ses.REVIEW_BOUNCE_RATE

    def bounce_rate(self, set_name: str | None = None) -> float:
        """Of one configuration set, or of all mail."""
        sent = self.sent.total() if set_name is None else self.sent[set_name]
        bounced = self.bounced.total() if set_name is None else self.bounced[set_name]
        return bounced / sent if sent else 0.0


@dataclass
class AccountState:
    """What holds for the whole account in a region; a fresh one is in SES's own sandbox.

    https://docs.aws.amazon.com/ses/latest/dg/request-production-access.html
    """

    has_production_access: bool = False
    is_sending: bool = True
    enforcement: str = "HEALTHY"
    details: dict[str, Any] = field(default_factory=dict)
    suppressed_reasons: list[str] = field(default_factory=lambda: ["BOUNCE", "COMPLAINT"])
    vdm: dict[str, Any] = field(default_factory=lambda: {"VdmEnabled": "DISABLED"})
    reputation: Reputation = field(default_factory=Reputation)

    @property
    def daily_quota(self) -> float:
        """How many messages may be sent in 24 hours."""
        return 50_000.0 if self.has_production_access else 200.0

    @property
    def rate(self) -> float:
        """How many messages may be sent in a second."""
        return 14.0 if self.has_production_access else 1.0


@dataclass(frozen=True)
class SentMessage:
    """A message that SES has taken."""

    message_id: str
    source: str
    recipients: tuple[str, ...]
    subject: str
    sent: datetime
    set_name: str

    @property
    def counted(self) -> int:
        """How many recipients count against the daily quota and in the rates: not the simulator's."""
        return sum(outcome(recipient) is None for recipient in self.recipients)
