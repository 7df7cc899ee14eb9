"""Whether a function in a network reaches Secrets Manager: subnets, security groups, endpoints and routes.

It reads the network and says what it finds; whether a packet passes is for the function's first run to show.
https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotation-network-rqmts.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from baseops.areas.secrets.wording import Path, error, warning
from baseops.aws.errors import translated
from baseops.contract.clients import Clients
from baseops.contract.finding import Finding
from baseops.errors import NotFoundError

if TYPE_CHECKING:
    from baseops.areas.secrets.spec import RotationNetwork

_WAYS_OUT = ("NatGatewayId", "TransitGatewayId", "NetworkInterfaceId", "InstanceId", "VpcPeeringConnectionId")
# Any: what EC2 describes.


def findings(path: Path, network: RotationNetwork, region: str, clients: Clients) -> Iterator[Finding]:
    """What is missing, of another VPC, or without a way to Secrets Manager. Describe calls of EC2 only."""
    ec2 = clients.client("ec2", region)
    try:
        with translated(f"cannot look at the subnets {', '.join(network.subnets)}"):
            subnets = ec2.describe_subnets(SubnetIds=network.subnets)["Subnets"]
        with translated(f"cannot look at the security groups {', '.join(network.security_groups)}"):
            groups = ec2.describe_security_groups(GroupIds=network.security_groups)["SecurityGroups"]
    except NotFoundError as problem:
        yield error("no-such-network", path, f"{problem.what}: {problem.why}", "Make it first, or correct the id.")
        return
    vpcs = {each["VpcId"] for each in (*subnets, *groups)}
    if len(vpcs) > 1:
        yield error(
            "network-of-two-vpcs",
            path,
            f"subnets and security groups are of several VPCs ({', '.join(sorted(vpcs))})",
            "Name those of the VPC that the database is in.",
        )
        return
    vpc = vpcs.pop()
    closed = [each["SubnetId"] for each in subnets if not _has_way_out(ec2, each["SubnetId"], vpc)]
    if closed and not _has_endpoint(ec2, vpc, region):
        yield warning(
            "network-without-secrets-manager",
            path,
            f"{', '.join(closed)} has neither an endpoint for Secrets Manager nor a route by a NAT gateway, so the "
            "function would wait there until its time is up",
            f"Add an interface endpoint com.amazonaws.{region}.secretsmanager with private DNS, or a NAT gateway.",
        )


def _has_way_out(ec2: Any, subnet: str, vpc: str) -> bool:
    with translated(f"cannot look at the routes of {subnet}"):
        tables = ec2.describe_route_tables(Filters=[{"Name": "association.subnet-id", "Values": [subnet]}])
        if not tables["RouteTables"]:
            main = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "association.main", "Values": ["true"]}]
            tables = ec2.describe_route_tables(Filters=main)
    routes = [route for table in tables["RouteTables"] for route in table["Routes"]]
    return any(
        route.get("DestinationCidrBlock") == "0.0.0.0/0" and any(route.get(way) for way in _WAYS_OUT)
        for route in routes
    )


def _has_endpoint(ec2: Any, vpc: str, region: str) -> bool:
    wanted = [
        {"Name": "vpc-id", "Values": [vpc]},
        {"Name": "service-name", "Values": [f"com.amazonaws.{region}.secretsmanager"]},
    ]
    with translated(f"cannot look at the endpoints of {vpc}"):
        found = ec2.describe_vpc_endpoints(Filters=wanted)["VpcEndpoints"]
    return any(each.get("PrivateDnsEnabled") for each in found)
