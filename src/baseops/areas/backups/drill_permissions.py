"""What drills of this area may do, by class: look at and read snapshots; restore one to a volume of their own.

EC2's describe calls know no resources; everything else is bounded by region, tag or key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from baseops.contract.site import Site
from baseops.contract.types import DrillClass, Json
from baseops.evidence import drill_instance_statements
from baseops.evidence.drill_instances import AMAZON_LINUX

if TYPE_CHECKING:
    from baseops.areas.backups.spec.section import Section


def statements(section: Section, site: Site) -> Mapping[DrillClass, tuple[Mapping[str, Json], ...]]:
    """Statements for the drill roles of the classes that this area has drills of."""
    if not section.entries and not section.account.is_claimed:
        return {}
    regions = sorted({site.region, *site.regions})
    look = (_look(), _read_roles(), _read_keys(regions), _read_blocks(regions), _decrypt(regions))
    return {"observe": look, **({"exercise": tuple(_restore(site))} if restores(section, site) else {})}


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
        "Resource": _keys(regions),
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
        "Resource": _keys(regions),
        # Whatever a key encrypts besides volumes and snapshots stays closed.
        # https://docs.aws.amazon.com/ebs/latest/userguide/how-ebs-encryption-works.html
        "Condition": {"Null": {"kms:EncryptionContext:aws:ebs:id": "false"}},
    }


def restores(section: Section, site: Site) -> bool:
    """Whether there is a place to restore in, and something to read there."""
    return bool(site.network.drill_subnet) and any(each.read and each.target for each in section.entries.values())


def _restore(site: Site) -> Iterator[dict[str, Json]]:
    region = site.region
    volumes: list[Json] = [_arn(region, "volume/*")]
    tagged = drill_instance_statements.owned(site)
    image: Json = {"Fn::Sub": f"arn:${{AWS::Partition}}:ssm:{region}::parameter{AMAZON_LINUX}/*"}
    amazon: dict[str, Json] = {"StringEquals": {"ec2:Owner": "amazon"}}
    yield from drill_instance_statements.statements("Restore", site, amazon)
    yield _allow("RestoreImage", ["ssm:GetParameter"], image)
    yield _allow("RestoreVolume", ["ec2:CreateVolume"], volumes, drill_instance_statements.requested(site))
    yield _allow("RestoreFromSnapshots", ["ec2:CreateVolume"], _arn(region, "snapshot/*", owned=False))
    made: dict[str, Json] = {"StringEquals": {"ec2:CreateAction": "CreateVolume"}}
    yield _allow("RestoreVolumeTags", ["ec2:CreateTags"], volumes, made)
    attached: list[Json] = [*volumes, _arn(region, "instance/*")]
    yield _allow("RestoreAttaches", ["ec2:AttachVolume"], attached, tagged)
    yield _allow("RestoreRemoves", ["ec2:DeleteVolume"], volumes, tagged)


def _allow(sid: str, actions: list[str], where: Json, condition: dict[str, Json] | None = None) -> dict[str, Json]:
    listed: list[Json] = [*actions]
    found: dict[str, Json] = {"Sid": sid, "Effect": "Allow", "Action": listed, "Resource": where}
    return {**found, "Condition": condition} if condition else found


def _keys(regions: list[str]) -> list[Json]:
    own = "${AWS::AccountId}:key/*"
    return [{"Fn::Sub": f"arn:${{AWS::Partition}}:kms:{region}:{own}"} for region in regions]


def _arn(region: str, resource: str, *, owned: bool = True) -> dict[str, Json]:
    account = "${AWS::AccountId}" if owned else ""
    return {"Fn::Sub": f"arn:${{AWS::Partition}}:ec2:{region}:{account}:{resource}"}
