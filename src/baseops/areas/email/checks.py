"""What can be said against a declaration of email besides its shape: each rule with its code, place and remedy.

It looks at the declaration alone, never at an account or at DNS.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from baseops.areas.email.findings import Path, error, warning
from baseops.areas.email.identities import (
    Identity,
    Stream,
    identities,
    inbound_rules,
    parent_of,
    rule_name,
    shared_stream,
    streams,
)
from baseops.areas.email.senders import Sender, senders
from baseops.contract.finding import Finding, Severity
from baseops.contract.site import Site
from baseops.semantics.mail import dkim, ses
from baseops.semantics.mail.addresses import domain_of, fold, is_address, is_within
from baseops.semantics.roles import Role, role_of

if TYPE_CHECKING:
    from baseops.areas.email.spec import InboundRule, Section

_DNS_KEYS = ("dns", "mail_from", "dkim", "dmarc", "spf", "inbound")
_FEEDBACK = frozenset({"BOUNCE", "COMPLAINT"})


def check(section: Section, site: Site) -> list[Finding]:
    """All findings, in no particular order: the command line sorts them by place."""
    found = identities(section)
    return [
        *_duplicates(found),
        *(finding for identity in found for finding in _of_identity(identity, found, site)),
        *_same_set_names(found, site),
        *_inbound(section, site),
    ]


def _of_identity(identity: Identity, others: list[Identity], site: Site) -> Iterator[Finding]:
    if identity.is_address:
        yield from _of_address(identity, others)
    yield from _of_mail_from(identity, others)
    yield from _of_dmarc(identity)
    yield from _of_own_key(identity)
    declared = senders(identity, site)
    for sender in declared:
        yield from _of_sender(sender, identity)
    yield from _same_senders(identity, declared)
    own = streams(identity, site.prefix, others)
    for stream in own:
        yield from _of_stream(stream, own, site)
    yield from _of_feedback(identity, own)
    yield from _of_port25(identity)
    yield from _of_blocklists(identity, own)


def _duplicates(found: list[Identity]) -> Iterator[Finding]:
    first: dict[str, str] = {}
    for identity in found:
        former = first.setdefault(identity.name.lower(), identity.key)
        if former != identity.key:
            yield error(
                "duplicate-identity",
                identity.path,
                f"{identity.key} is the same identity as {former}, because mail domains and identities have no case",
                "Declare it once",
            )


def _of_address(identity: Identity, others: list[Identity]) -> Iterator[Finding]:
    written = [key for key in _DNS_KEYS if key in identity.entry.model_fields_set]
    for key in written:
        yield error(
            "address-has-no-dns",
            (*identity.path, key),
            f"{identity.key} is an address, and {key} belongs to a domain",
            f"Declare {identity.domain} and write {key} there",
        )
    parent = parent_of(identity, others)
    if parent:
        yield Finding(
            Severity.NOTE,
            "email.address-within-domain",
            identity.path,
            f"{parent.key} is declared, so mail from {identity.key} needs no identity of its own; with one, SES uses "
            "the settings of the address instead of the domain's",
            "Remove it unless the address needs other settings",
        )


def _of_mail_from(identity: Identity, others: list[Identity]) -> Iterator[Finding]:
    if not identity.mail_from or identity.is_address:
        return
    path = (*identity.path, "mail_from")
    if identity.mail_from == identity.name or not is_within(identity.mail_from, identity.name):
        yield error(
            "mail-from-outside",
            path,
            f"{identity.mail_from} is not a subdomain of {identity.name}, and SES takes no other",
            f"Write a subdomain such as bounce.{identity.name}",
        )
        return
    for user in _users_of(identity.mail_from, others):
        yield error(
            "mail-from-is-used",
            path,
            f"{identity.mail_from} is the MAIL FROM domain, which takes bounces alone, and {user} sends from it",
            f"Write a subdomain that nothing sends from, such as bounce.{identity.name}",
        )
    receivers = [each.key for each in others if each is not identity and each.mail_from == identity.mail_from]
    if receivers:
        yield error(
            "mail-from-twice",
            path,
            f"{identity.mail_from} is also the MAIL FROM domain of {receivers[0]}",
            "Write a subdomain of its own for each identity",
        )


def _users_of(domain: str, others: list[Identity]) -> list[str]:
    named = [each.key for each in others if each.domain == domain]
    patterns = [pattern for each in others for addresses in each.entry.senders.values() for pattern in addresses]
    return named + [pattern for pattern in dict.fromkeys(patterns) if domain_of(pattern) == domain]


def _of_dmarc(identity: Identity) -> Iterator[Finding]:
    declared = identity.entry.dmarc
    path = (*identity.path, "dmarc")
    if declared.create and identity.zone is None and not identity.is_address:
        yield error(
            "dmarc-without-zone",
            (*path, "create"),
            "there is no hosted zone to make the record in",
            "Write dns: {zone: Z…}, or remove create and add the printed record yourself",
        )
    if declared.spf_alignment == "strict" and not identity.is_address:
        yield warning(
            "spf-never-aligned",
            (*path, "spf_alignment"),
            "with strict alignment SPF never counts, because a MAIL FROM domain is always a subdomain in SES",
            "Write spf_alignment: relaxed, unless DKIM alone is meant to count",
        )
    if declared.policy != "none" and not identity.mail_from and not identity.is_address:
        yield warning(
            "dmarc-on-dkim-alone",
            (*path, "policy"),
            f"without mail_from, SPF is that of amazonses.com and never aligned with {identity.name}: under "
            f"p={declared.policy} one broken signature loses the mail",
            f"Write mail_from: bounce.{identity.name}",
        )


def _of_own_key(identity: Identity) -> Iterator[Finding]:
    """https://docs.aws.amazon.com/ses/latest/dg/send-email-authentication-dkim-bring-your-own.html."""
    own = identity.entry.dkim.own_key
    bits = dkim.key_bits(own.public_key) if own else ses.MIN_OWN_KEY_BITS
    if not ses.MIN_OWN_KEY_BITS <= bits <= ses.MAX_OWN_KEY_BITS:
        yield error(
            "dkim-key-size",
            (*identity.path, "dkim", "own_key", "public_key"),
            f"the key has {bits} bits, and SES takes RSA keys of {ses.MIN_OWN_KEY_BITS} to {ses.MAX_OWN_KEY_BITS}"
            if bits
            else "the text is no RSA public key",
            "Make a pair with openssl genrsa -f4 2048, and write the public key without its BEGIN and END lines",
        )


