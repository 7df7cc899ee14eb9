"""Instances that a declaration names in `port25`, behind groups that let out what a server needs, and DNS of SES."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from baseops.areas.email.identities import Identity
from baseops.areas.email.world_zones import add_address
from baseops.aws.managed_nodes import make_nodes
from baseops.contract.sandbox_account import SandboxAccount

SMTP_ADDRESSES = ("203.0.113.25", "203.0.113.26")
NEEDED = (("tcp", 80), ("tcp", 443), ("udp", 53))
"""What every server asks of the internet: packages, AWS, names."""

# Any: botocore's client and answers.


def start_instances(identity: Identity, account: SandboxAccount) -> None:
    """One with the tags where there is none, and the addresses of SES's SMTP endpoint in DNS."""
    declared = identity.entry.port25
    if declared is None or not declared.instances:
        return
    role = "-".join(value for _, value in sorted(declared.instances.items()))
    make_nodes(account, account.region, declared.instances, role=role)
    add_address(f"email-smtp.{account.region}.amazonaws.com", SMTP_ADDRESSES, account)
    narrow_groups(identity, account)


def narrow_groups(identity: Identity, account: SandboxAccount) -> None:
    """Whoever runs these instances has replaced their groups' rule that lets everything out."""
    declared = identity.entry.port25
    if declared is None or not declared.instances:
        return
    ec2 = account.client("ec2")
    ports = [*NEEDED, ("tcp", declared.submission or 587), *([("tcp", 25)] if declared.needed else [])]
    everywhere = [{"CidrIp": "0.0.0.0/0"}]
    wanted = [
        {"IpProtocol": protocol, "FromPort": port, "ToPort": port, "IpRanges": everywhere} for protocol, port in ports
    ]
    cards = [card for one in _instances(ec2, declared.instances) for card in one["NetworkInterfaces"]]
    groups = {each["GroupId"] for card in cards for each in card["Groups"]}
    for group in ec2.describe_security_groups(GroupIds=sorted(groups))["SecurityGroups"] if groups else ():
        everything = [each for each in group["IpPermissionsEgress"] if each["IpProtocol"] == "-1"]
        if everything:
            ec2.revoke_security_group_egress(GroupId=group["GroupId"], IpPermissions=everything)
            ec2.authorize_security_group_egress(GroupId=group["GroupId"], IpPermissions=wanted)


def _instances(ec2: Any, tags: Mapping[str, str]) -> Iterator[Any]:
    filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in tags.items()]
    filters.append({"Name": "instance-state-name", "Values": ["pending", "running"]})
    for page in ec2.get_paginator("describe_instances").paginate(Filters=filters):
        yield from (each for group in page["Reservations"] for each in group["Instances"])
