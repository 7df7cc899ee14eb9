"""The drill of blocklists: each declared one, asked by DNS for the addresses that mail leaves from and for its domain.

A list counts as asked only where its test entries answer as they must: a dead list, a taken-over zone and a name
server that the list refuses all say "not listed" too. For the same reason `ses:GetBlacklistReports` is not asked: its
empty answer does not say whether anybody has looked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from baseops.areas.email.identities import Identity, default_stream, streams
from baseops.areas.email.lookups import Lookups
from baseops.areas.email.naming import aliased, target_of
from baseops.areas.email.reading import configuration_set, dedicated_addresses, identity_state
from baseops.contract.drill import DrillContext, Evidence, inconclusive, proven, refuted
from baseops.semantics.mail import blocklists
from baseops.semantics.mail.blocklists import TRIALS, Kind

DEFAULT_POOL = "ses-default-dedicated-pool"
"""Mail through a configuration set without a pool leaves from here, where the account has dedicated addresses.

https://docs.aws.amazon.com/ses/latest/dg/managing-ip-pools.html
"""

# Any: botocore's answers.


def asking(found: Sequence[Identity]) -> list[Identity]:
    """The identities that name blocklists."""
    return [each for each in found if each.entry.promise.blocklists.zones]


def ask_blocklists(found: Sequence[Identity], ctx: DrillContext) -> Iterator[Evidence]:
    """Each list of each identity.

    AWS calls: ses:GetDedicatedIps, ses:GetConfigurationSet, and ses:GetEmailIdentity where it is not managed.
    """
    lookups = Lookups(ctx.resolver)
    pools: dict[str, list[str]] | None = None
    managed = [each for each in found if each.entry.managed]
    for identity in asking(found):
        declared, target = identity.entry.promise.blocklists, target_of(identity, ctx)
        subjects: dict[str, list[str]] = {zone: [] for zone in declared.zones}
        if declared.addresses:
            pools = dedicated_addresses(ctx.clients) if pools is None else pools
            with aliased(identity, ctx):
                used = _pools_of(identity, managed, ctx)
            addresses = [one for pool in used for one in pools.get(pool, ())] + declared.servers
            empty = [pool for pool in used if pool != DEFAULT_POOL and not pools.get(pool)]
            if empty:
                reason = f"SES has given no addresses yet to {', '.join(empty)}"
                yield inconclusive(f"{target}/addresses", reason)
            elif not addresses:
                why = "its mail leaves from addresses that SES shares among accounts and looks after itself"
                yield inconclusive(f"{target}/addresses", f"there is no address to ask for: {why}")
            for zone in declared.addresses:
                subjects[zone] += addresses
        for zone in declared.domains:
            subjects[zone] += dict.fromkeys(each for each in (identity.domain, identity.mail_from) if each)
        for zone, asked in subjects.items():
            if asked:
                ctx.steps.add(f"asked {zone} for {len(asked)} addresses and domains of {target}")
                yield _asked(f"{target}/{zone}", zone, asked, lookups)


def _pools_of(identity: Identity, managed: list[Identity], ctx: DrillContext) -> list[str]:
    """The pools behind the identity's configuration sets, as they are."""
    if identity.entry.managed:
        own = streams(identity, ctx.site.prefix, managed) or [default_stream(identity, ctx.site.prefix, managed)]
        names = [each.name for each in own]
    else:
        state = identity_state(ctx.clients, identity) or {}
        names = [str(state.get("ConfigurationSetName", ""))]
    live = [(configuration_set(ctx.clients, name) if name else None) or {} for name in names]
    return list(dict.fromkeys(map(_pool, live)))


def _pool(live: Mapping[str, Any]) -> str:
    return str(live.get("DeliveryOptions", {}).get("SendingPoolName") or DEFAULT_POOL)


def _asked(place: str, zone: str, subjects: Sequence[str], lookups: Lookups) -> Evidence:
    listed, doubts = [], []
    for kind in dict.fromkeys(map(blocklists.kind_of, subjects)):
        doubt = _doubt(zone, kind, lookups)
        if doubt:
            doubts.append(doubt)
            continue
        for subject in subjects:
            if blocklists.kind_of(subject) != kind:
                continue
            found, silence = _answer(subject, zone, lookups)
            if found.listed:
                listed.append(f"{subject} ({', '.join(found.listed)})")
            elif silence or found.refused:
                doubts.append(f"of {subject} it says nothing: {silence or ', '.join(found.refused)}")
    measures = {"asked": float(len(subjects)), "listed": float(len(listed))}
    if listed:
        return refuted(place, f"it lists {', '.join(listed)}: ask its operator to remove them", measures=measures)
    if doubts:
        return inconclusive(place, "; ".join(doubts), measures=measures)
    return proven(place, f"its test entries answer, and it lists none of {len(subjects)}", measures=measures)


def _doubt(zone: str, kind: Kind, lookups: Lookups) -> str:
    """Why what the list says of such subjects means nothing; empty where its test entries are as they must be."""
    listed, unlisted = TRIALS[kind]
    found, silence = _answer(listed, zone, lookups)
    if silence:
        return f"nobody answered for its test entry {listed}: {silence}"
    if found.refused:
        return f"it does not answer this name server ({', '.join(found.refused)}): ask by another one, with --dns"
    if not found.listed:
        return f"its test entry {listed} is not there: nobody keeps it, or not for {kind}"
    other, silence = _answer(unlisted, zone, lookups)
    if other.listed or other.refused:
        return f"it lists even {unlisted}, which no list may: it answers for everything"
    return f"nobody answered for its test entry {unlisted}: {silence}" if silence else ""


def _answer(subject: str, zone: str, lookups: Lookups) -> tuple[blocklists.Answer, str]:
    """What the list says, or why nobody answered."""
    name = blocklists.question(subject, zone)
    lookups.ask([(name, "A")])
    return blocklists.read(lookups.zone().get(name, "A")), lookups.silent.get(name, "")
