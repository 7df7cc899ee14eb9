"""Recycle Bin: retention rules."""

from __future__ import annotations

from typing import Any

from baseops.sandbox.kinds.kind import Attributes, Context, Example, Kind, Props
from baseops.sandbox.kinds.shapes import call, only, tag_changes, tag_list

_CHANGED_BY_UPDATE = ("Description", "RetentionPeriod", "ResourceTags", "ExcludeResourceTags")


class Rule(Kind):
    """A rule; the physical id is its ARN. A locked one can be neither changed nor deleted."""

    type = "AWS::Rbin::Rule"
    service = "rbin"
    properties = frozenset(_CHANGED_BY_UPDATE) | {"LockConfiguration", "ResourceType", "Status", "Tags"}
    required = frozenset({"ResourceType", "RetentionPeriod"})
    create_only = frozenset({"ResourceType"})
    write_only = frozenset({"LockConfiguration"})
    attributes = frozenset({"Arn", "Identifier", "LockState"})
    identifier = ("Arn",)
    tags = "list"

    def create(self, ctx: Context, props: Props, name: str) -> str:
        given = {key: value for key, value in props.items() if key not in ("LockConfiguration", "Status")}
        if props.get("LockConfiguration"):
            given["LockConfiguration"] = {"UnlockDelay": props["LockConfiguration"]}
        return str(call(ctx.client("rbin"), "create_rule", given)["RuleArn"])

    def get(self, ctx: Context, physical_id: str, props: Props) -> Attributes:
        rule = ctx.client("rbin").get_rule(Identifier=_identifier(physical_id))
        return {"Arn": physical_id, "Identifier": rule["Identifier"], "LockState": rule["LockState"]}

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        client = ctx.client("rbin")
        try:
            rule = client.get_rule(Identifier=_identifier(physical_id))
        except client.exceptions.ResourceNotFoundException:
            return None
        tags = client.list_tags_for_resource(ResourceArn=physical_id)["Tags"]
        return {**only(rule, {*_CHANGED_BY_UPDATE, "ResourceType", "Status"}), "Tags": tags}

    def update(self, ctx: Context, physical_id: str, old: Props, new: Props) -> None:
        client = ctx.client("rbin")
        _update_lock(client, physical_id, old.get("LockConfiguration"), new.get("LockConfiguration"))
        changed = {key: new.get(key) for key in _CHANGED_BY_UPDATE if old.get(key) != new.get(key)}
        if changed:
            emptied: dict[str, Any] = {"Description": "", "ResourceTags": [], "ExcludeResourceTags": []}
            given = {key: emptied.get(key) if value is None else value for key, value in changed.items()}
            call(client, "update_rule", {"Identifier": _identifier(physical_id), **given})
        tags, removed = tag_changes(old, new)
        if tags:
            client.tag_resource(ResourceArn=physical_id, Tags=tag_list(tags))
        if removed:
            client.untag_resource(ResourceArn=physical_id, TagKeys=removed)

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        ctx.client("rbin").delete_rule(Identifier=_identifier(physical_id))

    def example(self) -> Example:
        properties = {
            "ResourceType": "EBS_SNAPSHOT",
            "RetentionPeriod": {"RetentionPeriodUnit": "DAYS", "RetentionPeriodValue": 7},
        }
        longer = {"RetentionPeriodUnit": "DAYS", "RetentionPeriodValue": 14}
        return Example(
            properties,
            changed={**properties, "RetentionPeriod": longer, "Tags": [{"Key": "owner", "Value": "platform"}]},
            replaced={**properties, "ResourceType": "EC2_IMAGE"},
        )


KINDS = (Rule(),)


def _identifier(arn: str) -> str:
    return arn.rpartition("/")[2]


def _update_lock(client: Any, arn: str, old: Any, new: Any) -> None:
    if new and new != old:
        call(client, "lock_rule", {"Identifier": _identifier(arn), "LockConfiguration": {"UnlockDelay": new}})
    elif old and not new:
        client.unlock_rule(Identifier=_identifier(arn))
