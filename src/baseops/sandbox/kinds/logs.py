"""Amazon CloudWatch Logs: groups, metric filters, subscription filters, resource policies."""

from __future__ import annotations

from typing import Any

from baseops.sandbox.kinds.kind import Attributes, Context, Example, HandlerError, Kind, Props
from baseops.sandbox.kinds.shapes import as_text, call, only, pascal, tag_changes, tag_list, tag_map

_CREATED = frozenset({"LogGroupName", "KmsKeyId", "LogGroupClass", "Tags"})


class LogGroup(Kind):
    """A log group; the class of a group cannot be changed in place."""

    type = "AWS::Logs::LogGroup"
    service = "logs"
    properties = frozenset(
        {
            "BearerTokenAuthenticationEnabled",
            "DataProtectionPolicy",
            "DeletionProtectionEnabled",
            "FieldIndexPolicies",
            "KmsKeyId",
            "LogGroupClass",
            "LogGroupName",
            "ResourcePolicyDocument",
            "RetentionInDays",
            "Tags",
        }
    )
    create_only = frozenset({"LogGroupName"})
    attributes = frozenset({"Arn"})
    identifier = ("LogGroupName",)
    name_property = "LogGroupName"
    name_limit = 512
    seconds = 5.0
    tags = "list"

    def create(self, ctx: Context, props: Props, name: str) -> str:
        name = as_text(props.get("LogGroupName", name))
        created = {"LogGroupName": name, **only(props, _CREATED - {"LogGroupName", "Tags"})}
        tags = tag_map(props.get("Tags", ()))
        call(ctx.client("logs"), "create_log_group", {**created, "tags": tags or None})
        self._settle(ctx, name, {}, props)
        return name

    def get(self, ctx: Context, physical_id: str, props: Props) -> Attributes:
        return {"Arn": ctx.arn("logs", f"log-group:{physical_id}:*")}

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        client = ctx.client("logs")
        pages = client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=physical_id)
        found = [each for page in pages for each in page["logGroups"] if each["logGroupName"] == physical_id]
        if not found:
            return None
        live = only(pascal(found[0]), {"LogGroupName", "KmsKeyId", "LogGroupClass", "RetentionInDays"})
        arn = ctx.arn("logs", f"log-group:{physical_id}")
        return {**live, "Tags": tag_list(client.list_tags_for_resource(resourceArn=arn).get("tags", {}))}

    def update(self, ctx: Context, physical_id: str, old: Props, new: Props) -> None:
        if old.get("LogGroupClass", "STANDARD") != new.get("LogGroupClass", "STANDARD"):
            raise HandlerError("The class of a log group cannot be changed after it has been created")
        self._settle(ctx, physical_id, old, new)
        client, arn = ctx.client("logs"), ctx.arn("logs", f"log-group:{physical_id}")
        changed, removed = tag_changes(old, new)
        if changed:
            client.tag_resource(resourceArn=arn, tags=changed)
        if removed:
            client.untag_resource(resourceArn=arn, tagKeys=removed)
        if old.get("KmsKeyId") != new.get("KmsKeyId"):
            _set_key(client, physical_id, new.get("KmsKeyId"))

    def _settle(self, ctx: Context, name: str, old: Props, new: Props) -> None:
        client = ctx.client("logs")
        if old.get("RetentionInDays") == new.get("RetentionInDays"):
            return
        if "RetentionInDays" in new:
            client.put_retention_policy(logGroupName=name, retentionInDays=int(new["RetentionInDays"]))
        else:
            client.delete_retention_policy(logGroupName=name)

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        ctx.client("logs").delete_log_group(logGroupName=physical_id)

    def example(self) -> Example:
        properties = {"LogGroupName": "/example/one", "RetentionInDays": 7, "Tags": [{"Key": "owner", "Value": "a"}]}
        return Example(
            properties,
            changed={**properties, "RetentionInDays": 30, "Tags": [{"Key": "owner", "Value": "b"}]},
            replaced={**properties, "LogGroupName": "/example/two"},
        )