def _of_sender(sender: Sender, identity: Identity) -> Iterator[Finding]:
    path = (*identity.path, "senders", sender.reference)
    for index, pattern in enumerate(sender.patterns):
        inside = (
            pattern.lower() == identity.name.lower()
            if identity.is_address
            else is_within(domain_of(pattern), identity.name)
        )
        if not inside:
            yield error(
                "sender-outside",
                (*path, index),
                f"{pattern} is not an address of {identity.key}",
                f"Declare {domain_of(pattern)} and write the sender there",
            )
    yield from _of_role(sender, path, identity)


def _of_role(role: Role, path: Path, identity: Identity) -> Iterator[Finding]:
    if role.account and identity.entry.attach != "print":
        yield error(
            "sender-elsewhere",
            path,
            f"{role.reference} is a role of account {role.account}, where this stack cannot attach anything",
            "Write attach: print, and give the printed policy to that account",
        )
    if role.is_unchangeable and identity.entry.attach == "inline":
        yield error(
            "sender-unchangeable",
            path,
            f"only AWS changes the role {role.name}",
            "Write attach: print, and put the printed policy in the permission set",
        )


def _same_senders(identity: Identity, declared: list[Sender]) -> Iterator[Finding]:
    first: dict[tuple[str, str | None], str] = {}
    for sender in declared:
        former = first.setdefault((sender.name, sender.account), sender.reference)
        if former != sender.reference:
            yield error(
                "same-sender",
                (*identity.path, "senders", sender.reference),
                f"{sender.reference} is the same role as {former}",
                "Write its addresses in one list",
            )


def _sends_for(pattern: str, identity: Identity) -> bool:
    return fold(pattern) == identity.name if identity.is_address else is_within(domain_of(pattern), identity.name)


