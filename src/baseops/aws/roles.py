"""Reads an IAM role as policies are evaluated: its trust, what its policies allow, its boundary. Only reads.

A role that is named is read by itself: the whole account's authorization details would be many pages.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from baseops.aws.errors import translated
from baseops.contract.clients import Clients
from baseops.semantics.policies import Context, Policies, Policy, Principal, Request, evaluate

# Any: botocore's clients and answers.

READ_ACTIONS = (
    "iam:GetPolicy",
    "iam:GetPolicyVersion",
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:ListRolePolicies",
)
"""What `read_role` needs to be allowed."""


@dataclass(frozen=True)
class RoleRights:
    """One role's trust and policies. Service and resource control policies are not among them."""

    arn: str
    trust: Policy
    policies: Policies

    def may(self, action: str, resource: str, context: Mapping[str, str] | None = None) -> bool:
        """Whether its own policies allow an action on a resource."""
        request = Request(Principal.parse(self.arn), action, resource, Context(context or {}))
        return evaluate(request, self.policies).allowed

    def trusts(self, service: str, context: Mapping[str, str] | None = None) -> bool:
        """Whether a service (`ssm.amazonaws.com`) may assume it."""
        request = Request(Principal.parse(service), "sts:AssumeRole", self.arn, Context(context or {}))
        return evaluate(request, Policies(resource=self.trust)).allowed


def read_role(clients: Clients, arn: str) -> RoleRights:
    """The role; raises `NotFoundError` where there is none."""
    iam, name = clients.client("iam"), arn.rpartition("/")[2]
    with translated(f"cannot read the role {name}"):
        role = iam.get_role(RoleName=name)["Role"]
        inline = [
            iam.get_role_policy(RoleName=name, PolicyName=each)["PolicyDocument"]
            for page in iam.get_paginator("list_role_policies").paginate(RoleName=name)
            for each in page["PolicyNames"]
        ]
        attached = [
            _managed(iam, each["PolicyArn"])
            for page in iam.get_paginator("list_attached_role_policies").paginate(RoleName=name)
            for each in page["AttachedPolicies"]
        ]
        boundary = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
        limit = _policy(_managed(iam, boundary), boundary) if boundary else None
    identity = tuple(_policy(each, f"{name}/{number}") for number, each in enumerate([*inline, *attached]))
    trust = _policy(role["AssumeRolePolicyDocument"], f"trust of {name}")
    return RoleRights(str(role["Arn"]), trust, Policies(identity=identity, boundary=limit))


def _managed(iam: Any, arn: str) -> Any:
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    return iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]


def _policy(document: Any, name: str) -> Policy:
    return Policy.parse(json.loads(unquote(document)) if isinstance(document, str) else document, name)
