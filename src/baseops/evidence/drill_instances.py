"""Instances that drills start: in the drill subnet, unreachable, with a profile for Systems Manager, for an hour.

They end by themselves where whoever started them does not come back: a timer in the guest shuts them down, and what is
shut down is terminated. No subnet, endpoint, route or DNS is ever made for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from baseops.aws.errors import translated
from baseops.aws.waiting import until
from baseops.contract.drill import DRILL_TAG, DrillContext
from baseops.contract.site import Site
from baseops.contract.types import Json
from baseops.errors import AwsError, InconclusiveError, NotFoundError
from baseops.evidence import resources
from baseops.evidence.prices import cost

LIVES_MINUTES = 60
INSTANCE_TYPE = "t3.micro"
STARTS_WITHIN = timedelta(minutes=10)
ENDED = ("Success", "Cancelled", "TimedOut", "Failed", "Cancelling")

# Any throughout: botocore makes the classes at run time.


@dataclass(frozen=True)
class Place:
    """Where drill instances start."""

    subnet_id: str
    vpc_id: str
    zone: str


@dataclass(frozen=True)
class Said:
    """How a command went."""

    code: int
    status: str
    output: str
    errors: str


def place_of(ctx: DrillContext) -> Place:
    """The drill subnet. Raises `InconclusiveError` where none is declared, or it is not there.

    AWS call: ec2:DescribeSubnets.
    """
    subnet = ctx.site.network.drill_subnet
    if subnet is None:
        raise InconclusiveError(
            "no drill instance can be started",
            "the declaration names no subnet for drills",
            "Write: network: {drill_subnet: subnet-…}",
        )
    try:
        with translated(f"cannot find the drill subnet {subnet}"):
            (found,) = ctx.clients.client("ec2", ctx.site.region).describe_subnets(SubnetIds=[subnet])["Subnets"]
    except NotFoundError as error:
        raise InconclusiveError("no drill instance can be started", f"there is no subnet {subnet}") from error
    return Place(subnet, str(found["VpcId"]), str(found["AvailabilityZone"]))


def start(ctx: DrillContext, place: Place, image_id: str, *, instance_type: str = INSTANCE_TYPE) -> str:
    """Start an instance of an image, journaled with its security group; wait until it runs. Gives its id."""
    ec2, region = ctx.clients.client("ec2", ctx.site.region), ctx.site.region
    ctx.budget.spend(cost_usd=cost("ec2-t3-micro"))
    group = ctx.journal.create(resources.security_group(region), lambda mark: _group(ec2, ctx, place, mark.tag_list))
    _close(ec2, group)
    instance = ctx.journal.create(
        resources.instance(region),
        lambda mark: _launched(ec2, ctx, place, image_id, group, instance_type, mark.tag_list),
    )
    ctx.steps.add(f"{instance} starts from {image_id}")
    with translated(f"cannot see whether {instance} runs"):
        until(ctx.clock, lambda: _is_running(ec2, instance))
    return instance


def wait_for_agent(ctx: DrillContext, instance_id: str, within: timedelta = STARTS_WITHIN) -> None:
    """Until Systems Manager knows the instance. Raises `InconclusiveError` when it does not in time."""
    ssm, last = ctx.clients.client("ssm", ctx.site.region), ctx.clock.now() + within
    filters = [{"Key": "InstanceIds", "Values": [instance_id]}]

    def look() -> bool | None:
        found = ssm.describe_instance_information(Filters=filters)["InstanceInformationList"]
        if any(each["PingStatus"] == "Online" for each in found):
            return True
        return False if ctx.clock.now() >= last else None

    with translated(f"cannot see whether {instance_id} reports to Systems Manager"):
        if not until(ctx.clock, look):
            raise InconclusiveError(
                f"{instance_id} did not report to Systems Manager within {within.total_seconds() / 60:.0f} minutes",
                "the drill subnet may have no way to it (NAT, or endpoints for ssm, ssmmessages and ec2messages)",
                "See: https://docs.aws.amazon.com/systems-manager/latest/userguide/setup-create-vpc.html",
            )


def run(ctx: DrillContext, instance_id: str, script: Sequence[str], timeout: timedelta) -> Said:
    """Run a shell script by Run Command and wait for its end. AWS calls: ssm:SendCommand, ssm:GetCommandInvocation."""
    ssm = ctx.clients.client("ssm", ctx.site.region)
    with translated(f"cannot run a command on {instance_id}"):
        command = ssm.send_command(
            DocumentName="AWS-RunShellScript",
            InstanceIds=[instance_id],
            Parameters={"commands": list(script), "executionTimeout": [str(int(timeout.total_seconds()))]},
            TimeoutSeconds=120,
        )["Command"]["CommandId"]
        ended = until(ctx.clock, lambda: _invocation(ssm, command, instance_id))
    return Said(
        int(ended.get("ResponseCode", -1)),
        str(ended["StatusDetails"]),
        str(ended.get("StandardOutputContent", "")),
        str(ended.get("StandardErrorContent", "")),
    )


def statements(
    site: Site, prefix: str, images: Json, condition: Mapping[str, Json] | None = None
) -> list[dict[str, Json]]:
    """The IAM statements for all of this: `prefix` begins their Sids, `images` are the ARNs of what may be started.

    `condition` bounds the images further. Only what carries the drills' tag is made, changed and removed.
    """
    own = f"arn:${{AWS::Partition}}:ec2:{site.region}:${{AWS::AccountId}}"
    requested: dict[str, Json] = {"Null": {f"aws:RequestTag/{DRILL_TAG}": "false"}}
    tagged: dict[str, Json] = {"Null": {f"aws:ResourceTag/{DRILL_TAG}": "false"}}
    role: Json = {
        "Fn::Sub": f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role{site.iam.path}{site.prefix}-drill-instance"
    }
    document: Json = {"Fn::Sub": f"arn:${{AWS::Partition}}:ssm:{site.region}::document/AWS-RunShellScript"}
    machine: Json = {"Fn::Sub": f"{own}:instance/*"}
    group = ["ec2:AuthorizeSecurityGroupEgress", "ec2:DeleteSecurityGroup", "ec2:RevokeSecurityGroupEgress"]
    makes: dict[str, Json] = {"StringEquals": {"ec2:CreateAction": ["CreateSecurityGroup", "RunInstances"]}}
    subnet = f"subnet/{site.network.drill_subnet or '*'}"
    look = ["ec2:DescribeInstances", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVolumes"]
    follow = ["ssm:DescribeInstanceInformation", "ssm:GetCommandInvocation"]
    return [
        _allow(f"{prefix}Looks", [*look, *follow], "*"),
        _allow(f"{prefix}FromImages", ["ec2:RunInstances"], images, condition),
        _allow(
            f"{prefix}IntoNetwork",
            ["ec2:RunInstances"],
            _arns(own, ["network-interface/*", "security-group/*", subnet]),
        ),
        _allow(f"{prefix}Tagged", ["ec2:RunInstances"], _arns(own, ["instance/*", "volume/*"]), requested),
        _allow(f"{prefix}Group", ["ec2:CreateSecurityGroup"], _arns(own, ["security-group/*"]), requested),
        _allow(f"{prefix}GroupInVpc", ["ec2:CreateSecurityGroup"], _arns(own, ["vpc/*"])),
        _allow(f"{prefix}Tags", ["ec2:CreateTags"], _arns(own, ["instance/*", "security-group/*", "volume/*"]), makes),
        _allow(f"{prefix}OwnGroup", group, _arns(own, ["security-group/*"]), tagged),
        _allow(f"{prefix}Ends", ["ec2:TerminateInstances"], machine, tagged),
        _allow(
            f"{prefix}Profile", ["iam:PassRole"], role, {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}
        ),
        _allow(f"{prefix}Script", ["ssm:SendCommand"], document),
        _allow(f"{prefix}Commands", ["ssm:SendCommand"], machine, tagged),
    ]


def _allow(sid: str, actions: list[str], where: Json, condition: Mapping[str, Json] | None = None) -> dict[str, Json]:
    listed: list[Json] = [*actions]
    found: dict[str, Json] = {"Sid": sid, "Effect": "Allow", "Action": listed, "Resource": where}
    return {**found, "Condition": dict(condition)} if condition else found


def _arns(own: str, parts: Iterable[str]) -> list[Json]:
    return [{"Fn::Sub": f"{own}:{each}"} for each in parts]


def _group(ec2: Any, ctx: DrillContext, place: Place, tags: list[dict[str, str]]) -> str:
    with translated("cannot make a security group for a drill instance"):
        made = ec2.create_security_group(
            GroupName=ctx.journal.name("instance"),
            Description="A drill of baseops: nothing comes in",
            VpcId=place.vpc_id,
            TagSpecifications=[{"ResourceType": "security-group", "Tags": tags}],
        )
    return str(made["GroupId"])


def _close(ec2: Any, group: str) -> None:
    """HTTPS goes out, which is how the agent speaks, and nothing else."""
    everywhere = [{"CidrIp": "0.0.0.0/0"}]
    with translated(f"cannot close the security group {group}"):
        ec2.revoke_security_group_egress(GroupId=group, IpPermissions=[{"IpProtocol": "-1", "IpRanges": everywhere}])
        ec2.authorize_security_group_egress(
            GroupId=group,
            IpPermissions=[{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": everywhere}],
        )


def _launched(
    ec2: Any, ctx: DrillContext, place: Place, image: str, group: str, kind: str, tags: list[dict[str, str]]
) -> str:
    launch: Callable[..., Any] = ec2.run_instances
    with translated(f"cannot start a drill instance from {image}"):
        answer = launch(
            ImageId=image,
            InstanceType=kind,
            MinCount=1,
            MaxCount=1,
            SubnetId=place.subnet_id,
            SecurityGroupIds=[group],
            IamInstanceProfile={"Name": ctx.refs.drill_profile},
            InstanceInitiatedShutdownBehavior="terminate",
            MetadataOptions={"HttpTokens": "required", "HttpEndpoint": "enabled"},
            UserData=f"#!/bin/sh\nshutdown -h +{LIVES_MINUTES}\n",
            TagSpecifications=[{"ResourceType": each, "Tags": tags} for each in ("instance", "volume")],
        )
    return str(answer["Instances"][0]["InstanceId"])


def _is_running(ec2: Any, instance: str) -> bool | None:
    found = [
        one for each in ec2.describe_instances(InstanceIds=[instance])["Reservations"] for one in each["Instances"]
    ]
    state = found[0]["State"]["Name"] if found else "pending"
    if state in ("shutting-down", "terminated", "stopped"):
        reason = found[0].get("StateTransitionReason", "")
        raise AwsError(f"the drill instance {instance} did not start", reason or f"it is {state}")
    return True if state == "running" else None


def _invocation(ssm: Any, command: str, instance: str) -> Mapping[str, Any] | None:
    try:
        found: Mapping[str, Any] = ssm.get_command_invocation(CommandId=command, InstanceId=instance)
    except ssm.exceptions.InvocationDoesNotExist:
        return None  # it is not known everywhere at once
    return found if found["Status"] in ENDED else None
