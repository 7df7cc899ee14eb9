"""An instance that a drill starts: shut in, gone by itself after a while, and reached by Run Command alone.

What starts in an image (schedulers, consumers, members of clusters) reaches nothing: the security group lets nobody in
and nothing out but to Systems Manager, the profile can do no more than that, and no tag of production is taken over.
A runner that is killed leaves nothing on: the instance ends itself, and shutting down terminates it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from baseops.aws.errors import settled, translated
from baseops.contract.drill import DrillContext, Mark
from baseops.errors import InconclusiveError, NotFoundError
from baseops.evidence import resources
from baseops.evidence.drill_network import Way
from baseops.evidence.prices import cost

# Any: what botocore answers.
Described = Mapping[str, Any]

AMAZON_LINUX = "/aws/service/ami-amazon-linux-latest"
LIFETIME = timedelta(minutes=55)
COST_USD = cost("ec2-t3-micro") + 20 * cost("ebs-gp3")
"""Of one instance: an hour, with a root of twenty gibibytes."""
TYPES = {"x86_64": "t3.micro", "arm64": "t4g.micro"}
STARTS_WITHIN = timedelta(minutes=10)
PAUSE, LONGER_PAUSE = 10.0, 30.0
QUICK = timedelta(minutes=3)
"""What has not happened by then is looked for less often: calls are shared with the whole account."""
USER_DATA = f"#!/bin/sh\nshutdown -h +{LIFETIME // timedelta(minutes=1)}\n"
_GROUP = "A drill's: nothing in, Systems Manager out"


@dataclass(frozen=True)
class Started:
    """An instance that runs, or has ended at once for a `reason` of EC2's."""

    instance_id: str
    asked: datetime
    created_seconds: float
    reason: str = ""


def amazon_linux(ctx: DrillContext, architecture: str = "x86_64") -> Described | None:
    """Amazon's own newest image, with the SSM agent in it; None where there is none.

    AWS calls: ssm:GetParameter, ec2:DescribeImages.
    """
    name = f"{AMAZON_LINUX}/al2023-ami-kernel-default-{architecture}"
    region = ctx.site.region
    try:
        with translated(f"cannot find Amazon's own image in {region}"):
            image_id = ctx.clients.client("ssm", region).get_parameter(Name=name)["Parameter"]["Value"]
            found = ctx.clients.client("ec2", region).describe_images(ImageIds=[image_id])["Images"]
    except NotFoundError:
        return None
    return found[0] if found else None


def security_group(ctx: DrillContext, way: Way, purpose: str) -> str:
    """A group of the drill's own in the subnet's VPC, with nothing but HTTPS to where Systems Manager is reached.

    `purpose` is in its name, of which a VPC has one: drills of one run may have theirs at the same time.
    """
    ec2, name = ctx.clients.client("ec2", ctx.site.region), ctx.journal.name(purpose)

    def make(mark: Mark) -> str:
        tags = [{"ResourceType": "security-group", "Tags": mark.tag_list}]
        with translated("cannot make a security group for the drill"):
            return str(
                ec2.create_security_group(GroupName=name, Description=_GROUP, VpcId=way.vpc, TagSpecifications=tags)[
                    "GroupId"
                ]
            )

    group = ctx.journal.create(resources.security_group(ctx.site.region), make)
    with translated(f"cannot close {group}"):
        (described,) = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    if described["IpPermissionsEgress"]:
        with settled("InvalidPermission.NotFound"), translated(f"cannot close {group}"):
            ec2.revoke_security_group_egress(GroupId=group, IpPermissions=described["IpPermissionsEgress"])
    with settled("InvalidPermission.Duplicate"), translated(f"cannot let {group} reach Systems Manager"):
        ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[_https(way)])
    return group


def _https(way: Way) -> dict[str, Any]:
    ranges = [{"CidrIp": each} for each in way.addresses]
    return {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": ranges}


def start(ctx: DrillContext, image: Described, way: Way, group: str) -> Started:
    """Start an instance of an AMI and wait until it runs. Raises `InconclusiveError` when EC2 says nothing."""
    ec2, asked = ctx.clients.client("ec2", ctx.site.region), ctx.clock.now()
    ctx.budget.spend(cost_usd=COST_USD)
    made = ctx.journal.create(
        resources.instance(ctx.site.region),
        lambda mark: _run(ec2, _request(ctx, image, way, group, mark), str(image["ImageId"])),
    )
    ctx.steps.add(f"{made} starts from {image['ImageId']}")
    described = waited(ctx, lambda: _settled(ec2, made), STARTS_WITHIN)
    if described is None:
        raise InconclusiveError(f"{made} did not run within ten minutes", "EC2 has not said why")
    seconds = (ctx.clock.now() - asked).total_seconds()
    ended = described["State"]["Name"] != "running"
    return Started(made, asked, seconds, str(described.get("StateReason", {}).get("Code", "unknown")) if ended else "")


def _request(ctx: DrillContext, image: Described, way: Way, group: str, mark: Mark) -> dict[str, Any]:
    # A volume that an AMI keeps when its instance goes would stay behind.
    mappings = [
        {"DeviceName": each["DeviceName"], "Ebs": {"DeleteOnTermination": True}}
        for each in image.get("BlockDeviceMappings", ())
        if "Ebs" in each
    ]
    return {
        "ImageId": image["ImageId"],
        "InstanceType": TYPES.get(str(image.get("Architecture")), TYPES["x86_64"]),
        "MinCount": 1,
        "MaxCount": 1,
        "SubnetId": way.subnet,
        "SecurityGroupIds": [group],
        "IamInstanceProfile": {"Name": ctx.refs.drill_profile},
        "InstanceInitiatedShutdownBehavior": "terminate",
        "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1, "HttpEndpoint": "enabled"},
        "UserData": USER_DATA,
        "BlockDeviceMappings": mappings,
        "TagSpecifications": [{"ResourceType": each, "Tags": mark.tag_list} for each in ("instance", "volume")],
    }


def _run(ec2: Any, request: Mapping[str, Any], image_id: str) -> str:
    remedy = "The foundation makes the profile where drills.allow has exercise: run baseops apply."
    with translated(f"cannot start an instance of {image_id}", remedy):
        (instance,) = ec2.run_instances(**request)["Instances"]
    return str(instance["InstanceId"])


def _settled(ec2: Any, instance_id: str) -> Described | None:
    """The instance once it runs or has ended; EC2 may not know a new one for a moment."""
    try:
        with translated(f"cannot look at {instance_id}"):
            answer = ec2.describe_instances(InstanceIds=[instance_id])
    except NotFoundError:
        return None
    found: Described = answer["Reservations"][0]["Instances"][0]
    return found if found["State"]["Name"] in ("running", "shutting-down", "terminated", "stopped") else None


def waited(ctx: DrillContext, look: Callable[[], Described | None], patience: timedelta) -> Described | None:
    """What `look` gives, as soon as it gives something; None when patience is over."""
    begun = ctx.clock.now()
    while (found := look()) is None and (passed := ctx.clock.now() - begun) < patience:
        ctx.clock.sleep(PAUSE if passed < QUICK else LONGER_PAUSE)
    return found
