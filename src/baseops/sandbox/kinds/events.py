"""Amazon EventBridge: rules with their targets."""

from __future__ import annotations

from typing import Any

from baseops.sandbox.kinds.kind import Attributes, Context, Example, Kind, Props
from baseops.sandbox.kinds.shapes import as_text, call, document, only, tag_changes, tag_list

_PUT = frozenset({"Description", "EventBusName", "EventPattern", "RoleArn", "ScheduleExpression", "State"})


class Rule(Kind):
    """A rule; on a bus of one's own its physical id is `bus|rule`."""

    type = "AWS::Events::Rule"
    service = "events"
    properties = _PUT | {"Name", "Tags", "Targets"}
    create_only = frozenset({"EventBusName", "Name"})
    attributes = frozenset({"Arn", "RuleName"})
    identifier = ("Arn",)
    name_property = "Name"
    name_limit = 64
    seconds = 30.0
    delete_seconds = 30.0
    tags = "list"

    def create(self, ctx: Context, props: Props, name: str) -> str:
        client = ctx.client("events")
        name = as_text(props.get("Name", name))
        call(client, "put_rule", {**only(props, _PUT), "Name": name, "Tags": props.get("Tags")})
        physical_id = _physical_id(name, props)
        try:
            self._target(client, physical_id, (), props.get("Targets", ()))
        except client.exceptions.ClientError:
            self.delete(ctx, physical_id, props)
            raise
        return physical_id

    def named(self, ctx: Context, props: Props) -> str | None:
        return _physical_id(as_text(props["Name"]), props) if "Name" in props else None

    def found(self, ctx: Context, identifier: Props) -> str:
        return "|".join(str(identifier["Arn"]).partition(":rule/")[2].split("/"))

    def get(self, ctx: Context, physical_id: str, props: Props) -> Attributes:
        name = physical_id.rpartition("|")[2]
        return {"Arn": ctx.arn("events", f"rule/{physical_id.replace('|', '/')}"), "RuleName": name}

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        client = ctx.client("events")
        place = _place(physical_id)
        try:
            live = client.describe_rule(Name=place["Rule"], **only(place, ("EventBusName",)))
        except client.exceptions.ResourceNotFoundException:
            return None
        found = only(live, _PUT | {"Name"})
        if "EventPattern" in found:
            found["EventPattern"] = document(found["EventPattern"])
        tags = client.list_tags_for_resource(ResourceARN=self.get(ctx, physical_id, props)["Arn"])["Tags"]
        return {**found, "Targets": _targets(client, physical_id), "Tags": tags}

    def update(self, ctx: Context, physical_id: str, old: Props, new: Props) -> None:
        client = ctx.client("events")
        call(client, "put_rule", {**only(new, _PUT), "Name": _place(physical_id)["Rule"]})
        self._target(client, physical_id, old.get("Targets", ()), new.get("Targets", ()))
        arn = self.get(ctx, physical_id, new)["Arn"]
        changed, removed = tag_changes(old, new)
        if changed:
            client.tag_resource(ResourceARN=arn, Tags=tag_list(changed))
        if removed:
            client.untag_resource(ResourceARN=arn, TagKeys=removed)

    def _target(self, client: Any, physical_id: str, old: Any, new: Any) -> None:
        place = _place(physical_id)
        gone = [each["Id"] for each in old if each["Id"] not in {target["Id"] for target in new}]
        if new:
            answer = call(client, "put_targets", {**place, "Targets": list(new)})
            _refuse_failed(client, answer)
        if gone:
            client.remove_targets(**place, Ids=gone)

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        client = ctx.client("events")
        place = _place(physical_id)
        present = [each["Id"] for each in _targets(client, physical_id)]
        if present:
            client.remove_targets(**place, Ids=present)
        client.delete_rule(Name=place["Rule"], **only(place, ("EventBusName",)))

    def example(self) -> Example:
        properties = {
            "Name": "example",
            "EventPattern": {"source": ["aws.ec2"]},
            "State": "ENABLED",
            "Targets": [{"Id": "queue", "Arn": {"Fn::GetAtt": ["Queue", "Arn"]}}],
        }
        return Example(
            properties,
            changed={**properties, "EventPattern": {"source": ["aws.dlm"]}, "Targets": []},
            replaced={**properties, "Name": "another"},
            beside={"Queue": {"Type": "AWS::SQS::Queue"}},
        )


def _physical_id(name: str, props: Props) -> str:
    bus = as_text(props.get("EventBusName", "default"))
    return name if bus == "default" else f"{bus.rpartition('/')[2]}|{name}"


def _place(physical_id: str) -> dict[str, str]:
    bus, bar, name = physical_id.rpartition("|")
    return {"Rule": name, "EventBusName": bus} if bar else {"Rule": name}


def _targets(client: Any, physical_id: str) -> list[dict[str, Any]]:
    return list(client.list_targets_by_rule(**_place(physical_id))["Targets"])


def _refuse_failed(client: Any, answer: Props) -> None:
    """PutTargets answers well even where it could not put a target."""
    for each in answer.get("FailedEntries", ()):
        error = {"Error": {"Code": each["ErrorCode"], "Message": each["ErrorMessage"]}}
        raise client.exceptions.ClientError(error, "PutTargets")


KINDS = (Rule(),)
