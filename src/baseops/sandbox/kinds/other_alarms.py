"""Amazon CloudWatch: composite alarms, and log alarms on scheduled queries."""

from __future__ import annotations

from typing import Any

from baseops.sandbox.kinds.kind import Attributes, Context, Example, Kind, Props
from baseops.sandbox.kinds.shapes import as_text, call, only, tag_changes, tag_list

_ACTIONS = frozenset(
    {
        "ActionConfiguration",
        "ActionsEnabled",
        "AlarmActions",
        "AlarmDescription",
        "AlarmName",
        "InsufficientDataActions",
        "OKActions",
        "Tags",
    }
)


class _OtherAlarm(Kind):
    """What both have in common: a put that replaces all, a name that stays, tags put apart on a change."""

    service = "cloudwatch"
    create_only = frozenset({"AlarmName"})
    attributes = frozenset({"Arn"})
    identifier = ("AlarmName",)
    name_property = "AlarmName"
    name_limit = 255
    seconds = 3.0
    tags = "list"
    operation: str
    alarm_type: str

    def create(self, ctx: Context, props: Props, name: str) -> str:
        name = as_text(props.get("AlarmName", name))
        call(ctx.client("cloudwatch"), self.operation, {**props, "AlarmName": name})
        return name

    def get(self, ctx: Context, physical_id: str, props: Props) -> Attributes:
        return {"Arn": ctx.arn("cloudwatch", f"alarm:{physical_id}")}

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        client = ctx.client("cloudwatch")
        found = client.describe_alarms(AlarmNames=[physical_id], AlarmTypes=[self.alarm_type])[f"{self.alarm_type}s"]
        if not found:
            return None
        tags = client.list_tags_for_resource(ResourceARN=found[0]["AlarmArn"])["Tags"]
        return {**only(found[0], self.properties), "Tags": tags}

    def update(self, ctx: Context, physical_id: str, old: Props, new: Props) -> None:
        client = ctx.client("cloudwatch")
        untagged = {name: value for name, value in new.items() if name != "Tags"}
        call(client, self.operation, {**untagged, "AlarmName": physical_id})
        changed, removed = tag_changes(old, new)
        arn = ctx.arn("cloudwatch", f"alarm:{physical_id}")
        if changed:
            client.tag_resource(ResourceARN=arn, Tags=tag_list(changed))
        if removed:
            client.untag_resource(ResourceARN=arn, TagKeys=removed)

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        ctx.client("cloudwatch").delete_alarms(AlarmNames=[physical_id])


class CompositeAlarm(_OtherAlarm):
    """An alarm on other alarms."""

    type = "AWS::CloudWatch::CompositeAlarm"
    operation = "put_composite_alarm"
    alarm_type = "CompositeAlarm"
    properties = _ACTIONS | {
        "ActionsSuppressor",
        "ActionsSuppressorExtensionPeriod",
        "ActionsSuppressorWaitPeriod",
        "AlarmRule",
    }
    required = frozenset({"AlarmRule"})

    def example(self) -> Example:
        watched: dict[str, Any] = {
            "AlarmName": "errors",
            "ComparisonOperator": "GreaterThanThreshold",
            "EvaluationPeriods": 1,
            "MetricName": "Errors",
            "Namespace": "Example",
            "Period": 60,
            "Statistic": "Sum",
            "Threshold": 1,
        }
        properties = {"AlarmName": "trouble", "AlarmRule": {"Fn::Sub": 'ALARM("${Watched}")'}}
        return Example(
            properties,
            changed={**properties, "AlarmRule": {"Fn::Sub": 'NOT OK("${Watched}")'}, "AlarmDescription": "trouble"},
            replaced={**properties, "AlarmName": "distress"},
            beside={"Watched": {"Type": "AWS::CloudWatch::Alarm", "Properties": watched}},
        )


class LogAlarm(_OtherAlarm):
    """An alarm on a scheduled query of CloudWatch Logs."""

    type = "AWS::CloudWatch::LogAlarm"
    operation = "put_log_alarm"
    alarm_type = "LogAlarm"
    properties = _ACTIONS | {
        "ActionLogLineCount",
        "ActionLogLineRoleArn",
        "ComparisonOperator",
        "QueryResultsToAlarm",
        "QueryResultsToEvaluate",
        "ScheduledQueryConfiguration",
        "Threshold",
        "TreatMissingData",
        "WarmUpConfiguration",
    }
    required = frozenset(
        {
            "ComparisonOperator",
            "QueryResultsToAlarm",
            "QueryResultsToEvaluate",
            "ScheduledQueryConfiguration",
            "Threshold",
        }
    )

    def example(self) -> Example:
        trust = {"Effect": "Allow", "Principal": {"Service": "logs.amazonaws.com"}, "Action": "sts:AssumeRole"}
        role = {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]}}
        properties = {
            "AlarmName": "slow",
            "ComparisonOperator": "GreaterThanThreshold",
            "QueryResultsToAlarm": 1,
            "QueryResultsToEvaluate": 1,
            "Threshold": 5,
            "ScheduledQueryConfiguration": {
                "AggregationExpression": "count(*)",
                "LogGroupIdentifiers": ["/example"],
                "QueryString": "filter duration > 2",
                "ScheduleConfiguration": {"ScheduleExpression": "rate(5 minutes)", "StartTimeOffset": 300},
                "ScheduledQueryRoleARN": {"Fn::GetAtt": ["Role", "Arn"]},
            },
        }
        return Example(
            properties,
            changed={**properties, "Threshold": 50, "TreatMissingData": "notBreaching"},
            replaced={**properties, "AlarmName": "slower"},
            beside={"Role": {"Type": "AWS::IAM::Role", "Properties": role}},
        )


KINDS = (CompositeAlarm(), LogAlarm())
