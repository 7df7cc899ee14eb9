"""What drills of this area may do, by class: look at images and who uses them, read the blocks of images.

EC2's describe calls know no resources; everything else is bounded by region and tag.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from baseops.contract.site import Site
from baseops.contract.types import DrillClass, Json
from baseops.evidence import drill_instance_statements

if TYPE_CHECKING:
    from baseops.areas.images.spec import Section


def statements(section: Section, site: Site) -> Mapping[DrillClass, tuple[Mapping[str, Json], ...]]:
    """Statements for the drill roles of the classes that this area has drills of."""
    if not section.entries:
        return {}
    regions: list[Json] = [*sorted({site.region, *site.regions})]
    in_regions: dict[str, Json] = {"aws:RequestedRegion": regions}
    reading = (_look(in_regions), _parameters(section, site), _read_blocks(section, site), _decrypt(site))
    retires = any(entry.retire for entry in section.managed.values())
    return {
        "observe": (*reading, *(_retirement(site) if retires else ())),
        "exercise": drill_instance_statements.statements("Launch", site, _startable(section)),
    }


def _startable(section: Section) -> dict[str, Json] | None:
    """Images of the account; Amazon's as a control; any, where somebody else builds them."""
    owners: list[Json] = ["amazon", {"Fn::Sub": "${AWS::AccountId}"}]
    return {"StringEquals": {"ec2:Owner": owners}} if len(section.managed) == len(section.entries) else None


def _look(in_regions: dict[str, Json]) -> dict[str, Json]:
    described = (
        "ImageAttribute",
        "Images",
        "Instances",
        "LaunchTemplateVersions",
        "LaunchTemplates",
        "SnapshotAttribute",
        "Snapshots",
    )
    actions: list[Json] = [
        "autoscaling:DescribeAutoScalingGroups",
        "autoscaling:DescribeLaunchConfigurations",
        *(f"ec2:Describe{each}" for each in described),
    ]
    return {
        "Sid": "LookAtImages",
        "Effect": "Allow",
        "Action": actions,
        "Resource": "*",
        "Condition": {"StringEquals": in_regions},
    }


def _parameters(section: Section, site: Site) -> dict[str, Json]:
    """Whoever publishes by a parameter has its history too; launch templates may name a public one."""
    actions: list[Json] = ["ssm:GetParameter", "ssm:GetParameters"]
    if any(entry.used_by and not entry.managed for entry in section.entries.values()):
        actions.append("ssm:GetParameterHistory")
    names = sorted({entry.publish for entry in section.entries.values() if entry.publish})
    regions = sorted({site.region, *site.regions})
    own: list[Json] = [
        {"Fn::Sub": f"arn:${{AWS::Partition}}:ssm:{region}:${{AWS::AccountId}}:parameter{name}"}
        for region in regions
        for name in names
    ]
    return {
        "Sid": "ReadImageParameters",
        "Effect": "Allow",
        "Action": actions,
        "Resource": [*own, {"Fn::Sub": "arn:${AWS::Partition}:ssm:*::parameter/aws/service/*"}],
    }


def _read_blocks(section: Section, site: Site) -> dict[str, Json]:
    """Image Builder tags the snapshots of what it builds; those of others are known by nothing."""
    regions = sorted({site.region, *site.regions})
    statement: dict[str, Json] = {
        "Sid": "ReadImageBlocks",
        "Effect": "Allow",
        "Action": ["ebs:GetSnapshotBlock", "ebs:ListSnapshotBlocks"],
        "Resource": [{"Fn::Sub": f"arn:${{AWS::Partition}}:ec2:{region}::snapshot/*"} for region in regions],
    }
    if all(entry.managed for entry in section.entries.values()):
        statement["Condition"] = {"StringEquals": {"aws:ResourceTag/CreatedBy": "EC2 Image Builder"}}
    return statement


def _decrypt(site: Site) -> dict[str, Json]:
    regions = sorted({site.region, *site.regions})
    return {
        "Sid": "DecryptImageBlocks",
        "Effect": "Allow",
        "Action": ["kms:Decrypt"],
        "Resource": [
            {"Fn::Sub": f"arn:${{AWS::Partition}}:kms:{region}:${{AWS::AccountId}}:key/*"} for region in regions
        ],
        # Whatever the key encrypts besides volumes and snapshots stays closed.
        # https://docs.aws.amazon.com/ebs/latest/userguide/how-ebs-encryption-works.html
        "Condition": {"Null": {"kms:EncryptionContext:aws:ebs:id": "false"}},
    }


def _retirement(site: Site) -> tuple[dict[str, Json], ...]:
    """Listing knows no resources; the role's name is CloudFormation's."""
    policies = f"arn:${{AWS::Partition}}:imagebuilder:{site.region}:${{AWS::AccountId}}:lifecycle-policy/*"
    role = f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role{site.iam.path}*"
    found: tuple[tuple[str, str, Json], ...] = (
        ("FindLifecyclePolicies", "imagebuilder:ListLifecyclePolicies", "*"),
        ("ReadLifecyclePolicies", "imagebuilder:GetLifecyclePolicy", {"Fn::Sub": policies}),
        ("SeePoliciesOfTheRetiringRole", "iam:ListAttachedRolePolicies", {"Fn::Sub": role}),
    )
    return tuple({"Sid": sid, "Effect": "Allow", "Action": [what], "Resource": where} for sid, what, where in found)
