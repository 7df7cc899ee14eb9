"""AWS Secrets Manager: secrets, their rotation schedules and resource policies."""

from __future__ import annotations

import json
from typing import Any

from baseops.sandbox.kinds.kind import Attributes, Context, Example, HandlerError, Kind, Props
from baseops.sandbox.kinds.shapes import as_bool, as_text, call, document, only, tag_changes, tag_list

# Any: botocore's clients and AWS's answers.


class Secret(Kind):
    """A secret; Ref gives its ARN. A changed `GenerateSecretString` replaces the live value, as in AWS."""

    type = "AWS::SecretsManager::Secret"
    service = "secretsmanager"
    properties = frozenset(
        {
            "Description",
            "GenerateSecretString",
            "KmsKeyId",
            "Name",
            "ReplicaRegions",
            "SecretString",
            "Tags",
            "Type",
        }
    )
    create_only = frozenset({"Name"})
    write_only = frozenset({"GenerateSecretString", "SecretString", "Type"})
    attributes = frozenset({"Id"})
    identifier = ("Id",)
    name_property = "Name"
    name_limit = 512
    seconds = 5.0
    tags = "list"

    def create(self, ctx: Context, props: Props, name: str) -> str:
        client = ctx.client("secretsmanager")
        value = _value(client, props)
        made = call(
            client,
            "create_secret",
            {
                **only(props, ("Description", "KmsKeyId", "Tags")),
                "Name": as_text(props.get("Name", name)),
                "SecretString": value,
                "AddReplicaRegions": props.get("ReplicaRegions") or None,
            },
        )
        return str(made["ARN"])

    def named(self, ctx: Context, props: Props) -> str | None:
        """The ARN of the secret of that name; None also when there is none."""
        found = _described(ctx.client("secretsmanager"), as_text(props["Name"])) if "Name" in props else None
        return str(found["ARN"]) if found and "DeletedDate" not in found else None

    def get(self, ctx: Context, physical_id: str, props: Props) -> Attributes:
        return {"Id": physical_id}

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        found = _described(ctx.client("secretsmanager"), physical_id)
        if found is None or "DeletedDate" in found:
            return None
        replicas = [only(each, ("Region", "KmsKeyId")) for each in found.get("ReplicationStatus", [])]
        return {**only(found, ("Description", "KmsKeyId", "Name", "Tags")), "ReplicaRegions": replicas}

    def update(self, ctx: Context, physical_id: str, old: Props, new: Props) -> None:
        client = ctx.client("secretsmanager")
        changed = {name: new.get(name) for name in ("Description", "KmsKeyId") if old.get(name) != new.get(name)}
        if old.get("SecretString") != new.get("SecretString") or (
            "GenerateSecretString" in new and old.get("GenerateSecretString") != new["GenerateSecretString"]
        ):
            changed["SecretString"] = _value(client, new)
        if changed:
            call(client, "update_secret", {**changed, "SecretId": physical_id})
        _replicate(client, physical_id, old, new)
        tags, removed = tag_changes(old, new)
        if tags:
            client.tag_resource(SecretId=physical_id, Tags=tag_list(tags))
        if removed:
            client.untag_resource(SecretId=physical_id, TagKeys=removed)

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        client = ctx.client("secretsmanager")
        _replicate(client, physical_id, props, {})
        # CloudFormation deletes secrets at once: https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1999
        client.delete_secret(SecretId=physical_id, ForceDeleteWithoutRecovery=True)

    def example(self) -> Example:
        properties = {
            "Name": "example/one",
            "Description": "one",
            "GenerateSecretString": {
                "PasswordLength": 20,
                "SecretStringTemplate": '{"username": "app"}',
                "GenerateStringKey": "password",
            },
        }
        return Example(
            properties,
            changed={**properties, "Description": "two", "ReplicaRegions": [{"Region": "us-east-1"}]},
            replaced={**properties, "Name": "example/two"},
        )


