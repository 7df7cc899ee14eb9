"""What is declared, as the rest of the area sees it: identities, their streams of mail, and the names all this gets.

Names are made of the declaration's prefix and the identity. They never change while the declaration's own names
stay, because SES cannot rename anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING

from baseops.cloudformation.resources import logical_id
from baseops.semantics.mail.addresses import domain_of, fold, is_address, is_within
from baseops.semantics.mail.dmarc import Dmarc

if TYPE_CHECKING:
    from baseops.areas.email.spec import ConfigurationSet, Entry, Events, Firehose, InboundRule, Section

DEFAULT = "default"
_SET_NAME_LIMIT = 64


@dataclass(frozen=True)
class Identity:
    """An identity of the declaration. `key` is its name as it is written, `name` as SES keeps it."""

    key: str
    entry: Entry

    @property
    def name(self) -> str:
        """The name in SES."""
        return fold(self.key)

    @property
    def domain(self) -> str:
        """The domain of the identity."""
        return domain_of(self.key)

    @property
    def is_address(self) -> bool:
        """Whether it is a single address."""
        return is_address(self.key)

    @property
    def path(self) -> tuple[str | int, ...]:
        """Where it stands in the declaration."""
        return ("email", self.key)

    @cached_property
    def slug(self) -> str:
        """The name in letters, digits and hyphens; a short hash keeps apart what would become the same."""
        plain = re.sub(r"[^A-Za-z0-9]+", "-", self.name.replace("@", "-at-"))
        is_exact = re.fullmatch(r"[a-z0-9.]+(@[a-z0-9.]+)?", self.name) and "-at-" not in self.name
        return plain if is_exact else f"{plain}-{sha256(self.name.encode()).hexdigest()[:4]}"

    @cached_property
    def mail_from(self) -> str:
        """The MAIL FROM domain, in lower case; empty when there is none."""
        return self.entry.mail_from.domain.lower() if self.entry.mail_from else ""

    @property
    def dmarc(self) -> Dmarc:
        """The declared DMARC policy; reports go to the postmaster, whom every mail domain has (RFC 5321, 4.5.1)."""
        declared = self.entry.dmarc
        return Dmarc(
            policy=declared.policy,
            subdomain_policy=declared.subdomain_policy or "",
            rua=tuple(declared.rua or [f"postmaster@{self.domain}"]),
            ruf=tuple(declared.ruf),
            percent=declared.percent,
            dkim_alignment=declared.dkim_alignment,
            spf_alignment=declared.spf_alignment,
        )

    @property
    def zone(self) -> str | None:
        """The hosted zone in which records are made; None when they are printed."""
        return None if isinstance(self.entry.dns, str) else self.entry.dns.zone

    def logical_id(self, *words: str) -> str:
        """A logical id of something that belongs to the identity."""
        return logical_id(self.name, *words)


@dataclass(frozen=True)
class Stream:
    """A configuration set of an identity: one kind of mail."""

    identity: Identity
    key: str
    settings: ConfigurationSet
    prefix: str

    @property
    def name(self) -> str:
        """The name in SES."""
        if self.settings.name:
            return self.settings.name
        whole = f"{self.prefix}-{self.label}"
        return whole if len(whole) <= _SET_NAME_LIMIT else f"{whole[: _SET_NAME_LIMIT - 9]}-{_digest(whole)}"

    @property
    def label(self) -> str:
        """What names of things that belong to the stream carry."""
        return self.identity.slug if self.key == DEFAULT else f"{self.identity.slug}-{self.key}"

    @property
    def path(self) -> tuple[str | int, ...]:
        """Where it stands in the declaration."""
        return (*self.identity.path, "configuration_sets", self.key)

    @property
    def events(self) -> Events:
        """What is published."""
        return self.settings.events

    @property
    def has_topic(self) -> bool:
        """Whether a topic of its own takes its events."""
        return not self.events.share and bool({"sns", "sqs"} & self._places)

    @property
    def has_queue(self) -> bool:
        """Whether a queue of its own takes its events."""
        return not self.events.share and "sqs" in self._places

    @property
    def firehoses(self) -> list[Firehose]:
        """The Firehose streams that take its events."""
        return [place for place in self.events.to if not isinstance(place, str)]

    def publishes_to(self, place: str) -> bool:
        """Whether events go to `eventbridge` or `cloudwatch`."""
        return place in self._places

    def logical_id(self, *words: str) -> str:
        """A logical id of something that belongs to the stream."""
        return logical_id(self.identity.name, *([] if self.key == DEFAULT else [self.key]), *words)

    @property
    def _places(self) -> set[str]:
        return {place for place in self.events.to if isinstance(place, str)}


def identities(section: Section, *, managed_only: bool = False) -> list[Identity]:
    """All declared identities, domains first, so that addresses may lean on them; else as they stand in the file."""
    found = [Identity(key, entry) for key, entry in section.entries.items() if entry.managed or not managed_only]
    return sorted(found, key=lambda each: each.is_address)


def streams(identity: Identity, prefix: str, others: list[Identity]) -> list[Stream]:
    """The configuration sets of an identity; there is always a default one.

    An address under a declared domain leans on that domain's sets unless it has some of its own.
    """
    declared = identity.entry.configuration_sets
    if not declared and parent_of(identity, others):
        return []
    named = declared if DEFAULT in declared else {DEFAULT: _settings(), **declared}
    return [Stream(identity, key, settings, prefix) for key, settings in named.items()]


def default_stream(identity: Identity, prefix: str, others: list[Identity]) -> Stream:
    """The configuration set that mail of the identity goes through when it names none."""
    own = streams(identity, prefix, others)
    parent = parent_of(identity, others)
    return next(each for each in (own or streams(parent or identity, prefix, [])) if each.key == DEFAULT)


def parent_of(identity: Identity, others: list[Identity]) -> Identity | None:
    """The nearest managed domain that an address lies within."""
    if not identity.is_address:
        return None
    domains = [
        each for each in others if not each.is_address and each.entry.managed and is_within(identity.domain, each.name)
    ]
    return max(domains, key=lambda each: len(each.name), default=None)


def shared_stream(stream: Stream, siblings: list[Stream]) -> Stream:
    """The stream whose topic takes the events."""
    return next((each for each in siblings if each.key == stream.events.share), stream)


def rule_set_name(section: Section, prefix: str) -> str:
    """The receipt rule set that inbound rules are added to."""
    claimed = section.account.receipt_rule_set
    return prefix if claimed in (None, "own") else str(claimed)


def rule_name(identity: Identity, key: str) -> str:
    """The name of a receipt rule: letters, digits, hyphens, at most 64."""
    whole = f"{identity.slug}-{key}"
    return whole if len(whole) <= _SET_NAME_LIMIT else f"{whole[: _SET_NAME_LIMIT - 9]}-{_digest(whole)}"


def inbound_rules(section: Section) -> list[tuple[Identity, str, InboundRule]]:
    """All receipt rules in the order in which SES tries them: as they stand in the file."""
    return [
        (Identity(key, entry), name, rule)
        for key, entry in section.entries.items()
        if entry.managed
        for name, rule in entry.inbound.items()
    ]


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:8]


def _settings() -> ConfigurationSet:
    from baseops.areas.email.spec import ConfigurationSet

    return ConfigurationSet()
