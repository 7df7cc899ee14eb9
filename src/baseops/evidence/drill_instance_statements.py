"""What a drill that starts an instance may do: one, shut in, in the drill subnet, with its group, and commands to it.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html says which resources and keys a
call is authorised on.
"""

from __future__ import annotations

from collections.abc import Mapping

from baseops.contract.drill import DRILL_TAG, MARKS
from baseops.contract.refs import Refs
from baseops.contract.site import DECLARATION_TAG, Site
from baseops.contract.types import Json


def requested(site: Site) -> dict[str, Json]:
    """The condition that a request gives the tags of this declaration's drills."""
    return _marked("aws:RequestTag", site)


def owned(site: Site, key: str = "aws:ResourceTag") -> dict[str, Json]:
    """The condition that a resource carries the tags of this declaration's drills."""
    return _marked(key, site)


def _marked(key: str, site: Site) -> dict[str, Json]:
    marks: dict[str, Json] = {f"{key}/{DRILL_TAG}": MARKS}
    declared: dict[str, Json] = {f"{key}/{DECLARATION_TAG}": site.name}
    return {"StringEquals": declared, "StringLike": marks}


def statements(prefix: str, site: Site, of_images: Mapping[str, Json] | None) -> tuple[dict[str, Json], ...]:
    """All of them, none without a drill subnet; `prefix` begins their Sids, `of_images` bounds what may be started."""
    if not site.network.drill_subnet:
        return ()
    found = (
        _look(site),
        *_group(site),
        *_run(site, of_images),
        _tag(site),
        _end(site),
        _pass(site),
        *_use_keys(site),
        *_command(site),
    )
    return tuple({**each, "Sid": f"{prefix}{each['Sid']}"} for each in found)


def _look(site: Site) -> dict[str, Json]:
    described = ("Images", "Instances", "RouteTables", "SecurityGroups", "Subnets", "VpcEndpoints", "Vpcs")
    actions: list[Json] = [*(f"ec2:Describe{each}" for each in described), "ssm:DescribeInstanceInformation"]
    return _allow("LooksAtTheDrillSubnet", actions, ["*"], {"StringEquals": {"aws:RequestedRegion": site.region}})


def _group(site: Site) -> tuple[dict[str, Json], ...]:
    """A security group is made in a VPC: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ExamplePolicies_EC2.html."""
    groups = [_arn(site, "security-group/*")]
    changing: list[Json] = [
        "ec2:AuthorizeSecurityGroupEgress",
        "ec2:DeleteSecurityGroup",
        "ec2:RevokeSecurityGroupEgress",
    ]
    return (
        _allow("MakesOwnGroup", ["ec2:CreateSecurityGroup"], groups, requested(site)),
        _allow("MakesItInAnyNetwork", ["ec2:CreateSecurityGroup"], [_arn(site, "vpc/*")]),
        _allow("ClosesAndRemovesOwnGroup", changing, groups, owned(site)),
    )


def _run(site: Site, of_images: Mapping[str, Json] | None) -> tuple[dict[str, Json], ...]:
    action: list[Json] = ["ec2:RunInstances"]
    images: list[Json] = [{"Fn::Sub": f"arn:${{AWS::Partition}}:ec2:{site.region}::image/*"}]
    started = ("instance/*", "volume/*")
    network = ("network-interface/*", f"subnet/{site.network.drill_subnet}")
    return (
        _allow("StartsImages", action, images, of_images),
        _allow("StartsInTheDrillSubnet", action, [_arn(site, each) for each in network]),
        _allow("StartsInOwnGroup", action, [_arn(site, "security-group/*")], owned(site)),
        _allow("StartsWithTheDrillsTag", action, [_arn(site, each) for each in started], requested(site)),
    )


def _tag(site: Site) -> dict[str, Json]:
    made = [_arn(site, each) for each in ("instance/*", "security-group/*", "volume/*")]
    creating: list[Json] = ["CreateSecurityGroup", "RunInstances"]
    return _allow("TagsWhatIsStarted", ["ec2:CreateTags"], made, {"StringEquals": {"ec2:CreateAction": creating}})


def _end(site: Site) -> dict[str, Json]:
    return _allow("EndsOwnInstances", ["ec2:TerminateInstances"], [_arn(site, "instance/*")], owned(site))


def _pass(site: Site) -> dict[str, Json]:
    role = f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role{site.iam.path}{Refs(site).drill_profile}"
    to: dict[str, Json] = {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}
    return _allow("GivesTheDrillsProfile", ["iam:PassRole"], [{"Fn::Sub": role}], to)


def _use_keys(site: Site) -> tuple[dict[str, Json], ...]:
    """For encrypted volumes: https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html."""
    actions: list[Json] = [
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:GenerateDataKeyWithoutPlaintext",
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo",
    ]
    via: dict[str, Json] = {"StringEquals": {"kms:ViaService": f"ec2.{site.region}.amazonaws.com"}}
    keys: list[Json] = [{"Fn::Sub": f"arn:${{AWS::Partition}}:kms:{site.region}:${{AWS::AccountId}}:key/*"}]
    # A grant that EC2 asks for on behalf of a volume, and none for anybody else.
    for_aws: dict[str, Json] = {**via, "Bool": {"kms:GrantIsForAWSResource": "true"}}
    return (
        _allow("UsesKeysOfVolumes", actions, keys, via),
        _allow("GrantsKeysToVolumes", ["kms:CreateGrant"], keys, for_aws),
    )


def _command(site: Site) -> tuple[dict[str, Json], ...]:
    """https://docs.aws.amazon.com/systems-manager/latest/userguide/run-command-setting-up.html for the tag."""
    document = f"arn:${{AWS::Partition}}:ssm:{site.region}::document/AWS-RunShellScript"
    here: dict[str, Json] = {"StringEquals": {"aws:RequestedRegion": site.region}}
    instances = [_arn(site, "instance/*")]
    return (
        _allow("SendsShellCommands", ["ssm:SendCommand"], [{"Fn::Sub": document}]),
        _allow("SendsThemToOwnInstances", ["ssm:SendCommand"], instances, owned(site, "ssm:resourceTag")),
        _allow("SeesHowTheyEnd", ["ssm:GetCommandInvocation"], ["*"], here),
    )


def _arn(site: Site, resource: str) -> Json:
    return {"Fn::Sub": f"arn:${{AWS::Partition}}:ec2:{site.region}:${{AWS::AccountId}}:{resource}"}


def _allow(
    sid: str, actions: list[Json], places: list[Json], condition: Mapping[str, Json] | None = None
) -> dict[str, Json]:
    statement: dict[str, Json] = {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": places}
    return {**statement, "Condition": dict(condition)} if condition else statement
