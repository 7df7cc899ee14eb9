"""Whether an instance in the drill subnet can reach Systems Manager, and how little its security group must let out.

It looks; endpoints, routes and DNS are never made: private DNS of an endpoint redirects every host of its VPC.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from baseops.aws.errors import translated
from baseops.contract.drill import DrillContext
from baseops.errors import InconclusiveError, NotFoundError

# Any: what EC2 describes.
Described = Mapping[str, Any]

SERVICES = ("ssm", "ssmmessages")
"""What the agent cannot do without: https://docs.aws.amazon.com/systems-manager/latest/userguide/setup-create-vpc.html."""
_EVERYWHERE = "0.0.0.0/0"
_LEADS_OUT = ("NatGatewayId", "TransitGatewayId", "NetworkInterfaceId", "InstanceId", "CarrierGatewayId")


@dataclass(frozen=True)
class Way:
    """How an instance in a subnet reaches Systems Manager: by which addresses, and in words."""

    vpc: str
    subnet: str
    zone: str
    addresses: tuple[str, ...]
    by: str


def way_to_systems_manager(ctx: DrillContext) -> Way:
    """The way from the drill subnet; raises `InconclusiveError` where there is none.

    AWS calls: ec2:DescribeSubnets, DescribeVpcEndpoints, DescribeVpcs or DescribeRouteTables.
    """
    subnet_id = ctx.site.network.drill_subnet
    if subnet_id is None:
        raise InconclusiveError(
            "no instance was started",
            "the declaration names no drill subnet",
            "Write network: {drill_subnet: subnet-…}.",
        )
    ec2 = ctx.clients.client("ec2", ctx.site.region)
    subnet = _subnet(ec2, subnet_id)
    vpc, zone = str(subnet["VpcId"]), str(subnet["AvailabilityZone"])
    with translated(f"cannot look at the network of {subnet_id}"):
        missing = _missing_endpoints(ec2, vpc, ctx.site.region)
        if not missing:
            return Way(vpc, subnet_id, zone, _addresses(ec2, vpc), "endpoints of the VPC")
        gateway = _gateway(ec2, vpc, subnet)
    if gateway:
        return Way(vpc, subnet_id, zone, (_EVERYWHERE,), f"a route by {gateway}")
    raise InconclusiveError(
        f"no instance was started in {subnet_id}",
        f"it does not reach Systems Manager: {vpc} has no endpoint for {' and '.join(missing)}, no route leads out",
        "Give the subnet such endpoints or a NAT gateway, or name another one.",
    )


def _subnet(ec2: Any, subnet_id: str) -> Described:
    try:
        with translated(f"cannot look at the drill subnet {subnet_id}"):
            found: Described = ec2.describe_subnets(SubnetIds=[subnet_id])["Subnets"][0]
    except NotFoundError as error:
        raise InconclusiveError("no instance was started", f"there is no subnet {subnet_id}") from error
    return found


def _missing_endpoints(ec2: Any, vpc: str, region: str) -> list[str]:
    pages = ec2.get_paginator("describe_vpc_endpoints").paginate(Filters=[{"Name": "vpc-id", "Values": [vpc]}])
    there = {
        each["ServiceName"]
        for page in pages
        for each in page["VpcEndpoints"]
        if str(each.get("State", "")).lower() == "available"
    }
    return [each for each in SERVICES if f"com.amazonaws.{region}.{each}" not in there]


def _addresses(ec2: Any, vpc: str) -> tuple[str, ...]:
    (described,) = ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"]
    associated = [each["CidrBlock"] for each in described.get("CidrBlockAssociationSet", ())]
    return tuple(dict.fromkeys([described["CidrBlock"], *associated]))


def _gateway(ec2: Any, vpc: str, subnet: Described) -> str:
    """What the subnet's default route leads to; empty for none, or one that needs a public address it does not give."""
    for filters in (_is("association.subnet-id", subnet["SubnetId"]), _is("association.main", "true")):
        tables = ec2.describe_route_tables(Filters=[*_is("vpc-id", vpc), *filters])["RouteTables"]
        if tables:
            return _target(tables[0]["Routes"], has_public_address=bool(subnet.get("MapPublicIpOnLaunch")))
    return ""


def _target(routes: Sequence[Described], *, has_public_address: bool) -> str:
    for route in routes:
        if route.get("DestinationCidrBlock") == _EVERYWHERE and route.get("State", "active") == "active":
            found = next((str(route[key]) for key in _LEADS_OUT if route.get(key)), "")
            gateway = str(route.get("GatewayId") or "")
            return found or (gateway if has_public_address or not gateway.startswith("igw-") else "")
    return ""


def _is(name: str, value: str) -> list[dict[str, Any]]:
    return [{"Name": name, "Values": [value]}]
