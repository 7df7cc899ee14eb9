"""Every state in which apply may find a stack: it goes on, or says in one sentence why not and what to type."""

import pytest
from troposphere import Ref, logs, s3

from baseops.cloudformation.builder import StackBuilder
from baseops.cloudformation.changesets import Body
from baseops.cloudformation.operations import StackOperations
from baseops.cloudformation.stacks import read_state
from baseops.cloudformation.text import template_text
from baseops.contract.lock import Lock
from baseops.contract.site import Site
from baseops.declaration import load
from baseops.errors import AccessError, StackError, ThrottledError
from baseops.sandbox.account import open_account
from baseops.sandbox.faults import Fault
from baseops.workflow.apply import apply as apply_all
from baseops.workflow.compile import compile_declaration
from baseops.workflow.load import SPECS
from baseops.workflow.status import status as read_status

SITE = Site("acme", ("111111111111",), "eu-west-1")
NAME = "baseops-acme-logs"
DECLARATION = """\
version: 1
name: acme
accounts: ["111111111111"]
region: eu-west-1
logs:
  web: {group: {name: /acme/web}, metrics: {Errors: {pattern: ERROR}}}
"""


@pytest.fixture
def account():
    with open_account("111111111111", "eu-west-1") as opened:
        yield opened


@pytest.fixture
def heard():
    return []


@pytest.fixture
def operations(account, heard):
    return StackOperations(account, account.clock, SITE, heard.append)


def template(retention=30, *, bucket=False):
    stack = StackBuilder("logs", SITE)
    group = stack.add(
        logs.LogGroup(
            "Group",
            LogGroupName="/acme/web",
            RetentionInDays=retention,
            DeletionPolicy="Retain",
            UpdateReplacePolicy="Retain",
        )
    )
    stack.add(
        logs.MetricFilter(
            "Filter",
            LogGroupName=Ref(group),
            FilterPattern="ERROR",
            MetricTransformations=[logs.MetricTransformation(MetricName="e", MetricNamespace="n", MetricValue="1")],
        )
    )
    if bucket:
        stack.add(s3.Bucket("Bucket", BucketName="acme-notes"))
    return stack.build(Lock())[0][0]


def apply(operations, made):
    return operations.apply(made, Body(template_text(made)), {})


def change_set(account, made, kind="CREATE", token="by-hand", execute=True):
    client = account.client("cloudformation")
    client.create_change_set(StackName=NAME, ChangeSetName=token, ChangeSetType=kind, TemplateBody=template_text(made))
    account.clock.sleep(5)
    if execute:
        client.execute_change_set(StackName=NAME, ChangeSetName=token, ClientRequestToken=token)


def status(account):
    return read_state(account, NAME, "eu-west-1").status


def test_no_stack_is_created_and_the_second_apply_changes_nothing(account, operations):
    assert apply(operations, template()).outcome == "created"
    assert apply(operations, template()).outcome == "unchanged"
    assert status(account) == "CREATE_COMPLETE"


def test_a_stack_left_in_review_is_gone_on_with(account, operations):
    change_set(account, template(), token="baseops-set-left", execute=False)
    assert status(account) == "REVIEW_IN_PROGRESS"
    assert apply(operations, template()).outcome == "created"
    assert account.client("cloudformation").list_change_sets(StackName=NAME)["Summaries"] == []


def test_a_stack_that_was_rolled_back_is_removed_and_made_again(account, operations, heard):
    account.faults.add(Fault("logs", "PutMetricFilter", error="InvalidParameterException", times=1))
    with pytest.raises(StackError) as caught:
        apply(operations, template())
    assert status(account) == "ROLLBACK_COMPLETE"
    assert caught.value.what == f"stack {NAME} in eu-west-1 ended in ROLLBACK_COMPLETE"
    assert "Filter (AWS::Logs::MetricFilter)" in caught.value.why
    assert apply(operations, template()).outcome == "created"
    assert "DELETE_COMPLETE" in [event.status for event in heard if event.is_of_stack]


def test_a_failed_update_is_rolled_back_and_the_next_apply_goes_through(account, operations):
    apply(operations, template())
    account.faults.add(Fault("logs", "PutRetentionPolicy", error="InvalidParameterException", times=1))
    with pytest.raises(StackError, match="ended in UPDATE_ROLLBACK_COMPLETE"):
        apply(operations, template(60))
    assert apply(operations, template(60)).outcome == "updated"


