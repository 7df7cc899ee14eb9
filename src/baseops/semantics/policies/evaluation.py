"""Decides whether AWS allows a request, from all policies that apply to it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
It evaluates what it is given: which policies apply (service control policies do not reach the management account
or service-linked roles) is the caller's knowledge.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from baseops.semantics.policies.document import Policy, Request, Statement
from baseops.semantics.policies.patterns import Context
from baseops.semantics.policies.principals import Named

Level = tuple[Policy, ...]


@dataclass(frozen=True)
class Policies:
    """The policies that apply. None means that there is no such policy, an empty tuple that it allows nothing.

    `service_control` and `resource_control` have one entry for each level of the organisation (root, units,
    account), and each level has to allow. `session` are the policies passed when the session was made.
    """

    identity: Level = ()
    resource: Policy | None = None
    boundary: Policy | None = None
    session: Level | None = None
    service_control: tuple[Level, ...] = ()
    resource_control: tuple[Level, ...] = ()

    @property
    def named(self) -> Iterator[tuple[str, Policy]]:
        """Every policy with its type."""
        yield from (("identity", one) for one in self.identity)
        yield from (("resource", one) for one in (self.resource,) if one)
        yield from (("boundary", one) for one in (self.boundary,) if one)
        yield from (("session", one) for one in self.session or ())
        yield from (("service control", one) for level in self.service_control for one in level)
        yield from (("resource control", one) for level in self.resource_control for one in level)


@dataclass(frozen=True)
class Reason:
    """One statement that decided, or a type of policy in which no statement allows (`policy` is then empty)."""

    effect: Literal["allow", "deny", "missing"]
    kind: str
    policy: str = ""
    statement: str = ""

    def __str__(self) -> str:
        """In words."""
        if self.effect == "missing":
            return f"no {self.kind} policy allows it"
        if not self.policy:
            return f"allowed to the {self.kind}"
        verb = "allowed" if self.effect == "allow" else "denied"
        return f"{verb} by {self.kind} policy {self.policy}, statement {self.statement}"


@dataclass(frozen=True)
class Decision:
    """Whether a request is allowed, and the statements that decided it."""

    allowed: bool
    reasons: tuple[Reason, ...]

    @property
    def is_explicit_deny(self) -> bool:
        """Whether a Deny statement decided, so that no further Allow can help."""
        return any(reason.effect == "deny" for reason in self.reasons)


def evaluate(request: Request, policies: Policies, *, needs_resource_policy: bool = False) -> Decision:
    """Decide. `needs_resource_policy` is true of KMS keys and role trust, where identity policies alone never do."""
    matcher = _Matcher(request, policies)
    denials = tuple(matcher.denials())
    if denials:
        return Decision(False, denials)
    organisation = [matcher.level("resource control", level) for level in policies.resource_control]
    if request.principal.account:
        organisation += [matcher.level("service control", level) for level in policies.service_control]
    missing = tuple(reason for reason in organisation if reason.effect == "missing")
    if missing:
        return Decision(False, missing)
    if not request.principal.account:
        return matcher.decision([matcher.resource()])
    if request.principal.account != request.owner:
        return matcher.decision([matcher.resource(), *matcher.own_account()])
    return _within_account(matcher, needs_resource_policy=needs_resource_policy)


def _within_account(matcher: _Matcher, *, needs_resource_policy: bool) -> Decision:
    """The union of identity and resource policies, as far as the way of naming reaches."""
    named = matcher.resource_names()
    if named is Named.ITSELF:
        return matcher.decision([matcher.resource()])
    if named is Named.ROLE:
        return matcher.decision([matcher.resource(), *matcher.limits()])
    needed = matcher.own_account()
    return matcher.decision([matcher.resource(), *needed] if needs_resource_policy else needed)


class _Matcher:
    """Looks for the statements of one request, once for each type of policy."""

    def __init__(self, request: Request, policies: Policies) -> None:
        self._request = request
        self._context: Context = request.full_context
        self._policies = policies

    def denials(self) -> Iterator[Reason]:
        for kind, policy in self._policies.named:
            for statement in self._speaking(policy, "Deny", by_name=kind == "resource"):
                yield Reason("deny", kind, statement.policy, statement.sid)

    def level(self, kind: str, policies: Iterable[Policy]) -> Reason:
        """The first statement of one type that allows, or that none does."""
        for policy in policies:
            for statement in self._speaking(policy, "Allow", by_name=False):
                return Reason("allow", kind, statement.policy, statement.sid)
        return Reason("missing", kind)

    def resource(self) -> Reason:
        """The statement of the resource's policy that names the principal most closely."""
        statements = self._resource_statements()
        if not statements:
            return Reason("missing", "resource")
        return Reason("allow", "resource", statements[0][1].policy, statements[0][1].sid)

    def resource_names(self) -> Named | None:
        """How the resource's policy names the principal in a statement that allows."""
        statements = self._resource_statements()
        return statements[0][0] if statements else None

    def own_account(self) -> list[Reason]:
        """What the principal's own account has to allow: identity policies within their limits."""
        if self._request.principal.kind == "root":
            return [Reason("allow", "account root")]
        return [self.level("identity", self._policies.identity), *self.limits()]

    def limits(self) -> list[Reason]:
        """Permissions boundary and session policies."""
        limits: list[Reason] = []
        if self._policies.boundary is not None:
            limits.append(self.level("boundary", [self._policies.boundary]))
        if self._policies.session is not None:
            limits.append(self.level("session", self._policies.session))
        return limits

    def decision(self, reasons: Sequence[Reason]) -> Decision:
        """Allowed when nothing is missing; then the reasons are the statements that allow."""
        missing = tuple(reason for reason in reasons if reason.effect == "missing")
        return Decision(not missing, missing or tuple(reasons))

    def _resource_statements(self) -> list[tuple[Named, Statement]]:
        policy = self._policies.resource
        found = [] if policy is None else list(self._speaking(policy, "Allow", by_name=True))
        order = list(Named)
        named = [(how, one) for one in found if (how := one.names(self._request.principal))]
        return sorted(named, key=lambda pair: order.index(pair[0]))

    def _speaking(self, policy: Policy, effect: str, *, by_name: bool) -> Iterator[Statement]:
        for statement in policy.statements:
            if statement.effect != effect or not statement.speaks_of(self._request, self._context):
                continue
            if not by_name or statement.names(self._request.principal):
                yield statement
