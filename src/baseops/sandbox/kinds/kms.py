"""AWS KMS: keys and aliases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from baseops.sandbox.kinds.kind import Attributes, Context, Example, HandlerError, Kind, Props
from baseops.sandbox.kinds.shapes import as_bool, as_text, call, document, only, tag_changes

_FOR_EVER = ("KeySpec", "KeyUsage", "MultiRegion", "Origin")
_CREATED = frozenset({"Description", *_FOR_EVER})


class Key(Kind):
    """A key; deleting the resource only schedules the key's deletion, 30 days ahead unless told otherwise.

    What cannot be changed makes the update fail, so that nobody loses a key by an edit:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-kms-key.html
    """

    type = "AWS::KMS::Key"
    service = "kms"
    properties = _CREATED | {
        "BypassPolicyLockoutSafetyCheck",
        "EnableKeyRotation",
        "Enabled",
        "KeyPolicy",
        "PendingWindowInDays",
        "RotationPeriodInDays",
        "Tags",
    }
    write_only = frozenset({"BypassPolicyLockoutSafetyCheck", "PendingWindowInDays", "RotationPeriodInDays"})
    attributes = frozenset({"Arn", "KeyId"})
    identifier = ("KeyId",)
    seconds = 20.0
    tags = "list"

    def create(self, ctx: Context, props: Props, name: str) -> str:
        refuse_unknown_principals(ctx, props.get("KeyPolicy"))
        client = ctx.client("kms")
        tags = [{"TagKey": tag["Key"], "TagValue": as_text(tag["Value"])} for tag in props.get("Tags", ())]
        values = {**only(props, _CREATED), "Tags": tags or None, "Policy": props.get("KeyPolicy")}
        key_id = str(call(client, "create_key", values)["KeyMetadata"]["KeyId"])
        self._settle(client, key_id, {}, props)
        return key_id

    def get(self, ctx: Context, physical_id: str, props: Props) -> Attributes:
        return {"Arn": ctx.arn("kms", f"key/{physical_id}"), "KeyId": physical_id}

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        client = ctx.client("kms")
        try:
            live = client.describe_key(KeyId=physical_id)["KeyMetadata"]
        except client.exceptions.NotFoundException:
            return None
        if live["KeyState"] == "PendingDeletion":
            return None
        tags = client.list_resource_tags(KeyId=physical_id).get("Tags", ())
        found = {
            **only(live, _CREATED),
            "Enabled": live["Enabled"],
            "KeyPolicy": document(client.get_key_policy(KeyId=physical_id, PolicyName="default")["Policy"]),
            "Tags": [{"Key": tag["TagKey"], "Value": tag["TagValue"]} for tag in tags],
        }
        if live.get("KeySpec", "SYMMETRIC_DEFAULT") == "SYMMETRIC_DEFAULT":
            found["EnableKeyRotation"] = client.get_key_rotation_status(KeyId=physical_id)["KeyRotationEnabled"]
        return found

    def update(self, ctx: Context, physical_id: str, old: Props, new: Props) -> None:
        client = ctx.client("kms")
        changed_for_ever = [name for name in _FOR_EVER if old.get(name) != new.get(name)]
        if changed_for_ever:
            raise HandlerError(f"You cannot change the value of {changed_for_ever[0]} of an existing KMS key.")
        if old.get("KeyPolicy") != new.get("KeyPolicy"):
            refuse_unknown_principals(ctx, new.get("KeyPolicy"))
            client.put_key_policy(KeyId=physical_id, PolicyName="default", Policy=as_text(new["KeyPolicy"]))
        if old.get("Description") != new.get("Description"):
            client.update_key_description(KeyId=physical_id, Description=as_text(new.get("Description", "")))
        self._settle(client, physical_id, old, new)
        changed, removed = tag_changes(old, new)
        if changed:
            client.tag_resource(
                KeyId=physical_id, Tags=[{"TagKey": key, "TagValue": value} for key, value in changed.items()]
            )
        if removed:
            client.untag_resource(KeyId=physical_id, TagKeys=removed)

    def _settle(self, client: Any, key_id: str, old: Props, new: Props) -> None:
        """Rotation and whether the key is enabled, which CreateKey does not take."""
        rotates, rotated = (as_bool(props.get("EnableKeyRotation", False)) for props in (new, old))
        if rotates and (not rotated or old.get("RotationPeriodInDays") != new.get("RotationPeriodInDays")):
            values = {"KeyId": key_id, "RotationPeriodInDays": new.get("RotationPeriodInDays")}
            call(client, "enable_key_rotation", values)
        elif rotated and not rotates:
            client.disable_key_rotation(KeyId=key_id)
        enabled, was_enabled = (as_bool(props.get("Enabled", True)) for props in (new, old))
        if enabled and not was_enabled:
            client.enable_key(KeyId=key_id)
        elif was_enabled and not enabled:
            client.disable_key(KeyId=key_id)

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        days = int(props.get("PendingWindowInDays", 30))
        ctx.client("kms").schedule_key_deletion(KeyId=physical_id, PendingWindowInDays=days)

    def example(self) -> Example:
        root = {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}
        statement = {"Effect": "Allow", "Principal": {"AWS": root}, "Action": "kms:*", "Resource": "*"}
        properties = {"KeyPolicy": {"Version": "2012-10-17", "Statement": [statement]}, "EnableKeyRotation": True}
        return Example(
            properties,
            changed={**properties, "Description": "for logs", "EnableKeyRotation": False},
        )


def refuse_unknown_principals(ctx: Context, policy: Any) -> None:
    """KMS resolves the principals of a key policy and refuses those that do not exist.

    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-overview.html
    """
    parsed = json.loads(policy) if isinstance(policy, str) else policy or {}
    iam = ctx.client("iam")
    for principal in _principals(parsed):
        if not _exists(iam, ctx.account_id, principal):
            raise HandlerError("Policy contains a statement with one or more invalid principals.", "InvalidRequest")


def _principals(policy: Props) -> Iterator[str]:
    statements = policy.get("Statement", ())
    for statement in [statements] if isinstance(statements, dict) else statements:
        named = statement.get("Principal")
        aws = named.get("AWS", ()) if isinstance(named, dict) else ()
        yield from [aws] if isinstance(aws, str) else aws


def _exists(iam: Any, account_id: str, principal: str) -> bool:
    """Whether a principal of this account exists; those of other accounts cannot be seen from here."""
    parts = principal.split(":")
    if len(parts) < 6 or parts[4] != account_id or parts[5] == "root":
        return True
    kind, _, path = parts[5].partition("/")
    name = path.rpartition("/")[2]
    readers = {"role": (iam.get_role, "RoleName"), "user": (iam.get_user, "UserName")}
    if kind not in readers:
        return True
    get, argument = readers[kind]
    try:
        return str(get(**{argument: name})[kind.capitalize()]["Arn"]) == principal
    except iam.exceptions.NoSuchEntityException:
        return False


class Alias(Kind):
    """An alias of a key."""

    type = "AWS::KMS::Alias"
    service = "kms"
    properties = frozenset({"AliasName", "TargetKeyId"})
    required = properties
    create_only = frozenset({"AliasName"})
    identifier = ("AliasName",)
    name_property = "AliasName"

    def create(self, ctx: Context, props: Props, name: str) -> str:
        call(ctx.client("kms"), "create_alias", props)
        return as_text(props["AliasName"])

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        pages = ctx.client("kms").get_paginator("list_aliases").paginate()
        found = [each for page in pages for each in page["Aliases"] if each["AliasName"] == physical_id]
        if not found:
            return None
        target = str(found[0].get("TargetKeyId", ""))
        wanted = as_text(props.get("TargetKeyId", target))
        same_key = wanted.rpartition("/")[2] == target.rpartition("/")[2]
        return {"AliasName": physical_id, "TargetKeyId": wanted if same_key else target}

    def update(self, ctx: Context, physical_id: str, old: Props, new: Props) -> None:
        call(ctx.client("kms"), "update_alias", new)

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        ctx.client("kms").delete_alias(AliasName=physical_id)

    def example(self) -> Example:
        properties = {"AliasName": "alias/example", "TargetKeyId": {"Ref": "One"}}
        return Example(
            properties,
            changed={**properties, "TargetKeyId": {"Ref": "Two"}},
            replaced={**properties, "AliasName": "alias/another"},
            beside={"One": {"Type": "AWS::KMS::Key"}, "Two": {"Type": "AWS::KMS::Key"}},
        )


KINDS = (Key(), Alias())
