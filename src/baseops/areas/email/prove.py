"""The drills of email. What is observed here sends nothing; addresses are known by their aliases alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from baseops.areas.email.identities import Identity, identities, streams
from baseops.areas.email.reading import account_state, identity_state
from baseops.aws.errors import translated
from baseops.contract.drill import Drill, DrillContext, Evidence, inconclusive, proven, refuted
from baseops.contract.refs import Refs
from baseops.errors import NotFoundError

if TYPE_CHECKING:
    from baseops.areas.email.spec import Section

ACCOUNT = "email"
"""The target of what holds for the whole account."""


def drills(section: Section, refs: Refs) -> Sequence[Drill]:  # noqa: ARG001  # the protocol's signature
    """The drills of the declared identities."""
    found = identities(section)
    if not found:
        return []
    return [
        Drill(
            name="email/settings",
            promise="the account may send, identities are verified, and events of their mails are published",
            targets=(ACCOUNT,),
            run=partial(_settings, found),
        )
    ]


def _settings(found: list[Identity], ctx: DrillContext) -> Iterator[Evidence]:
    yield _account(account_state(ctx.clients))
    for identity in found:
        target = f"{ACCOUNT}/{target_of(identity, ctx)}"
        yield _identity(target, identity, identity_state(ctx.clients, identity))
        if identity.entry.managed:
            yield from _events(target, identity, found, ctx)


def target_of(identity: Identity, ctx: DrillContext) -> str:
    """An identity as evidence names it: a domain by its name, an address by its alias."""
    return ctx.alias(identity.name) if identity.is_address else identity.name


def _account(state: Mapping[str, Any]) -> Evidence:
    if not state.get("SendingEnabled", False):
        return refuted(ACCOUNT, "sending is paused for the account")
    if state.get("EnforcementStatus", "HEALTHY") != "HEALTHY":
        return refuted(ACCOUNT, f"the account's enforcement status is {state['EnforcementStatus']}")
    if not state.get("ProductionAccessEnabled", False):
        return refuted(ACCOUNT, "the account is in SES's sandbox: it sends to verified addresses only")
    return proven(ACCOUNT, "sending is enabled, with production access and in good standing")


def _identity(target: str, identity: Identity, state: Mapping[str, Any] | None) -> Evidence:
    if state is None:
        return refuted(target, "SES has no such identity")
    dkim = state.get("DkimAttributes", {})
    if _is_waiting(identity, state):
        return inconclusive(target, "SES waits for its DNS records, or for its link to be followed: baseops status")
    if not state.get("VerifiedForSendingStatus", False):
        return refuted(target, "it is not verified for sending")
    if not identity.is_address and (dkim.get("Status") != "SUCCESS" or not dkim.get("SigningEnabled", False)):
        return refuted(target, f"DKIM is {dkim.get('Status', 'NOT_STARTED')}")
    mail_from = state.get("MailFromAttributes", {})
    if identity.mail_from and mail_from.get("MailFromDomainStatus") != "SUCCESS":
        return refuted(target, f"the MAIL FROM domain is {mail_from.get('MailFromDomainStatus', 'not set')}")
    return proven(target, "verified for sending")


def _is_waiting(identity: Identity, state: Mapping[str, Any]) -> bool:
    """Whether what is missing has to come from outside, and SES still looks for it."""
    if identity.is_address:
        return not state.get("VerifiedForSendingStatus", False) and state.get("VerificationStatus") == "PENDING"
    waiting = [state.get("DkimAttributes", {}).get("Status")]
    if identity.mail_from:
        waiting.append(state.get("MailFromAttributes", {}).get("MailFromDomainStatus"))
    return "PENDING" in waiting and not {"FAILED", "TEMPORARY_FAILURE"} & set(waiting)


def _events(target: str, identity: Identity, found: list[Identity], ctx: DrillContext) -> Iterator[Evidence]:
    managed = [each for each in found if each.entry.managed]
    for stream in streams(identity, ctx.site.prefix, managed):
        live = _destinations(ctx, stream.name)
        place = f"{target}/{stream.name}"
        if live is None:
            yield refuted(place, "there is no such configuration set")
        elif not any(each.get("Enabled", False) for each in live):
            yield refuted(place, "no event destination is enabled")
        elif any(not each.get("Enabled", False) for each in live):
            disabled = ", ".join(str(each["Name"]) for each in live if not each.get("Enabled", False))
            yield refuted(place, f"the event destinations {disabled} are disabled")
        elif not _tells_of_trouble(live):
            yield refuted(place, "bounces or complaints are published nowhere")
        else:
            yield proven(place, measures={"destinations": len(live)})
    if not streams(identity, ctx.site.prefix, managed) and identity.entry.managed:
        yield inconclusive(f"{target}/events", "no configuration set of its own is declared for it")


def _destinations(ctx: DrillContext, name: str) -> list[Mapping[str, Any]] | None:
    try:
        with translated(f"cannot read the event destinations of {name}"):
            answer = ctx.clients.client("sesv2").get_configuration_set_event_destinations(ConfigurationSetName=name)
    except NotFoundError:
        return None
    return list(answer.get("EventDestinations", []))


def _tells_of_trouble(live: list[Mapping[str, Any]]) -> bool:
    told = {kind for each in live for kind in each.get("MatchingEventTypes", [])}
    return {"BOUNCE", "COMPLAINT"} <= told
