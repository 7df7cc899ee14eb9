"""The drills of email. Addresses are known by their aliases alone; mail goes to SES's simulator and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from baseops.areas.email.blocklists import ask_blocklists, asking
from baseops.areas.email.dns_answers import look_up
from baseops.areas.email.feedback_path import follow_events
from baseops.areas.email.identities import Identity, Stream, identities
from baseops.areas.email.naming import ACCOUNT
from baseops.areas.email.pacing import Pace
from baseops.areas.email.ports import look_at_ports, with_instances
from baseops.areas.email.rate_alarms import look_at_alarms
from baseops.areas.email.round_trip import go_round
from baseops.areas.email.sending_rights import declaring, look_at_senders
from baseops.areas.email.simulated import MAX_ROUND_TRIPS, MAX_SUPPRESSED
from baseops.areas.email.stack import build
from baseops.areas.email.standing import look_at_settings
from baseops.areas.email.suppression import suppressing, try_suppression
from baseops.cloudformation.builder import StackBuilder
from baseops.contract.drill import Drill, DrillContext, Evidence
from baseops.contract.refs import Refs
from baseops.evidence.prices import cost

if TYPE_CHECKING:
    from baseops.areas.email.spec import Section

# Any: properties of a template.
_TRACES = ("its mails in SES's statistics, which leave bounce and complaint rates alone", "its calls in CloudTrail")


def drills(section: Section, refs: Refs) -> Sequence[Drill]:
    """The drills of the declared identities."""
    found = identities(section)
    domains = [each for each in found if not each.is_address]
    alarms = _declared_alarms(section, refs)
    listed = []
    pace = Pace()
    if found:
        listed += [_settings(section, found), _events(found)]
    declared = declaring(found, refs.site)
    if declared:
        listed.append(_senders(found, declared))
    if domains:
        listed.append(_dns(domains))
    listing = asking(found)
    if listing:
        listed.append(_blocklists(found, listing))
    promised = with_instances(found)
    if promised:
        listed.append(_ports(found, promised))
    if alarms:
        listed.append(_alarms(alarms))
    if domains:
        listed.append(_round_trip(domains, pace))
    promising = suppressing(section, refs.site.prefix, domains)
    if promising:
        listed.append(_suppression(section, promising, pace))
    return listed


def _settings(section: Section, found: list[Identity]) -> Drill:
    return Drill(
        name="email/settings",
        promise="the account may send, identities are verified, and both are set as declared",
        targets=(ACCOUNT,),
        run=partial(look_at_settings, section, found),
    )


def _events(found: list[Identity]) -> Drill:
    return Drill(
        name="email/events",
        promise="what becomes of mails is published: destinations, policies and keys let every event through",
        targets=(ACCOUNT,),
        run=partial(follow_events, found),
    )


def _senders(found: list[Identity], declared: list[Identity]) -> Drill:
    return Drill(
        name="email/senders",
        promise="declared roles may send under their addresses, and nobody else in the account may",
        targets=(ACCOUNT,) if any(each.is_address for each in declared) else _targets(declared),
        run=partial(look_at_senders, found),
    )


def _targets(domains: Sequence[Identity]) -> tuple[str, ...]:
    return tuple(f"{ACCOUNT}/{each.name}" for each in domains)


def _dns(domains: list[Identity]) -> Drill:
    return Drill(
        name="email/dns",
        promise="DKIM, SPF, DMARC and MAIL FROM are in DNS as SES and receivers look for them",
        targets=_targets(domains),
        run=partial(look_up, domains),
    )


def _ports(found: list[Identity], promised: list[Identity]) -> Drill:
    return Drill(
        name="email/port25",
        promise="groups and network ACLs let port 25 out of instances only where that is declared, and SES's port too",
        targets=(ACCOUNT,) if any(each.is_address for each in promised) else _targets(promised),
        run=partial(look_at_ports, found),
    )


def _blocklists(found: list[Identity], listing: list[Identity]) -> Drill:
    return Drill(
        name="email/blocklists",
        promise="no declared blocklist lists the sender's own addresses, or its domain",
        targets=(ACCOUNT,) if any(each.is_address for each in listing) else _targets(listing),
        run=partial(ask_blocklists, found),
        touches=("asks who keeps the declared blocklists, by DNS",),
    )


def _alarms(declared: Sequence[Mapping[str, Any]]) -> Drill:
    return Drill(
        name="email/alarms",
        promise="alarms on bounce and complaint rates and on unread events are as declared, and tell somebody",
        targets=(ACCOUNT,),
        run=partial(_watch, declared),
    )


def _round_trip(domains: list[Identity], pace: Pace) -> Drill:
    return Drill(
        name="email/roundtrip",
        promise="bounces, complaints and deliveries of mails come home within the promised time",
        targets=_targets(domains),
        run=partial(go_round, domains, pace),
        drill_class="exercise",
        touches=(
            f"a topic, a queue and a configuration set of its own; at most {MAX_ROUND_TRIPS} mails to SES's simulator",
        ),
        traces=_TRACES,
        cost_usd=cost("ses-mail", MAX_ROUND_TRIPS),
    )


def _suppression(section: Section, promising: list[Stream], pace: Pace) -> Drill:
    return Drill(
        name="email/suppression",
        promise="nothing is delivered to an address on the suppression list",
        targets=tuple(dict.fromkeys(f"{ACCOUNT}/{each.identity.name}" for each in promising)),
        run=partial(try_suppression, section, promising, pace),
        drill_class="exercise",
        touches=(
            "topics, queues and configuration sets of its own; an address of SES's simulator on the suppression list",
            f"at most {MAX_SUPPRESSED} mails to SES's simulator",
        ),
        traces=_TRACES,
        cost_usd=cost("ses-mail", MAX_SUPPRESSED),
    )


def _watch(declared: Sequence[Mapping[str, Any]], ctx: DrillContext) -> Iterator[Evidence]:
    return look_at_alarms(declared, ACCOUNT, ctx.value(ctx.refs.topic()), ctx)


def _declared_alarms(section: Section, refs: Refs) -> list[Mapping[str, Any]]:
    """The alarms as the area's own stack declares them."""
    stack = StackBuilder("email", refs.site)
    build(section, stack, refs)
    if stack.is_empty:
        return []
    templates, _ = stack.build(refs.lock)
    resources = [each for template in templates for each in _resources(template.body)]
    return [each["Properties"] for each in resources if each["Type"] == "AWS::CloudWatch::Alarm"]


def _resources(body: Mapping[str, Any]) -> list[Any]:
    return list(body["Resources"].values())
