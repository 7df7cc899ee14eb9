"""The drill of settings: the account's standing with SES; identities and configuration sets as they are declared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from baseops.areas.email.identities import Identity, Stream, default_stream, streams
from baseops.areas.email.naming import ACCOUNT, aliased, target_of
from baseops.areas.email.reading import account_state, configuration_set, identity_state
from baseops.areas.email.sending import HTTPS_POLICIES, ON_MX_FAILURE
from baseops.areas.email.settings import settings
from baseops.contract.drill import DrillContext, Evidence, inconclusive, proven, refuted
from baseops.errors import NotFoundError

if TYPE_CHECKING:
    from baseops.areas.email.spec import Section

# Any: botocore's answers.


def look_at_settings(section: Section, found: list[Identity], ctx: DrillContext) -> Iterator[Evidence]:
    """The account, its claimed settings, then each identity with its configuration sets."""
    state = account_state(ctx.clients)
    yield _account(state)
    yield _quota(state, max(each.entry.promise.headroom for each in found))
    yield from _claims(section, ctx)
    managed = [each for each in found if each.entry.managed]
    for identity in found:
        target = target_of(identity, ctx)
        with aliased(identity, ctx):
            answer = identity_state(ctx.clients, identity)
        yield _verified(target, identity, answer)
        if answer is not None and identity.entry.managed:
            yield _as_declared(target, identity, answer, default_stream(identity, ctx.site.prefix, managed))
        for stream in streams(identity, ctx.site.prefix, managed) if identity.entry.managed else ():
            yield _set(f"{target}/{stream.name}", stream, configuration_set(ctx.clients, stream.name))


def _account(state: Mapping[str, Any]) -> Evidence:
    if not state.get("SendingEnabled", False):
        return refuted(ACCOUNT, "sending is paused for the account")
    if state.get("EnforcementStatus", "HEALTHY") != "HEALTHY":
        return refuted(ACCOUNT, f"the account's enforcement status is {state['EnforcementStatus']}")
    if not state.get("ProductionAccessEnabled", False):
        return refuted(ACCOUNT, "the account is in SES's sandbox: it sends to verified addresses only")
    return proven(ACCOUNT, "sending is enabled, with production access and in good standing")


def _quota(state: Mapping[str, Any], headroom: float) -> Evidence:
    """How much of the daily quota is left; -1 is no limit."""
    quota = state.get("SendQuota", {})
    limit, sent = float(quota.get("Max24HourSend", 0)), float(quota.get("SentLast24Hours", 0))
    target = f"{ACCOUNT}/quota"
    measures = {"sent_last_day": sent, "daily_quota": limit, "sends_per_second": float(quota.get("MaxSendRate", 0))}
    if limit >= 0 and sent > (1 - headroom) * limit:
        return refuted(target, f"less than {headroom:.0%} of the daily quota is left", measures=measures)
    return proven(target, measures=measures)


def _claims(section: Section, ctx: DrillContext) -> Iterator[Evidence]:
    """What is set beside the stacks: the account's suppression, the active rule set, policies of identities."""
    for setting in settings(section, ctx.refs):
        try:
            is_set = setting.read(ctx.clients) == setting.desired
        except NotFoundError:
            is_set = False  # the identity whose policy it is has gone
        if is_set:
            yield proven(setting.id)
        else:
            yield refuted(setting.id, "it is set otherwise than declared: baseops plan shows how")


def _verified(target: str, identity: Identity, state: Mapping[str, Any] | None) -> Evidence:
    if state is None:
        return refuted(target, "SES has no such identity")
    dkim = state.get("DkimAttributes", {})
    if _is_waiting(identity, state):
        return inconclusive(target, "SES waits for its DNS records, or for its link to be followed: baseops status")
    if not state.get("VerifiedForSendingStatus", False):
        return refuted(target, "it is not verified for sending")
    if not identity.is_address and (dkim.get("Status") != "SUCCESS" or not dkim.get("SigningEnabled", False)):
        return refuted(target, f"DKIM is {dkim.get('Status', 'NOT_STARTED')}, signing is {_switch(dkim)}")
    mail_from = state.get("MailFromAttributes", {})
    if identity.mail_from and mail_from.get("MailFromDomainStatus") != "SUCCESS":
        return refuted(target, f"the MAIL FROM domain is {mail_from.get('MailFromDomainStatus', 'not set')}")
    return proven(target, "verified for sending")


def _switch(dkim: Mapping[str, Any]) -> str:
    return "on" if dkim.get("SigningEnabled", False) else "off"


