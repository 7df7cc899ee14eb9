"""Amazon CloudWatch Logs: streams that somebody names beforehand."""

from __future__ import annotations

from baseops.sandbox.kinds.kind import Context, Example, Kind, Props
from baseops.sandbox.kinds.shapes import as_text


class LogStream(Kind):
    """A stream of a group; nothing of it can be changed."""

    type = "AWS::Logs::LogStream"
    service = "logs"
    properties = frozenset({"LogGroupName", "LogStreamName"})
    required = frozenset({"LogGroupName"})
    create_only = frozenset({"LogGroupName", "LogStreamName"})
    identifier = ("LogGroupName", "LogStreamName")
    name_property = "LogStreamName"
    name_limit = 512

    def create(self, ctx: Context, props: Props, name: str) -> str:
        name = as_text(props.get("LogStreamName", name))
        ctx.client("logs").create_log_stream(logGroupName=props["LogGroupName"], logStreamName=name)
        return name

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        client = ctx.client("logs")
        place = {"logGroupName": props["LogGroupName"], "logStreamNamePrefix": physical_id}
        try:
            found = client.describe_log_streams(**place)["logStreams"]
        except client.exceptions.ResourceNotFoundException:
            return None
        if physical_id not in [each["logStreamName"] for each in found]:
            return None
        return {"LogGroupName": props["LogGroupName"], "LogStreamName": physical_id}

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        ctx.client("logs").delete_log_stream(logGroupName=props["LogGroupName"], logStreamName=physical_id)

    def found(self, ctx: Context, identifier: Props) -> str:
        return str(identifier["LogStreamName"])

    def example(self) -> Example:
        properties = {"LogGroupName": {"Ref": "Group"}, "LogStreamName": "delivery"}
        return Example(
            properties,
            replaced={**properties, "LogStreamName": "another"},
            beside={"Group": {"Type": "AWS::Logs::LogGroup"}},
        )


KINDS = (LogStream(),)
