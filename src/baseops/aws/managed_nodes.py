"""Makes instances with certain tags that Systems Manager manages, as worlds expect to find them of somebody else.

Ordinary calls; what is there already is not made again. No verb of the product starts a host of anybody's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from baseops.contract.clients import Clients
from baseops.semantics.partitions import partition_of

# Any: botocore's clients.

IMAGE = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
MANAGED = "AmazonSSMManagedInstanceCore"
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def make_nodes(
    clients: Clients,
    region: str,
    tags: Mapping[str, str],
    *,
    role: str,
    policies: Sequence[str] = (MANAGED,),
    count: int = 1,
    user_data: str = "",
) -> None:
    """As many running instances with these tags as are wanted; those that are there get the profile if they have none.

    `policies` are AWS's own, by name; the profile is called as the role is.
    """
    ec2, profile = clients.client("ec2", region), _profile(clients.client("iam"), region, role, policies)
    filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in tags.items()]
    filters.append({"Name": "instance-state-name", "Values": ["pending", "running"]})
    found = [each for group in ec2.describe_instances(Filters=filters)["Reservations"] for each in group["Instances"]]
    for each in found:
        if not each.get("IamInstanceProfile"):
            ec2.associate_iam_instance_profile(InstanceId=each["InstanceId"], IamInstanceProfile={"Name": profile})
    if len(found) < count:
        _start(clients, region, tags, profile, user_data, count - len(found))


def _start(clients: Clients, region: str, tags: Mapping[str, str], profile: str, user_data: str, count: int) -> None:
    image = clients.client("ssm", region).get_parameter(Name=IMAGE)["Parameter"]["Value"]
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    for _ in range(count):
        clients.client("ec2", region).run_instances(
            ImageId=image,
            InstanceType="t3.micro",
            MinCount=1,
            MaxCount=1,
            IamInstanceProfile={"Name": profile},
            UserData=user_data,
            TagSpecifications=[{"ResourceType": "instance", "Tags": listed}],
        )


def _profile(iam: Any, region: str, role: str, policies: Sequence[str]) -> str:
    """The role and the profile of the same name."""
    if not _exists(iam, iam.get_role, RoleName=role):
        iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(_TRUST))
    for policy in policies:
        iam.attach_role_policy(RoleName=role, PolicyArn=f"arn:{partition_of(region)}:iam::aws:policy/{policy}")
    if not _exists(iam, iam.get_instance_profile, InstanceProfileName=role):
        iam.create_instance_profile(InstanceProfileName=role)
        iam.add_role_to_instance_profile(InstanceProfileName=role, RoleName=role)
    return role


def _exists(iam: Any, read: Any, **name: str) -> bool:
    try:
        read(**name)
    except iam.exceptions.NoSuchEntityException:
        return False
    return True