def _is_waiting(identity: Identity, state: Mapping[str, Any]) -> bool:
    """Whether what is missing has to come from outside, and SES still looks for it."""
    if identity.is_address:
        return not state.get("VerifiedForSendingStatus", False) and state.get("VerificationStatus") == "PENDING"
    waiting = [state.get("DkimAttributes", {}).get("Status")]
    if identity.mail_from:
        waiting.append(state.get("MailFromAttributes", {}).get("MailFromDomainStatus"))
    return "PENDING" in waiting and not {"FAILED", "TEMPORARY_FAILURE"} & set(waiting)


def _as_declared(target: str, identity: Identity, state: Mapping[str, Any], default: Stream) -> Evidence:
    """The identity's own settings; without its default configuration set, most events are published nowhere."""
    problems = list(_identity_problems(identity, state, default))
    place = f"{target}/identity"
    return refuted(place, "; ".join(problems)) if problems else proven(place, f"mail goes through {default.name}")


def _identity_problems(identity: Identity, state: Mapping[str, Any], default: Stream) -> Iterator[str]:
    live_set = state.get("ConfigurationSetName", "")
    if live_set != default.name:
        yield f"mail that names no configuration set goes through {live_set or 'none'}, declared is {default.name}"
    forwards = identity.entry.feedback_forwarding
    if forwards is not None and state.get("FeedbackForwardingStatus") is not forwards:
        yield f"feedback forwarding is {'off' if forwards else 'on'}"
    mail_from = state.get("MailFromAttributes", {})
    if identity.entry.mail_from and mail_from.get("MailFromDomain", "").lower() != identity.mail_from:
        yield f"the MAIL FROM domain is {mail_from.get('MailFromDomain') or 'not set'}"
    elif identity.entry.mail_from:
        wanted = ON_MX_FAILURE[identity.entry.mail_from.on_mx_failure]
        if mail_from.get("BehaviorOnMxFailure") != wanted:
            yield f"without MX record SES does {mail_from.get('BehaviorOnMxFailure')}, declared is {wanted}"


def _set(target: str, stream: Stream, live: Mapping[str, Any] | None) -> Evidence:
    if live is None:
        return refuted(target, "there is no such configuration set")
    problems = list(_set_problems(stream, live))
    return (
        refuted(target, "; ".join(problems)) if problems else proven(target, "suppression, TLS and rates as declared")
    )


def _set_problems(stream: Stream, live: Mapping[str, Any]) -> Iterator[str]:
    settings = stream.settings
    delivery, tracking = live.get("DeliveryOptions", {}), live.get("TrackingOptions", {})
    tls = delivery.get("TlsPolicy", "OPTIONAL")
    if tls != settings.tls.upper():
        yield f"TLS is {tls}, declared is {settings.tls.upper()}"
    if live.get("SendingOptions", {}).get("SendingEnabled", True) is not settings.sending:
        yield f"sending is {'paused' if settings.sending else 'on'}"
    if live.get("ReputationOptions", {}).get("ReputationMetricsEnabled", False) is not settings.reputation_metrics:
        yield f"reputation metrics are {'off' if settings.reputation_metrics else 'on'}"
    if (delivery.get("SendingPoolName") or None) != settings.dedicated_pool:
        yield f"the pool of addresses is {delivery.get('SendingPoolName') or 'the shared one'}"
    seconds = int(settings.max_delivery.total_seconds()) if settings.max_delivery else None
    if (delivery.get("MaxDeliverySeconds") or None) != seconds:
        yield f"SES tries for {delivery.get('MaxDeliverySeconds') or 'the usual number of'} seconds to deliver"
    domain, https = (settings.tracking.domain.lower(), settings.tracking.https) if settings.tracking else ("", "")
    if tracking.get("CustomRedirectDomain", "").lower() != domain:
        yield f"links lead through {tracking.get('CustomRedirectDomain') or 'a domain of Amazon'}"
    elif https and tracking.get("HttpsPolicy", "OPTIONAL") != HTTPS_POLICIES[https]:
        yield f"links are {tracking.get('HttpsPolicy', 'OPTIONAL')} by HTTPS"
    yield from _suppression(settings.suppression, live.get("SuppressionOptions"))


def _suppression(declared: list[Any] | None, options: Mapping[str, Any] | None) -> Iterator[str]:
    """None inherits what the account does; an empty list turns suppression off."""
    live = None if options is None else sorted(options.get("SuppressedReasons", []))
    if live != (None if declared is None else sorted(declared)):
        yield f"suppression is {_reasons(live)}, declared is {_reasons(declared)}"


def _reasons(reasons: list[Any] | None) -> str:
    return "inherited" if reasons is None else " and ".join(sorted(reasons)) or "off"
