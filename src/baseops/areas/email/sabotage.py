"""The breaks of email that show that its drills can fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from baseops.areas.email import breaks
from baseops.areas.email.blocklists import asking
from baseops.areas.email.breaks import Victim
from baseops.areas.email.identities import DEFAULT, identities, streams
from baseops.areas.email.ports import with_instances
from baseops.areas.email.sending_rights import declaring
from baseops.areas.email.suppression import promised
from baseops.contract.drill import Sabotage
from baseops.contract.sandbox_account import SandboxAccount
from baseops.contract.site import Site

if TYPE_CHECKING:
    from baseops.areas.email.spec import Section

Break = Callable[[SandboxAccount], None]


def sabotages(section: Section, site: Site) -> Sequence[Sabotage]:
    """The breaks that the drills of this section must notice; those of a domain at the first that has its all."""
    found = []
    if section.entries:
        found.append(_broken("sending-paused", "settings", "sending is paused", breaks.sending_paused))
        story = "the account may send to verified addresses only"
        found.append(_broken("production-access-lost", "settings", story, breaks.production_access_lost))
    if section.account.suppression:
        story = "the account suppresses nobody any more"
        found.append(_broken("account-suppression-off", "settings", story, breaks.account_suppression_off))
    victim = _victim(section, site)
    return [
        *found,
        *_of_blocklists(section, site),
        *_of_ports(section),
        *(_of_domain(section, victim) if victim else ()),
    ]


def _of_ports(section: Section) -> Iterator[Sabotage]:
    """Port 25 open where it must not be, or shut where it is needed; and the port for SES shut."""
    for identity in with_instances(identities(section))[:1]:
        declared = identity.entry.port25
        if declared is None or not declared.instances:
            continue
        if declared.needed:
            shut = partial(breaks.port_shut, tags=declared.instances, port=25)
            yield _broken("port25-shut", "port25", "a network ACL denies port 25", shut)
        else:
            opened = partial(breaks.port_opened, tags=declared.instances)
            yield _broken("port25-opened", "port25", "a security group lets port 25 out", opened)
        if declared.submission:
            shut = partial(breaks.port_shut, tags=declared.instances, port=declared.submission)
            yield _broken("submission-shut", "port25", "a network ACL denies the port by which SES takes mail", shut)


def _of_blocklists(section: Section, site: Site) -> Iterator[Sabotage]:
    """An address and a domain that lists take up; the first of each that can be on one."""
    found = asking(identities(section))
    managed = identities(section, managed_only=True)
    for identity in found:
        declared = identity.entry.promise.blocklists
        own = streams(identity, site.prefix, managed) if identity.entry.managed else []
        server = next(iter(declared.servers), "")
        pool = next((pool for each in own if (pool := each.settings.dedicated_pool)), "")
        if declared.addresses and (server or pool):
            break_ = partial(breaks.address_listed, blocklist=declared.addresses[0], server=server, pool=pool)
            yield _broken("address-listed", "blocklists", "a blocklist takes up an address of the sender", break_)
            break
    for identity in found:
        declared = identity.entry.promise.blocklists
        if declared.domains:
            break_ = partial(breaks.domain_listed, blocklist=declared.domains[0], domain=identity.domain)
            yield _broken("domain-listed", "blocklists", "a blocklist takes up the domain", break_)
            break


def _victim(section: Section, site: Site) -> Victim | None:
    """The first managed domain with a MAIL FROM domain, Easy DKIM, and a queue behind its default set."""
    managed = identities(section, managed_only=True)
    for identity in managed:
        default = next((each for each in streams(identity, site.prefix, managed) if each.key == DEFAULT), None)
        if default and default.has_queue and identity.mail_from and not identity.entry.dkim.own_key:
            return Victim(identity, default, site)
    return None


def _of_domain(section: Section, victim: Victim) -> Iterator[Sabotage]:
    for name, drill, story, break_ in (
        ("dkim-record-gone", "dns", "one of the three DKIM records is deleted", victim.dkim_record_gone),
        ("dmarc-doubled", "dns", "a second DMARC record is added", victim.dmarc_doubled),
        ("spf-without-ses", "dns", "the SPF of MAIL FROM no longer includes SES", victim.spf_without_ses),
        ("mail-from-mx-gone", "dns", "the MX of MAIL FROM is deleted", victim.mail_from_mx_gone),
        ("destination-disabled", "events", "the event destination is disabled", victim.destination_disabled),
        ("complaints-lost", "events", "complaints are published no more", victim.complaints_lost),
        ("subscription-deleted", "events", "the queue's subscription is deleted", victim.subscription_deleted),
        ("queue-policy-gone", "events", "the queue's policy is emptied", victim.queue_policy_gone),
        (
            "topic-of-another-account",
            "events",
            "the topic lets in SES of another account",
            victim.topic_of_another_account,
        ),
        ("topic-of-every-account", "events", "the topic lets in SES for everybody", victim.topic_of_every_account),
        ("key-forgets-ses", "events", "the key's policy no longer names SES", victim.key_forgets_ses),
        ("signing-off", "settings", "DKIM signing is switched off", victim.signing_off),
        ("default-set-removed", "settings", "the identity has no default set", victim.default_set_removed),
        ("bounces-lost", "roundtrip", "the key's policy no longer names SES", victim.key_forgets_ses),
        ("suppression-off", "settings", "the configuration set suppresses nobody", victim.suppression_off),
    ):
        yield _broken(name, drill, story, break_)
    story = "too many mails bounce, and SES puts the account under review"
    yield replace(_broken("under-review", "settings", story, victim.old_addresses_mailed), passes=timedelta(minutes=5))
    if declaring([victim.identity], victim.site):
        yield _broken("wrong-sender", "senders", "a role that is no sender gets all of SES", breaks.wrong_sender)
        yield _broken(
            "opened", "senders", "a policy of the identity lets another account send", victim.opened_to_an_account
        )
        yield _broken("sender-refused", "senders", "a sender loses its policies", victim.sender_refused)
    if promised(section, victim.stream):
        story = "the configuration set delivers to addresses on the list"
        yield _broken("suppression-ignored", "suppression", story, victim.suppression_off)
    if victim.stream.settings.alarms and victim.stream.settings.reputation_metrics:
        yield _broken("alarm-actions-off", "alarms", "the bounce alarm rings for nobody", victim.alarm_actions_off)


def _broken(name: str, drill: str, story: str, break_: Break) -> Sabotage:
    return Sabotage(f"email/{name}", f"email/{drill}", story, break_)
