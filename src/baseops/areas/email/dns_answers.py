"""The drill that asks DNS: what SES expects of an identity is there, where receivers look for it."""

from __future__ import annotations

from collections.abc import Iterator

from baseops.areas.email import published
from baseops.areas.email.identities import Identity
from baseops.areas.email.lookups import Lookups, Question
from baseops.areas.email.naming import target_of
from baseops.areas.email.published import Judged
from baseops.areas.email.reading import identity_state
from baseops.areas.email.records import Signing, dkim_records, inbound_records
from baseops.contract.drill import DrillContext, Evidence, inconclusive, proven, refuted
from baseops.semantics.mail import dmarc


def look_up(domains: list[Identity], ctx: DrillContext) -> Iterator[Evidence]:
    """What DNS has of each domain. AWS call: ses:GetEmailIdentity, for the tokens."""
    for identity in domains:
        target = target_of(identity, ctx)
        answer = identity_state(ctx.clients, identity)
        if answer is None:
            yield refuted(target, "SES has no such identity, so nothing in DNS leads to it")
            continue
        signing = Signing.of(answer)
        mail_from = identity.mail_from or str(answer.get("MailFromAttributes", {}).get("MailFromDomain", "")).lower()
        lookups = Lookups(ctx.resolver)
        _ask(lookups, identity, signing, mail_from, ctx.site.region)
        zone = lookups.zone()
        ctx.steps.add(f"asked DNS for {len(zone.records)} record sets of {identity.name}")
        judged = [
            published.judge_dkim(identity, signing, zone),
            *([published.judge_mail_from(mail_from, ctx.site.region, identity, zone)] if mail_from else []),
            *([published.judge_spf(mail_from, identity, zone)] if mail_from else []),
            published.judge_dmarc(identity, mail_from, zone),
            published.judge_reports(identity, zone),
            published.judge_inbound(identity, ctx.site.region, zone),
        ]
        yield from (_evidence(target, each, lookups) for each in judged if each)


def _ask(lookups: Lookups, identity: Identity, signing: Signing, mail_from: str, region: str) -> None:
    lookups.ask(_signing_questions(identity, signing))
    if mail_from:
        lookups.ask([(mail_from, "MX")])
        lookups.ask_spf(mail_from)
    lookups.ask_dmarc(identity.name)
    found = dmarc.find(identity.name, lookups.zone())
    if found:
        lookups.ask((f"{found[0]}._report._dmarc.{each}", "TXT") for each in dmarc.reports_elsewhere(*found))
    lookups.ask((each.name, "MX") for each in inbound_records(identity, region))


def _signing_questions(identity: Identity, signing: Signing) -> list[Question]:
    if signing.is_external and not identity.entry.dkim.own_key:
        return [(f"{each}._domainkey.{identity.name}", "TXT") for each in signing.tokens]
    return [(each.name, each.type) for each in dkim_records(identity, signing)]


def _evidence(target: str, judged: Judged, lookups: Lookups) -> Evidence:
    place = f"{target}/{judged.part}"
    if judged.problems:
        return refuted(place, "; ".join(judged.problems))
    if judged.silent:
        why = "; ".join(dict.fromkeys(lookups.silent.get(each, "it depends on each mail") for each in judged.silent))
        return inconclusive(place, f"nobody answered for {', '.join(judged.silent)}: {why}")
    return proven(place, judged.said)
