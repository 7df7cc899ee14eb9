"""The drill of senders: who of the whole account may send under which From address, by its policies evaluated.

What an organisation forbids besides is not asked: it could only make fewer senders of those found here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from baseops.areas.email.attempts import Mail, May, addresses_named_by
from baseops.areas.email.delegation import identity_policies
from baseops.areas.email.identities import Identity, default_stream, streams
from baseops.areas.email.naming import named, target_of
from baseops.areas.email.permissions import ACTIONS, example
from baseops.areas.email.reading import identity_state
from baseops.areas.email.senders import covers, senders
from baseops.aws.principals import Somebody, everybody
from baseops.contract.drill import DrillContext, Evidence, inconclusive, proven, refuted
from baseops.contract.site import Site
from baseops.semantics.partitions import partition_of
from baseops.semantics.policies import Policy
from baseops.semantics.roles import role_of

SHOWN = 5


def declaring(found: Sequence[Identity], site: Site) -> list[Identity]:
    """The identities that say who sends."""
    return [each for each in found if each.entry.managed and any(not one.account for one in senders(each, site))]


def look_at_senders(found: Sequence[Identity], ctx: DrillContext) -> Iterator[Evidence]:
    """For each identity: its senders may send as declared, and nobody else may.

    AWS calls: ses:GetEmailIdentity, and see `everybody`.
    """
    people = everybody(ctx.clients, ACTIONS)
    managed = [each for each in found if each.entry.managed]
    for identity in declaring(found, ctx.site):
        target = target_of(identity, ctx)
        yield _declared(f"{target}/senders", identity, managed, people, ctx)
        yield _others(f"{target}/others", identity, managed, people, ctx)
        yield _opened(f"{target}/policies", identity, ctx)


def _declared(
    place: str, identity: Identity, managed: list[Identity], people: Sequence[Somebody], ctx: DrillContext
) -> Evidence:
    roles = {each.name: each for each in people if each.is_role}
    refused, doubtful = [], []
    for sender in senders(identity, ctx.site):
        role = roles.get(sender.name)
        if sender.account:
            continue
        if role is None:
            refused.append(f"there is no role {sender.name}")
            continue
        may = [_mail(example(each), identity, managed, ctx).may_be_sent_by(role) for each in sender.patterns]
        if May.NEVER in may:
            refused.append(f"{sender.name} may not send under {may.count(May.NEVER)} of its {len(may)} addresses")
        elif May.PERHAPS in may:
            doubtful.append(sender.name)
    if refused:
        return refuted(place, "; ".join(refused), method="evaluated")
    if doubtful:
        reason = f"it depends on where or how they ask whether these may send: {', '.join(doubtful)}"
        return inconclusive(place, reason, method="evaluated")
    return proven(place, "every declared role may send under its addresses, by its policies", method="evaluated")


def _others(
    place: str, identity: Identity, managed: list[Identity], people: Sequence[Somebody], ctx: DrillContext
) -> Evidence:
    """Nobody else, no sender under another's address; declared administrators are left out, and so are AWS's roles."""
    own = [each for each in senders(identity, ctx.site) if not each.account]
    spared = {role_of(each, ctx.site.accounts).name for each in identity.entry.administrators}
    patterns = [pattern for each in own for pattern in each.patterns]
    addresses = dict.fromkeys([*map(example, patterns), example(f"*@{identity.domain}")])
    found: list[str] = []
    doubtful: list[str] = []
    for who in people:
        if who.is_service_linked or (who.is_role and who.name in spared) or not who.policies.identity:
            continue
        may = tuple(pattern for each in own if who.is_role and each.name == who.name for pattern in each.patterns)
        asked = dict.fromkeys([*addresses, *addresses_named_by(who, identity)])
        wrong = [_mail(each, identity, managed, ctx) for each in asked if not covers(may, each)]
        most = max((each.through_sets_of(who).may_be_sent_by(who) for each in wrong), default=May.NEVER)
        if most is not May.NEVER:
            (found if most is May.SURELY else doubtful).append(named(who.name, ctx))
    measures = {"principals": len(people)}
    if found:
        reason = f"{_listed(found)} may send under addresses that are not declared for them"
        return refuted(place, reason, method="evaluated", measures=measures)
    if doubtful:
        reason = f"by conditions not known here, {_listed(doubtful)} may be able to send under others' addresses"
        return inconclusive(place, reason, method="evaluated", measures=measures)
    return proven(place, "nobody else may send", method="evaluated", measures=measures)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{', '.join(names[:SHOWN])}{more}"


def _opened(place: str, identity: Identity, ctx: DrillContext) -> Evidence:
    """The identity's own policies: such a one lets in whom no policy of a role or user knows of.

    https://docs.aws.amazon.com/ses/latest/dg/sending-authorization-policies.html
    """
    declared = {each.name for each in identity_policies([identity], ctx.site)}
    live: Mapping[str, str] = (identity_state(ctx.clients, identity) or {}).get("Policies") or {}
    opening = [
        name
        for name, text in sorted(live.items())
        if name not in declared
        if any(one.effect == "Allow" for one in Policy.parse(json.loads(text), name).about(ACTIONS).statements)
    ]
    if opening:
        reason = f"policies of the identity that are not declared let others send: {', '.join(opening[:SHOWN])}"
        return refuted(place, reason, method="evaluated")
    return proven(place, f"none of its {len(live)} policies lets anybody else send", method="evaluated")


def _mail(address: str, identity: Identity, managed: list[Identity], ctx: DrillContext) -> Mail:
    prefix = f"arn:{partition_of(ctx.site.region)}:ses:{ctx.site.region}:{ctx.account}:"
    sets = streams(identity, ctx.site.prefix, managed) or [default_stream(identity, ctx.site.prefix, managed)]
    names = tuple(f"{prefix}configuration-set/{each.name}" for each in sets)
    return Mail(address, ctx.site.region, f"{prefix}identity/{identity.name}", names)
