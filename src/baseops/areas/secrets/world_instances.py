"""Managed instances that a declaration of secrets names by tags: with a reader's role, and with some other role."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from baseops.areas.secrets.roles import role_of
from baseops.contract.sandbox_account import SandboxAccount
from baseops.contract.site import Site

if TYPE_CHECKING:
    from baseops.areas.secrets.spec import Entry

IMAGE = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
MANAGED = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
_TRUST = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
# Any: botocore's clients.


def build(entry: Entry, account: SandboxAccount, site: Site) -> None:
    """Make those that are not there; one of another area's gets the profile, if it has none."""
    if entry.instances is None:
        return
    if entry.readers:
        _instance(entry.instances.reader, role_of(entry.readers[0]).name, account, site)
    name = "-".join(value for _, value in sorted(entry.instances.stranger.items()))
    _instance(entry.instances.stranger, name, account, site)


def _instance(tags: Mapping[str, str], role: str, account: SandboxAccount, site: Site) -> None:
    ec2, profile = account.client("ec2", site.region), _profile(role, account.client("iam"))
    filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in tags.items()]
    filters.append({"Name": "instance-state-name", "Values": ["pending", "running"]})
    found = [each for group in ec2.describe_instances(Filters=filters)["Reservations"] for each in group["Instances"]]
    for each in found:
        if not each.get("IamInstanceProfile"):
            ec2.associate_iam_instance_profile(InstanceId=each["InstanceId"], IamInstanceProfile={"Name": profile})
    if not found:
        image = account.client("ssm", site.region).get_parameter(Name=IMAGE)["Parameter"]["Value"]
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        ec2.run_instances(
            ImageId=image,
            InstanceType="t3.micro",
            MinCount=1,
            MaxCount=1,
            IamInstanceProfile={"Name": profile},
            TagSpecifications=[{"ResourceType": "instance", "Tags": listed}],
        )


def _profile(role: str, iam: Any) -> str:
    """The profile of a role, called as the role is; the role lets Systems Manager's agent work."""
    if not _exists(iam, iam.get_role, RoleName=role):
        trust = json.dumps({"Version": "2012-10-17", "Statement": [_TRUST]})
        iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust)
    iam.attach_role_policy(RoleName=role, PolicyArn=MANAGED)
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
