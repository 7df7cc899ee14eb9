"""AWS Lambda: functions, permissions to invoke them, and event source mappings."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from baseops.sandbox.kinds.kind import Attributes, Context, Example, Kind, Props
from baseops.sandbox.kinds.shapes import as_text, call, only, tag_changes

# Any: botocore's clients and AWS's answers.

_CONFIGURATION = frozenset(
    {
        "DeadLetterConfig",
        "Description",
        "Environment",
        "EphemeralStorage",
        "Handler",
        "KmsKeyArn",
        "Layers",
        "LoggingConfig",
        "MemorySize",
        "Role",
        "Runtime",
        "Timeout",
        "TracingConfig",
        "VpcConfig",
    }
)


class Function(Kind):
    """A function from a zip package; Ref gives its name."""

    type = "AWS::Lambda::Function"
    service = "lambda"
    properties = _CONFIGURATION | {
        "Architectures",
        "Code",
        "FunctionName",
        "PackageType",
        "ReservedConcurrentExecutions",
        "Tags",
    }
    required = frozenset({"Code", "Role"})
    create_only = frozenset({"FunctionName", "PackageType"})
    write_only = frozenset({"Code"})
    attributes = frozenset({"Arn"})
    identifier = ("FunctionName",)
    name_property = "FunctionName"
    name_limit = 64
    seconds = 15.0
    delete_seconds = 5.0
    tags = "list"

    def create(self, ctx: Context, props: Props, name: str) -> str:
        client = ctx.client("lambda")
        name = as_text(props.get("FunctionName", name))
        given = {**only(props, _CONFIGURATION | {"Architectures", "PackageType"}), "FunctionName": name}
        tags = {tag["Key"]: as_text(tag["Value"]) for tag in props.get("Tags", ())}
        call(client, "create_function", {**given, "Code": _code(props["Code"]), "Tags": tags or None})
        _reserve(client, name, {}, props)
        return name

    def get(self, ctx: Context, physical_id: str, props: Props) -> Attributes:
        return {"Arn": ctx.arn("lambda", f"function:{physical_id}")}

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        client = ctx.client("lambda")
        try:
            answer = client.get_function(FunctionName=physical_id)
        except client.exceptions.ResourceNotFoundException:
            return None
        live = answer["Configuration"]
        found = only(live, _CONFIGURATION | {"Architectures", "FunctionName", "PackageType"})
        if "KMSKeyArn" in live:
            found["KmsKeyArn"] = live["KMSKeyArn"]
        if "VpcConfig" in live:
            found["VpcConfig"] = only(live["VpcConfig"], ("SecurityGroupIds", "SubnetIds"))
        reserved = answer.get("Concurrency", {}).get("ReservedConcurrentExecutions")
        tags = [{"Key": key, "Value": value} for key, value in answer.get("Tags", {}).items()]
        more = {"ReservedConcurrentExecutions": reserved} if reserved is not None else {}
        return {**found, **more, "Tags": tags}

    def update(self, ctx: Context, physical_id: str, old: Props, new: Props) -> None:
        client = ctx.client("lambda")
        if old["Code"] != new["Code"] or old.get("Architectures") != new.get("Architectures"):
            place = {"FunctionName": physical_id, **only(new, ("Architectures",))}
            call(client, "update_function_code", {**place, **_code(new["Code"])})
        if any(old.get(name) != new.get(name) for name in _CONFIGURATION):
            given = only(new, _CONFIGURATION)
            call(client, "update_function_configuration", {**given, "FunctionName": physical_id})
        _reserve(client, physical_id, old, new)
        tags, removed = tag_changes(old, new)
        arn = ctx.arn("lambda", f"function:{physical_id}")
        if tags:
            client.tag_resource(Resource=arn, Tags=tags)
        if removed:
            client.untag_resource(Resource=arn, TagKeys=removed)

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        ctx.client("lambda").delete_function(FunctionName=physical_id)

    def example(self) -> Example:
        properties = {
            "FunctionName": "example",
            "Handler": "index.handle",
            "Runtime": "python3.13",
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Code": {"ZipFile": "def handle(event, context):\n    return 1\n"},
            "Timeout": 10,
        }
        more = {"Timeout": 20, "Environment": {"Variables": {"A": "1"}}, "Tags": [{"Key": "owner", "Value": "a"}]}
        return Example(
            properties,
            changed={**properties, **more},
            replaced={**properties, "FunctionName": "another"},
            beside={"Role": _role()},
        )


def _role() -> dict[str, Any]:
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = {"Version": "2012-10-17", "Statement": [trust]}
    return {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": policy}}


def _code(code: Props) -> dict[str, Any]:
    """Code as the API wants it; source text in the template becomes `index.py` of a zip file.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-lambda-function-code.html
    """
    if "ZipFile" not in code:
        return dict(code)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("index.py"), as_text(code["ZipFile"]))
    return {**code, "ZipFile": buffer.getvalue()}


def _reserve(client: Any, name: str, old: Props, new: Props) -> None:
    before, after = (props.get("ReservedConcurrentExecutions") for props in (old, new))
    if after is not None and after != before:
        client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=int(after))
    elif after is None and before is not None:
        client.delete_function_concurrency(FunctionName=name)


class Permission(Kind):
    """A statement of a function's policy; Ref gives its id."""

    type = "AWS::Lambda::Permission"
    service = "lambda"
    properties = frozenset(
        {"Action", "EventSourceToken", "FunctionName", "Principal", "PrincipalOrgID", "SourceAccount", "SourceArn"}
    )
    required = frozenset({"Action", "FunctionName", "Principal"})
    create_only = properties
    attributes = frozenset({"Id"})
    identifier = ("FunctionName", "Id")
    importable = False

    def create(self, ctx: Context, props: Props, name: str) -> str:
        call(ctx.client("lambda"), "add_permission", {**props, "StatementId": name})
        return name

    def get(self, ctx: Context, physical_id: str, props: Props) -> Attributes:
        return {"Id": physical_id}

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        client = ctx.client("lambda")
        try:
            policy = json.loads(client.get_policy(FunctionName=props["FunctionName"])["Policy"])
        except client.exceptions.ResourceNotFoundException:
            return None
        found = [statement for statement in policy["Statement"] if statement["Sid"] == physical_id]
        return _permission(found[0], props) if found else None

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        ctx.client("lambda").remove_permission(FunctionName=props["FunctionName"], StatementId=physical_id)

    def example(self) -> Example:
        properties = {
            "Action": "lambda:InvokeFunction",
            "FunctionName": {"Fn::GetAtt": ["Function", "Arn"]},
            "Principal": "logs.amazonaws.com",
            "SourceAccount": {"Ref": "AWS::AccountId"},
        }
        return Example(
            properties,
            replaced={**properties, "Principal": "sns.amazonaws.com"},
            beside={"Role": _role(), "Function": {"Type": "AWS::Lambda::Function", "Properties": _plain()}},
        )


