"""Decides who may read a value: of the account's users and roles, and of those outside that its policies let in.

IAM's evaluation over what was read, with nothing asked of AWS. What a request would bring along (an address, an
endpoint, a second factor) is not known here: where that decides, the answer is *perhaps*.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import chain

from baseops.areas.secrets.keys import Key
from baseops.areas.secrets.organisation import Organisation
from baseops.areas.secrets.values import ACTIONS, Value, Way
from baseops.aws.principals import Somebody
from baseops.semantics.partitions import partition_of
from baseops.semantics.policies import (
    Context,
    Doubt,
    Named,
    Policies,
    Policy,
    Principal,
    Reading,
    Request,
    Statement,
    evaluate,
    evaluate_key,
)


class Can(IntEnum):
    """Whether somebody can."""

    NEVER = 0
    PERHAPS = 1
    SURELY = 2


# Keys whose values are known, or known to be absent, for a request of a user or role of the account itself.
_KNOWN = (
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalisawsservice",
    "aws:principaltype",
    "aws:requestedregion",
    "aws:requesttag/",
    "aws:resourceaccount",
    "aws:resourcetag/",
    "aws:securetransport",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:tagkeys",
    "aws:username",
    "kms:calleraccount",
    "kms:encryptioncontext",
    "kms:viaservice",
    "secretsmanager:resourcetag/",
    "secretsmanager:versionid",
    "secretsmanager:versionstage",
    "ssm:recursive",
    "ssm:resourcetag/",
)
_TAGS = "aws:principaltag/"
Decider = Callable[[Doubt], bool]


@dataclass(frozen=True)
class Judge:
    """Decides for values of one account and region."""

    account: str
    region: str
    organisation: Organisation

    def may_read(self, who: Somebody, ways: Iterable[Way], value: Value) -> Can:
        """By the surest of the ways."""
        found = Can.NEVER
        opened: dict[tuple[int, ...], Can] = {}
        for way in ways:
            # Many ways lead through the same door: a parameter has one key for ten of them.
            door = (id(way.encryption), *map(id, way.keys))
            if door not in opened:
                opened[door] = self._opens(who, way)
            if opened[door] > found and _has_chance(who, way.reading, value.policy):
                found = max(found, min(self._passes(who, way, value), opened[door]))
            if found is Can.SURELY:
                break
        return found

    def needs(self, who: Somebody, value: Value, *, every: bool) -> Can:
        """Whether a reader has what it needs: every way that an application reads by, or one of them."""
        found = [self.may_read(who, [way], value) for way in value.needed]
        return min(found) if every else max(found)

    def is_stopped_by_key(self, who: Somebody, value: Value) -> bool:
        """Whether IAM and the secret's own policy let somebody through, and the key does not."""
        return any(self._passes(who, way, value) and not self._opens(who, way) for way in value.needed)

    def outsiders(self, value: Value) -> dict[str, Can]:
        """Whom the secret's own policy, a key's or a grant lets in from outside, by the name that stands there."""
        found: dict[str, Can] = {}
        for way in value.ways:
            doors = [self._let_in(value.policy, way.reading, services=True)] if value.policy else []
            for key in way.keys:
                opening = Reading("kms:Decrypt", key.arn, way.encryption)
                doors += [self._let_in(key.policy, opening, services=False), self._granted(key)]
            for name, can in chain(*doors):
                found[name] = max(can, found.get(name, Can.NEVER))
        return found

    def _passes(self, who: Somebody, way: Way, value: Value) -> Can:
        reading = way.reading
        policies = replace(self._limited(who, reading.action), resource=value.policy)
        context = self._context(who, reading.context)

        def decide(doubt: Doubt) -> bool:
            request = Request(who.principal, reading.action, reading.resource, context.doubting(doubt))
            return evaluate(request, policies).allowed

        return _settled(decide, known=_known_of(who))

    def _opens(self, who: Somebody, way: Way) -> Can:
        return max((self._decrypts(who, key, way.encryption) for key in way.keys), default=Can.NEVER)

    def _decrypts(self, who: Somebody, key: Key, encryption: Context) -> Can:
        if not key.grants and not _has_chance(who, Reading("kms:Decrypt", key.arn), key.policy):
            return Can.NEVER
        policies = self._limited(who, "kms:Decrypt")
        context = self._context(who, encryption).over({"kms:CallerAccount": self.account})

        def decide(doubt: Doubt) -> bool:
            request = Request(who.principal, "kms:Decrypt", key.arn, context.doubting(doubt))
            return evaluate_key(request, policies, key.policy, key.grants).allowed

        return _settled(decide, known=_known_of(who))

    def _limited(self, who: Somebody, action: str) -> Policies:
        if who.is_service_linked:
            return who.policies
        # Parameter Store is not among the services that resource control policies reach.
        # https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html
        resource = () if action.startswith("ssm:") else self.organisation.resource_control
        return replace(who.policies, service_control=self.organisation.service_control, resource_control=resource)

    def _context(self, who: Somebody, context: Context) -> Context:
        known = {"aws:RequestedRegion": self.region, "aws:SecureTransport": "true", **who.tags}
        return context.over({**known, "aws:PrincipalOrgID": self.organisation.id})

    def _let_in(self, policy: Policy, reading: Reading, *, services: bool) -> Iterator[tuple[str, Can]]:
        names = {name for each in policy.statements for name in _outside(each, self.account)}
        for name in sorted(names):
            who = _outsider(name, self.region)
            if who.kind != "service" or services:
                can = self._door(who, policy, reading)
                # Who stands in a policy by name is let in on purpose, whatever else is asked of him.
                if can:
                    yield name, can if name == "*" else Can.SURELY

    def _door(self, who: Principal, policy: Policy, reading: Reading) -> Can:
        # What its own account allows is not for this account to know: it may allow everything.
        policies = Policies(identity=(_EVERYTHING,), resource=policy)
        caller = {"kms:CallerAccount": who.account, "aws:RequestedRegion": self.region, "aws:SecureTransport": "true"}
        context = reading.context.over(caller)

        def decide(doubt: Doubt) -> bool:
            request = Request(who, reading.action, reading.resource, context.doubting(doubt))
            return evaluate(request, policies, needs_resource_policy=True).allowed

        brought = ("aws:sourceaccount", "aws:sourcearn") if who.kind == "service" else ()
        return _settled(decide, known=lambda key: key.startswith(_KNOWN) and key not in brought)

    def _granted(self, key: Key) -> Iterator[tuple[str, Can]]:
        for grant in key.grants:
            if "Decrypt" in grant.operations and _account_of(grant.grantee) not in ("", self.account):
                yield grant.grantee, Can.SURELY


