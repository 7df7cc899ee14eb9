"""Every user and role of an account with the policies that apply to it, from GetAccountAuthorizationDetails.

Service control policies are not among them: who cannot read them evaluates without, and allows more than AWS does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from baseops.aws.errors import translated
from baseops.contract.clients import Clients
from baseops.semantics.policies import Policies, Policy, Principal

# Any: botocore's answers.


@dataclass(frozen=True)
class Somebody:
    """A user or role: who it is, and its policies without those of any resource."""

    arn: str
    name: str
    principal: Principal
    policies: Policies


def everybody(clients: Clients) -> list[Somebody]:
    """All users and roles. AWS call: iam:GetAccountAuthorizationDetails, all pages."""
    details: dict[str, list[Mapping[str, Any]]] = {
        "UserDetailList": [],
        "GroupDetailList": [],
        "RoleDetailList": [],
        "Policies": [],
    }
    with translated("cannot read the account's users, roles and policies"):
        for page in clients.client("iam").get_paginator("get_account_authorization_details").paginate():
            for kind, listed in details.items():
                listed.extend(page.get(kind, []))
    managed = {each["Arn"]: _default_version(each) for each in details["Policies"]}
    groups = {each["GroupName"]: each for each in details["GroupDetailList"]}
    return [
        *(_user(each, groups, managed) for each in details["UserDetailList"]),
        *(_role(each, managed) for each in details["RoleDetailList"]),
    ]


def _user(user: Mapping[str, Any], groups: Mapping[str, Mapping[str, Any]], managed: Mapping[str, Policy]) -> Somebody:
    found = [*_inline(user, "UserPolicyList"), *_attached(user, managed)]
    for name in user.get("GroupList", []):
        found += [*_inline(groups[name], "GroupPolicyList"), *_attached(groups[name], managed)]
    return _somebody(user, "UserName", user["UserId"], found, managed)


def _role(role: Mapping[str, Any], managed: Mapping[str, Policy]) -> Somebody:
    found = [*_inline(role, "RolePolicyList"), *_attached(role, managed)]
    return _somebody(role, "RoleName", role["RoleId"], found, managed)


def _somebody(
    who: Mapping[str, Any], name: str, unique_id: str, found: list[Policy], managed: Mapping[str, Policy]
) -> Somebody:
    boundary = who.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    return Somebody(
        arn=str(who["Arn"]),
        name=str(who[name]),
        principal=Principal.parse(str(who["Arn"]), unique_id=unique_id),
        # A boundary that is not among the policies allows nothing, as one that was deleted would.
        policies=Policies(
            identity=tuple(found),
            boundary=managed.get(boundary, Policy(boundary, ())) if boundary else None,
        ),
    )


def _inline(who: Mapping[str, Any], kind: str) -> Iterator[Policy]:
    for each in who.get(kind, []):
        yield Policy.parse(as_document(each["PolicyDocument"]), str(each["PolicyName"]))


def _attached(who: Mapping[str, Any], managed: Mapping[str, Policy]) -> Iterator[Policy]:
    for each in who.get("AttachedManagedPolicies", []):
        if each["PolicyArn"] in managed:
            yield managed[each["PolicyArn"]]


def _default_version(policy: Mapping[str, Any]) -> Policy:
    versions = policy.get("PolicyVersionList", [])
    current = [each["Document"] for each in versions if each["IsDefaultVersion"]]
    return Policy.parse(as_document(current[0]) if current else {}, str(policy["Arn"]).rpartition("/")[2])


def as_document(value: Any) -> Mapping[str, Any]:
    """A policy document, which AWS gives as JSON, quoted for a URL, or read already."""
    if isinstance(value, str):
        parsed: Mapping[str, Any] = json.loads(unquote(value))
        return parsed
    return dict(value)
