"""The ARNs that EC2 authorises a call on: what it makes, and all that it is made from. Decides nothing.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
What is about to be made has `*` for its id; images and snapshots have no account in their ARNs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from baseops.sandbox.access.demand import Place

Members = Mapping[str, Any]
_NO_ACCOUNT = {"image", "snapshot"}

# Kinds of resources by the beginning of their ids.
KINDS: Mapping[str, str] = {
    "ami": "image",
    "snap": "snapshot",
    "vol": "volume",
    "i": "instance",
    "subnet": "subnet",
    "sg": "security-group",
    "eni": "network-interface",
    "vpc": "vpc",
    "vpce": "vpc-endpoint",
    "lt": "launch-template",
    "rtb": "route-table",
    "igw": "internet-gateway",
    "key": "key-pair",
    "pl": "prefix-list",
    "eipalloc": "elastic-ip",
}

# What an operation makes, beside what its members name.
MADE: Mapping[str, tuple[str, ...]] = {
    "RunInstances": ("instance", "network-interface", "volume"),
    "CreateVolume": ("volume",),
    "CreateSnapshot": ("snapshot",),
    "CreateSnapshots": ("snapshot",),
    "CopySnapshot": ("snapshot",),
    "CreateImage": ("image", "snapshot"),
    "CopyImage": ("image", "snapshot"),
    "RegisterImage": ("image",),
    "CreateSecurityGroup": ("security-group",),
    "CreateLaunchTemplate": ("launch-template",),
    "CreateVpcEndpoint": ("vpc-endpoint",),
    "CreateSubnet": ("subnet",),
    "CreateNetworkInterface": ("network-interface",),
}

_ABOUT_ONE = {
    "DescribeImageAttribute",
    "DescribeInstanceAttribute",
    "DescribeSnapshotAttribute",
    "DescribeVolumeAttribute",
    "GetConsoleOutput",
    "GetConsoleScreenshot",
    "GetLaunchTemplateData",
    "GetPasswordData",
}


def resource_arn(place: Place, identifier: str, kind: str = "") -> str:
    """The ARN of an id such as `vol-0a1`."""
    kind = kind or KINDS.get(identifier.partition("-")[0], "")
    if not kind:
        return "*"
    return new_arn(place, kind, identifier)


def new_arn(place: Place, kind: str, identifier: str = "*") -> str:
    """The ARN of a kind of resource; of all of them, without an id."""
    where = place.public if kind in _NO_ACCOUNT else place.arn
    return where("ec2", f"{kind}/{identifier}")


def ec2_resources(place: Place, operation: str, members: Members) -> Iterator[str]:
    """Every resource that EC2 authorises a call on; none for what describes."""
    if operation.startswith(("Describe", "Get", "List")):
        yield from _described(place, operation, members)
        return
    if operation == "RunInstances":
        yield from _launched(place, members)
        return
    if operation == "CopySnapshot":
        # The source counts as a snapshot of its own region; it need not be there any more.
        yield new_arn(place, "snapshot")
        yield new_arn(Place(place.account, str(members.get("SourceRegion") or place.region)), "snapshot")
        return
    for kind in MADE.get(operation, ()):
        yield new_arn(place, kind)
    yield from _named(place, members)


def _described(place: Place, operation: str, members: Members) -> Iterator[str]:
    """Reads of one resource are authorised on it; lists on everything."""
    if operation in _ABOUT_ONE:
        yield from _named(place, members)


def _launched(place: Place, members: Members) -> Iterator[str]:
    for kind in MADE["RunInstances"]:
        yield new_arn(place, kind)
    yield from _named(place, members)
    interfaces = members.get("NetworkInterfaces") or []
    for each in interfaces:
        yield from _named(place, each)
    if not any(name in members for name in ("SecurityGroupIds", "SecurityGroups")) and not interfaces:
        yield new_arn(place, "security-group")
    if "SubnetId" not in members and not interfaces:
        yield new_arn(place, "subnet")
    if members.get("KeyName"):
        yield new_arn(place, "key-pair", str(members["KeyName"]))
    template = members.get("LaunchTemplate") or {}
    if template:
        yield new_arn(place, "launch-template", str(template.get("LaunchTemplateId") or "*"))
    for mapping in members.get("BlockDeviceMappings") or []:
        snapshot = (mapping.get("Ebs") or {}).get("SnapshotId")
        if snapshot:
            yield resource_arn(place, str(snapshot))


def _named(place: Place, members: Members) -> Iterator[str]:
    """Resources whose ids stand in the request's own members."""
    for value in members.values():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str) and re.fullmatch(r"[a-z]+-[0-9a-z]{3,}", one):
                arn = resource_arn(place, one)
                if arn != "*":
                    yield arn
