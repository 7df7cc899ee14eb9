"""Amazon CloudWatch Logs: saved queries of Logs Insights."""

from __future__ import annotations

from baseops.sandbox.kinds.kind import Attributes, Context, Example, Kind, Props
from baseops.sandbox.kinds.shapes import call, only, pascal


class QueryDefinition(Kind):
    """A saved query; every change is in place, and nothing in it is unique but its id."""

    type = "AWS::Logs::QueryDefinition"
    service = "logs"
    properties = frozenset({"LogGroupNames", "Name", "Parameters", "QueryLanguage", "QueryString"})
    required = frozenset({"Name", "QueryString"})
    attributes = frozenset({"QueryDefinitionId"})
    identifier = ("QueryDefinitionId",)
    seconds = 3.0

    def create(self, ctx: Context, props: Props, name: str) -> str:
        return str(call(ctx.client("logs"), "put_query_definition", props)["queryDefinitionId"])

    def get(self, ctx: Context, physical_id: str, props: Props) -> Attributes:
        return {"QueryDefinitionId": physical_id}

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        token: dict[str, str] = {}
        while True:
            answer = ctx.client("logs").describe_query_definitions(**token)
            for each in answer["queryDefinitions"]:
                if each["queryDefinitionId"] == physical_id:
                    return only(pascal(each), self.properties)
            if "nextToken" not in answer:
                return None
            token = {"nextToken": answer["nextToken"]}

    def update(self, ctx: Context, physical_id: str, old: Props, new: Props) -> None:
        call(ctx.client("logs"), "put_query_definition", {**new, "queryDefinitionId": physical_id})

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        ctx.client("logs").delete_query_definition(queryDefinitionId=physical_id)

    def example(self) -> Example:
        properties = {"Name": "errors", "QueryString": "fields @message", "LogGroupNames": ["/example"]}
        return Example(properties, changed={**properties, "QueryString": "fields @timestamp, @message"})


KINDS = (QueryDefinition(),)
