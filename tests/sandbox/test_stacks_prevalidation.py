"""Pre-deployment validation: what fails or warns when a change set is made, as CloudFormation does since 2025."""

from __future__ import annotations

GROUP = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/acme/web"}}
EXISTENCE = (
    "The following hook(s)/validation failed: [AWS::EarlyValidation::ResourceExistenceCheck]. To troubleshoot Early "
    "Validation errors, use the DescribeEvents API for detailed failure information."
)


def made(stacks, resources, **more) -> dict:
    return stacks.change_set("acme", {"Resources": resources}, DisableValidation=False, **more)


def found(stacks, change_set) -> list[tuple]:
    events = stacks.client.describe_events(ChangeSetName=change_set["ChangeSetId"])["OperationEvents"]
    return [
        (
            each["LogicalResourceId"],
            each["ValidationName"],
            each["ValidationFailureMode"],
            each["ValidationPath"],
            each["ValidationStatusReason"],
        )
        for each in events
    ]


def test_a_name_that_is_taken_fails_the_change_set(stacks, account):
    account.client("logs").create_log_group(logGroupName="/acme/web")
    change_set = made(stacks, {"Group": GROUP, "Topic": {"Type": "AWS::SNS::Topic"}})
    assert (change_set["Status"], change_set["StatusReason"]) == ("FAILED", EXISTENCE)
    assert found(stacks, change_set) == [
        (
            "Group",
            "NAME_CONFLICT_VALIDATION",
            "FAIL",
            "/Resources/Group",
            "Resource of type 'AWS::Logs::LogGroup' with identifier '/acme/web' already exists.",
        )
    ]


def test_a_name_that_is_imported_is_no_conflict(stacks, account):
    account.client("logs").create_log_group(logGroupName="/acme/web")
    kept = {**GROUP, "DeletionPolicy": "Retain"}
    assert made(stacks, {"Group": kept}, ImportExistingResources=True)["Status"] == "CREATE_COMPLETE"


def test_a_topic_that_exists_is_only_seen_at_execution(stacks, account):
    account.client("sns").create_topic(Name="alerts")
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "alerts"}}
    change_set = made(stacks, {"Topic": topic})
    assert change_set["Status"] == "CREATE_COMPLETE"
    stacks.client.execute_change_set(ChangeSetName=change_set["ChangeSetId"])
    assert stacks.settle("acme") == "ROLLBACK_COMPLETE"
    assert "AlreadyExists" in stacks.reasons("acme")["Topic", "CREATE_FAILED"]


def test_properties_that_lack_or_do_not_exist_fail_the_change_set(stacks):
    wrong = {"Type": "AWS::Logs::MetricFilter", "Properties": {"LogGroupName": "/acme/web", "Pattern": "x"}}
    change_set = made(stacks, {"Filter": wrong})
    assert "[AWS::EarlyValidation::PropertyValidation]" in change_set["StatusReason"]
    place = "/Resources/Filter/Properties"
    kind = "PROPERTY_VALIDATION"
    assert found(stacks, change_set) == [
        ("Filter", kind, "FAIL", place, "Required property [FilterPattern] not found"),
        ("Filter", kind, "FAIL", place, "Required property [MetricTransformations] not found"),
        ("Filter", kind, "FAIL", f"{place}/Pattern", "Unsupported property [Pattern]"),
    ]


def test_a_full_bucket_that_would_be_deleted_is_a_warning(stacks, account):
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "acme-data"}}
    stacks.apply("acme", {"Resources": {"Bucket": bucket, "Group": GROUP}})
    account.client("s3").put_object(Bucket="acme-data", Key="a", Body=b"a")
    change_set = made(stacks, {"Group": GROUP})
    assert change_set["Status"] == "CREATE_COMPLETE"
    [(name, validation, mode, _, reason)] = found(stacks, change_set)
    assert (name, validation, mode) == ("Bucket", "BUCKET_EMPTINESS_VALIDATION", "WARN")
    assert reason.startswith("The bucket 'acme-data' is not empty.")


def test_validation_can_be_switched_off(stacks, account):
    account.client("logs").create_log_group(logGroupName="/acme/web")
    assert stacks.change_set("acme", {"Resources": {"Group": GROUP}})["Status"] == "CREATE_COMPLETE"


def test_the_events_of_a_stack_with_its_failures(stacks, account):
    account.client("sns").create_topic(Name="alerts")
    stacks.apply("acme", {"Resources": {"T": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "alerts"}}}})
    events = stacks.client.describe_events(StackName="acme", Filters={"FailedEvents": True})["OperationEvents"]
    assert [(each["LogicalResourceId"], each["EventType"]) for each in events] == [("T", "PROVISIONING_ERROR")]
    assert len(stacks.client.describe_events(StackName="acme")["OperationEvents"]) == len(stacks.events("acme"))
