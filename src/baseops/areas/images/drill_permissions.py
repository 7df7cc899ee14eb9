"""What drills of this area may do, by class: look at images and read their blocks; launch one of their own.

EC2's and Image Builder's describe and list calls know no resources; everything else is bounded by region and tag.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from baseops.areas.images.names import DECLARATION_TAG
from baseops.contract.site import Site
from baseops.contract.types import DrillClass, Json

if TYPE_CHECKING:
    from baseops.areas.images.spec import Section

DRILL_TAG = "baseops:drill"


def statements(section: Section, site: Site) -> Mapping[DrillClass, tuple[Mapping[str, Json], ...]]:
    """Statements for the drill roles of the classes that this area has drills of."""
    if not section.entries:
        return {}
    regions: list[Json] = [*sorted({site.region, *site.regions})]
    in_regions: dict[str, Json] = {"aws:RequestedRegion": regions}
    return {
        "observe": (_look(in_regions), _parameters(section, site), _read_blocks(site), _decrypt(site)),
        "exercise": tuple(_launch(site)),
    }


def _look(in_regions: dict[str, Json]) -> dict[str, Json]:
    described = (
        "ImageAttribute",
        "ImageReferences",
        "Images",
        "Instances",
        "LaunchTemplateVersions",
        "LaunchTemplates",
    )
    actions: list[Json] = [
        "autoscaling:DescribeAutoScalingGroups",
        *(f"ec2:Describe{each}" for each in (*described, "Snapshots")),
        "ec2:GetAllowedImagesSettings",
        "imagebuilder:GetImage",
        "imagebuilder:GetImagePipeline",
        "imagebuilder:GetImageRecipe",
        "imagebuilder:GetLifecyclePolicy",
        "imagebuilder:ListImageBuildVersions",
        "imagebuilder:ListImagePipelineImages",
        "imagebuilder:ListImagePipelines",
        "imagebuilder:ListImages",
        "imagebuilder:ListLifecyclePolicies",
    ]
    return {
        "Sid": "LookAtImages",
        "Effect": "Allow",
        "Action": actions,
        "Resource": "*",
        "Condition": {"StringEquals": in_regions},
    }


def _parameters(section: Section, site: Site) -> dict[str, Json]:
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
        "Action": ["ssm:GetParameter", "ssm:GetParameters"],
        "Resource": [*own, {"Fn::Sub": "arn:${AWS::Partition}:ssm:${AWS::Region}::parameter/aws/service/*"}],
    }


def _read_blocks(site: Site) -> dict[str, Json]:
    regions = sorted({site.region, *site.regions})
    return {
        "Sid": "ReadImageBlocks",
        "Effect": "Allow",
        "Action": ["ebs:GetSnapshotBlock", "ebs:ListSnapshotBlocks"],
        "Resource": [{"Fn::Sub": f"arn:${{AWS::Partition}}:ec2:{region}::snapshot/*"} for region in regions],
        "Condition": {"StringEquals": {"aws:ResourceTag/CreatedBy": "EC2 Image Builder"}},
    }


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


def _launch(site: Site) -> list[dict[str, Json]]:
    """An instance of an image of ours, with the drill's tag; only such instances are ended."""
    own = f"arn:${{AWS::Partition}}:ec2:{site.region}:${{AWS::AccountId}}:"
    image = f"arn:${{AWS::Partition}}:ec2:{site.region}::image/*"
    tagged: dict[str, Json] = {"Null": {f"aws:RequestTag/{DRILL_TAG}": "false"}}
    return [
        {
            "Sid": "LaunchOwnImages",
            "Effect": "Allow",
            "Action": "ec2:RunInstances",
            "Resource": {"Fn::Sub": image},
            "Condition": {"StringEquals": {f"aws:ResourceTag/{DECLARATION_TAG}": site.name}},
        },
        {
            "Sid": "LaunchIntoTheNetwork",
            "Effect": "Allow",
            "Action": "ec2:RunInstances",
            "Resource": [
                {"Fn::Sub": f"{own}{each}"}
                for each in ("network-interface/*", "security-group/*", f"subnet/{site.network.drill_subnet or '*'}")
            ],
        },
        {
            "Sid": "LaunchWithTheDrillsTag",
            "Effect": "Allow",
            "Action": "ec2:RunInstances",
            "Resource": [{"Fn::Sub": f"{own}{each}"} for each in ("instance/*", "volume/*")],
            "Condition": tagged,
        },
        {
            "Sid": "TagWhatIsLaunched",
            "Effect": "Allow",
            "Action": "ec2:CreateTags",
            "Resource": [{"Fn::Sub": f"{own}{each}"} for each in ("instance/*", "volume/*")],
            "Condition": {"StringEquals": {"ec2:CreateAction": "RunInstances"}},
        },
        {
            "Sid": "EndOwnInstances",
            "Effect": "Allow",
            "Action": "ec2:TerminateInstances",
            "Resource": {"Fn::Sub": f"{own}instance/*"},
            "Condition": {"Null": {f"aws:ResourceTag/{DRILL_TAG}": "false"}},
        },
    ]