def _of_stream(stream: Stream, siblings: list[Stream], site: Site) -> Iterator[Finding]:
    path = (*stream.path, "events")
    places = [place for place in stream.events.to if isinstance(place, str)]
    count = len({*places} - {"sns", "sqs"}) + bool({"sns", "sqs"} & {*places}) + len(stream.firehoses)
    if count > ses.MAX_DESTINATIONS:
        yield error(
            "too-many-destinations",
            (*path, "to"),
            f"{count} destinations are declared, and a configuration set has at most {ses.MAX_DESTINATIONS}",
            "Fan out behind sns or eventbridge instead",
        )
    yield from _of_share(stream, siblings)
    yield from _of_readers(stream, siblings, site)
    for firehose in stream.firehoses:
        region = firehose.firehose.split(":")[3]
        if region != site.region:
            yield error(
                "firehose-elsewhere",
                (*path, "to"),
                f"the Firehose stream is in {region}, and SES publishes within {site.region} only",
                f"Name a stream in {site.region}",
            )
    if stream.settings.alarms and not stream.settings.reputation_metrics:
        yield warning(
            "alarms-without-metrics",
            (*stream.path, "reputation_metrics"),
            "without reputation metrics SES reports no rates, and no rate alarm is made for this configuration set",
            "Write reputation_metrics: true, or alarms: off",
        )


def _of_share(stream: Stream, siblings: list[Stream]) -> Iterator[Finding]:
    if not stream.events.share:
        return
    path = (*stream.path, "events", "share")
    target = shared_stream(stream, siblings)
    if target is stream:
        known = ", ".join(each.key for each in siblings if each is not stream) or "none"
        yield error(
            "share-unknown",
            path,
            f"there is no other configuration set {stream.events.share} of {stream.identity.key}",
            f"Write one of: {known}",
        )
    elif not target.has_topic:
        yield error(
            "share-without-topic",
            path,
            f"the configuration set {target.key} has no topic of its own",
            "Write to: [sqs] or to: [sns] there, or remove share here",
        )


def _of_readers(stream: Stream, siblings: list[Stream], site: Site) -> Iterator[Finding]:
    path = (*stream.path, "events", "readers")
    if stream.events.readers and not stream.has_queue:
        where = f"the configuration set {shared_stream(stream, siblings).key}" if stream.events.share else "to: [sqs]"
        yield error(
            "readers-without-queue",
            path,
            "this configuration set has no queue of its own to read",
            f"Write readers under {where}" if stream.events.share else f"Write {where}, or remove readers",
        )
    for index, reference in enumerate(stream.events.readers):
        yield from _of_role(role_of(reference, site.accounts), (*path, index), stream.identity)


def _of_feedback(identity: Identity, own: list[Stream]) -> Iterator[Finding]:
    deaf = [stream for stream in own if _FEEDBACK - {*stream.events.types}]
    for stream in deaf:
        missing = " and ".join(sorted(_FEEDBACK - {*stream.events.types}))
        quiet = identity.entry.feedback_forwarding is False
        severity = Severity.ERROR if quiet else Severity.WARNING
        yield Finding(
            severity,
            "email.feedback-unheard",
            (*stream.path, "events", "types"),
            f"{missing} events of this configuration set are published nowhere"
            + (", and feedback_forwarding is off: nobody would ever hear of them" if quiet else ""),
            f"Add {missing} to types",
        )
    for stream in own:
        if stream.settings.suppression == [] and stream in deaf:
            yield warning(
                "suppression-off",
                (*stream.path, "suppression"),
                "addresses that bounced are neither suppressed by SES nor reported to you: you go on sending to them",
                "Write suppression: inherit, or publish BOUNCE and COMPLAINT",
            )


def _of_port25(identity: Identity) -> Iterator[Finding]:
    port25 = identity.entry.port25
    if port25 and port25.needed and not port25.reason:
        yield error(
            "port25-without-reason",
            (*identity.path, "port25"),
            "AWS asks for a reason before it lifts the limit on port 25",
            'Write reason: "…" as you would tell AWS, or needed: false (SES takes mail on ports 587 and 2587)',
        )
    if port25 and port25.submission and not port25.instances:
        yield error(
            "submission-from-nowhere",
            (*identity.path, "port25", "submission"),
            "it is not said which instances hand mail to SES by this port",
            "Write instances: with the tags of those that do",
        )


