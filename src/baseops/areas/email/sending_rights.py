"""The drill of senders: who of the whole account may send under which From address, by its policies evaluated.

What an organisation forbids besides is not asked: it could only make fewer senders of those found here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from baseops.areas.email.delegation import identity_policies
from baseops.areas.email.identities import Identity, default_stream, streams
from baseops.areas.email.naming import named, target_of
from baseops.areas.email.permissions import ACTIONS, example
from baseops.areas.email.reading import identity_state
from baseops.areas.email.senders import covers, senders
from baseops.aws.principals import Somebody, everybody
from baseops.contract.drill import DrillContext, Evidence, proven, refuted
from baseops.contract.site import Site
from baseops.semantics.partitions import partition_of
from baseops.semantics.policies import Context, Policy, Request, evaluate
from baseops.semantics.roles import role_of

RECIPIENT = "customer@example.com"
"""Somebody who is no simulator: drills may write to that."""
SHOWN = 5


@dataclass(frozen=True)
class Mail:
    """An attempt to send: under which address, from which identity, through one of which sets."""

    address: str
    identity_arn: str
    set_arns: tuple[str, ...]

    def may_be_sent_by(self, who: Somebody) -> bool:
        """Whether IAM lets the principal do it in any way."""
        return any(
            self._allows(who, action, self.identity_arn)
            and any(self._allows(who, action, each) for each in self.set_arns)
            for action in ACTIONS
        )

    def _allows(self, who: Somebody, action: str, resource: str) -> bool:
        context = Context(
            {"ses:FromAddress": self.address, "ses:Recipients": [RECIPIENT], "aws:SecureTransport": "true", **who.tags}
        )
        return evaluate(Request(who.principal, action, resource, context), who.policies).allowed


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
    refused = []
    for sender in senders(identity, ctx.site):
        role = roles.get(sender.name)
        if sender.account:
            continue
        if role is None:
            refused.append(f"there is no role {sender.name}")
            continue
        mails = [_mail(example(each), identity, managed, ctx) for each in sender.patterns]
        lacking = sum(not each.may_be_sent_by(role) for each in mails)
        if lacking:
            refused.append(f"{sender.name} may not send under {lacking} of its {len(mails)} addresses")
    if refused:
        return refuted(place, "; ".join(refused), method="evaluated")
    return proven(place, "every declared role may send under its addresses", method="evaluated")


def _others(
    place: str, identity: Identity, managed: list[Identity], people: Sequence[Somebody], ctx: DrillContext
) -> Evidence:
    """Nobody else, no sender under another's address; declared administrators are left out, and so are AWS's roles."""
    own = [each for each in senders(identity, ctx.site) if not each.account]
    spared = {role_of(each, ctx.site.accounts).name for each in identity.entry.administrators}
    patterns = [pattern for each in own for pattern in each.patterns]
    addresses = dict.fromkeys([*map(example, patterns), example(f"*@{identity.domain}")])
    found = []
    for who in people:
        if who.is_service_linked or (who.is_role and who.name in spared) or not who.policies.identity:
            continue
        may = tuple(pattern for each in own if who.is_role and each.name == who.name for pattern in each.patterns)
        wrong = [each for each in addresses if not covers(may, each)]
        if any(_mail(each, identity, managed, ctx).may_be_sent_by(who) for each in wrong):
            found.append(named(who.name, ctx))
    measures = {"principals": len(people)}
    if found:
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        reason = f"{', '.join(found[:SHOWN])}{more} may send under addresses that are not declared for them"
        return refuted(place, reason, method="evaluated", measures=measures)
    return proven(place, "nobody else may send", method="evaluated", measures=measures)


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
    return Mail(
        address, f"{prefix}identity/{identity.name}", tuple(f"{prefix}configuration-set/{each.name}" for each in sets)
    )