def _plain() -> dict[str, Any]:
    return {
        "Handler": "index.handle",
        "Runtime": "python3.13",
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Code": {"ZipFile": "def handle(event, context):\n    return 1\n"},
    }


def _permission(statement: Props, props: Props) -> dict[str, Any]:
    principal = statement["Principal"]
    named = next(iter(principal.values())) if isinstance(principal, dict) else principal
    conditions = {
        key.rpartition(":")[2].lower(): value
        for operator in statement.get("Condition", {}).values()
        for key, value in operator.items()
    }
    found = {"Action": statement["Action"], "FunctionName": props["FunctionName"], "Principal": named}
    known = {name: conditions[name.lower()] for name in props if name.lower() in conditions}
    return {**found, **known}


class EventSourceMapping(Kind):
    """What polls a queue or stream for a function; Ref gives its UUID."""

    type = "AWS::Lambda::EventSourceMapping"
    service = "lambda"
    properties = frozenset(
        {
            "BatchSize",
            "Enabled",
            "EventSourceArn",
            "FilterCriteria",
            "FunctionName",
            "FunctionResponseTypes",
            "MaximumBatchingWindowInSeconds",
            "StartingPosition",
        }
    )
    required = frozenset({"FunctionName"})
    create_only = frozenset({"EventSourceArn", "StartingPosition"})
    write_only = frozenset({"FilterCriteria", "FunctionResponseTypes", "MaximumBatchingWindowInSeconds"})
    attributes = frozenset({"EventSourceMappingArn", "Id"})
    identifier = ("Id",)
    importable = False

    def create(self, ctx: Context, props: Props, name: str) -> str:
        return str(call(ctx.client("lambda"), "create_event_source_mapping", props)["UUID"])

    def get(self, ctx: Context, physical_id: str, props: Props) -> Attributes:
        return {"Id": physical_id, "EventSourceMappingArn": ctx.arn("lambda", f"event-source-mapping:{physical_id}")}

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        client = ctx.client("lambda")
        try:
            live = client.get_event_source_mapping(UUID=physical_id)
        except client.exceptions.ResourceNotFoundException:
            return None
        return {
            **only(live, ("BatchSize", "EventSourceArn")),
            "Enabled": live.get("State") in ("Enabled", "Creating", "Enabling"),
            "FunctionName": _as_written(live["FunctionArn"], as_text(props["FunctionName"])),
        }

    def update(self, ctx: Context, physical_id: str, old: Props, new: Props) -> None:
        given = {name: value for name, value in new.items() if name not in self.create_only}
        call(ctx.client("lambda"), "update_event_source_mapping", {**given, "UUID": physical_id})

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        ctx.client("lambda").delete_event_source_mapping(UUID=physical_id)

    def example(self) -> Example:
        properties = {
            "FunctionName": {"Ref": "Function"},
            "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]},
            "BatchSize": 5,
        }
        queue = {"Type": "AWS::SQS::Queue"}
        function = {"Type": "AWS::Lambda::Function", "Properties": _plain()}
        return Example(
            properties,
            changed={**properties, "BatchSize": 8},
            replaced={**properties, "EventSourceArn": {"Fn::GetAtt": ["Other", "Arn"]}},
            beside={"Role": _role(), "Function": function, "Queue": queue, "Other": queue},
        )


def _as_written(arn: str, written: str) -> str:
    """The function as the template names it: a name where it said a name."""
    return arn if written.startswith("arn:") else arn.rpartition(":")[2]


KINDS = (Function(), Permission(), EventSourceMapping())