def _has_chance(who: Somebody, reading: Reading, own: Policy | None) -> bool:
    """Whether any statement could allow it; most of ten thousand principals are done with here."""
    for policy in who.policies.identity:
        for statement in policy.statements:
            if statement.effect == "Allow" and statement.may_concern(reading.action, reading.resource):
                return True
    return own is not None and any(
        statement.effect == "Allow" and statement.names(who.principal) in (Named.ITSELF, Named.ROLE)
        for statement in own.statements
    )


_EVERYTHING = Policy.parse({"Statement": {"Effect": "Allow", "Action": list(ACTIONS), "Resource": "*"}}, "its own")
_NOBODYS = "000000000000"
"""An account that nobody has."""


def _settled(decide: Decider, *, known: Callable[[str], bool]) -> Can:
    """What comes out whichever way the doubt goes."""

    def is_open(key: str) -> bool:
        return not known(key)

    if not decide(Doubt(is_open, "Allow")):
        return Can.NEVER
    return Can.SURELY if decide(Doubt(is_open, "Deny")) else Can.PERHAPS


def _known_of(who: Somebody) -> Callable[[str], bool]:
    known = _KNOWN if who.may_bring_tags else (*_KNOWN, _TAGS)
    return lambda key: key.startswith(known)


def _outside(statement: Statement, account: str) -> Iterator[str]:
    """The names in a statement that allows which stand for somebody outside the account; `*` for everybody."""
    if statement.effect != "Allow":
        return
    if statement.not_principal is not None:
        yield "*"
    for kind, names in (statement.principal or {}).items():
        for name in names:
            if kind == "Service" or name == "*" or (kind == "AWS" and _account_of(name) not in ("", account)):
                yield name


def _account_of(name: str) -> str:
    if name.isdigit():
        return name
    return name.split(":")[4] if name.startswith("arn:") else ""


def _outsider(name: str, region: str) -> Principal:
    partition = f"arn:{partition_of(region)}:iam::"
    if name == "*":
        return Principal.parse(f"{partition}{_NOBODYS}:role/anybody")
    return Principal.parse(f"{partition}{name}:root" if name.isdigit() else name)