def _set_key(client: Any, name: str, key: str | None) -> None:
    if key:
        client.associate_kms_key(logGroupName=name, kmsKeyId=key)
    else:
        client.disassociate_kms_key(logGroupName=name)


class MetricFilter(Kind):
    """A metric filter; its name is only unique within its group."""

    type = "AWS::Logs::MetricFilter"
    service = "logs"
    properties = frozenset(
        {
            "ApplyOnTransformedLogs",
            "EmitSystemFieldDimensions",
            "FieldSelectionCriteria",
            "FilterName",
            "FilterPattern",
            "LogGroupName",
            "MetricTransformations",
        }
    )
    required = frozenset({"FilterPattern", "LogGroupName", "MetricTransformations"})
    create_only = frozenset({"FilterName", "LogGroupName"})
    identifier = ("LogGroupName", "FilterName")
    name_property = "FilterName"
    name_limit = 512

    def create(self, ctx: Context, props: Props, name: str) -> str:
        name = as_text(props.get("FilterName", name))
        self._put(ctx, name, props)
        return name

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        client = ctx.client("logs")
        group = as_text(props["LogGroupName"])
        try:
            pages = client.get_paginator("describe_metric_filters").paginate(logGroupName=group)
            found = [each for page in pages for each in page["metricFilters"] if each["filterName"] == physical_id]
        except client.exceptions.ResourceNotFoundException:
            return None
        return _filter_properties(found[0]) if found else None

    def update(self, ctx: Context, physical_id: str, old: Props, new: Props) -> None:
        self._put(ctx, physical_id, new)

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        ctx.client("logs").delete_metric_filter(logGroupName=props["LogGroupName"], filterName=physical_id)

    def found(self, ctx: Context, identifier: Props) -> str:
        return str(identifier["FilterName"])

    def _put(self, ctx: Context, name: str, props: Props) -> None:
        transformations = [_transformation(each) for each in props["MetricTransformations"]]
        values = {**props, "FilterName": name, "MetricTransformations": transformations}
        call(ctx.client("logs"), "put_metric_filter", values)

    def example(self) -> Example:
        transformation = {"MetricName": "Errors", "MetricNamespace": "Example", "MetricValue": "1"}
        properties = {
            "FilterName": "errors",
            "LogGroupName": {"Ref": "Group"},
            "FilterPattern": "ERROR",
            "MetricTransformations": [transformation],
        }
        return Example(
            properties,
            changed={**properties, "FilterPattern": "FATAL"},
            replaced={**properties, "FilterName": "faults"},
            beside={"Group": {"Type": "AWS::Logs::LogGroup"}},
        )


def _transformation(values: Props) -> dict[str, Any]:
    dimensions = values.get("Dimensions")
    if dimensions is None:
        return dict(values)
    return {**values, "Dimensions": {as_text(each["Key"]): as_text(each["Value"]) for each in dimensions}}


def _filter_properties(answer: Props) -> dict[str, Any]:
    live = only(pascal(answer), MetricFilter.properties)
    for transformation in live.get("MetricTransformations", ()):
        if "Dimensions" in transformation:
            raw = answer["metricTransformations"][0]["dimensions"]
            transformation["Dimensions"] = [{"Key": key, "Value": value} for key, value in raw.items()]
    return live


