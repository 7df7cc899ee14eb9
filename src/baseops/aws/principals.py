"""Every user and role of an account with the policies that apply to it, from GetAccountAuthorizationDetails.

Of policies only the statements are kept that speak of the actions asked for: accounts have ten thousand principals,
and hardly any statement is about what is asked. What an organisation adds is not among them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from baseops.aws.errors import translated
from baseops.contract.clients import Clients
from baseops.semantics.policies import Policies, Policy, Principal

PAGE = 1000
"""The most that a page may hold; the default of 100 would be a hundred calls in a large account."""
_SERVICE_LINKED = "/aws-service-role/"

# Any: botocore's answers.
Details = Mapping[str, Any]
Reader = Callable[[Any, str], Policy]
"""Reads a document under its name."""


@dataclass(frozen=True)
class Somebody:
    """A user or role: who it is, and its policies without those of any resource or organisation.

    `tags` are the condition keys of its tags; `may_bring_tags` says that sessions of it may come with more of them.
    """

    arn: str
    name: str
    principal: Principal
    policies: Policies
    tags: Mapping[str, str] = field(default_factory=dict)
    may_bring_tags: bool = False

    @property
    def is_role(self) -> bool:
        """Whether it is a role, of which a declaration may speak."""
        return self.principal.kind == "role"

    @property
    def is_service_linked(self) -> bool:
        """Whether a service of AWS made it for itself; no policy of an organisation reaches such a role."""
        return _SERVICE_LINKED in self.arn


def everybody(clients: Clients, actions: Collection[str]) -> list[Somebody]:
    """All users and roles. AWS call: iam:GetAccountAuthorizationDetails, all pages."""
    details: dict[str, list[Details]] = {kind: [] for kind in _KINDS}
    pages = clients.client("iam").get_paginator("get_account_authorization_details")
    with translated("cannot read the account's users, roles and policies"):
        for page in pages.paginate(PaginationConfig={"PageSize": PAGE}):
            for kind, listed in details.items():
                listed.extend(page.get(kind, []))
    return list(_People(details, actions))


_KINDS = ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")


class _People:
    """Reads the details, each managed policy and group once."""

    def __init__(self, details: Mapping[str, list[Details]], actions: Collection[str]) -> None:
        self._details = details
        self._actions = tuple(actions)
        self._managed = {each["Arn"]: self._default_version(each) for each in details["Policies"]}
        self._groups = {
            each["GroupName"]: tuple(self._own(each, "GroupPolicyList")) for each in details["GroupDetailList"]
        }

    def __iter__(self) -> Iterator[Somebody]:
        for user in self._details["UserDetailList"]:
            groups = [policy for name in user.get("GroupList", []) for policy in self._groups.get(name, ())]
            yield self._somebody(user, "User", [*self._own(user, "UserPolicyList"), *groups])
        for role in self._details["RoleDetailList"]:
            yield self._somebody(role, "Role", list(self._own(role, "RolePolicyList")))

    def _somebody(self, who: Details, kind: str, found: list[Policy]) -> Somebody:
        boundary = who.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
        return Somebody(
            arn=str(who["Arn"]),
            name=str(who[f"{kind}Name"]),
            principal=Principal.parse(str(who["Arn"]), unique_id=who[f"{kind}Id"]),
            # A boundary that is not among the policies allows nothing, as one that was deleted would.
            policies=Policies(
                identity=tuple(policy for policy in found if policy.statements),
                boundary=self._managed.get(boundary, Policy(boundary, ())) if boundary else None,
            ),
            tags={f"aws:PrincipalTag/{each['Key']}": each["Value"] for each in who.get("Tags", [])},
            may_bring_tags="sts:TagSession" in unquote(str(who.get("AssumeRolePolicyDocument", ""))),
        )

    def _own(self, who: Details, inline: str) -> Iterator[Policy]:
        for each in who.get(inline, []):
            yield self._read(each["PolicyDocument"], str(each["PolicyName"]))
        for each in who.get("AttachedManagedPolicies", []):
            if each["PolicyArn"] in self._managed:
                yield self._managed[each["PolicyArn"]]

    def _default_version(self, policy: Details) -> Policy:
        current = [each["Document"] for each in policy.get("PolicyVersionList", []) if each["IsDefaultVersion"]]
        return self._read(current[0] if current else {}, str(policy["Arn"]).rpartition("/")[2])

    def _read(self, document: Any, name: str) -> Policy:
        return Policy.parse(as_document(document), name).about(self._actions)


def as_document(value: Any) -> Details:
    """A policy document, which AWS gives as JSON, quoted for a URL, or read already."""
    if isinstance(value, str):
        parsed: Details = json.loads(unquote(value))
        return parsed
    return dict(value)
