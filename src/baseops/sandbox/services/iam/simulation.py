"""SimulatePrincipalPolicy and SimulateCustomPolicy, decided by our own evaluation of policies.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
A resource's policy counts only where the request brings it; for roles AWS takes none.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from baseops.sandbox.access.identities import Identities, parsed
from baseops.sandbox.service import Members, ServiceError, calling, extend, opened
from baseops.semantics.policies import Context, Decision, Policies, Principal, Request, evaluate

_TYPES = {
    "identity": "IAM Policy",
    "resource": "Resource Policy",
    "boundary": "IAM Permissions Boundary Policy",
}


def simulate_principal_policy(
    backend: Any,  # moto's, which carries no types
    policy_source_arn: str,
    action_names: list[str],
    policy_input_list: list[str] | None = None,
    permissions_boundary_policy_input_list: list[str] | None = None,
    **request: Any,
) -> Members:
    """Decisions for a user or role, with the policies it has and those given beside."""
    known = Identities()
    known.begin()
    identity = known.at(policy_source_arn, opened().clock.now())
    if identity is None:
        raise ServiceError(f"The entity {policy_source_arn} cannot be found.", code="NoSuchEntity", status=404)
    if request.get("resource_policy") and ":role/" in policy_source_arn:
        raise ServiceError("Resource policies cannot be simulated for a role.", code="InvalidInput", status=400)
    policies = _with(identity.policies(), policy_input_list, permissions_boundary_policy_input_list)
    principal = Principal.parse(policy_source_arn, unique_id=identity.unique_id)
    return _results(principal, policies, action_names, **request)


def simulate_custom_policy(
    backend: Any,
    policy_input_list: list[str],
    action_names: list[str],
    permissions_boundary_policy_input_list: list[str] | None = None,
    **request: Any,
) -> Members:
    """Decisions for somebody who has just these policies."""
    account = calling().account_id
    caller = str(request.get("caller_arn") or f"arn:aws:iam::{account}:user/simulated")
    policies = _with(Policies(), policy_input_list, permissions_boundary_policy_input_list)
    return _results(Principal.parse(caller), policies, action_names, **request)


def _with(policies: Policies, documents: list[str] | None, boundaries: list[str] | None) -> Policies:
    given = tuple(parsed(each, f"PolicyInputList.{place}") for place, each in enumerate(documents or [], 1))
    boundary = parsed(boundaries[0], "PermissionsBoundaryPolicyInputList.1") if boundaries else policies.boundary
    return replace(policies, identity=(*policies.identity, *given), boundary=boundary)


def _results(principal: Principal, policies: Policies, actions: list[str], **request: Any) -> Members:
    keys = Context({each["ContextKeyName"]: each["ContextKeyValues"] for each in request.get("context_entries") or []})
    owner = str(request.get("resource_owner") or "")
    owner = owner.split(":")[4] if owner.startswith("arn:") else owner
    if request.get("resource_policy"):
        policies = replace(policies, resource=parsed(request["resource_policy"], "ResourcePolicy"))
    found = []
    for action in actions:
        for resource in request.get("resource_arns") or ["*"]:
            decision = evaluate(Request(principal, action, resource, keys, owner), policies)
            found.append(_result(action, resource, decision))
    return {"EvaluationResults": found, "IsTruncated": False}


def _result(action: str, resource: str, decision: Decision) -> Members:
    word = "allowed" if decision.allowed else "explicitDeny" if decision.is_explicit_deny else "implicitDeny"
    return {
        "EvalActionName": action,
        "EvalResourceName": resource,
        "EvalDecision": word,
        "MatchedStatements": [
            {"SourcePolicyId": reason.policy, "SourcePolicyType": _TYPES.get(reason.kind, "none")}
            for reason in decision.reasons
            if reason.policy
        ],
        "MissingContextValues": [],
    }


extend("iam", "SimulatePrincipalPolicy", simulate_principal_policy)
extend("iam", "SimulateCustomPolicy", simulate_custom_policy)