class SubscriptionFilter(Kind):
    """A subscription filter; at most two for a group."""

    type = "AWS::Logs::SubscriptionFilter"
    service = "logs"
    properties = frozenset(
        {
            "ApplyOnTransformedLogs",
            "DestinationArn",
            "Distribution",
            "EmitSystemFields",
            "FieldSelectionCriteria",
            "FilterName",
            "FilterPattern",
            "LogGroupName",
            "RoleArn",
        }
    )
    required = frozenset({"DestinationArn", "FilterPattern", "LogGroupName"})
    create_only = frozenset({"FilterName", "LogGroupName"})
    identifier = ("FilterName", "LogGroupName")
    name_property = "FilterName"
    name_limit = 512

    def create(self, ctx: Context, props: Props, name: str) -> str:
        name = as_text(props.get("FilterName", name))
        call(ctx.client("logs"), "put_subscription_filter", {**props, "FilterName": name})
        return name

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        client = ctx.client("logs")
        try:
            answer = client.describe_subscription_filters(logGroupName=props["LogGroupName"])
        except client.exceptions.ResourceNotFoundException:
            return None
        found = [each for each in answer["subscriptionFilters"] if each["filterName"] == physical_id]
        return only(pascal(found[0]), self.properties) if found else None

    def update(self, ctx: Context, physical_id: str, old: Props, new: Props) -> None:
        call(ctx.client("logs"), "put_subscription_filter", {**new, "FilterName": physical_id})

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        ctx.client("logs").delete_subscription_filter(logGroupName=props["LogGroupName"], filterName=physical_id)

    def found(self, ctx: Context, identifier: Props) -> str:
        return str(identifier["FilterName"])

    def example(self) -> Example:
        trust = {"Effect": "Allow", "Principal": {"Service": "logs.amazonaws.com"}, "Action": "sts:AssumeRole"}
        role = {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]}}
        properties = {
            "DestinationArn": {"Fn::Sub": "arn:aws:kinesis:${AWS::Region}:${AWS::AccountId}:stream/example"},
            "FilterName": "all",
            "FilterPattern": "",
            "LogGroupName": {"Ref": "Group"},
            "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
        }
        return Example(
            properties,
            changed={**properties, "FilterPattern": "ERROR"},
            replaced={**properties, "FilterName": "every"},
            beside={
                "Group": {"Type": "AWS::Logs::LogGroup"},
                "Role": {"Type": "AWS::IAM::Role", "Properties": role},
            },
            prepare=lambda ctx: ctx.client("kinesis").create_stream(StreamName="example", ShardCount=1),
        )


class ResourcePolicy(Kind):
    """A policy of CloudWatch Logs itself; ten for an account and region."""

    type = "AWS::Logs::ResourcePolicy"
    service = "logs"
    properties = frozenset({"PolicyDocument", "PolicyName"})
    required = frozenset({"PolicyDocument", "PolicyName"})
    create_only = frozenset({"PolicyName"})
    identifier = ("PolicyName",)
    name_property = "PolicyName"

    def create(self, ctx: Context, props: Props, name: str) -> str:
        call(ctx.client("logs"), "put_resource_policy", props)
        return as_text(props["PolicyName"])

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        answer = ctx.client("logs").describe_resource_policies()
        found = [each for each in answer["resourcePolicies"] if each["policyName"] == physical_id]
        return only(pascal(found[0]), self.properties) if found else None

    def update(self, ctx: Context, physical_id: str, old: Props, new: Props) -> None:
        call(ctx.client("logs"), "put_resource_policy", new)

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        ctx.client("logs").delete_resource_policy(policyName=physical_id)

    def example(self) -> Example:
        properties = {"PolicyName": "example", "PolicyDocument": _policy("logs:PutLogEvents")}
        return Example(
            properties,
            changed={**properties, "PolicyDocument": _policy("logs:CreateLogStream")},
            replaced={**properties, "PolicyName": "another"},
        )


def _policy(action: str) -> str:
    principal = '{"Service": "es.amazonaws.com"}'
    statement = f'{{"Effect": "Allow", "Principal": {principal}, "Action": "{action}", "Resource": "*"}}'
    return f'{{"Version": "2012-10-17", "Statement": [{statement}]}}'


KINDS = (LogGroup(), MetricFilter(), SubscriptionFilter(), ResourcePolicy())
