"""Reads what stands between instances and the internet: their interfaces, security groups and network ACLs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from baseops.aws.errors import translated
from baseops.contract.clients import Clients
from baseops.errors import InconclusiveError
from baseops.semantics.egress import Addresses, answered_through_acl, out_by_groups, through_acl

# Any: botocore's clients and answers.
Found = Mapping[str, Any]


@dataclass(frozen=True)
class Interface:
    """A network interface of an instance, with what its groups and its subnet's ACL let out."""

    instance: str
    vpc: str
    groups: tuple[str, ...]
    rules: tuple[Found, ...]
    acl: tuple[Found, ...]
    prefix_lists: Mapping[str, Sequence[str]]

    def lets_out(self, port: int) -> Addresses:
        """To which addresses TCP leaves it for a port, and is answered."""
        by_acl = through_acl(self.acl, port, egress=True) & answered_through_acl(self.acl)
        return out_by_groups(self.rules, port, self.prefix_lists) & by_acl


def interfaces(clients: Clients, tags: Mapping[str, str]) -> list[Interface]:
    """Those of all running instances with the tags.

    AWS calls: ec2:DescribeInstances, DescribeSecurityGroups, DescribeNetworkAcls, GetManagedPrefixListEntries.
    """
    ec2 = clients.client("ec2")
    filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in tags.items()]
    filters.append({"Name": "instance-state-name", "Values": ["pending", "running"]})
    reservations = _all(ec2, "describe_instances", "Reservations", Filters=filters)
    instances = [each for group in reservations for each in group["Instances"]]
    found = [(each["InstanceId"], one) for each in instances for one in each.get("NetworkInterfaces", ())]
    groups = _groups(ec2, {each["GroupId"] for _, one in found for each in one["Groups"]})
    acls = _acls(ec2, {str(one["SubnetId"]) for _, one in found})
    lists = _prefix_lists(ec2, [rule for rules in groups.values() for rule in rules])
    return [
        Interface(
            instance,
            one["VpcId"],
            tuple(each["GroupId"] for each in one["Groups"]),
            tuple(rule for each in one["Groups"] for rule in _known(groups, each["GroupId"])),
            tuple(_known(acls, one["SubnetId"])),
            lists,
        )
        for instance, one in found
    ]


def private_endpoints(clients: Clients, service: str) -> set[str]:
    """The VPCs with an endpoint of their own under the service's name. AWS call: ec2:DescribeVpcEndpoints."""
    filters = [{"Name": "service-name", "Values": [service]}]
    found = _all(clients.client("ec2"), "describe_vpc_endpoints", "VpcEndpoints", Filters=filters)
    return {str(each["VpcId"]) for each in found if each.get("PrivateDnsEnabled", False)}


def _known(rules: Mapping[str, Sequence[Found]], name: str) -> Sequence[Found]:
    """Rules that cannot be seen (a shared VPC is its owner's) are not taken for none."""
    if name not in rules:
        raise InconclusiveError(
            "it is not known what the network lets out",
            f"the security group, or the network ACL of the subnet, {name} is not to be seen from this account",
            "Look with the account that owns the VPC",
        )
    return rules[name]


def _groups(ec2: Any, ids: set[str]) -> dict[str, Sequence[Found]]:
    filters = [{"Name": "group-id", "Values": sorted(ids)}]
    found = _all(ec2, "describe_security_groups", "SecurityGroups", Filters=filters) if ids else []
    return {each["GroupId"]: each["IpPermissionsEgress"] for each in found}


def _acls(ec2: Any, subnets: set[str]) -> dict[str, Sequence[Found]]:
    filters = [{"Name": "association.subnet-id", "Values": sorted(subnets)}]
    found = _all(ec2, "describe_network_acls", "NetworkAcls", Filters=filters) if subnets else []
    return {one["SubnetId"]: each["Entries"] for each in found for one in each["Associations"]}


def _prefix_lists(ec2: Any, rules: Iterable[Found]) -> dict[str, list[str]]:
    ids = {each["PrefixListId"] for rule in rules for each in rule.get("PrefixListIds", ())}
    return {
        one: [each["Cidr"] for each in _all(ec2, "get_managed_prefix_list_entries", "Entries", PrefixListId=one)]
        for one in sorted(ids)
    }


def _all(ec2: Any, operation: str, member: str, **arguments: Any) -> list[Any]:
    with translated("cannot read what the network lets out"):
        return [each for page in ec2.get_paginator(operation).paginate(**arguments) for each in page[member]]
