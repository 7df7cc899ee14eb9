"""Judges what DNS has of an identity beside what SES and receivers look for; pure.

Nothing that it says quotes a TXT record: DMARC records hold addresses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from baseops.areas.email.identities import Identity
from baseops.areas.email.records import Signing, inbound_records
from baseops.semantics.mail import dkim, dmarc, ses, spf
from baseops.semantics.mail.addresses import domain_of, is_within
from baseops.semantics.mail.dns import Record, Zone

_STRENGTH = {policy: strength for strength, policy in enumerate(dmarc.POLICIES)}


@dataclass(frozen=True)
class Judged:
    """One kind of record: why it is not as it should be, which names nobody answered for, and what to say else."""

    part: str
    problems: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    said: str = ""


def judge_dkim(identity: Identity, signing: Signing, zone: Zone) -> Judged:
    """The keys by which receivers check SES's signatures, and by which SES verifies the domain."""
    own = identity.entry.dkim.own_key
    if own:
        record = ses.own_key_record(identity.name, own.selector, own.public_key)
        problems = [*_differences([record], zone), *_weak_keys(record, zone)]
        return _judged("dkim", [record], problems, zone, "the key of the declaration is in DNS")
    if signing.is_external:
        records = [ses.own_key_record(identity.name, each, "") for each in signing.tokens]
        missing = [f"{each.name} is missing" for each in records if not _texts(each.name, zone)]
        weak = [one for each in records for one in _weak_keys(each, zone)]
        return _judged("dkim", records, [*missing, *weak], zone, "a key of somebody's own is in DNS")
    if not signing.tokens:
        return Judged("dkim", ("SES has given no DKIM tokens: nothing is signed",))
    records = ses.dkim_records(identity.name, signing.tokens, signing.zone)
    said = f"the {len(records)} CNAMEs lead to SES's keys"
    return _judged("dkim", records, _differences(records, zone), zone, said)


def judge_mail_from(mail_from: str, region: str, identity: Identity, zone: Zone) -> Judged:
    """The one MX record by which bounces come back to SES; with a second one SES gives the domain up.

    https://docs.aws.amazon.com/ses/latest/dg/mail-from.html
    """
    records = ses.mail_from_records(mail_from, region, identity.name)[:1]
    return _judged("mail-from", records, _differences(records, zone), zone, f"bounces of {mail_from} go to SES")


def judge_spf(mail_from: str, identity: Identity, zone: Zone) -> Judged:
    """The SPF record of the MAIL FROM domain: one, which lets SES send within ten look-ups and is no laxer."""
    if zone.is_unknown(mail_from):
        return Judged("spf", silent=(mail_from,))
    found = spf.follow(mail_from, zone)
    problems = list(found.problems)
    if sum(map(spf.is_spf, _texts(mail_from, zone))) == 1:
        problems += _spf_problems(mail_from, found, identity)
    silent = tuple(each for each in found.unknown if zone.is_unknown(each) or "%" in each)
    problems += [f"it includes {each}, which has no SPF record" for each in found.unknown if each not in silent]
    said = f"SES may send for {mail_from}, with {found.lookups} look-ups"
    return Judged("spf", tuple(problems), silent, said)


def _spf_problems(mail_from: str, found: spf.SpfResult, identity: Identity) -> Iterator[str]:
    if not found.permits_ses:
        yield f"the SPF record of {mail_from} does not include {spf.SES_INCLUDE}"
    own = spf.parse(found.record).all
    if own in ("+", "?"):
        yield f"the SPF record of {mail_from} ends with {own}all: it refuses nobody"
    elif identity.entry.spf == "fail" and own == "~":
        yield f"the SPF record of {mail_from} ends with ~all, declared is -all"


def judge_dmarc(identity: Identity, mail_from: str, zone: Zone) -> Judged:
    """The one policy that counts for the domain: as declared or stricter, and met by what SES sends."""
    names = [f"_dmarc.{each}" for each in _upwards(identity.name)]
    for name in names:
        if zone.is_unknown(name):
            return Judged("dmarc", silent=(name,))
        found = [text for text in zone.get(name, "TXT") if dmarc.is_dmarc(text)]
        if len(found) > 1:
            return Judged("dmarc", (f"{name} has {len(found)} DMARC records, and receivers take that for none",))
        if found:
            live, place = dmarc.parse(found[0]), name.removeprefix("_dmarc.")
            problems = [*live.problems, *_dmarc_problems(identity, mail_from, live, place)]
            said = f"the policy at {name} is {_policy(live, inherited=place != identity.name)}"
            return Judged("dmarc", tuple(_without_addresses(problems)), said=said)
    return Judged("dmarc", (f"there is no {names[0]}: receivers get no policy and send no reports",))


