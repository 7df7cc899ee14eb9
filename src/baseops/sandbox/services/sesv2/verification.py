"""Looks for an identity's records in the account's own Route 53 zones, as SES looks in DNS: later, again, and again.

SES finds records within minutes to hours and gives up after 72 hours; what it found before and finds no longer is
a temporary failure, and after five days a failure
(https://docs.aws.amazon.com/ses/latest/dg/creating-identities.html#just-verify-domain-proc).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from baseops.sandbox.moto_services import moto_backend
from baseops.sandbox.services.sesv2.state import EmailIdentity
from baseops.semantics.mail import ses
from baseops.semantics.mail.dns import Record, Zone, zone_of

_OF_MAIL = ("CNAME", "MX", "TXT")
FIRST_LOOK = timedelta(minutes=5)
EARLY = timedelta(hours=1)
SOON = timedelta(minutes=15)
HOURLY = timedelta(hours=1)
DAILY = timedelta(days=1)
GIVES_UP_AFTER = timedelta(hours=ses.MAX_DKIM_WAIT_HOURS)
TOLERATES = timedelta(days=5)


def public_records(account_id: str) -> Zone:
    """What the world sees of mail: the records of these types in the account's public hosted zones."""
    zones = moto_backend("route53", account_id, "us-east-1").zones.values()
    sets = [each for zone in zones if not zone.private_zone for each in zone.rrsets if each.type in _OF_MAIL]
    return zone_of((each.name, each.type, list(each.records)) for each in sets)


def look(identity: EmailIdentity, region: str, zone: Zone, now: datetime) -> None:
    """One look: the identity's states become what SES would say of them at this time."""
    identity.last_checked = now
    found = ses.is_verified(_signing_records(identity), zone)
    identity.signing.status = _next(identity.signing.status, found=found, identity=identity, now=now)
    identity.status = identity.signing.status
    if found:
        identity.last_success, identity.missing_since = now, None
    mail_from = identity.mail_from
    if mail_from:
        mx = ses.mail_from_records(mail_from.domain, region, identity.domain)[:1]
        has_mx = ses.is_verified(mx, zone)
        mail_from.status = _next(mail_from.status, found=has_mx, identity=identity, now=now)


def pause(identity: EmailIdentity, now: datetime) -> timedelta:
    """How long until SES looks again."""
    waiting = identity.status == "PENDING" or (identity.mail_from and identity.mail_from.status == "PENDING")
    if not waiting:
        return DAILY
    return SOON if now - identity.created < EARLY else HOURLY


def keep_looking(
    identity: EmailIdentity,
    again: Callable[[timedelta, Callable[[], object]], object],
    look_now: Callable[[], None],
    is_there: Callable[[], bool],
    now: Callable[[], datetime],
) -> None:
    """Look for the first time after some minutes, then as often as `pause` says, for as long as it exists."""

    def one_look() -> None:
        if is_there():
            look_now()
            again(pause(identity, now()), one_look)

    again(FIRST_LOOK, one_look)


def _signing_records(identity: EmailIdentity) -> list[Record]:
    signing = identity.signing
    if signing.origin == "EXTERNAL":
        return [ses.own_key_record(identity.name, signing.selector, signing.public_key)]
    return ses.dkim_records(identity.name, signing.tokens)


def _next(status: str, *, found: bool, identity: EmailIdentity, now: datetime) -> str:
    if status == "FAILED":
        return status
    if found:
        return "SUCCESS"
    if status == "PENDING":
        return "FAILED" if now - identity.created >= GIVES_UP_AFTER else "PENDING"
    identity.missing_since = identity.missing_since or now
    return "FAILED" if now - identity.missing_since >= TOLERATES else "TEMPORARY_FAILURE"
