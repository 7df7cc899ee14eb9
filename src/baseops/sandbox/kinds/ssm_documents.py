"""AWS Systems Manager: documents and State Manager associations."""

from __future__ import annotations

from typing import Any

from baseops.sandbox.kinds.kind import Attributes, Context, Example, Kind, Props
from baseops.sandbox.kinds.shapes import as_text, call, document, only, tag_changes, tag_list

_CONTENT = ("Attachments", "Content", "DocumentFormat", "TargetType", "VersionName")


class Document(Kind):
    """A document; with UpdateMethod NewVersion a change is a new default version, else a new document."""

    type = "AWS::SSM::Document"
    service = "ssm"
    properties = frozenset({*_CONTENT, "DocumentType", "Name", "Requires", "Tags", "UpdateMethod"})
    required = frozenset({"Content"})
    create_only = frozenset({"DocumentType", "Name"})
    conditional = frozenset({*_CONTENT, "Requires"})
    write_only = frozenset({"Attachments", "UpdateMethod"})
    identifier = ("Name",)
    name_property = "Name"
    tags = "list"

    def create(self, ctx: Context, props: Props, name: str) -> str:
        name = as_text(props.get("Name", name))
        given = {key: value for key, value in props.items() if key != "UpdateMethod"}
        call(ctx.client("ssm"), "create_document", {**given, "Name": name, "Content": as_text(props["Content"])})
        return name

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        client = ctx.client("ssm")
        try:
            described = client.describe_document(Name=physical_id)["Document"]
            text = client.get_document(Name=physical_id)["Content"]
        except client.exceptions.InvalidDocument:
            return None
        tags = client.list_tags_for_resource(ResourceType="Document", ResourceId=physical_id)["TagList"]
        content = text if isinstance(props.get("Content"), str) else document(text)
        found = only(described, ("DocumentFormat", "DocumentType", "Name", "TargetType", "VersionName"))
        return {**found, "Content": content, "Tags": tags}

    def update(self, ctx: Context, physical_id: str, old: Props, new: Props) -> None:
        client = ctx.client("ssm")
        if any(old.get(key) != new.get(key) for key in _CONTENT):
            given = {**only(new, _CONTENT), "Content": as_text(new["Content"]), "Name": physical_id}
            _set_default(client, physical_id, _new_version(client, given))
        changed, removed = tag_changes(old, new)
        place = {"ResourceType": "Document", "ResourceId": physical_id}
        if changed:
            client.add_tags_to_resource(**place, Tags=tag_list(changed))
        if removed:
            client.remove_tags_from_resource(**place, TagKeys=removed)

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        ctx.client("ssm").delete_document(Name=physical_id)

    def must_replace(self, old: Props, new: Props) -> bool:
        changes_content = any(old.get(key) != new.get(key) for key in self.conditional)
        return super().must_replace(old, new) or (changes_content and new.get("UpdateMethod") != "NewVersion")

    def example(self) -> Example:
        properties = {"Name": "example", "DocumentType": "Command", "Content": _shell("date")}
        properties["UpdateMethod"] = "NewVersion"
        return Example(
            properties,
            changed={**properties, "Content": _shell("uptime"), "Tags": [{"Key": "owner", "Value": "a"}]},
            replaced={**properties, "Name": "another"},
        )


def _new_version(client: Any, given: dict[str, Any]) -> str:
    try:
        made = call(client, "update_document", {**given, "DocumentVersion": "$LATEST"})
    except client.exceptions.DuplicateDocumentContent:
        # The content of a former version: that one becomes the default again.
        return _version_with(client, given["Name"], given["Content"])
    return str(made["DocumentDescription"]["DocumentVersion"])


def _version_with(client: Any, name: str, content: str) -> str:
    latest = int(client.describe_document(Name=name)["Document"]["LatestVersion"])
    numbers = (str(number) for number in range(latest, 0, -1))
    same = (
        number
        for number in numbers
        if document(client.get_document(Name=name, DocumentVersion=number)["Content"]) == document(content)
    )
    return next(same, str(latest))


def _set_default(client: Any, name: str, version: str) -> None:
    client.update_document_default_version(Name=name, DocumentVersion=version)


def _shell(command: str) -> dict[str, Any]:
    step = {"action": "aws:runShellScript", "name": "run", "inputs": {"runCommand": [command]}}
    return {"schemaVersion": "2.2", "mainSteps": [step]}


class Association(Kind):
    """An association of a document with targets; its name is a label, not unique."""

    type = "AWS::SSM::Association"
    service = "ssm"
    properties = frozenset(
        {
            "ApplyOnlyAtCronInterval",
            "AssociationDispatchAssumeRole",
            "AssociationName",
            "AutomationTargetParameterName",
            "CalendarNames",
            "ComplianceSeverity",
            "DocumentVersion",
            "InstanceId",
            "MaxConcurrency",
            "MaxErrors",
            "Name",
            "OutputLocation",
            "Parameters",
            "ScheduleExpression",
            "ScheduleOffset",
            "SyncCompliance",
            "Tags",
            "Targets",
            "WaitForSuccessTimeoutSeconds",
        }
    )
    required = frozenset({"Name"})
    create_only = frozenset({"InstanceId"})
    write_only = frozenset({"WaitForSuccessTimeoutSeconds"})
    attributes = frozenset({"AssociationId"})
    identifier = ("AssociationId",)
    seconds = 5.0
    tags = "list"

    def create(self, ctx: Context, props: Props, name: str) -> str:
        given = {key: value for key, value in props.items() if key != "WaitForSuccessTimeoutSeconds"}
        made = call(ctx.client("ssm"), "create_association", given)
        return str(made["AssociationDescription"]["AssociationId"])

    def get(self, ctx: Context, physical_id: str, props: Props) -> Attributes:
        return {"AssociationId": physical_id}

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        client = ctx.client("ssm")
        try:
            found = client.describe_association(AssociationId=physical_id)["AssociationDescription"]
        except client.exceptions.AssociationDoesNotExist:
            return None
        tags = client.list_tags_for_resource(ResourceType="Association", ResourceId=physical_id)["TagList"]
        return {**only(found, self.properties), "Tags": tags}

    def update(self, ctx: Context, physical_id: str, old: Props, new: Props) -> None:
        client = ctx.client("ssm")
        given = {key: value for key, value in new.items() if key not in ("Tags", "WaitForSuccessTimeoutSeconds")}
        call(client, "update_association", {**given, "AssociationId": physical_id})
        changed, removed = tag_changes(old, new)
        place = {"ResourceType": "Association", "ResourceId": physical_id}
        if changed:
            client.add_tags_to_resource(**place, Tags=tag_list(changed))
        if removed:
            client.remove_tags_from_resource(**place, TagKeys=removed)

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        ctx.client("ssm").delete_association(AssociationId=physical_id)

    def example(self) -> Example:
        properties = {
            "Name": {"Ref": "Document"},
            "AssociationName": "example",
            "Targets": [{"Key": "tag:Role", "Values": ["web"]}],
            "ScheduleExpression": "rate(1 day)",
        }
        run: dict[str, Any] = {"DocumentType": "Command", "Content": _shell("date")}
        return Example(
            properties,
            changed={**properties, "MaxConcurrency": "10%", "Tags": [{"Key": "owner", "Value": "a"}]},
            beside={"Document": {"Type": "AWS::SSM::Document", "Properties": run}},
        )


KINDS = (Document(), Association())
