"""What DLM's role may do: make, tag, copy and share snapshots; delete only those that carry our tag.

https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSDataLifecycleManagerServiceRole.html allows the
same actions on everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from troposphere import Sub

from baseops.areas.backups.freeze import document_name
from baseops.areas.backups.policies import copy_key
from baseops.cloudformation.builder import StackBuilder
from baseops.contract.refs import Refs
from baseops.contract.site import DECLARATION_TAG, Site

if TYPE_CHECKING:
    from baseops.areas.backups.spec.plan import Plan
    from baseops.areas.backups.spec.section import Entry

Statement = dict[str, Any]


def statements(managed: Mapping[str, Entry], stack: StackBuilder, refs: Refs) -> list[Statement]:
    """The statements for all backups together."""
    entries = list(managed.values())
    plans = [plan for entry in entries for plan in entry.plans.values()]
    regions = sorted({refs.site.region, *(copy.region for entry in entries for copy in entry.copies_here)})
    found = [_look(), _tag(regions), _keep(plans, regions, refs.site.name)]
    if plans:
        found.append(_make())
    if any(entry.copies_here for entry in entries):
        found.append(_copy(regions))
    found += _keys(entries, stack, refs, regions)
    found += _scripts(managed, refs.site)
    if any(entry.receive for entry in entries):
        found.append(_managed_rules())
    return found


def _allow(sid: str, actions: Iterable[str], resources: Any, condition: Any = None) -> Statement:
    statement: Statement = {"Sid": sid, "Effect": "Allow", "Action": sorted(actions), "Resource": resources}
    return {**statement, "Condition": condition} if condition else statement


def _look() -> Statement:
    seen = ("AvailabilityZones", "FastSnapshotRestores", "Instances", "SnapshotAttribute", "SnapshotTierStatus")
    return _allow("Look", [f"ec2:Describe{each}" for each in (*seen, "Snapshots", "Volumes")], "*")


def _snapshots(regions: Sequence[str]) -> list[Any]:
    return [Sub(f"arn:${{AWS::Partition}}:ec2:{region}::snapshot/*") for region in regions]


def _make() -> Statement:
    own = "arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}"
    return _allow(
        "MakeSnapshots",
        ["ec2:CreateSnapshot", "ec2:CreateSnapshots"],
        [
            Sub(f"{own}:instance/*"),
            Sub(f"{own}:volume/*"),
            Sub("arn:${AWS::Partition}:ec2:${AWS::Region}::snapshot/*"),
        ],
    )


def _tag(regions: Sequence[str]) -> Statement:
    return _allow("TagSnapshots", ["ec2:CreateTags"], _snapshots(regions))


def _keep(plans: Sequence[Plan], regions: Sequence[str], declaration: str) -> Statement:
    actions = {"ec2:DeleteSnapshot"}
    if any(plan.share or any(copy.account for copy in plan.copies) for plan in plans):
        actions.add("ec2:ModifySnapshotAttribute")
    if any(plan.archive for plan in plans):
        actions.add("ec2:ModifySnapshotTier")
    if any(plan.fast_restore for plan in plans):
        actions |= {"ec2:DisableFastSnapshotRestores", "ec2:EnableFastSnapshotRestores"}
    only_ours = {"StringEquals": {f"aws:ResourceTag/{DECLARATION_TAG}": declaration}}
    return _allow("KeepOwnSnapshots", actions, _snapshots(regions), only_ours)


def _copy(regions: Sequence[str]) -> Statement:
    return _allow("CopySnapshots", ["ec2:CopySnapshot"], _snapshots(regions))


def _keys(entries: Sequence[Entry], stack: StackBuilder, refs: Refs, regions: Sequence[str]) -> list[Statement]:
    """Use of and grants on the volumes' keys and the copies' keys: a copy needs both.

    https://docs.aws.amazon.com/ebs/latest/userguide/event-policy.html#target_iam-role
    """
    named = [stack.use(refs.key("backups"))]
    named += [copy_key(copy, stack, refs) for entry in entries for copy in entry.copies_here]
    named += [key for entry in entries for key in _source_keys(entry)]
    found = _key_statements("", _once(named), {})
    if any(entry.target and not entry.target.keys for entry in entries):
        # Volumes may be under any key of the account; EC2 alone can use them through this role.
        any_key = Sub("arn:${AWS::Partition}:kms:${AWS::Region}:${AWS::AccountId}:key/*")
        through = {"StringEquals": {"kms:ViaService": [f"ec2.{region}.amazonaws.com" for region in regions]}}
        found += _key_statements("OfVolumes", [any_key], through)
    return found


def _source_keys(entry: Entry) -> tuple[str, ...]:
    if entry.target is not None:
        return entry.target.keys
    return entry.receive.keys if entry.receive else ()


def _key_statements(suffix: str, keys: list[Any], condition: dict[str, Any]) -> list[Statement]:
    use = ("Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey*", "ReEncrypt*")
    grants = ("CreateGrant", "ListGrants", "RevokeGrant")
    for_aws = {**condition, "Bool": {"kms:GrantIsForAWSResource": "true"}}
    return [
        _allow(f"UseKeys{suffix}", [f"kms:{each}" for each in use], keys, condition),
        _allow(f"GrantKeys{suffix}", [f"kms:{each}" for each in grants], keys, for_aws),
    ]


def _once(keys: list[Any]) -> list[Any]:
    seen: dict[str, Any] = {}
    for key in keys:
        seen.setdefault(key if isinstance(key, str) else str(key.to_dict()), key)
    return [seen[text] for text in sorted(seen)]


def _scripts(managed: Mapping[str, Entry], site: Site) -> list[Statement]:
    documents = {
        plan.scripts.document or document_name(site, name, plan_name)
        for name, entry in managed.items()
        for plan_name, plan in entry.plans.items()
        if plan.scripts
    }
    if not documents:
        return []
    arns = [_document_arn(each) for each in sorted(documents)]
    run_on = Sub("arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}:instance/*")
    return [
        _allow("RunScripts", ["ssm:SendCommand"], [*arns, run_on]),
        _allow("ReadScripts", ["ssm:DescribeDocument", "ssm:GetDocument"], arns),
        _allow("FollowScripts", _FOLLOW, "*"),
    ]


_FOLLOW = ("ssm:DescribeInstanceInformation", "ssm:GetCommandInvocation", "ssm:ListCommands")


def _document_arn(document: str) -> Any:
    if document.startswith("arn:"):
        return document
    if document == "AWS_VSS_BACKUP":
        return Sub("arn:${AWS::Partition}:ssm:${AWS::Region}::document/AWSEC2-CreateVssSnapshot")
    return Sub(f"arn:${{AWS::Partition}}:ssm:${{AWS::Region}}:${{AWS::AccountId}}:document/{document}")


def _managed_rules() -> Statement:
    """DLM watches for shared snapshots by EventBridge rules that it makes itself."""
    rules = ("DeleteRule", "DescribeRule", "DisableRule", "EnableRule", "ListTargetsByRule", "PutRule", "PutTargets")
    return _allow(
        "WatchForSharedSnapshots",
        [f"events:{each}" for each in (*rules, "RemoveTargets")],
        Sub("arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:rule/AwsDataLifecycleRule.managed-cwe.*"),
    )