def judge_reports(identity: Identity, zone: Zone) -> Judged | None:
    """Whether other domains agree to get the reports; None where no report goes elsewhere.

    https://www.rfc-editor.org/rfc/rfc7489#section-7.1
    """
    found = dmarc.find(identity.name, zone)
    if not found:
        return None
    names = [f"{found[0]}._report._dmarc.{each}" for each in dmarc.reports_elsewhere(*found)]
    if not names:
        return None
    silent = tuple(each for each in names if zone.is_unknown(each))
    refused = [each for each in names if each not in silent and not any(map(dmarc.is_dmarc, zone.get(each, "TXT")))]
    problems = tuple(f"{each} is missing: reports are not sent there" for each in refused)
    return Judged("reports", problems, silent, "who gets the reports agrees to it")


def judge_inbound(identity: Identity, region: str, zone: Zone) -> Judged | None:
    """The MX records by which SES receives mail; None where none is declared."""
    records = inbound_records(identity, region)
    if not records:
        return None
    missing = [each for each in records if not zone.is_unknown(each.name) and not _receives(each, zone)]
    problems = [f"mail to {each.name} does not come to {ses.inbound_mx(region)}" for each in missing]
    return _judged("inbound", records, problems, zone, "SES receives the mail")


def _dmarc_problems(identity: Identity, mail_from: str, live: dmarc.Dmarc, place: str) -> Iterator[str]:
    declared = identity.dmarc
    policy = _policy(live, inherited=place != identity.name)
    if policy in _STRENGTH and _STRENGTH[policy] < _STRENGTH[declared.policy]:
        yield f"the DMARC policy is {policy}, declared is {declared.policy}"
    if live.percent < declared.percent and policy != "none":
        yield f"the DMARC policy holds for {live.percent} % of the mail, declared is {declared.percent} %"
    for kind, is_laxer in (
        ("DKIM", (declared.dkim_alignment, live.dkim_alignment) == ("strict", "relaxed")),
        ("SPF", (declared.spf_alignment, live.spf_alignment) == ("strict", "relaxed")),
    ):
        if is_laxer:
            yield f"the alignment of {kind} is relaxed, declared is strict"
    for domain in _unaligned(identity, mail_from, live):
        yield f"mail from {domain} aligns neither by DKIM nor by SPF: it fails DMARC"
    missing = [each for each in identity.entry.dmarc.rua if each not in live.rua]
    if missing:
        yield f"{len(missing)} of the {len(identity.entry.dmarc.rua)} declared addresses get no reports"


def _unaligned(identity: Identity, mail_from: str, live: dmarc.Dmarc) -> list[str]:
    """From domains of declared senders for which neither the signature's domain nor MAIL FROM counts."""
    patterns = [each for listed in identity.entry.senders.values() for each in listed]
    domains = dict.fromkeys([identity.name, *(domain_of(each) for each in patterns)])
    return [
        each
        for each in domains
        if is_within(each, identity.name)
        and not dmarc.is_aligned(each, identity.name, live.dkim_alignment)
        and not (mail_from and dmarc.is_aligned(each, mail_from, live.spf_alignment, identity.name))
    ]


def _policy(live: dmarc.Dmarc, *, inherited: bool) -> str:
    return (live.subdomain_policy if inherited else "") or live.policy


def _without_addresses(problems: Iterable[str]) -> list[str]:
    return [each if "@" not in each else "one of its addresses cannot be read" for each in problems]


def _judged(part: str, records: Sequence[Record], problems: Iterable[str], zone: Zone, said: str) -> Judged:
    silent = tuple(each.name for each in records if zone.is_unknown(each.name))
    return Judged(part, tuple(problems), silent, said)


def _differences(records: Sequence[Record], zone: Zone) -> Iterator[str]:
    for each in ses.compare(records, zone):
        name, kind = each.record.name, each.record.type
        if each.state == "missing":
            yield f"the {kind} record {name} is missing"
        elif each.state == "different" and kind == "TXT":
            yield f"the {kind} record {name} holds another value"
        elif each.state == "different":
            yield f"the {kind} record {name} is {', '.join(each.found)}, and SES looks for {each.record.values[0]}"


def _weak_keys(record: Record, zone: Zone) -> Iterator[str]:
    for text in _texts(record.name, zone):
        yield from (f"{record.name}: {problem}" for problem in dkim.parse(text).problems)


def _texts(name: str, zone: Zone) -> tuple[str, ...]:
    return zone.get(name, "TXT")


def _receives(record: Record, zone: Zone) -> bool:
    wanted = record.values[0].split()[-1]
    return wanted in [each.split()[-1].lower() for each in zone.get(record.name, "MX")]


def _upwards(domain: str) -> list[str]:
    labels = domain.split(".")
    return [".".join(labels[start:]) for start in range(len(labels) - 1)]
