"""Attempts to send, evaluated as IAM would over what is known; what a request would bring along besides is not.

Pure: an address, an endpoint or a second factor that decides leaves it open whether somebody may send.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import IntEnum

from baseops.areas.email.identities import Identity
from baseops.areas.email.permissions import ACTIONS
from baseops.aws.principals import Somebody
from baseops.semantics.mail.addresses import fold, is_within
from baseops.semantics.policies import Context, Doubt, Request, Statement, evaluate

RECIPIENT = "customer@example.com"
"""Somebody who is no simulator: drills may write to that."""
_FROM = "ses:fromaddress"
_SET = ":configuration-set/"
# Keys whose values are known, or known to be absent, for a request of a user or role of the account itself.
_KNOWN = (
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalisawsservice",
    "aws:principaltype",
    "aws:requestedregion",
    "aws:resourceaccount",
    "aws:securetransport",
    "aws:username",
    "ses:fromaddress",
    "ses:recipients",
)
_TAGS = "aws:principaltag/"


class May(IntEnum):
    """Whether somebody may."""

    NEVER = 0
    PERHAPS = 1
    SURELY = 2


@dataclass(frozen=True)
class Mail:
    """An attempt to send in a region: under which address, from which identity, through one of which sets."""

    address: str
    region: str
    identity_arn: str
    set_arns: tuple[str, ...]

    def may_be_sent_by(self, who: Somebody) -> May:
        """Whether IAM lets the principal do it in any way, whichever way the doubt goes."""
        known = _KNOWN if who.may_bring_tags else (*_KNOWN, _TAGS)

        def is_open(key: str) -> bool:
            return not key.startswith(known)

        if not self._may(who, Doubt(is_open, "Allow")):
            return May.NEVER
        return May.SURELY if self._may(who, Doubt(is_open, "Deny")) else May.PERHAPS

    def through_sets_of(self, who: Somebody) -> Mail:
        """The same through the sets as well that the principal's own policies name: it may name another one."""
        named = (one for each in _allowing(who) for one in each.resources if _SET in one)
        return replace(self, set_arns=tuple(dict.fromkeys([*self.set_arns, *map(_an_example, named)])))

    def _may(self, who: Somebody, doubt: Doubt) -> bool:
        values = {"ses:FromAddress": self.address, "ses:Recipients": [RECIPIENT], "aws:RequestedRegion": self.region}
        context = Context({**values, "aws:SecureTransport": "true", **who.tags}, doubt)

        def allows(action: str, resource: str) -> bool:
            return evaluate(Request(who.principal, action, resource, context), who.policies).allowed

        return any(
            allows(action, self.identity_arn) and any(allows(action, each) for each in self.set_arns)
            for action in ACTIONS
        )


def addresses_named_by(who: Somebody, identity: Identity) -> Iterator[str]:
    """Addresses of the identity that a principal's own policies name: leave for one alone shows by trying that one."""
    conditions = [each for statement in _allowing(who) for each in statement.condition.values()]
    patterns = [one for each in conditions for key, names in each.items() if key.lower() == _FROM for one in names]
    for pattern in patterns:
        local, at, domain = pattern.rpartition("@")
        domain = identity.domain if "*" in domain else _an_example(domain)
        if at and is_within(domain, identity.domain):
            yield fold(f"{_an_example(local)}@{domain}")


def _allowing(who: Somebody) -> list[Statement]:
    return [each for policy in who.policies.identity for each in policy.statements if each.effect == "Allow"]


def _an_example(pattern: str) -> str:
    return pattern.replace("*", "x").replace("?", "x")
