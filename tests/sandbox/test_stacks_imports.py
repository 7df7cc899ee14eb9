"""Existing resources taken into a stack, by identifier and by custom name."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError


def group(name="/acme/web", days=7, **attributes) -> dict:
    properties = {"LogGroupName": name, "RetentionInDays": days}
    return {"Type": "AWS::Logs::LogGroup", "Properties": properties, **attributes}


def template(**resources) -> dict:
    return {"Resources": resources}


KEPT = {"DeletionPolicy": "Retain"}
EXISTING = [
    {
        "ResourceType": "AWS::Logs::LogGroup",
        "LogicalResourceId": "Group",
        "ResourceIdentifier": {"LogGroupName": "/acme/web"},
    }
]


@pytest.fixture(autouse=True)
def existing(account) -> None:
    account.client("logs").create_log_group(logGroupName="/acme/web")


def actions(change_set) -> dict[str, str]:
    found = [each["ResourceChange"] for each in change_set["Changes"]]
    return {each["LogicalResourceId"]: each["Action"] for each in found}


def test_an_import_makes_a_stack_of_what_is_there(stacks, account):
    body = template(Group=group(**KEPT))
    made = stacks.change_set("acme", body, "IMPORT", ResourcesToImport=EXISTING)
    assert actions(made) == {"Group": "Import"}
    stacks.client.execute_change_set(ChangeSetName=made["ChangeSetId"])
    assert stacks.settle("acme") == "IMPORT_COMPLETE"
    assert ("Group", "IMPORT_IN_PROGRESS") in stacks.history("acme")
    assert ("Group", "IMPORT_COMPLETE") in stacks.history("acme")
    assert stacks.drifts("acme") == {"Group": "MODIFIED"}, "an import changes nothing: the retention is drift"
    assert stacks.apply("acme", body) == "no changes"


def test_an_import_into_an_existing_stack_keeps_the_rest(stacks):
    stacks.apply("acme", template(Other=group("/acme/other")))
    body = template(Other=group("/acme/other"), Group=group(**KEPT))
    assert stacks.apply("acme", body, "IMPORT", ResourcesToImport=EXISTING) == "IMPORT_COMPLETE"
    assert [*stacks.physical_ids("acme")] == ["Other", "Group"]
    assert stacks.apply("acme", template(Other=group("/acme/other"))) == "UPDATE_COMPLETE"
    assert ("Group", "DELETE_SKIPPED") in stacks.history("acme")


def test_an_import_needs_a_deletion_policy_and_the_resource(stacks, account):
    with pytest.raises(
        ClientError, match=r"The following resources to import \[Group\] must have DeletionPolicy attribute specified"
    ):
        stacks.change_set("acme", template(Group=group()), "IMPORT", ResourcesToImport=EXISTING)
    account.client("logs").delete_log_group(logGroupName="/acme/web")
    with pytest.raises(ClientError, match="does not exist"):
        stacks.change_set("acme", template(Group=group(**KEPT)), "IMPORT", ResourcesToImport=EXISTING)


def test_existing_custom_named_resources_are_imported_when_asked(stacks, account):
    body = template(Group=group(**KEPT), New=group("/acme/new"))
    made = stacks.change_set("acme", body, ImportExistingResources=True)
    assert actions(made) == {"Group": "Import", "New": "Add"}
    stacks.client.execute_change_set(ChangeSetName=made["ChangeSetId"])
    assert stacks.settle("acme") == "CREATE_COMPLETE"
    assert ("Group", "IMPORT_COMPLETE") in stacks.history("acme")


def test_an_existing_resource_without_retention_fails_the_change_set(stacks):
    made = stacks.change_set("acme", template(Group=group()), ImportExistingResources=True)
    assert made["Status"] == "FAILED"
    assert made["StatusReason"].endswith("The affected resources are Group ({LogGroupName=/acme/web})")


def test_a_name_from_a_function_is_not_imported_and_fails_at_execution(stacks):
    body = template(Group=group({"Fn::Sub": "/acme/web"}, **KEPT))
    made = stacks.change_set("acme", body, ImportExistingResources=True)
    assert actions(made) == {"Group": "Add"}
    stacks.client.execute_change_set(ChangeSetName=made["ChangeSetId"])
    assert stacks.settle("acme") == "ROLLBACK_COMPLETE"
    assert "AlreadyExists" in stacks.reasons("acme")["Group", "CREATE_FAILED"]


def test_what_is_identified_by_a_read_only_property_is_not_imported(stacks, account):
    account.client("sns").create_topic(Name="alerts")
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "alerts"}, **KEPT}
    made = stacks.change_set("acme", template(Topic=topic), ImportExistingResources=True)
    assert actions(made) == {"Topic": "Add"}


def test_what_belongs_to_another_stack_is_not_imported(stacks, account):
    stacks.apply("one", template(Other=group("/acme/other", **KEPT)))
    made = stacks.change_set("two", template(Other=group("/acme/other", **KEPT)), ImportExistingResources=True)
    assert actions(made) == {"Other": "Add"}


def test_a_failed_create_leaves_what_it_imported(stacks, account):
    account.client("sns").create_topic(Name="alerts")
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "alerts"}, "DependsOn": "Group"}
    body = template(Group=group(**KEPT), Topic=topic)
    assert stacks.apply("acme", body, ImportExistingResources=True) == "ROLLBACK_COMPLETE"
    assert ("Group", "DELETE_SKIPPED") in stacks.history("acme")
    assert account.client("logs").describe_log_groups()["logGroups"][0]["logGroupName"] == "/acme/web"


def test_stack_tags_are_put_on_what_is_imported(stacks, account):
    body = template(Group=group(**KEPT))
    stacks.apply("acme", body, ImportExistingResources=True, Tags=[{"Key": "owner", "Value": "platform"}])
    reasons = stacks.reasons("acme")
    assert reasons["Group", "UPDATE_IN_PROGRESS"] == "Apply stack-level tags to imported resource if applicable."
    arn = "arn:aws:logs:eu-west-1:111111111111:log-group:/acme/web"
    assert account.client("logs").list_tags_for_resource(resourceArn=arn)["tags"] == {"owner": "platform"}


def test_the_template_summary_says_how_resources_are_identified(stacks):
    body = template(Group=group(), Topic={"Type": "AWS::SNS::Topic"})
    summary = stacks.client.get_template_summary(TemplateBody=json.dumps(body))
    assert summary["ResourceIdentifierSummaries"] == [
        {
            "ResourceType": "AWS::Logs::LogGroup",
            "LogicalResourceIds": ["Group"],
            "ResourceIdentifiers": ["LogGroupName"],
        },
        {"ResourceType": "AWS::SNS::Topic", "LogicalResourceIds": ["Topic"], "ResourceIdentifiers": ["TopicArn"]},
    ]