def test_a_failed_roll_back_names_the_command_that_goes_on(account, operations):
    apply(operations, template())
    account.faults.add(Fault("logs", "PutRetentionPolicy", error="InvalidParameterException"))
    with pytest.raises(StackError):
        apply(operations, template(60))
    assert status(account) == "UPDATE_ROLLBACK_FAILED"
    with pytest.raises(StackError) as caught:
        apply(operations, template(60))
    assert caught.value.remedy == (
        f"Run: aws cloudformation continue-update-rollback --region eu-west-1 --stack-name {NAME}; "
        "then the same baseops command again."
    )


def test_somebody_elses_operation_is_not_touched(account, operations):
    change_set(account, template())
    with pytest.raises(StackError) as caught:
        apply(operations, template())
    assert caught.value.what == f"stack {NAME} in eu-west-1 is in CREATE_IN_PROGRESS"
    assert caught.value.why == "somebody else started an operation on it"
    account.clock.sleep(120)
    assert status(account) == "CREATE_COMPLETE"


def test_an_operation_of_ours_that_still_runs_is_waited_for(account, operations):
    change_set(account, template(), token="baseops-apply-killed")
    assert status(account) == "CREATE_IN_PROGRESS"
    # What the killed run began had no tags of the declaration: only they are new.
    assert apply(operations, template()).outcome == "updated"
    assert apply(operations, template()).outcome == "unchanged"


def test_a_stack_that_could_not_be_deleted_names_what_stays(account, operations):
    apply(operations, template(bucket=True))
    account.client("s3").put_object(Bucket="acme-notes", Key="one", Body=b"1")
    with pytest.raises(StackError) as caught:
        operations.delete(read_state(account, NAME, "eu-west-1"))
    assert status(account) == "DELETE_FAILED"
    assert "Bucket (AWS::S3::Bucket)" in caught.value.why
    with pytest.raises(StackError) as again:
        apply(operations, template())
    assert again.value.why.startswith("some of its resources could not be deleted")
    assert "aws cloudformation delete-stack" in again.value.remedy


def test_a_protected_stack_is_not_deleted(account, operations):
    apply(operations, template())
    account.client("cloudformation").update_termination_protection(StackName=NAME, EnableTerminationProtection=True)
    with pytest.raises(StackError, match="--no-enable-termination-protection"):
        operations.delete(read_state(account, NAME, "eu-west-1"))
    assert status(account) == "CREATE_COMPLETE"


def test_a_missing_permission_is_named(account, operations):
    message = "User: x is not authorized to perform: cloudformation:CreateChangeSet on resource: y"
    account.faults.add(Fault("cloudformation", "CreateChangeSet", error="AccessDenied", message=message))
    with pytest.raises(AccessError) as caught:
        apply(operations, template())
    assert caught.value.exit_code == 4
    assert caught.value.remedy == "Allow cloudformation:CreateChangeSet to the caller."


def test_expired_credentials_say_how_to_go_on(account, operations):
    account.faults.add(Fault("cloudformation", "DescribeStacks", error="ExpiredToken"))
    with pytest.raises(AccessError) as caught:
        apply(operations, template())
    assert caught.value.exit_code == 4
    assert "aws sso login" in caught.value.remedy


def test_endless_throttling_is_an_error_of_its_own(account, operations):
    account.faults.add(Fault("cloudformation", "DescribeStacks", error="Throttling"))
    with pytest.raises(ThrottledError):
        apply(operations, template())


def test_a_stack_deleted_by_hand_is_made_again_and_its_group_taken_over(account, operations):
    apply(operations, template())
    account.client("cloudformation").delete_stack(StackName=NAME)
    account.clock.sleep(120)
    again = apply(operations, template())
    assert again.outcome == "created"
    assert again.imported == ("/acme/web",)


def test_status_calls_a_rolled_back_stack_broken_and_does_not_ask_for_its_drift(account):
    account.faults.add(Fault("logs", "PutMetricFilter", error="InvalidParameterException", times=1))
    compiled = compile_declaration(load(DECLARATION, SPECS), Lock())
    with pytest.raises(StackError):
        apply_all(compiled, account, account.clock)
    found = read_status(compiled, account, account.clock)
    assert [state.name for state in found.broken] == [NAME]
    assert found.has_drifted
