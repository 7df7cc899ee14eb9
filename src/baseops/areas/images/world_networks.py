"""The networks that a declaration of images names: where builds run, and where drills start instances."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from baseops.aws.errors import translated
from baseops.contract.site import Site
from baseops.errors import AwsError

if TYPE_CHECKING:
    from baseops.areas.images.spec import Entry

# Any throughout: botocore's EC2 client.

ID_TAG = "sandbox:id"
ADDRESSES = "10.20.0.0/16"
MANAGEMENT = ("ec2messages", "ssm", "ssmmessages")


def of_builds(ec2: Any, entry: Entry, site: Site) -> None:
    """The subnet, VPC and security groups of an image's builds."""
    subnet = entry.subnet or site.network.build_subnet
    if entry.default_vpc or subnet is None:
        return
    vpc = entry.vpc or _vpc_of(ec2, subnet)
    if entry.vpc and not exists(ec2.describe_vpcs, VpcIds=[entry.vpc]):
        ec2.create_vpc(CidrBlock=ADDRESSES, TagSpecifications=with_id("vpc", entry.vpc))
    vpc = _subnet(ec2, subnet, vpc)
    for group in entry.security_groups:
        if not exists(ec2.describe_security_groups, GroupIds=[group]):
            ec2.create_security_group(
                GroupName=group,
                Description="builds",
                VpcId=vpc,
                TagSpecifications=with_id("security-group", group),
            )


def of_drills(ec2: Any, site: Site) -> None:
    """The drill subnet, from which Systems Manager is reached by endpoints: beside the builds, if they have a VPC."""
    subnet, builds = site.network.drill_subnet, site.network.build_subnet
    if subnet is None:
        return
    vpc = _subnet(ec2, subnet, _vpc_of(ec2, subnet) or (_vpc_of(ec2, builds) if builds else None))
    there = ec2.describe_vpc_endpoints(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["VpcEndpoints"]
    for service in MANAGEMENT:
        name = f"com.amazonaws.{site.region}.{service}"
        if name not in {each["ServiceName"] for each in there}:
            ec2.create_vpc_endpoint(
                VpcEndpointType="Interface", VpcId=vpc, ServiceName=name, SubnetIds=[subnet], PrivateDnsEnabled=True
            )


def _subnet(ec2: Any, subnet: str, vpc: str | None) -> str:
    """Make the subnet unless it is there; gives its VPC."""
    if not exists(ec2.describe_subnets, SubnetIds=[subnet]):
        vpc = vpc or str(ec2.create_vpc(CidrBlock=ADDRESSES)["Vpc"]["VpcId"])
        taken = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.20.{len(taken)}.0/24", TagSpecifications=with_id("subnet", subnet))
    return vpc or str(_vpc_of(ec2, subnet))


def _vpc_of(ec2: Any, subnet: str) -> str | None:
    if not exists(ec2.describe_subnets, SubnetIds=[subnet]):
        return None
    return str(ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["VpcId"])


def exists(read: Any, **names: Iterable[str]) -> bool:
    """Whether a describe call knows what is named."""
    try:
        with translated("cannot look for what the world needs"):
            answer = read(**names)
    except AwsError as problem:
        if "NotFound" not in problem.code:
            raise
        return False
    return any(answer[key] for key in answer if key != "ResponseMetadata")


def with_id(resource: str, identity: str) -> list[dict[str, Any]]:
    """The tag that asks the sandbox for an id."""
    return [{"ResourceType": resource, "Tags": [{"Key": ID_TAG, "Value": identity}]}]