def _of_blocklists(identity: Identity, own: list[Stream]) -> Iterator[Finding]:
    """SES tells nobody which of the shared addresses a mail leaves from, and AWS itself keeps them off the lists.

    https://docs.aws.amazon.com/ses/latest/dg/dedicated-ip.html
    """
    declared = identity.entry.promise.blocklists
    path = (*identity.path, "promise", "blocklists")
    if declared.servers and not declared.addresses:
        yield error(
            "servers-unasked",
            (*path, "servers"),
            "no list is named that could list these addresses",
            "Write addresses: [zen.spamhaus.org], or another list of addresses",
        )
    pools = [each for each in own if each.settings.dedicated_pool]
    if declared.addresses and not declared.servers and not pools and identity.entry.managed:
        yield warning(
            "nothing-to-ask",
            (*path, "addresses"),
            f"no configuration set of {identity.key} has a dedicated_pool, so that its mail leaves from addresses that "
            "SES shares among accounts: unless the account's default pool has some, there is none to ask for",
            "Name a dedicated_pool, or servers of your own, or remove addresses",
        )


def _same_set_names(found: list[Identity], site: Site) -> Iterator[Finding]:
    first: dict[str, Stream] = {}
    for identity in found:
        if not identity.entry.managed:
            continue
        for stream in streams(identity, site.prefix, found):
            former = first.setdefault(stream.name.lower(), stream)
            if former is not stream and former.identity.name != identity.name:
                yield error(
                    "same-set-name",
                    (*stream.path, "name"),
                    f"{former.identity.key} has a configuration set of the name {stream.name} already",
                    "Write another name",
                )


def _inbound(section: Section, site: Site) -> Iterator[Finding]:
    rules = inbound_rules(section)
    if not rules:
        return
    if section.account.receipt_rule_set is None:
        yield error(
            "inbound-without-rule-set",
            (*rules[0][0].path, "inbound"),
            "a region has one active receipt rule set, and the declaration does not say which one to use",
            "Write account: {email: {receipt_rule_set: own}} to make one and make it the active one, or name the "
            "existing one there",
        )
    if site.region not in ses.INBOUND_REGIONS:
        yield warning(
            "inbound-region",
            (*rules[0][0].path, "inbound"),
            f"SES did not receive mail in {site.region} as of {ses.INBOUND_REGIONS_AS_OF}",
            "Look at https://docs.aws.amazon.com/general/latest/gr/ses.html, or receive in one of "
            + ", ".join(sorted(ses.INBOUND_REGIONS)),
        )
    for identity, key, rule in rules:
        yield from _of_rule(identity, key, rule)
    yield from _same_rule_names(rules)


def _of_rule(identity: Identity, key: str, rule: InboundRule) -> Iterator[Finding]:
    for index, recipient in enumerate(rule.recipients):
        domain = domain_of(recipient) if is_address(recipient) else recipient.removeprefix(".")
        if not is_within(domain, identity.name):
            yield error(
                "recipient-outside",
                (*identity.path, "inbound", key, "recipients", index),
                f"{recipient} does not belong to {identity.key}",
                f"Write the rule under {domain}",
            )
    if rule.keep and rule.to.bucket:
        yield error(
            "keep-elsewhere",
            (*identity.path, "inbound", key, "keep"),
            f"the lifecycle of the bucket {rule.to.bucket} belongs to whoever made it",
            "Remove keep, or remove bucket to get one of our own",
        )


def _same_rule_names(rules: list[tuple[Identity, str, InboundRule]]) -> Iterator[Finding]:
    first: dict[str, Path] = {}
    for identity, key, _ in rules:
        path = (*identity.path, "inbound", key)
        if first.setdefault(rule_name(identity, key), path) != path:
            yield error(
                "same-rule-name", path, f"another rule is called {rule_name(identity, key)} too", "Rename one of them"
            )
