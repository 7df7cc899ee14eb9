"""Managed nodes: running instances with an agent that may report. Which tags they have is EC2's to say.

The agent has to be on the root volume and running, its instance's profile has to allow it, and a security group has to
let it out to port 443. Routes and endpoints of the subnet are not looked at: the sandbox takes them to be there.

https://docs.aws.amazon.com/systems-manager/latest/userguide/managed_instances.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from baseops.sandbox.access.identities import Identities
from baseops.sandbox.moto_services import moto_backend
from baseops.sandbox.service import Members, ServiceError, extend, opened
from baseops.sandbox.services.ssm.machines import agent_runs
from baseops.semantics.policies import Context, Principal, Request, evaluate

# Any: moto's backend is untyped, members have AWS's shapes.

BOOT = timedelta(seconds=60)
"""An agent reports a while after its instance is running."""
HTTPS = 443
_PAGE = 50


@dataclass(frozen=True)
class Node:
    """One managed node."""

    id: str
    since: datetime
    address: str
    profile: str
    tags: Mapping[str, str] = field(default_factory=dict)


def nodes(account_id: str, region: str) -> list[Node]:
    """All managed nodes of an account and region."""
    clients, now = opened().clients_of(account_id), opened().clock.now()
    running = [{"Name": "instance-state-name", "Values": ["running"]}]
    pages = clients.client("ec2", region).get_paginator("describe_instances").paginate(Filters=running)
    found = [each for page in pages for group in page["Reservations"] for each in group["Instances"]]
    backend = moto_backend("ec2", account_id, region)
    reporting = _reporting(account_id, {each["IamInstanceProfile"]["Arn"] for each in found if _has_profile(each)})
    return [
        _node(each)
        for each in found
        if _has_profile(each)
        and each["IamInstanceProfile"]["Arn"] in reporting
        and now - each["LaunchTime"] >= BOOT
        and _is_let_out(backend, each)
        and agent_runs(backend, each["InstanceId"])
    ]


def _is_let_out(backend: Any, instance: Mapping[str, Any]) -> bool:
    """https://docs.aws.amazon.com/systems-manager/latest/userguide/setup-create-vpc.html: HTTPS to the endpoints."""
    groups = [backend.get_security_group_from_id(each["GroupId"]) for each in instance.get("SecurityGroups", ())]
    rules = [rule for group in groups if group for rule in group.egress_rules]
    return not groups or any(
        str(rule.ip_protocol) == "-1" or int(rule.from_port or 0) <= HTTPS <= int(rule.to_port or 0) for rule in rules
    )


def selected(known: Iterable[Node], targets: Iterable[Mapping[str, Any]], ids: Iterable[str] = ()) -> list[Node]:
    """Those that are named, or that fit every target (any of a target's values)."""
    wanted, named = list(targets), set(ids)
    return [node for node in known if node.id in named or (wanted and all(_fits(node, target) for target in wanted))]


def _fits(node: Node, target: Mapping[str, Any]) -> bool:
    key, values = str(target["Key"]), list(target["Values"])
    if key == "InstanceIds":
        return node.id in values or values == ["*"]
    if key.startswith("tag:"):
        return node.tags.get(key.removeprefix("tag:")) in values
    if key == "tag-key":
        return any(value in node.tags for value in values)
    raise ServiceError(f"The sandbox has no targets by {key}", code="InvalidTarget", status=400)


def describe_instance_information(
    backend: Any,
    instance_information_filter_list: list[Mapping[str, Any]] | None = None,
    filters: list[Mapping[str, Any]] | None = None,
    max_results: int = _PAGE,
    next_token: str | None = None,
) -> Members:
    """The managed nodes; in pages."""
    wanted = [(each["key"], each["valueSet"]) for each in instance_information_filter_list or ()]
    wanted += [(each["Key"], each["Values"]) for each in filters or ()]
    found = [
        node
        for node in nodes(backend.account_id, backend.region_name)
        if all(_passes(node, key, values) for key, values in wanted)
    ]
    start = int(next_token or 0)
    more = {"NextToken": str(start + max_results)} if start + max_results < len(found) else {}
    return {"InstanceInformationList": [_described(node) for node in found[start : start + max_results]], **more}


def _passes(node: Node, key: str, values: list[str]) -> bool:
    known = {"InstanceIds": node.id, "PingStatus": "Online", "PlatformTypes": "Linux", "ResourceType": "EC2Instance"}
    if key in known:
        return known[key] in values
    return _fits(node, {"Key": key, "Values": values})


def _described(node: Node) -> dict[str, Any]:
    return {
        "InstanceId": node.id,
        "PingStatus": "Online",
        "LastPingDateTime": opened().clock.now(),
        "AgentVersion": "3.3.1611.0",
        "IsLatestVersion": True,
        "PlatformType": "Linux",
        "PlatformName": "Amazon Linux",
        "PlatformVersion": "2023",
        "ResourceType": "EC2Instance",
        "IPAddress": node.address,
        "ComputerName": f"{node.id}.internal",
    }


def _node(instance: Mapping[str, Any]) -> Node:
    return Node(
        id=instance["InstanceId"],
        since=instance["LaunchTime"],
        address=instance.get("PrivateIpAddress", ""),
        profile=instance["IamInstanceProfile"]["Arn"],
        tags={tag["Key"]: tag["Value"] for tag in instance.get("Tags", ())},
    )


def _has_profile(instance: Mapping[str, Any]) -> bool:
    return bool(instance.get("IamInstanceProfile", {}).get("Arn"))


def _reporting(account_id: str, profiles: Iterable[str]) -> set[str]:
    """The profiles whose role may report to Systems Manager."""
    known = Identities()
    known.begin()
    return {arn for arn in profiles if any(_may_report(known, role) for role in _roles(account_id, arn))}


def _roles(account_id: str, profile: str) -> Iterator[str]:
    iam = opened().clients_of(account_id).client("iam")
    try:
        found = iam.get_instance_profile(InstanceProfileName=profile.rpartition("/")[2])["InstanceProfile"]
    except iam.exceptions.NoSuchEntityException:
        return
    yield from (role["Arn"] for role in found["Roles"])


def _may_report(known: Identities, role: str) -> bool:
    identity = known.at(role, opened().clock.now())
    if identity is None:
        return False
    request = Request(Principal.parse(role), "ssm:UpdateInstanceInformation", "*", Context())
    return evaluate(request, identity.policies()).allowed


extend("ssm", "DescribeInstanceInformation", describe_instance_information)
