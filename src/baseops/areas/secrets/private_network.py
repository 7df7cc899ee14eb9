"""The network that a rotation's function should join, as a world has it: a closed VPC with a way to Secrets Manager.

Ordinary EC2 calls. AWS gives out ids itself; the sandbox gives a thing the one that its tag `sandbox:id` asks for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from baseops.aws.errors import translated
from baseops.errors import NotFoundError

if TYPE_CHECKING:
    from baseops.areas.secrets.spec import RotationNetwork

ADDRESSES = "10.30.0.0/16"
ID_TAG = "sandbox:id"
# Any: botocore's client.


def build(ec2: Any, network: RotationNetwork, region: str) -> None:
    """Make the subnets and security groups that are not there, in one VPC, and its endpoint."""
    subnets = [each for each in network.subnets if not _exists(ec2.describe_subnets, SubnetIds=[each])]
    groups = [each for each in network.security_groups if not _exists(ec2.describe_security_groups, GroupIds=[each])]
    if not subnets and not groups:
        return
    vpc = _vpc_of(ec2, network) or ec2.create_vpc(CidrBlock=ADDRESSES)["Vpc"]["VpcId"]
    taken = len(ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"])
    first, second, *_ = ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["CidrBlock"].split(".")
    for number, subnet in enumerate(subnets, taken):
        block = f"{first}.{second}.{number}.0/24"
        ec2.create_subnet(VpcId=vpc, CidrBlock=block, TagSpecifications=_with_id("subnet", subnet))
    for group in groups:
        tags = _with_id("security-group", group)
        ec2.create_security_group(GroupName=group, Description="rotation", VpcId=vpc, TagSpecifications=tags)
    ec2.create_vpc_endpoint(
        VpcId=vpc,
        ServiceName=f"com.amazonaws.{region}.secretsmanager",
        VpcEndpointType="Interface",
        SubnetIds=network.subnets,
        SecurityGroupIds=network.security_groups,
        PrivateDnsEnabled=True,
    )


def _vpc_of(ec2: Any, network: RotationNetwork) -> str | None:
    """The VPC of what another world has made already."""
    for subnet in network.subnets:
        if _exists(ec2.describe_subnets, SubnetIds=[subnet]):
            return str(ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["VpcId"])
    return None


def _exists(describe: Any, **ids: list[str]) -> bool:
    try:
        with translated("cannot look at the network"):
            describe(**ids)
    except NotFoundError:
        return False
    return True


def _with_id(kind: str, wanted: str) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": [{"Key": ID_TAG, "Value": wanted}]}]
