"""What drills of this area may do, by class: look at and read snapshots; restore one to a volume of their own.

EC2's describe calls know no resources; everything else is bounded by region, tag or key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from baseops.contract.site import Site
from baseops.contract.types import DrillClass, Json

if TYPE_CHECKING:
    from baseops.areas.backups.spec.section import Section

DRILL_TAG = "baseops:drill"


def statements(section: Section, site: Site) -> Mapping[DrillClass, tuple[Mapping[str, Json], ...]]:
    """Statements for the drill roles of the classes that this area has drills of."""
    if not section.entries and not section.account.is_claimed:
        return {}
    regions = sorted({site.region, *site.regions})
    look = (_look(), _read_roles(), _read_keys(regions), _read_blocks(regions), _decrypt(regions))
    return {"observe": look, "exercise": tuple(_restore(regions))}


def _look() -> dict[str, Json]:
    described = ("Instances", "LockedSnapshots", "SnapshotAttribute", "Snapshots", "Volumes")
    return {
        "Sid": "LookAtBackups",
        "Effect": "Allow",
        "Action": [
            "backup:ListProtectedResources",
            "backup:ListRecoveryPointsByResource",
            "dlm:GetLifecyclePolicies",
            "dlm:GetLifecyclePolicy",
            *(f"ec2:Describe{each}" for each in described),
            "ec2:GetSnapshotBlockPublicAccessState",
            "ec2:ListSnapshotsInRecycleBin",
            "rbin:GetRule",
            "rbin:ListRules",
        ],
        "Resource": "*",
    }


def _read_roles() -> dict[str, Json]:
    """The role that a policy names may be anybody's: what is read of it is who may assume it and what it may do."""
    arn = "arn:${AWS::Partition}:iam::${AWS::AccountId}"
    policy = ["iam:GetPolicy", "iam:GetPolicyVersion"]
    role = ["iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"]
    managed: list[Json] = [{"Fn::Sub": f"{arn}:policy/*"}, {"Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/*"}]
    return {
        "Sid": "ReadRolesOfPolicies",
        "Effect": "Allow",
        "Action": [*policy, *role],
        "Resource": [{"Fn::Sub": f"{arn}:role/*"}, *managed],
    }


def _read_keys(regions: list[str]) -> dict[str, Json]:
    return {
        "Sid": "ReadKeysOfCopies",
        "Effect": "Allow",
        "Action": ["kms:DescribeKey", "kms:GetKeyPolicy"],
        "Resource": [
            {"Fn::Sub": f"arn:${{AWS::Partition}}:kms:{region}:${{AWS::AccountId}}:key/*"} for region in regions
        ],
    }


def _read_blocks(regions: list[str]) -> dict[str, Json]:
    # https://docs.aws.amazon.com/ebs/latest/userguide/ebsapi-permissions.html
    return {
        "Sid": "ReadSnapshotBlocks",
        "Effect": "Allow",
        "Action": ["ebs:GetSnapshotBlock", "ebs:ListChangedBlocks", "ebs:ListSnapshotBlocks"],
        "Resource": [_arn(region, "snapshot/*", owned=False) for region in regions],
    }


def _decrypt(regions: list[str]) -> dict[str, Json]:
    return {
        "Sid": "DecryptSnapshotBlocks",
        "Effect": "Allow",
        "Action": "kms:Decrypt",
        "Resource": [
            {"Fn::Sub": f"arn:${{AWS::Partition}}:kms:{region}:${{AWS::AccountId}}:key/*"} for region in regions
        ],
    }


def _restore(regions: list[str]) -> list[dict[str, Json]]:
    volumes: list[Json] = [_arn(region, "volume/*") for region in regions]
    snapshots: list[Json] = [_arn(region, "snapshot/*", owned=False) for region in regions]
    own: dict[str, Json] = {"Null": {f"aws:RequestTag/{DRILL_TAG}": "false"}}
    return [
        {
            "Sid": "RestoreToOwnVolume",
            "Effect": "Allow",
            "Action": "ec2:CreateVolume",
            "Resource": volumes,
            "Condition": own,
        },
        {"Sid": "RestoreFromSnapshots", "Effect": "Allow", "Action": "ec2:CreateVolume", "Resource": snapshots},
        {
            "Sid": "TagOwnVolume",
            "Effect": "Allow",
            "Action": "ec2:CreateTags",
            "Resource": volumes,
            "Condition": {"StringEquals": {"ec2:CreateAction": "CreateVolume"}},
        },
        {
            "Sid": "RemoveOwnVolume",
            "Effect": "Allow",
            "Action": "ec2:DeleteVolume",
            "Resource": volumes,
            "Condition": {"Null": {f"aws:ResourceTag/{DRILL_TAG}": "false"}},
        },
    ]


def _arn(region: str, resource: str, *, owned: bool = True) -> dict[str, Json]:
    account = "${AWS::AccountId}" if owned else ""
    return {"Fn::Sub": f"arn:${{AWS::Partition}}:ec2:{region}:{account}:{resource}"}
