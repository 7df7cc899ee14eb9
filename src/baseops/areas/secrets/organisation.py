"""What an organisation limits in an account: service and resource control policies, as far as they can be read.

A member account seldom may read them; then it is said, for what they refuse is not known.
https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from baseops.aws.errors import translated
from baseops.aws.principals import as_document
from baseops.contract.clients import Clients
from baseops.errors import AccessError, AwsError
from baseops.semantics.policies import Policy

Levels = tuple[tuple[Policy, ...], ...]
HOME = "us-east-1"
"""Organizations answers there alone; https://docs.aws.amazon.com/general/latest/gr/ao.html."""
_KINDS = ("SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY")
# Any: botocore's client.


@dataclass(frozen=True)
class Organisation:
    """The policies from the account up to the root. `id` is empty outside any organisation, `unread` says what is."""

    id: str = ""
    service_control: Levels = ()
    resource_control: Levels = ()
    unread: str = ""


def read(clients: Clients, account: str, actions: Collection[str]) -> Organisation:
    """The organisation of the account.

    AWS calls: organizations:DescribeOrganization, and where they are allowed ListParents, ListPoliciesForTarget and
    DescribePolicy.
    """
    client = clients.client("organizations", HOME)
    try:
        with translated("cannot find out whether the account is in an organisation"):
            found = client.describe_organization()["Organization"]
    except AwsError as error:
        if "NotInUse" not in error.code:
            raise
        return Organisation()
    identity = str(found["Id"])
    if found.get("MasterAccountId") == account:
        # https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html: not affected
        return Organisation(identity)
    try:
        with translated("cannot read the organisation's policies"):
            targets = list(_upwards(client, account))
            service, resource = (_levels(client, targets, kind, actions) for kind in _KINDS)
    except AccessError:
        return Organisation(identity, unread="service and resource control policies, which this account may not read")
    return Organisation(identity, service, resource)


def _upwards(client: Any, account: str) -> Iterator[str]:
    target = account
    while target:
        yield target
        parents = [] if target.startswith("r-") else client.list_parents(ChildId=target)["Parents"]
        target = str(parents[0]["Id"]) if parents else ""


def _levels(client: Any, targets: list[str], kind: str, actions: Collection[str]) -> Levels:
    """The policies of each level; a level without any is one of a kind that is not enabled."""
    levels = (_attached(client, target, kind, actions) for target in targets)
    return tuple(level for level in levels if level)


def _attached(client: Any, target: str, kind: str, actions: Collection[str]) -> tuple[Policy, ...]:
    pages = client.get_paginator("list_policies_for_target").paginate(TargetId=target, Filter=kind)
    listed = [each for page in pages for each in page["Policies"]]
    documents = [client.describe_policy(PolicyId=each["Id"])["Policy"]["Content"] for each in listed]
    return tuple(
        Policy.parse(as_document(document), str(each["Name"])).about(actions)
        for each, document in zip(listed, documents, strict=True)
    )
