"""Amazon CloudWatch Logs: streams, for what writes to a stream of its own (Firehose's errors)."""

from __future__ import annotations

from baseops.sandbox.kinds.kind import Context, Example, Kind, Props
from baseops.sandbox.kinds.shapes import as_text


class LogStream(Kind):
    """A log stream; Ref gives its name."""

    type = "AWS::Logs::LogStream"
    service = "logs"
    properties = frozenset({"LogGroupName", "LogStreamName"})
    required = frozenset({"LogGroupName"})
    create_only = properties
    identifier = ("LogGroupName", "LogStreamName")
    name_property = "LogStreamName"
    name_limit = 512
    seconds = 1.0

    def create(self, ctx: Context, props: Props, name: str) -> str:
        stream = as_text(props.get("LogStreamName", name))
        ctx.client("logs").create_log_stream(logGroupName=props["LogGroupName"], logStreamName=stream)
        return stream

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        client = ctx.client("logs")
        group = as_text(props["LogGroupName"])
        pages = client.get_paginator("describe_log_streams").paginate(
            logGroupName=group, logStreamNamePrefix=physical_id
        )
        try:
            names = {each["logStreamName"] for page in pages for each in page["logStreams"]}
        except client.exceptions.ResourceNotFoundException:
            return None
        return {"LogGroupName": group, "LogStreamName": physical_id} if physical_id in names else None

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        ctx.client("logs").delete_log_stream(logGroupName=props["LogGroupName"], logStreamName=physical_id)

    def found(self, ctx: Context, identifier: Props) -> str:
        return str(identifier["LogStreamName"])

    def example(self) -> Example:
        properties = {"LogGroupName": {"Ref": "Group"}, "LogStreamName": "deliveries"}
        return Example(
            properties,
            replaced={**properties, "LogStreamName": "errors"},
            beside={"Group": {"Type": "AWS::Logs::LogGroup"}},
        )


KINDS = (LogStream(),)
