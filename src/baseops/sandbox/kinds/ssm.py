"""AWS Systems Manager: parameters. Documents and associations are in files of their own."""

from __future__ import annotations

from baseops.sandbox.kinds.kind import Attributes, Context, Example, HandlerError, Kind, Props
from baseops.sandbox.kinds.shapes import as_text, call, only, tag_changes, tag_list


class Parameter(Kind):
    """A parameter of type String or StringList; CloudFormation makes no SecureString."""

    type = "AWS::SSM::Parameter"
    service = "ssm"
    properties = frozenset(
        {"AllowedPattern", "DataType", "Description", "Name", "Policies", "Tags", "Tier", "Type", "Value"}
    )
    required = frozenset({"Type", "Value"})
    create_only = frozenset({"Name"})
    write_only = frozenset({"AllowedPattern", "Description", "Policies", "Tier"})
    attributes = frozenset({"Arn", "Type", "Value"})
    identifier = ("Name",)
    name_property = "Name"
    name_limit = 1011
    tags = "map"

    def create(self, ctx: Context, props: Props, name: str) -> str:
        if props["Type"] not in ("String", "StringList"):
            raise HandlerError("#/Type: #: only 1 subschema matches out of 2; SecureString is not supported")
        name = as_text(props.get("Name", name))
        tags = tag_list({key: as_text(value) for key, value in props.get("Tags", {}).items()})
        call(ctx.client("ssm"), "put_parameter", {**props, "Name": name, "Tags": tags or None})
        return name

    def get(self, ctx: Context, physical_id: str, props: Props) -> Attributes:
        live = ctx.client("ssm").get_parameter(Name=physical_id)["Parameter"]
        return {"Type": live["Type"], "Value": live["Value"], "Arn": live["ARN"]}

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        client = ctx.client("ssm")
        try:
            live = client.get_parameter(Name=physical_id)["Parameter"]
        except client.exceptions.ParameterNotFound:
            return None
        tags = client.list_tags_for_resource(ResourceType="Parameter", ResourceId=physical_id)["TagList"]
        found = only(live, ("DataType", "Name", "Type", "Value"))
        return {**found, "Tags": {tag["Key"]: tag["Value"] for tag in tags}}

    def update(self, ctx: Context, physical_id: str, old: Props, new: Props) -> None:
        client = ctx.client("ssm")
        untagged = {name: value for name, value in new.items() if name != "Tags"}
        call(client, "put_parameter", {**untagged, "Name": physical_id, "Overwrite": True})
        changed, removed = tag_changes(old, new)
        place = {"ResourceType": "Parameter", "ResourceId": physical_id}
        if changed:
            client.add_tags_to_resource(**place, Tags=tag_list(changed))
        if removed:
            client.remove_tags_from_resource(**place, TagKeys=removed)

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        ctx.client("ssm").delete_parameter(Name=physical_id)

    def example(self) -> Example:
        properties = {"Name": "/example/one", "Type": "String", "Value": "1", "Tags": {"owner": "a"}}
        return Example(
            properties,
            changed={**properties, "Value": "2", "Tags": {"owner": "b", "team": "c"}},
            replaced={**properties, "Name": "/example/two"},
        )


KINDS = (Parameter(),)
