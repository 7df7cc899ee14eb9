"""Data Lifecycle Manager: policies of one's own; default policies are not played."""

from __future__ import annotations

from baseops.sandbox.kinds.kind import Attributes, Context, Example, HandlerError, Kind, Props
from baseops.sandbox.kinds.shapes import call, only, tag_changes, tag_list, tag_map

_DEFAULT_POLICY = frozenset(
    {
        "CopyTags",
        "CreateInterval",
        "CrossRegionCopyTargets",
        "DefaultPolicy",
        "Exclusions",
        "ExtendDeletion",
        "RetainInterval",
    }
)
_OWN = ("Description", "State", "ExecutionRoleArn", "PolicyDetails")


class LifecyclePolicy(Kind):
    """A policy; every change is in place, but DLM takes no other type of policy or resource."""

    type = "AWS::DLM::LifecyclePolicy"
    service = "dlm"
    properties = frozenset(_OWN) | _DEFAULT_POLICY | {"Tags"}
    attributes = frozenset({"Arn", "PolicyId"})
    identifier = ("PolicyId",)
    seconds = 4.0
    tags = "list"

    def create(self, ctx: Context, props: Props, name: str) -> str:
        given = {**props, "Tags": tag_map(props.get("Tags", ())) or None}
        return str(call(ctx.client("dlm"), "create_lifecycle_policy", given)["PolicyId"])

    def get(self, ctx: Context, physical_id: str, props: Props) -> Attributes:
        return {"Arn": ctx.arn("dlm", f"policy/{physical_id}"), "PolicyId": physical_id}

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        client = ctx.client("dlm")
        try:
            policy = client.get_lifecycle_policy(PolicyId=physical_id)["Policy"]
        except client.exceptions.ResourceNotFoundException:
            return None
        # A policy in error is still enabled as far as its template goes.
        state = "ENABLED" if policy["State"] == "ERROR" else policy["State"]
        return {**only(policy, _OWN), "State": state, "Tags": tag_list(policy.get("Tags", {}))}

    def update(self, ctx: Context, physical_id: str, old: Props, new: Props) -> None:
        client = ctx.client("dlm")
        changed = {key: new.get(key) for key in _OWN if old.get(key) != new.get(key)}
        if any(value is None for value in changed.values()):
            raise HandlerError(f"{', '.join(sorted(changed))} cannot be removed from a lifecycle policy")
        if changed:
            call(client, "update_lifecycle_policy", {"PolicyId": physical_id, **changed})
        tags, removed = tag_changes(old, new)
        arn = ctx.arn("dlm", f"policy/{physical_id}")
        if tags:
            client.tag_resource(ResourceArn=arn, Tags=tags)
        if removed:
            client.untag_resource(ResourceArn=arn, TagKeys=removed)

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        ctx.client("dlm").delete_lifecycle_policy(PolicyId=physical_id)

    def example(self) -> Example:
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "dlm.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ],
        }
        # What DLM would write back is said, or the policy would show as drifted.
        schedule = {
            "Name": "daily",
            "CopyTags": False,
            "CreateRule": {"Interval": 24, "IntervalUnit": "HOURS", "Times": ["03:00"], "Location": "CLOUD"},
            "RetainRule": {"Interval": 30, "IntervalUnit": "DAYS"},
        }
        details = {
            "PolicyType": "EBS_SNAPSHOT_MANAGEMENT",
            "ResourceTypes": ["VOLUME"],
            "ResourceLocations": ["CLOUD"],
            "PolicyLanguage": "STANDARD",
            "TargetTags": [{"Key": "Backup", "Value": "daily"}],
            "Schedules": [schedule],
        }
        properties = {
            "Description": "daily snapshots",
            "State": "ENABLED",
            "ExecutionRoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
            "PolicyDetails": details,
        }
        return Example(
            properties,
            changed={**properties, "State": "DISABLED", "Tags": [{"Key": "owner", "Value": "platform"}]},
            beside={"Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}}},
        )


KINDS = (LifecyclePolicy(),)
