"""Stacks as their user sees them: statuses, events, reasons and outputs in CloudFormation's words."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

GROUP = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/acme/web", "RetentionInDays": 7}}


def group(name: str = "/acme/web", days: int = 7, **attributes) -> dict:
    return {
        "Type": "AWS::Logs::LogGroup",
        "Properties": {"LogGroupName": name, "RetentionInDays": days},
        **attributes,
    }


def topic(**properties) -> dict:
    return {"Type": "AWS::SNS::Topic", "Properties": properties}


def template(**resources) -> dict:
    return {"Resources": resources}


def groups(account) -> list[str]:
    return [each["logGroupName"] for each in account.client("logs").describe_log_groups()["logGroups"]]


def retention(account, name: str = "/acme/web") -> int | None:
    found = account.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return found[0].get("retentionInDays")


# --- create ----------------------------------------------------------------------------------------------------


def test_a_stack_is_created_in_the_order_of_its_references(stacks):
    alarm = {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmActions": [{"Ref": "Topic"}],
            "ComparisonOperator": "GreaterThanThreshold",
            "EvaluationPeriods": 1,
            "MetricName": "Errors",
            "Namespace": "Acme",
            "Period": 60,
            "Statistic": "Sum",
            "Threshold": 1,
        },
    }
    body = template(Alarm=alarm, Topic=topic(TopicName="alerts"))
    body["Outputs"] = {"TopicArn": {"Value": {"Ref": "Topic"}, "Description": "alerts go here"}}
    assert stacks.apply("acme", body) == "CREATE_COMPLETE"
    assert stacks.history("acme") == [
        ("acme", "REVIEW_IN_PROGRESS"),
        ("acme", "CREATE_IN_PROGRESS"),
        ("Topic", "CREATE_IN_PROGRESS"),
        ("Topic", "CREATE_IN_PROGRESS"),
        ("Topic", "CREATE_COMPLETE"),
        ("Alarm", "CREATE_IN_PROGRESS"),
        ("Alarm", "CREATE_IN_PROGRESS"),
        ("Alarm", "CREATE_COMPLETE"),
        ("acme", "CREATE_COMPLETE"),
    ]
    assert stacks.outputs("acme") == {"TopicArn": "arn:aws:sns:eu-west-1:111111111111:alerts"}


def test_execute_returns_at_once_and_the_stack_goes_on_in_virtual_time(stacks, account):
    made = stacks.change_set("acme", template(Topic=topic()))
    before = account.clock.now()
    stacks.client.execute_change_set(ChangeSetName=made["ChangeSetId"])
    assert account.clock.now() == before
    assert stacks.stack("acme")["StackStatus"] == "CREATE_IN_PROGRESS"
    account.clock.sleep(6)
    assert stacks.stack("acme")["StackStatus"] == "CREATE_COMPLETE"


def test_resources_that_do_not_need_each_other_go_side_by_side(stacks, account):
    made = stacks.change_set("acme", template(**{f"Topic{number}": topic() for number in range(20)}))
    stacks.client.execute_change_set(ChangeSetName=made["ChangeSetId"])
    account.clock.sleep(6)
    assert stacks.stack("acme")["StackStatus"] == "CREATE_COMPLETE"


def test_generated_names_are_stack_logical_and_twelve_random_characters(stacks):
    body = template(Topic=topic(), Bucket={"Type": "AWS::S3::Bucket"})
    assert stacks.apply("Acme", body) == "CREATE_COMPLETE"
    ids = stacks.physical_ids("Acme")
    stack, logical, random = ids["Topic"].rpartition(":")[2].split("-")
    assert (stack, logical, len(random)) == ("Acme", "Topic", 12)
    assert ids["Bucket"].startswith("acme-bucket-")
    assert ids["Bucket"] == ids["Bucket"].lower()


def test_a_name_that_is_taken_rolls_the_create_back_and_leaves_nothing_else(stacks, account):
    account.client("logs").create_log_group(logGroupName="/acme/web")
    body = template(Other=group("/acme/other"), Group=group("/acme/web", DependsOn="Other"))
    assert stacks.apply("acme", body) == "ROLLBACK_COMPLETE"
    reason = stacks.reasons("acme")["Group", "CREATE_FAILED"]
    assert reason.startswith(
        "Resource handler returned message: \"Resource of type 'AWS::Logs::LogGroup' with identifier "
        '\'{"/properties/LogGroupName":"/acme/web"}\' already exists."'
    )
    assert reason.endswith("HandlerErrorCode: AlreadyExists)")
    assert stacks.reasons("acme")["acme", "ROLLBACK_IN_PROGRESS"] == (
        "The following resource(s) failed to create: [Group]. Rollback requested by user."
    )
    assert groups(account) == ["/acme/web"]


def test_what_is_under_way_when_another_fails_is_cancelled_and_removed(stacks, account):
    account.client("logs").create_log_group(logGroupName="/acme/web")
    body = template(Slow={"Type": "AWS::SQS::Queue"}, First=topic(), Group=group(DependsOn="First"))
    assert stacks.apply("acme", body) == "ROLLBACK_COMPLETE"
    assert stacks.reasons("acme")["Slow", "CREATE_FAILED"] == "Resource creation cancelled"
    assert account.client("sqs").list_queues().get("QueueUrls", []) == []


def test_a_stack_in_rollback_complete_can_only_be_deleted(stacks, account):
    account.client("logs").create_log_group(logGroupName="/acme/web")
    assert stacks.apply("acme", template(Group=group())) == "ROLLBACK_COMPLETE"
    with pytest.raises(ClientError, match="is in ROLLBACK_COMPLETE state and can not be updated"):
        stacks.change_set("acme", template(Group=group("/acme/more")), "UPDATE")
    with pytest.raises(ClientError, match=r"Stack \[acme\] already exists and cannot be created again"):
        stacks.change_set("acme", template(Group=group("/acme/more")), "CREATE")
    assert stacks.delete("acme") == "DELETE_COMPLETE"


def test_deleting_what_was_rolled_back_leaves_what_others_made_since(stacks, account):
    account.client("logs").create_log_group(logGroupName="/acme/taken")
    body = template(Made=group("/acme/made"), Taken=group("/acme/taken", DependsOn="Made"))
    assert stacks.apply("acme", body) == "ROLLBACK_COMPLETE"
    account.client("logs").create_log_group(logGroupName="/acme/made")
    assert stacks.delete("acme") == "DELETE_COMPLETE"
    assert groups(account) == ["/acme/made", "/acme/taken"]


def test_a_service_role_has_to_exist_and_trust_cloudformation(stacks, account):
    with pytest.raises(ClientError, match="role/nobody is invalid or cannot be assumed"):
        stacks.change_set("acme", template(Group=group()), RoleARN="arn:aws:iam::111111111111:role/nobody")
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudformation.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    arn = account.client("iam").create_role(RoleName="deploy", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    assert stacks.apply("acme", template(Group=group()), RoleARN=arn) == "CREATE_COMPLETE"
    assert stacks.stack("acme")["RoleARN"] == arn


def test_retained_resources_survive_the_rollback_of_their_creation(stacks, account):
    account.client("logs").create_log_group(logGroupName="/acme/taken")
    body = template(Kept=group("/acme/kept", DeletionPolicy="Retain"), Taken=group("/acme/taken", DependsOn="Kept"))
    assert stacks.apply("acme", body) == "ROLLBACK_COMPLETE"
    assert ("Kept", "DELETE_SKIPPED") in stacks.history("acme")
    assert groups(account) == ["/acme/kept", "/acme/taken"]


def test_retain_except_on_create_removes_what_the_failed_creation_made(stacks, account):
    account.client("logs").create_log_group(logGroupName="/acme/taken")
    policy = {"DeletionPolicy": "RetainExceptOnCreate"}
    body = template(Kept=group("/acme/kept", **policy), Taken=group("/acme/taken", DependsOn="Kept"))
    assert stacks.apply("acme", body) == "ROLLBACK_COMPLETE"
    assert groups(account) == ["/acme/taken"]


def test_on_stack_failure_do_nothing_keeps_what_was_made_until_rolled_back(stacks, account):
    account.client("logs").create_log_group(logGroupName="/acme/taken")
    body = template(Made=group("/acme/made"), Taken=group("/acme/taken", DependsOn="Made"))
    assert stacks.apply("acme", body, OnStackFailure="DO_NOTHING") == "CREATE_FAILED"
    assert groups(account) == ["/acme/made", "/acme/taken"]
    stacks.client.rollback_stack(StackName="acme")
    assert stacks.settle("acme") == "ROLLBACK_COMPLETE"
    assert groups(account) == ["/acme/taken"]


def test_on_stack_failure_delete_leaves_no_stack(stacks, account):
    account.client("logs").create_log_group(logGroupName="/acme/taken")
    body = template(Made=group("/acme/made"), Taken=group("/acme/taken", DependsOn="Made"))
    assert stacks.apply("acme", body, OnStackFailure="DELETE") == "DELETE_COMPLETE" or not stacks.exists("acme")
    assert groups(account) == ["/acme/taken"]


# --- update ----------------------------------------------------------------------------------------------------


def test_an_update_in_place_changes_the_live_resource(stacks, account):
    stacks.apply("acme", template(Group=group(days=7)))
    assert stacks.apply("acme", template(Group=group(days=30))) == "UPDATE_COMPLETE"
    assert retention(account) == 30
    assert stacks.history("acme")[-5:] == [
        ("acme", "UPDATE_IN_PROGRESS"),
        ("Group", "UPDATE_IN_PROGRESS"),
        ("Group", "UPDATE_COMPLETE"),
        ("acme", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
        ("acme", "UPDATE_COMPLETE"),
    ]


def test_a_replacement_is_made_before_the_old_one_is_deleted(stacks, account):
    stacks.apply("acme", template(Group=group("/acme/one")))
    assert stacks.apply("acme", template(Group=group("/acme/two"))) == "UPDATE_COMPLETE"
    assert stacks.history("acme")[-7:] == [
        ("Group", "UPDATE_IN_PROGRESS"),
        ("Group", "UPDATE_IN_PROGRESS"),
        ("Group", "UPDATE_COMPLETE"),
        ("acme", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
        ("Group", "DELETE_IN_PROGRESS"),
        ("Group", "DELETE_COMPLETE"),
        ("acme", "UPDATE_COMPLETE"),
    ]
    assert groups(account) == ["/acme/two"]


def test_update_replace_policy_retain_keeps_the_old_resource(stacks, account):
    stacks.apply("acme", template(Group=group("/acme/one", UpdateReplacePolicy="Retain")))
    stacks.apply("acme", template(Group=group("/acme/two", UpdateReplacePolicy="Retain")))
    assert groups(account) == ["/acme/one", "/acme/two"]
    assert ("Group", "DELETE_SKIPPED") in stacks.history("acme")


def test_a_resource_that_leaves_the_template_is_deleted_or_kept_by_its_deletion_policy(stacks, account):
    kept = group("/acme/kept", DeletionPolicy="Retain")
    stacks.apply("acme", template(Kept=kept, Gone=group("/acme/gone"), Stays=topic()))
    assert stacks.apply("acme", template(Stays=topic())) == "UPDATE_COMPLETE"
    assert groups(account) == ["/acme/kept"]
    assert [*stacks.physical_ids("acme")] == ["Stays"]


def test_a_custom_named_resource_that_has_to_be_replaced_needs_another_name(stacks, account):
    def key(**more) -> dict:
        return {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "alerts.fifo", **more}}

    stacks.apply("acme", template(Topic=key(FifoTopic=True)))
    assert stacks.apply("acme", template(Topic=key(FifoTopic=False))) == "UPDATE_ROLLBACK_COMPLETE"
    assert stacks.reasons("acme")["Topic", "UPDATE_FAILED"] == (
        "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
        "Rename alerts.fifo and update the stack again."
    )


def test_a_replacement_that_cannot_be_made_leaves_the_old_one(stacks, account):
    stacks.apply("acme", template(Group=group("/acme/one", days=7)))
    account.client("logs").create_log_group(logGroupName="/acme/two")
    assert stacks.apply("acme", template(Group=group("/acme/two", days=30))) == "UPDATE_ROLLBACK_COMPLETE"
    assert stacks.physical_ids("acme") == {"Group": "/acme/one"}
    assert (retention(account, "/acme/one"), retention(account, "/acme/two")) == (7, None)


def test_a_replacement_that_was_made_is_removed_again_when_the_update_fails(stacks, account):
    stacks.apply("acme", template(Group=group("/acme/one")))
    account.client("logs").create_log_group(logGroupName="/acme/taken")
    body = template(Group=group("/acme/two"), Taken=taken_after("Group"))
    assert stacks.apply("acme", body) == "UPDATE_ROLLBACK_COMPLETE"
    assert stacks.physical_ids("acme") == {"Group": "/acme/one"}
    assert groups(account) == ["/acme/one", "/acme/taken"]


def test_what_a_failed_update_made_is_kept_when_its_policy_is_retain(stacks, account):
    stacks.apply("acme", template(Group=group()))
    account.client("logs").create_log_group(logGroupName="/acme/taken")
    kept, new = group("/acme/kept", DeletionPolicy="Retain"), group("/acme/new", DeletionPolicy="RetainExceptOnCreate")
    taken = group("/acme/taken", DependsOn=["Kept", "New"])
    body = template(Group=group(), Kept=kept, New=new, Taken=taken)
    assert stacks.apply("acme", body) == "UPDATE_ROLLBACK_COMPLETE"
    assert groups(account) == ["/acme/kept", "/acme/taken", "/acme/web"]


def test_a_failed_update_is_undone_in_the_account(stacks, account):
    stacks.apply("acme", template(Group=group(days=7), Gone=group("/acme/gone")))
    account.client("logs").create_log_group(logGroupName="/acme/taken")
    taken = group("/acme/taken", DependsOn="Group")
    assert stacks.apply("acme", template(Group=group(days=30), Taken=taken)) == "UPDATE_ROLLBACK_COMPLETE"
    assert retention(account) == 7
    assert groups(account) == ["/acme/gone", "/acme/taken", "/acme/web"]
    assert [*stacks.physical_ids("acme")] == ["Group", "Gone"]
    assert stacks.drifts("acme") == {"Group": "IN_SYNC", "Gone": "IN_SYNC"}
    assert stacks.apply("acme", template(Group=group(days=7), Gone=group("/acme/gone"))) == "no changes"


def test_an_undo_that_fails_ends_in_update_rollback_failed_and_can_be_continued(stacks, account):
    stacks.apply("acme", template(Group=group(days=7)))
    account.client("logs").create_log_group(logGroupName="/acme/taken")
    made = stacks.change_set("acme", template(Group=group(days=30), Slow=topic(), Taken=taken_after("Slow")))
    stacks.client.execute_change_set(ChangeSetName=made["ChangeSetId"])
    account.clock.sleep(5.5)
    account.client("logs").delete_log_group(logGroupName="/acme/web")
    assert stacks.settle("acme") == "UPDATE_ROLLBACK_FAILED"
    assert stacks.stack("acme")["StackStatusReason"] == "The following resource(s) failed to update: [Group]. "
    with pytest.raises(ClientError, match="is in UPDATE_ROLLBACK_FAILED state and can not be updated"):
        stacks.change_set("acme", template(Group=group(days=30)))
    account.client("logs").create_log_group(logGroupName="/acme/web")
    stacks.client.continue_update_rollback(StackName="acme")
    assert stacks.settle("acme") == "UPDATE_ROLLBACK_COMPLETE"
    assert retention(account) == 7


def taken_after(other: str) -> dict:
    return group("/acme/taken", DependsOn=other)


def test_a_rollback_can_be_continued_without_a_resource_that_cannot_be_undone(stacks, account):
    stacks.apply("acme", template(Group=group(days=7)))
    account.client("logs").create_log_group(logGroupName="/acme/taken")
    made = stacks.change_set("acme", template(Group=group(days=30), Slow=topic(), Taken=taken_after("Slow")))
    stacks.client.execute_change_set(ChangeSetName=made["ChangeSetId"])
    account.clock.sleep(5.5)
    account.client("logs").delete_log_group(logGroupName="/acme/web")
    assert stacks.settle("acme") == "UPDATE_ROLLBACK_FAILED"
    stacks.client.continue_update_rollback(StackName="acme", ResourcesToSkip=["Group"])
    assert stacks.settle("acme") == "UPDATE_ROLLBACK_COMPLETE"
    assert stacks.drifts("acme") == {"Group": "DELETED"}


def test_an_update_is_cancelled_and_undone(stacks, account):
    stacks.apply("acme", template(Group=group(days=7)))
    made = stacks.change_set("acme", template(Group=group(days=30), Queue={"Type": "AWS::SQS::Queue"}))
    stacks.client.execute_change_set(ChangeSetName=made["ChangeSetId"])
    account.clock.sleep(10)
    stacks.client.cancel_update_stack(StackName="acme")
    assert stacks.settle("acme") == "UPDATE_ROLLBACK_COMPLETE"
    assert retention(account) == 7
    assert [*stacks.physical_ids("acme")] == ["Group"]


def test_a_failed_update_without_rollback_can_be_tried_again(stacks, account):
    stacks.apply("acme", template(Group=group("/acme/one")))
    account.client("logs").create_log_group(logGroupName="/acme/taken")
    body = template(Group=group("/acme/two"), Taken=taken_after("Group"))
    made = stacks.change_set("acme", body)
    stacks.client.execute_change_set(ChangeSetName=made["ChangeSetId"], DisableRollback=True)
    assert stacks.settle("acme") == "UPDATE_FAILED"
    account.client("logs").delete_log_group(logGroupName="/acme/taken")
    assert stacks.apply("acme", body) == "UPDATE_COMPLETE"
    assert groups(account) == ["/acme/taken", "/acme/two"]


def test_update_stack_says_that_no_updates_are_to_be_performed(stacks):
    stacks.apply("acme", template(Group=group()))
    with pytest.raises(ClientError, match=r"No updates are to be performed\."):
        stacks.client.update_stack(StackName="acme", TemplateBody=json.dumps(template(Group=group())))


def test_an_output_alone_is_a_change(stacks):
    stacks.apply("acme", template(Group=group()))
    body = {**template(Group=group()), "Outputs": {"Name": {"Value": {"Ref": "Group"}}}}
    assert stacks.apply("acme", body) == "UPDATE_COMPLETE"
    assert stacks.outputs("acme") == {"Name": "/acme/web"}


def test_stack_tags_reach_the_resources_and_changing_them_is_an_update(stacks, account):
    body = template(Group=group())
    stacks.apply("acme", body, Tags=[{"Key": "owner", "Value": "platform"}])
    arn = "arn:aws:logs:eu-west-1:111111111111:log-group:/acme/web"
    assert account.client("logs").list_tags_for_resource(resourceArn=arn)["tags"] == {"owner": "platform"}
    assert stacks.drifts("acme") == {"Group": "IN_SYNC"}
    made = stacks.change_set("acme", body, Tags=[{"Key": "owner", "Value": "security"}])
    assert made["Changes"][0]["ResourceChange"]["Scope"] == ["Tags"]
    stacks.client.execute_change_set(ChangeSetName=made["ChangeSetId"])
    stacks.settle("acme")
    assert account.client("logs").list_tags_for_resource(resourceArn=arn)["tags"] == {"owner": "security"}


# --- delete ----------------------------------------------------------------------------------------------------


def test_a_stack_is_deleted_in_reverse_order_and_stays_readable_by_id(stacks, account):
    policy = {"Type": "AWS::SNS::Subscription", "Properties": subscription()}
    stacks.apply("acme", template(Topic=topic(), Queue={"Type": "AWS::SQS::Queue"}, Subscription=policy))
    identifier = stacks.stack("acme")["StackId"]
    assert stacks.delete("acme") == "DELETE_COMPLETE"
    order = [name for name, status in stacks.history(identifier) if status == "DELETE_COMPLETE"]
    assert order == ["Subscription", "Topic", "Queue", "acme"]
    assert stacks.stack(identifier)["StackStatus"] == "DELETE_COMPLETE"
    with pytest.raises(ClientError, match="Stack with id acme does not exist"):
        stacks.stack("acme")


def subscription() -> dict:
    return {"TopicArn": {"Ref": "Topic"}, "Protocol": "sqs", "Endpoint": {"Fn::GetAtt": ["Queue", "Arn"]}}


def test_a_bucket_that_is_not_empty_refuses_and_can_be_retained(stacks, account):
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "acme-data"}}
    stacks.apply("acme", template(Bucket=bucket, Topic=topic()))
    account.client("s3").put_object(Bucket="acme-data", Key="a", Body=b"a")
    with pytest.raises(ClientError, match="only when the stack is in the DELETE_FAILED state"):
        stacks.client.delete_stack(StackName="acme", RetainResources=["Bucket"])
    identifier = stacks.stack("acme")["StackId"]
    assert stacks.delete("acme") == "DELETE_FAILED"
    assert stacks.stack("acme")["StackStatusReason"] == "The following resource(s) failed to delete: [Bucket]. "
    assert "The bucket you tried to delete is not empty" in stacks.reasons("acme")["Bucket", "DELETE_FAILED"]
    assert stacks.delete("acme", RetainResources=["Bucket"]) == "DELETE_COMPLETE"
    assert ("Bucket", "DELETE_SKIPPED") in stacks.history(identifier)
    assert account.client("s3").list_objects_v2(Bucket="acme-data")["KeyCount"] == 1


def test_force_delete_goes_past_what_refuses(stacks, account):
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "acme-data"}}
    stacks.apply("acme", template(Bucket=bucket))
    account.client("s3").put_object(Bucket="acme-data", Key="a", Body=b"a")
    assert stacks.delete("acme") == "DELETE_FAILED"
    assert stacks.delete("acme", DeletionMode="FORCE_DELETE_STACK") == "DELETE_COMPLETE"


def test_a_protected_stack_is_not_deleted(stacks):
    stacks.apply("acme", template(Group=group()))
    stacks.client.update_termination_protection(StackName="acme", EnableTerminationProtection=True)
    with pytest.raises(ClientError, match=r"Stack \[acme\] cannot be deleted while TerminationProtection is enabled"):
        stacks.client.delete_stack(StackName="acme")


def test_deleting_what_does_not_exist_is_no_error(stacks):
    stacks.client.delete_stack(StackName="nothing")


def test_a_stack_that_was_being_created_can_be_deleted(stacks, account):
    made = stacks.change_set("acme", template(Queue={"Type": "AWS::SQS::Queue"}))
    stacks.client.execute_change_set(ChangeSetName=made["ChangeSetId"])
    account.clock.sleep(5)
    assert stacks.delete("acme") == "DELETE_COMPLETE"
    assert account.client("sqs").list_queues().get("QueueUrls", []) == []


def test_a_resource_deleted_by_hand_does_not_stop_the_deletion(stacks, account):
    stacks.apply("acme", template(Group=group()))
    account.client("logs").delete_log_group(logGroupName="/acme/web")
    assert stacks.delete("acme") == "DELETE_COMPLETE"


# --- exports ---------------------------------------------------------------------------------------------------


def test_an_export_that_is_imported_freezes_its_stack(stacks):
    exporting = {**template(Topic=topic(TopicName="alerts"))}
    exporting["Outputs"] = {"Arn": {"Value": {"Ref": "Topic"}, "Export": {"Name": "acme-topic"}}}
    assert stacks.apply("one", exporting) == "CREATE_COMPLETE"
    importing = template(Copy=topic(DisplayName={"Fn::ImportValue": "acme-topic"}))
    assert stacks.apply("two", importing) == "CREATE_COMPLETE"
    assert stacks.client.list_imports(ExportName="acme-topic")["Imports"] == ["two"]
    with pytest.raises(ClientError, match="Export acme-topic cannot be deleted as it is in use by two"):
        stacks.client.delete_stack(StackName="one")
    assert stacks.delete("two") == "DELETE_COMPLETE"
    assert stacks.delete("one") == "DELETE_COMPLETE"


def test_an_export_name_is_taken_once_in_a_region(stacks):
    def body(name: str) -> dict:
        outputs = {"Arn": {"Value": {"Ref": "Topic"}, "Export": {"Name": "acme-topic"}}}
        return {**template(Topic=topic(TopicName=name)), "Outputs": outputs}

    assert stacks.apply("one", body("a")) == "CREATE_COMPLETE"
    assert stacks.apply("two", body("b")) == "ROLLBACK_COMPLETE"
    reason = stacks.reasons("two")["two", "ROLLBACK_IN_PROGRESS"]
    assert reason.startswith("Export with name acme-topic is already exported by stack one")


def test_importing_what_nobody_exports_fails_the_resource(stacks):
    assert stacks.apply("two", template(Copy=topic(DisplayName={"Fn::ImportValue": "nope"}))) == "ROLLBACK_COMPLETE"
    assert "No export named nope found." in stacks.reasons("two")["Copy", "CREATE_FAILED"]


# --- reading ---------------------------------------------------------------------------------------------------


def test_what_does_not_exist_is_said_in_cloudformations_words(stacks):
    for call, words in (
        (lambda: stacks.client.describe_stacks(StackName="x"), "Stack with id x does not exist"),
        (lambda: stacks.client.describe_stack_events(StackName="x"), r"Stack \[x\] does not exist"),
        (lambda: stacks.client.get_template(StackName="x"), r"Stack \[x\] does not exist"),
        (lambda: stacks.client.update_stack(StackName="x", TemplateBody="{}"), r"Stack \[x\] does not exist"),
        (lambda: stacks.change_set("x", template(Group=group()), "UPDATE"), r"Stack \[x\] does not exist"),
    ):
        with pytest.raises(ClientError, match=words) as error:
            call()
        assert error.value.response["Error"]["Code"] == "ValidationError"


def test_events_come_newest_first_in_pages_of_a_hundred(stacks):
    stacks.apply("acme", template(**{f"Topic{number}": topic() for number in range(60)}))
    page = stacks.client.describe_stack_events(StackName="acme")
    assert len(page["StackEvents"]) == 100
    assert page["StackEvents"][0]["ResourceStatus"] == "CREATE_COMPLETE"
    rest = stacks.client.describe_stack_events(StackName="acme", NextToken=page["NextToken"])
    assert len(rest["StackEvents"]) == 3 + 60 * 3 - 100
    assert rest["StackEvents"][-1]["ResourceStatus"] == "REVIEW_IN_PROGRESS"


def test_a_stack_resource_is_described_by_logical_and_physical_id(stacks):
    stacks.apply("acme", template(Group=group()))
    found = stacks.client.describe_stack_resources(PhysicalResourceId="/acme/web")["StackResources"]
    assert [each["LogicalResourceId"] for each in found] == ["Group"]
    detail = stacks.client.describe_stack_resource(StackName="acme", LogicalResourceId="Group")["StackResourceDetail"]
    assert detail["PhysicalResourceId"] == "/acme/web"
    assert detail["ResourceStatus"] == "CREATE_COMPLETE"
    with pytest.raises(ClientError, match="Resource Nope does not exist for stack acme"):
        stacks.client.describe_stack_resource(StackName="acme", LogicalResourceId="Nope")


def test_deleted_stacks_are_listed_by_status(stacks):
    stacks.apply("acme", template(Group=group()))
    stacks.delete("acme")
    summaries = stacks.client.list_stacks(StackStatusFilter=["DELETE_COMPLETE"])["StackSummaries"]
    assert [each["StackName"] for each in summaries] == ["acme"]
    assert stacks.client.list_stacks(StackStatusFilter=["CREATE_COMPLETE"])["StackSummaries"] == []
    assert stacks.client.describe_stacks()["Stacks"] == []


def test_the_template_is_given_back_as_it_was_sent(stacks):
    body = "Resources:\n  Group:\n    Type: AWS::Logs::LogGroup  # a comment\n"
    assert stacks.apply("acme", body) == "CREATE_COMPLETE"
    assert stacks.client.get_template(StackName="acme")["TemplateBody"] == body


def test_another_account_and_another_region_have_their_own_stacks(stacks, account):
    stacks.apply("acme", template(Group=group()))
    assert account.client("cloudformation", "us-east-1").describe_stacks()["Stacks"] == []
    assert account.clients_of("222222222222").client("cloudformation").describe_stacks()["Stacks"] == []
