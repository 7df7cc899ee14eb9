"""Amazon CloudWatch: metric alarms. Composite and log alarms are in files of their own."""

from __future__ import annotations

from baseops.sandbox.kinds.kind import Attributes, Context, Example, Kind, Props
from baseops.sandbox.kinds.shapes import as_text, call, only, tag_changes, tag_list


class Alarm(Kind):
    """A metric alarm; PutMetricAlarm replaces the whole of it."""

    type = "AWS::CloudWatch::Alarm"
    service = "cloudwatch"
    properties = frozenset(
        {
            "ActionsEnabled",
            "AlarmActions",
            "AlarmDescription",
            "AlarmName",
            "ComparisonOperator",
            "DatapointsToAlarm",
            "Dimensions",
            "EvaluateLowSampleCountPercentile",
            "EvaluationPeriods",
            "ExtendedStatistic",
            "InsufficientDataActions",
            "MetricName",
            "Metrics",
            "Namespace",
            "OKActions",
            "Period",
            "Statistic",
            "Tags",
            "Threshold",
            "ThresholdMetricId",
            "TreatMissingData",
            "Unit",
            "WarmUpConfiguration",
        }
    )
    # moto keeps no warm-up, so nothing can be said of its drift.
    write_only = frozenset({"WarmUpConfiguration"})
    create_only = frozenset({"AlarmName"})
    attributes = frozenset({"Arn"})
    identifier = ("AlarmName",)
    name_property = "AlarmName"
    name_limit = 255
    seconds = 3.0
    tags = "list"

    def create(self, ctx: Context, props: Props, name: str) -> str:
        name = as_text(props.get("AlarmName", name))
        call(ctx.client("cloudwatch"), "put_metric_alarm", {**props, "AlarmName": name})
        return name

    def get(self, ctx: Context, physical_id: str, props: Props) -> Attributes:
        return {"Arn": ctx.arn("cloudwatch", f"alarm:{physical_id}")}

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        client = ctx.client("cloudwatch")
        found = client.describe_alarms(AlarmNames=[physical_id], AlarmTypes=["MetricAlarm"])["MetricAlarms"]
        if not found:
            return None
        tags = client.list_tags_for_resource(ResourceARN=found[0]["AlarmArn"])["Tags"]
        return {**only(found[0], self.properties), "Tags": tags}

    def update(self, ctx: Context, physical_id: str, old: Props, new: Props) -> None:
        client = ctx.client("cloudwatch")
        untagged = {name: value for name, value in new.items() if name != "Tags"}
        call(client, "put_metric_alarm", {**untagged, "AlarmName": physical_id})
        changed, removed = tag_changes(old, new)
        arn = ctx.arn("cloudwatch", f"alarm:{physical_id}")
        if changed:
            client.tag_resource(ResourceARN=arn, Tags=tag_list(changed))
        if removed:
            client.untag_resource(ResourceARN=arn, TagKeys=removed)

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        ctx.client("cloudwatch").delete_alarms(AlarmNames=[physical_id])

    def example(self) -> Example:
        properties = {
            "AlarmName": "errors",
            "ComparisonOperator": "GreaterThanThreshold",
            "EvaluationPeriods": 1,
            "MetricName": "Errors",
            "Namespace": "Example",
            "Period": 60,
            "Statistic": "Sum",
            "Threshold": 1,
        }
        return Example(
            properties,
            changed={**properties, "Threshold": 5, "TreatMissingData": "breaching"},
            replaced={**properties, "AlarmName": "faults"},
        )


KINDS = (Alarm(),)
