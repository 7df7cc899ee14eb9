"""IAM policy documents as frozen values, and whether a statement speaks of a request.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
It reads documents as IAM stores them: one value or a list, statements alone or in a list.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from baseops.semantics.policies.conditions import MalformedPolicyError, conditions_hold, parse_operator
from baseops.semantics.policies.patterns import Context, is_match
from baseops.semantics.policies.principals import Named, Principal, is_exempt, named_by

Names = tuple[str, ...]


@dataclass(frozen=True)
class Request:
    """Who asks to do what with which resource.

    `resource_account` is needed where the ARN does not hold it (S3); without either, the resource is taken to be
    the principal's own. Keys of `context` count without regard to case; those that follow from the principal
    are added.
    """

    principal: Principal
    action: str
    resource: str
    context: Context = field(default_factory=Context)
    resource_account: str = ""

    @property
    def owner(self) -> str:
        """The account that owns the resource."""
        parts = self.resource.split(":", 5)
        return self.resource_account or (parts[4] if len(parts) == 6 else "") or self.principal.account

    @property
    def full_context(self) -> Context:
        """The context with what follows from the principal and the resource."""
        return self.context.over({**self.principal.context, "aws:ResourceAccount": self.owner})


@dataclass(frozen=True)
class Statement:
    """One statement. Empty `actions` with `not_actions` is NotAction, and so on; `principal` None: no such element."""

    policy: str
    sid: str
    effect: Literal["Allow", "Deny"]
    actions: Names = ()
    not_actions: Names = ()
    resources: Names = ()
    not_resources: Names = ()
    principal: Mapping[str, Names] | None = None
    not_principal: Mapping[str, Names] | None = None
    condition: Mapping[str, Mapping[str, Names]] = field(default_factory=dict)
    has_variables: bool = True

    def speaks_of(self, request: Request, context: Context) -> bool:
        """Whether action, resource and conditions match; the principal is another question."""
        in_doubt = context.doubt is not None and context.doubt.favours == self.effect
        return (
            self.has_action(request.action)
            and self._has_resource(request.resource, context, in_doubt=in_doubt)
            and conditions_hold(self.condition, context, variables=self.has_variables, in_doubt=in_doubt)
        )

    def names(self, principal: Principal) -> Named | None:
        """How the statement of a resource's policy names a principal; NotPrincipal names everybody else."""
        if self.not_principal is None:
            return named_by(self.principal, principal) if self.principal is not None else None
        if self.effect == "Deny":
            return None if is_exempt(self.not_principal, principal) else Named.ITSELF
        return None if named_by(self.not_principal, principal) else Named.ITSELF

    def may_concern(self, action: str, resource: str) -> bool:
        """Whether action and resource could match, whatever stands in a variable; conditions are not looked at."""
        if not self.has_action(action):
            return False
        has_variable = self.has_variables and any("${" in one for one in (*self.resources, *self.not_resources))
        return has_variable or self._has_resource(resource, _NOTHING, in_doubt=True)

    def has_action(self, action: str) -> bool:
        """Whether the statement speaks of the action at all."""
        if self.not_actions:
            return not any(is_match(one, action, ignore_case=True) for one in self.not_actions)
        return any(is_match(one, action, ignore_case=True) for one in self.actions)

    def _has_resource(self, resource: str, context: Context, *, in_doubt: bool) -> bool:
        known = context if self.has_variables else None
        listed = self.not_resources or self.resources
        if known is not None and any(map(known.has_open_variable, listed)):
            return in_doubt
        if self.not_resources:
            return not any(is_match(one, resource, known) for one in self.not_resources)
        # A trust policy has no Resource element: it speaks of its own role.
        return not self.resources or any(is_match(one, resource, known) for one in self.resources)


@dataclass(frozen=True)
class Policy:
    """A policy document under the name that reasons give it."""

    name: str
    statements: tuple[Statement, ...]

    def about(self, actions: Collection[str]) -> Policy:
        """The policy without the statements that speak of none of the actions: it decides the same of these."""
        kept = tuple(one for one in self.statements if any(map(one.has_action, actions)))
        return self if len(kept) == len(self.statements) else Policy(self.name, kept)

    @classmethod
    def parse(cls, document: Mapping[str, Any], name: str) -> Policy:  # Any: JSON of IAM's own shape
        """Read a document; raises `MalformedPolicyError` where IAM would refuse it."""
        has_variables = document.get("Version", "2008-10-17") == "2012-10-17"
        statements = document.get("Statement", [])
        listed = [statements] if isinstance(statements, Mapping) else statements
        return cls(name, tuple(_statement(one, name, place, has_variables) for place, one in enumerate(listed)))


_NOTHING = Context()


def _statement(raw: Mapping[str, Any], policy: str, place: int, has_variables: bool) -> Statement:
    sid = str(raw.get("Sid") or f"#{place + 1}")
    effect = raw.get("Effect")
    if effect not in {"Allow", "Deny"}:
        raise MalformedPolicyError(f"{policy}, statement {sid}: Effect is Allow or Deny, not {effect}")
    if ("Action" in raw) == ("NotAction" in raw):
        raise MalformedPolicyError(f"{policy}, statement {sid}: one of Action and NotAction is needed")
    return Statement(
        policy=policy,
        sid=sid,
        effect=effect,
        actions=_listed(raw.get("Action")),
        not_actions=_listed(raw.get("NotAction")),
        resources=_listed(raw.get("Resource")),
        not_resources=_listed(raw.get("NotResource")),
        principal=_principal(raw.get("Principal")),
        not_principal=_principal(raw.get("NotPrincipal")),
        condition=_condition(raw.get("Condition") or {}),
        has_variables=has_variables,
    )


def _condition(raw: Mapping[str, Any]) -> dict[str, dict[str, Names]]:
    for operator in raw:
        parse_operator(operator)
    return {operator: {key: _listed(value) for key, value in keys.items()} for operator, keys in raw.items()}


def _principal(raw: Any) -> dict[str, Names] | None:  # Any: `*`, or a mapping to a name or names
    if raw is None:
        return None
    if raw == "*":
        return {"AWS": ("*",)}
    return {kind: _listed(names) for kind, names in raw.items()}


def _listed(value: Any) -> Names:  # Any: IAM takes one value or a list, and JSON numbers and booleans in conditions
    if value is None:
        return ()
    return tuple(_text(one) for one in value) if isinstance(value, (list, tuple)) else (_text(value),)


def _text(value: Any) -> str:  # Any: a JSON scalar
    return str(value).lower() if isinstance(value, bool) else str(value)
