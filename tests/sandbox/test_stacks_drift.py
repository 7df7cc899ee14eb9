"""Drift: the stack's memory against the live resources."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError


def group(days=7, **properties) -> dict:
    named = {"LogGroupName": "/acme/web", "RetentionInDays": days, **properties}
    return {"Type": "AWS::Logs::LogGroup", "Properties": named}


def template(**resources) -> dict:
    return {"Resources": resources}


def drift_of(stacks, name: str) -> dict:
    found = stacks.client.describe_stack_resource_drifts(StackName="acme")["StackResourceDrifts"]
    return next(each for each in found if each["LogicalResourceId"] == name)


def test_a_stack_in_sync(stacks):
    stacks.apply("acme", template(Group=group(), Topic={"Type": "AWS::SNS::Topic"}))
    assert stacks.drifts("acme") == {"Group": "IN_SYNC", "Topic": "IN_SYNC"}
    assert stacks.stack("acme")["DriftInformation"]["StackDriftStatus"] == "IN_SYNC"


def test_a_property_changed_by_hand_is_shown_with_both_values(stacks, account):
    stacks.apply("acme", template(Group=group(days=7)))
    account.client("logs").put_retention_policy(logGroupName="/acme/web", retentionInDays=3)
    assert stacks.drifts("acme") == {"Group": "MODIFIED"}
    assert drift_of(stacks, "Group")["PropertyDifferences"] == [
        {
            "PropertyPath": "/RetentionInDays",
            "ExpectedValue": "7",
            "ActualValue": "3",
            "DifferenceType": "NOT_EQUAL",
        }
    ]
    assert json.loads(drift_of(stacks, "Group")["ActualProperties"])["RetentionInDays"] == 3
    assert stacks.stack("acme")["DriftInformation"]["StackDriftStatus"] == "DRIFTED"


def test_a_property_taken_away_by_hand_is_removed(stacks, account):
    stacks.apply("acme", template(Group=group(days=7)))
    account.client("logs").delete_retention_policy(logGroupName="/acme/web")
    stacks.drifts("acme")
    [difference] = drift_of(stacks, "Group")["PropertyDifferences"]
    assert (difference["PropertyPath"], difference["DifferenceType"]) == ("/RetentionInDays", "REMOVE")


def test_a_resource_deleted_by_hand(stacks, account):
    stacks.apply("acme", template(Group=group()))
    account.client("logs").delete_log_group(logGroupName="/acme/web")
    assert stacks.drifts("acme") == {"Group": "DELETED"}


def test_a_tag_added_by_hand_is_drift_and_the_stacks_own_tags_are_not(stacks, account):
    own = [{"Key": "team", "Value": "web"}]
    stacks.apply("acme", template(Group=group(Tags=own)), Tags=[{"Key": "owner", "Value": "platform"}])
    assert stacks.drifts("acme") == {"Group": "IN_SYNC"}
    arn = "arn:aws:logs:eu-west-1:111111111111:log-group:/acme/web"
    account.client("logs").tag_resource(resourceArn=arn, tags={"by": "hand"})
    assert stacks.drifts("acme") == {"Group": "MODIFIED"}


def test_a_policy_written_with_other_spaces_and_order_is_in_sync(stacks, account):
    statement = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    role = {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "acme", "AssumeRolePolicyDocument": document}}
    stacks.apply("acme", template(Role=role))
    again = json.dumps({"Statement": [dict(reversed(statement.items()))], "Version": "2012-10-17"}, indent=4)
    account.client("iam").update_assume_role_policy(RoleName="acme", PolicyDocument=again)
    assert stacks.drifts("acme") == {"Role": "IN_SYNC"}
    other = json.dumps({**document, "Statement": [{**statement, "Principal": {"AWS": "*"}}]})
    account.client("iam").update_assume_role_policy(RoleName="acme", PolicyDocument=other)
    assert stacks.drifts("acme") == {"Role": "MODIFIED"}


def test_types_without_drift_support_are_not_checked(stacks):
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": {"Ref": "Topic"},
    }
    policy = {"Topics": [{"Ref": "Topic"}], "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}
    body = template(Topic={"Type": "AWS::SNS::Topic"}, Policy={"Type": "AWS::SNS::TopicPolicy", "Properties": policy})
    stacks.apply("acme", body)
    assert stacks.drifts("acme") == {"Policy": "NOT_CHECKED", "Topic": "IN_SYNC"}
    found = stacks.client.describe_stack_resource_drifts(StackName="acme")["StackResourceDrifts"]
    assert [each["LogicalResourceId"] for each in found] == ["Topic"]
    with pytest.raises(ClientError, match="Drift detection is not supported for resource type AWS::SNS::TopicPolicy"):
        stacks.client.detect_stack_resource_drift(StackName="acme", LogicalResourceId="Policy")


def test_one_resource_is_looked_at_alone(stacks, account):
    stacks.apply("acme", template(Group=group(days=7)))
    account.client("logs").put_retention_policy(logGroupName="/acme/web", retentionInDays=3)
    answer = stacks.client.detect_stack_resource_drift(StackName="acme", LogicalResourceId="Group")
    assert answer["StackResourceDrift"]["StackResourceDriftStatus"] == "MODIFIED"
    found = stacks.client.describe_stack_resources(StackName="acme")["StackResources"]
    assert found[0]["DriftInformation"]["StackResourceDriftStatus"] == "MODIFIED"


def test_drifts_are_filtered_by_status(stacks, account):
    stacks.apply("acme", template(Group=group(), Topic={"Type": "AWS::SNS::Topic"}))
    account.client("logs").delete_log_group(logGroupName="/acme/web")
    stacks.drifts("acme")
    answer = stacks.client.describe_stack_resource_drifts(
        StackName="acme", StackResourceDriftStatusFilters=["MODIFIED", "DELETED"]
    )
    assert [each["LogicalResourceId"] for each in answer["StackResourceDrifts"]] == ["Group"]


def test_detection_takes_time_and_is_refused_while_the_stack_is_at_work(stacks, account):
    stacks.apply("acme", template(Group=group()))
    look = stacks.client.detect_stack_drift(StackName="acme")["StackDriftDetectionId"]
    answer = stacks.client.describe_stack_drift_detection_status(StackDriftDetectionId=look)
    assert answer["DetectionStatus"] == "DETECTION_IN_PROGRESS"
    made = stacks.change_set("acme", template(Group=group(days=30)))
    stacks.client.execute_change_set(ChangeSetName=made["ChangeSetId"])
    with pytest.raises(ClientError, match="while in UPDATE_IN_PROGRESS state"):
        stacks.client.detect_stack_drift(StackName="acme")