def _described(client: Any, secret_id: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = client.describe_secret(SecretId=secret_id)
    except client.exceptions.ResourceNotFoundException:
        return None
    return found


def _value(client: Any, props: Props) -> str | None:
    if "GenerateSecretString" not in props:
        return as_text(props["SecretString"]) if "SecretString" in props else None
    if "SecretString" in props:
        raise HandlerError("You can't specify both SecretString and GenerateSecretString")
    rules = dict(props["GenerateSecretString"])
    template, key = rules.pop("SecretStringTemplate", None), rules.pop("GenerateStringKey", None)
    if (template is None) != (key is None):
        raise HandlerError("You must specify both SecretStringTemplate and GenerateStringKey, or neither")
    password = str(call(client, "get_random_password", rules)["RandomPassword"])
    return password if template is None else json.dumps({**json.loads(template), str(key): password})


def _replicate(client: Any, secret_id: str, old: Props, new: Props) -> None:
    before, after = ({each["Region"]: each for each in props.get("ReplicaRegions") or ()} for props in (old, new))
    gone = [region for region, each in before.items() if after.get(region) != each]
    if gone:
        client.remove_regions_from_replication(SecretId=secret_id, RemoveReplicaRegions=gone)
    added = [each for region, each in after.items() if before.get(region) != each]
    if added:
        client.replicate_secret_to_regions(SecretId=secret_id, AddReplicaRegions=added)


class RotationSchedule(Kind):
    """When a secret is rotated; Ref gives the secret's ARN. It rotates at once unless told otherwise."""

    type = "AWS::SecretsManager::RotationSchedule"
    service = "secretsmanager"
    properties = frozenset({"RotateImmediatelyOnUpdate", "RotationLambdaARN", "RotationRules", "SecretId"})
    required = frozenset({"SecretId"})
    create_only = frozenset({"SecretId"})
    write_only = frozenset({"RotateImmediatelyOnUpdate"})
    attributes = frozenset({"Id"})
    identifier = ("Id",)
    seconds = 5.0

    def create(self, ctx: Context, props: Props, name: str) -> str:
        if "RotationLambdaARN" not in props:
            raise HandlerError("RotationLambdaARN is required: No Lambda rotation function ARN is associated")
        return self._rotate(ctx, props)

    def _rotate(self, ctx: Context, props: Props) -> str:
        answer = call(
            ctx.client("secretsmanager"),
            "rotate_secret",
            {
                **only(props, ("RotationLambdaARN", "RotationRules", "SecretId")),
                "RotateImmediately": as_bool(props.get("RotateImmediatelyOnUpdate", True)),
            },
        )
        return str(answer["ARN"])

    def get(self, ctx: Context, physical_id: str, props: Props) -> Attributes:
        return {"Id": physical_id}

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        found = _described(ctx.client("secretsmanager"), physical_id)
        if found is None or not found.get("RotationEnabled"):
            return None
        return {"SecretId": physical_id, **only(found, ("RotationLambdaARN", "RotationRules"))}

    def update(self, ctx: Context, physical_id: str, old: Props, new: Props) -> None:
        self._rotate(ctx, new)

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        ctx.client("secretsmanager").cancel_rotate_secret(SecretId=physical_id)

    def example(self) -> Example:
        rules = {"ScheduleExpression": "rate(30 days)", "Duration": "3h"}
        properties = {
            "SecretId": {"Ref": "Secret"},
            "RotationLambdaARN": {"Fn::GetAtt": ["Function", "Arn"]},
            "RotationRules": rules,
            "RotateImmediatelyOnUpdate": False,
        }
        return Example(
            properties,
            changed={**properties, "RotationRules": {"ScheduleExpression": "cron(0 3 1 * ? *)", "Duration": "2h"}},
            replaced={**properties, "SecretId": {"Ref": "Other"}},
            beside=_beside_a_rotation(),
        )


def _beside_a_rotation() -> dict[str, dict[str, Any]]:
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    return {
        "Secret": {"Type": "AWS::SecretsManager::Secret", "Properties": {"SecretString": "one"}},
        "Other": {"Type": "AWS::SecretsManager::Secret", "Properties": {"SecretString": "two"}},
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]}},
        },
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Code": {"ZipFile": "def handle(event, context):\n    return None\n"},
                "Handler": "index.handle",
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Runtime": "python3.13",
            },
        },
        "Permission": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "FunctionName": {"Fn::GetAtt": ["Function", "Arn"]},
                "Principal": "secretsmanager.amazonaws.com",
            },
        },
    }


class ResourcePolicy(Kind):
    """The policy of a secret; Ref gives the secret's ARN."""

    type = "AWS::SecretsManager::ResourcePolicy"
    service = "secretsmanager"
    properties = frozenset({"BlockPublicPolicy", "ResourcePolicy", "SecretId"})
    required = frozenset({"ResourcePolicy", "SecretId"})
    create_only = frozenset({"SecretId"})
    write_only = frozenset({"BlockPublicPolicy"})
    attributes = frozenset({"Id"})
    identifier = ("Id",)

    def create(self, ctx: Context, props: Props, name: str) -> str:
        answer = call(ctx.client("secretsmanager"), "put_resource_policy", props)
        return str(answer["ARN"])

    def get(self, ctx: Context, physical_id: str, props: Props) -> Attributes:
        return {"Id": physical_id}

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        client = ctx.client("secretsmanager")
        try:
            policy = client.get_resource_policy(SecretId=physical_id).get("ResourcePolicy")
        except client.exceptions.ResourceNotFoundException:
            return None
        return {"SecretId": physical_id, "ResourcePolicy": document(policy)} if policy else None

    def update(self, ctx: Context, physical_id: str, old: Props, new: Props) -> None:
        call(ctx.client("secretsmanager"), "put_resource_policy", {**new, "SecretId": physical_id})

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        ctx.client("secretsmanager").delete_resource_policy(SecretId=physical_id)

    def example(self) -> Example:
        statement = {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "secretsmanager:GetSecretValue",
            "Resource": "*",
            "Condition": {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::111111111111:role/web"}},
        }
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        other = {"Version": "2012-10-17", "Statement": [{**statement, "Sid": "NobodyElse"}]}
        secret = {"Type": "AWS::SecretsManager::Secret", "Properties": {"SecretString": "one"}}
        properties = {"SecretId": {"Ref": "Secret"}, "ResourcePolicy": policy, "BlockPublicPolicy": True}
        return Example(
            properties,
            changed={**properties, "ResourcePolicy": other},
            replaced={**properties, "SecretId": {"Ref": "Other"}},
            beside={"Secret": secret, "Other": secret},
        )


KINDS = (Secret(), RotationSchedule(), ResourcePolicy())
