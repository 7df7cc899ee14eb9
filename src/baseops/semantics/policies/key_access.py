"""Decides whether a KMS key may be used: by its key policy, by IAM policies that it lets in, or by a grant.

https://docs.aws.amazon.com/kms/latest/developerguide/policy-evaluation.html
https://docs.aws.amazon.com/kms/latest/developerguide/grants.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from baseops.semantics.policies.document import Policy, Request
from baseops.semantics.policies.evaluation import Decision, Policies, Reason, evaluate
from baseops.semantics.policies.principals import Principal

_CONTEXT = "kms:encryptioncontext:"
# Operations that take no encryption context, so that a constraint does not reach them.
_WITHOUT_CONTEXT = {"CreateGrant", "DescribeKey", "GetPublicKey", "RetireGrant", "Sign", "Verify", "GenerateMac"}


@dataclass(frozen=True)
class Grant:
    """A grant as ListGrants gives it. `grantee` is an ARN or a service's name.

    With `context_equals` the encryption context must be that; with `context_subset` it must contain that.
    """

    grantee: str
    operations: frozenset[str]
    context_equals: Mapping[str, str] | None = None
    context_subset: Mapping[str, str] = field(default_factory=dict)
    id: str = "grant"

    def allows(self, request: Request) -> bool:
        """Whether the grant lets the request through; grants have no wildcards."""
        operation = request.action.partition(":")[2]
        principal = request.principal
        if operation not in self.operations or not self._is_given_to(principal):
            return False
        return operation in _WITHOUT_CONTEXT or self._has_context(encryption_context(request))

    def _is_given_to(self, principal: Principal) -> bool:
        if self.grantee in {*principal.chain, principal.arn}:
            return True
        # A role stands for any session of it, and a grant may name one session; sessions' ARNs hold no path.
        _, partition, *_ = f"{principal.arn}:".split(":")
        session = f"arn:{partition}:sts::{principal.account}:assumed-role/{principal.arn.rpartition('/')[2]}/"
        return principal.kind == "role" and self.grantee.startswith(session)

    def _has_context(self, context: Mapping[str, str]) -> bool:
        if self.context_equals is not None:
            wanted = {key.lower(): value for key, value in self.context_equals.items()}
            return dict(context) == wanted
        return all(context.get(key.lower()) == value for key, value in self.context_subset.items())


def encryption_context(request: Request) -> dict[str, str]:
    """The encryption context of a request, from its keys `kms:EncryptionContext:…`; names in lower case."""
    return {
        key.removeprefix(_CONTEXT): values[0] for key, values in request.context.items() if key.startswith(_CONTEXT)
    }


def evaluate_key(request: Request, policies: Policies, key_policy: Policy, grants: Iterable[Grant] = ()) -> Decision:
    """Decide for an action on a key.

    IAM policies count only where the key policy names the account. A grant needs neither, but no grant
    overrides a Deny or what an organisation refuses.
    """
    decision = evaluate(request, replace(policies, resource=key_policy), needs_resource_policy=True)
    refused = any(reason.kind in {"service control", "resource control"} for reason in decision.reasons)
    if decision.allowed or decision.is_explicit_deny or refused:
        return decision
    grant = next((grant for grant in grants if grant.allows(request)), None)
    return Decision(True, (Reason("allow", "grant", grant.id, grant.id),)) if grant else decision
