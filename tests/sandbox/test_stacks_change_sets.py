"""Change sets: what they say before anything happens, and what they refuse."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError


def group(name="/acme/web", days=7, **attributes) -> dict:
    properties = {"LogGroupName": name, "RetentionInDays": days}
    return {"Type": "AWS::Logs::LogGroup", "Properties": properties, **attributes}


def metric_filter() -> dict:
    transformation = {"MetricName": "Errors", "MetricNamespace": "Acme", "MetricValue": "1"}
    properties = {"LogGroupName": {"Ref": "Group"}, "FilterPattern": "ERROR", "MetricTransformations": [transformation]}
    return {"Type": "AWS::Logs::MetricFilter", "Properties": properties}


def role(**properties) -> dict:
    statement = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": document, **properties}}


def template(**resources) -> dict:
    return {"Resources": resources}


def changes(change_set) -> dict[str, dict]:
    return {each["ResourceChange"]["LogicalResourceId"]: each["ResourceChange"] for each in change_set["Changes"]}


def details(change) -> list[tuple]:
    return [
        (
            each["Target"].get("Name", each["Target"]["Attribute"]),
            each["Target"].get("BeforeValue"),
            each["Target"].get("AfterValue"),
            each["Target"]["RequiresRecreation"],
            each["Evaluation"],
            each["ChangeSource"],
            each.get("CausingEntity"),
        )
        for each in change["Details"]
    ]


def test_a_new_stack_is_in_review_until_its_change_set_is_executed(stacks):
    made = stacks.change_set("acme", template(Group=group()))
    assert stacks.stack("acme")["StackStatus"] == "REVIEW_IN_PROGRESS"
    assert (made["Status"], made["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
    assert changes(made)["Group"]["Action"] == "Add"
    assert json.loads(changes(made)["Group"]["AfterContext"]) == {
        "Properties": {"LogGroupName": "/acme/web", "RetentionInDays": 7}
    }
    with pytest.raises(ClientError, match="is in REVIEW_IN_PROGRESS state and can not be updated"):
        stacks.change_set("acme", template(Group=group()), "UPDATE")
    assert stacks.delete("acme") == "DELETE_COMPLETE"


def test_a_property_changed_in_place_is_said_with_its_values(stacks):
    stacks.apply("acme", template(Group=group(days=7)))
    change = changes(stacks.change_set("acme", template(Group=group(days=30))))["Group"]
    assert (change["Action"], change["Replacement"], change["Scope"]) == ("Modify", "False", ["Properties"])
    assert details(change) == [("RetentionInDays", "7", "30", "Never", "Static", "DirectModification", None)]
    assert change["Details"][0]["Target"]["Path"] == "/Properties/RetentionInDays"


def test_without_property_values_names_alone_are_shown(stacks):
    stacks.apply("acme", template(Group=group(days=7)))
    made = stacks.change_set("acme", template(Group=group(days=30)))
    plain = stacks.client.describe_change_set(ChangeSetName=made["ChangeSetId"])
    change = changes(plain)["Group"]
    assert change["Details"][0]["Target"] == {
        "Attribute": "Properties",
        "Name": "RetentionInDays",
        "RequiresRecreation": "Never",
    }
    assert "AfterContext" not in change


def test_a_replacement_carries_over_to_what_refers_to_it(stacks):
    stacks.apply("acme", template(Group=group("/acme/one"), Filter=metric_filter()))
    made = stacks.change_set("acme", template(Group=group("/acme/two"), Filter=metric_filter()))
    first, second = changes(made)["Group"], changes(made)["Filter"]
    assert (first["Replacement"], first["PolicyAction"]) == ("True", "ReplaceAndDelete")
    assert second["Replacement"] == "True"
    unknown = "{{changeSet:KNOWN_AFTER_APPLY}}"
    assert details(second) == [("LogGroupName", "/acme/one", unknown, "Always", "Static", "ResourceReference", "Group")]


def test_an_attribute_of_a_changed_resource_is_evaluated_at_execution(stacks):
    def body(days: int) -> dict:
        tag = {"Key": "logs", "Value": {"Fn::GetAtt": ["Group", "Arn"]}}
        return template(Group=group(days=days), Topic={"Type": "AWS::SNS::Topic", "Properties": {"Tags": [tag]}})

    stacks.apply("acme", body(7))
    change = changes(stacks.change_set("acme", body(30)))["Topic"]
    assert change["Replacement"] == "False"
    [(name, _, after, recreation, evaluation, source, causing)] = details(change)
    assert (name, after, recreation) == ("Tags", "{{changeSet:KNOWN_AFTER_APPLY}}", "Never")
    assert (evaluation, source, causing) == ("Dynamic", "ResourceAttribute", "Group.Arn")
    assert stacks.apply("acme", body(30)) == "UPDATE_COMPLETE"
    assert ("Topic", "UPDATE_IN_PROGRESS") not in stacks.history("acme")


def test_a_create_only_property_that_may_change_makes_the_replacement_conditional(stacks):
    def body(days: int) -> dict:
        name = {"Fn::Select": [6, {"Fn::Split": [":", {"Fn::GetAtt": ["Group", "Arn"]}]}]}
        subscribed = {**metric_filter()["Properties"], "LogGroupName": name}
        return template(Group=group(days=days), Filter={"Type": "AWS::Logs::MetricFilter", "Properties": subscribed})

    assert stacks.apply("acme", body(7)) == "CREATE_COMPLETE"
    change = changes(stacks.change_set("acme", body(30)))["Filter"]
    assert change["Replacement"] == "Conditional"
    before = stacks.physical_ids("acme")["Filter"]
    assert stacks.apply("acme", body(30)) == "UPDATE_COMPLETE"
    assert stacks.physical_ids("acme")["Filter"] == before


def test_a_parameter_alone_changes_the_resources_that_use_it(stacks):
    body = template(Group=group(days={"Ref": "Days"}), Other=group("/acme/other"))
    body["Parameters"] = {"Days": {"Type": "Number", "Default": 7}}
    stacks.apply("acme", body)
    made = stacks.change_set("acme", body, Parameters=[{"ParameterKey": "Days", "ParameterValue": "30"}])
    assert [*changes(made)] == ["Group"]
    assert details(changes(made)["Group"]) == [
        ("RetentionInDays", "7", "30", "Never", "Static", "ParameterReference", "Days")
    ]


def test_a_removed_resource_is_deleted_or_retained(stacks):
    kept = group("/acme/kept", DeletionPolicy="Retain")
    stacks.apply("acme", template(Kept=kept, Gone=group("/acme/gone"), Stays=group()))
    found = changes(stacks.change_set("acme", template(Stays=group())))
    assert (found["Gone"]["Action"], found["Gone"]["PolicyAction"]) == ("Remove", "Delete")
    assert (found["Kept"]["Action"], found["Kept"]["PolicyAction"]) == ("Remove", "Retain")
    assert found["Gone"]["PhysicalResourceId"] == "/acme/gone"


def test_nothing_to_change_fails_the_change_set(stacks):
    stacks.apply("acme", template(Group=group()))
    made = stacks.change_set("acme", template(Group=group()))
    assert (made["Status"], made["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert made["StatusReason"] == (
        "The submitted information didn't contain changes. Submit different information to create a change set."
    )
    with pytest.raises(ClientError, match=r"cannot be executed in its current status of \[FAILED\]"):
        stacks.client.execute_change_set(ChangeSetName=made["ChangeSetId"])


def test_a_resource_changed_by_hand_is_not_a_change(stacks, account):
    stacks.apply("acme", template(Group=group(days=7)))
    account.client("logs").put_retention_policy(logGroupName="/acme/web", retentionInDays=3)
    assert stacks.apply("acme", template(Group=group(days=7))) == "no changes"
    assert stacks.drifts("acme") == {"Group": "MODIFIED"}


def test_a_long_change_set_comes_in_pages(stacks):
    many = {f"Topic{number:03}": {"Type": "AWS::SNS::Topic"} for number in range(120)}
    made = stacks.change_set("acme", template(**many))
    assert len(made["Changes"]) == 100
    rest = stacks.client.describe_change_set(ChangeSetName=made["ChangeSetId"], NextToken=made["NextToken"])
    assert len(rest["Changes"]) == 20


def test_change_sets_are_listed_and_deleted_and_go_when_one_is_executed(stacks):
    first = stacks.change_set("acme", template(Group=group()))
    second = stacks.change_set("acme", template(Group=group(days=30)), "CREATE")
    listed = stacks.client.list_change_sets(StackName="acme")["Summaries"]
    assert [each["ChangeSetId"] for each in listed] == [first["ChangeSetId"], second["ChangeSetId"]]
    stacks.client.execute_change_set(ChangeSetName=first["ChangeSetId"])
    stacks.settle("acme")
    assert stacks.client.list_change_sets(StackName="acme")["Summaries"] == []
    with pytest.raises(ClientError, match="does not exist") as error:
        stacks.client.describe_change_set(ChangeSetName=second["ChangeSetId"])
    assert error.value.response["Error"]["Code"] == "ChangeSetNotFound"


# --- capabilities, types ---------------------------------------------------------------------------------------


def test_iam_resources_need_a_capability(stacks):
    for body, missing in ((role(), "CAPABILITY_IAM"), (role(RoleName="acme"), "CAPABILITY_NAMED_IAM")):
        with pytest.raises(ClientError, match=rf"Requires capabilities : \[{missing}\]") as error:
            stacks.client.create_change_set(
                StackName="acme", ChangeSetName="one", ChangeSetType="CREATE", TemplateBody=json.dumps(template(R=body))
            )
        assert error.value.response["Error"]["Code"] == "InsufficientCapabilitiesException"
    assert stacks.client.describe_stacks()["Stacks"] == []


def test_a_type_that_the_sandbox_lacks_is_refused_and_never_skipped(stacks):
    with pytest.raises(
        ClientError, match=r"Template format error: Unrecognized resource types: \[AWS::EKS::Cluster, Custom::Thing\]"
    ):
        stacks.change_set("acme", template(A={"Type": "Custom::Thing"}, B={"Type": "AWS::EKS::Cluster"}))


def test_an_attribute_that_a_type_lacks_is_refused(stacks):
    body = {**template(Group=group()), "Outputs": {"Url": {"Value": {"Fn::GetAtt": ["Group", "Url"]}}}}
    with pytest.raises(ClientError, match="resource Group does not support attribute type Url in Fn::GetAtt"):
        stacks.change_set("acme", body)


def test_a_type_cannot_change_under_a_logical_id(stacks):
    stacks.apply("acme", template(Thing=group()))
    with pytest.raises(ClientError, match="Update of resource type is not permitted"):
        stacks.change_set("acme", template(Thing={"Type": "AWS::SNS::Topic"}))


# --- bodies ----------------------------------------------------------------------------------------------------


def test_a_body_over_51200_bytes_has_to_come_from_s3(stacks, account):
    body = {"Metadata": {"padding": "x" * 51_200}, **template(Group=group())}
    with pytest.raises(ClientError, match="Member must have length less than or equal to 51200"):
        stacks.change_set("acme", body)
    account.client("s3", "us-east-1").create_bucket(Bucket="acme-artifacts")
    account.client("s3").put_object(Bucket="acme-artifacts", Key="templates/acme.json", Body=json.dumps(body))
    made = stacks.client.create_change_set(
        StackName="acme",
        ChangeSetName="one",
        ChangeSetType="CREATE",
        TemplateURL="https://acme-artifacts.s3.eu-west-1.amazonaws.com/templates/acme.json",
    )
    account.clock.sleep(5)
    assert stacks.client.describe_change_set(ChangeSetName=made["Id"])["Status"] == "CREATE_COMPLETE"


def test_a_template_url_that_leads_nowhere_is_refused(stacks):
    for url, words in (
        ("https://nowhere.s3.eu-west-1.amazonaws.com/x.json", "S3 error: The specified bucket does not exist"),
        ("https://lambda.eu-west-1.amazonaws.com/x.json", "TemplateURL must be an Amazon S3 URL"),
        ("ftp://bucket/x.json", "TemplateURL must be a supported URL"),
    ):
        with pytest.raises(ClientError, match=words):
            stacks.client.validate_template(TemplateURL=url)


def test_the_previous_template_and_values_can_be_kept(stacks, account):
    body = template(Group=group(days={"Ref": "Days"}, name={"Ref": "Name"}))
    body["Parameters"] = {"Days": {"Type": "Number"}, "Name": {"Type": "String"}}
    first = [
        {"ParameterKey": "Days", "ParameterValue": "7"},
        {"ParameterKey": "Name", "ParameterValue": "/acme/web"},
    ]
    stacks.apply("acme", body, Parameters=first)
    stacks.client.update_stack(
        StackName="acme",
        UsePreviousTemplate=True,
        Parameters=[
            {"ParameterKey": "Days", "ParameterValue": "14"},
            {"ParameterKey": "Name", "UsePreviousValue": True},
        ],
    )
    assert stacks.settle("acme") == "UPDATE_COMPLETE"
    group_now = account.client("logs").describe_log_groups()["logGroups"][0]
    assert (group_now["logGroupName"], group_now["retentionInDays"]) == ("/acme/web", 14)


# --- values from elsewhere -------------------------------------------------------------------------------------


def test_a_stored_parameter_is_resolved_when_the_change_set_is_made(stacks, account):
    account.client("ssm").put_parameter(Name="/acme/days", Type="String", Value="14")
    body = template(Group=group(days={"Ref": "Days"}))
    body["Parameters"] = {"Days": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/acme/days"}}
    assert stacks.apply("acme", body) == "CREATE_COMPLETE"
    assert account.client("logs").describe_log_groups()["logGroups"][0]["retentionInDays"] == 14
    assert stacks.stack("acme")["Parameters"] == [
        {"ParameterKey": "Days", "ParameterValue": "/acme/days", "ResolvedValue": "14"}
    ]
    with pytest.raises(ClientError, match=r"Unable to fetch parameters \[/acme/none\] from parameter store"):
        stacks.change_set("acme", body, Parameters=[{"ParameterKey": "Days", "ParameterValue": "/acme/none"}])


def test_a_dynamic_reference_stays_in_the_change_set_and_is_resolved_at_execution(stacks, account):
    account.client("ssm").put_parameter(Name="/acme/name", Type="String", Value="alerts")
    reference = "{{resolve:ssm:/acme/name}}"
    body = template(Topic={"Type": "AWS::SNS::Topic", "Properties": {"TopicName": reference}})
    made = stacks.change_set("acme", body)
    assert json.loads(changes(made)["Topic"]["AfterContext"])["Properties"] == {"TopicName": reference}
    stacks.client.execute_change_set(ChangeSetName=made["ChangeSetId"])
    assert stacks.settle("acme") == "CREATE_COMPLETE"
    assert stacks.physical_ids("acme")["Topic"] == "arn:aws:sns:eu-west-1:111111111111:alerts"
    account.client("ssm").put_parameter(Name="/acme/name", Type="String", Value="alarms", Overwrite=True)
    assert stacks.apply("acme", body) == "no changes"


def test_a_secret_value_is_never_shown(stacks, account):
    account.client("secretsmanager").create_secret(Name="acme", SecretString='{"name": "hidden"}')
    body = template(
        Topic={
            "Type": "AWS::SNS::Topic",
            "Properties": {"DisplayName": "{{resolve:secretsmanager:acme:SecretString:name}}"},
        }
    )
    assert stacks.apply("acme", body) == "CREATE_COMPLETE"
    topic = stacks.physical_ids("acme")["Topic"]
    live = account.client("sns").get_topic_attributes(TopicArn=topic)["Attributes"]
    assert live["DisplayName"] == "hidden"
    assert "hidden" not in json.dumps(stacks.events("acme"), default=str)
