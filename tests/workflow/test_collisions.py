"""Applying over what exists: taken over where CloudFormation can, said before anything changes where it cannot."""

import pytest

from baseops.contract.lock import Lock
from baseops.declaration import load
from baseops.errors import StackError
from baseops.sandbox.account import open_account
from baseops.workflow.apply import apply
from baseops.workflow.check import check_account
from baseops.workflow.compile import compile_declaration
from baseops.workflow.load import SPECS
from baseops.workflow.plan import plan

TOP = 'version: 1\nname: acme\naccounts: ["111111111111"]\nregion: eu-west-1\n'
LOGS = """\
logs:
  web:
    group: {name: /acme/web, retention_days: 30}
    metrics: {Errors: {pattern: ERROR}}
    alarms: {errors: {metric: Errors, threshold: 1}}
"""
MAIL = "email:\n  acme.example: {dns: {zone: %s}, mail_from: bounce.acme.example}\n"


@pytest.fixture
def account():
    with open_account("111111111111", "eu-west-1") as opened:
        yield opened


def compiled(text):
    return compile_declaration(load(TOP + text, SPECS), Lock())


def test_a_log_group_that_the_agent_made_is_planned_and_taken_over(account):
    account.client("logs").create_log_group(logGroupName="/acme/web")
    planned = plan(compiled(LOGS), account, account.clock)
    actions = {change.logical_id: change.action for stack in planned.stacks for change in stack.changes}
    assert actions["WebLogGroup"] == "import"
    assert actions["WebErrorsFilter"] == "add"
    result = apply(compiled(LOGS), account, account.clock)
    assert [name for each in result.stacks for name in each.imported] == ["/acme/web"]
    assert not plan(compiled(LOGS), account, account.clock).has_changes


def test_planning_leaves_no_stack_and_no_change_set(account):
    plan(compiled(LOGS), account, account.clock)
    assert (
        account.client("cloudformation").list_stacks(StackStatusFilter=["REVIEW_IN_PROGRESS"])["StackSummaries"] == []
    )


def test_an_alarm_of_the_same_name_is_refused_before_anything_changes(account):
    account.client("cloudwatch").put_metric_alarm(
        AlarmName="baseops-acme-logs-web-errors",
        MetricName="m",
        Namespace="n",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    assert [each.name for each in plan(compiled(LOGS), account, account.clock).collisions] == [
        "baseops-acme-logs-web-errors"
    ]
    with pytest.raises(StackError) as caught:
        apply(compiled(LOGS), account, account.clock)
    assert caught.value.why == (
        "AWS::CloudWatch::Alarm baseops-acme-logs-web-errors exists already and cannot be imported"
    )
    assert account.client("logs").describe_log_groups()["logGroups"] == []


def test_a_dns_record_that_exists_is_refused_before_anything_changes(account):
    route53 = account.client("route53")
    zone = route53.create_hosted_zone(Name="acme.example", CallerReference="1")["HostedZone"]["Id"].rpartition("/")[2]
    record = {"Name": "bounce.acme.example.", "Type": "MX", "TTL": 300, "ResourceRecords": [{"Value": "10 mx.other."}]}
    route53.change_resource_record_sets(
        HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    )
    with pytest.raises(StackError, match=r"AWS::Route53::RecordSet bounce\.acme\.example"):
        apply(compiled(MAIL % zone), account, account.clock)


def test_the_preflight_names_what_is_there_already(account):
    account.client("logs").create_log_group(logGroupName="/acme/web")
    declaration = load(TOP + LOGS, SPECS)
    rules = {problem.rule: problem.message for problem in check_account(declaration, Lock(), account).problems}
    assert rules["account.exists"] == (
        "AWS::Logs::LogGroup /acme/web exists in eu-west-1 already; apply will take it over"
    )
    assert rules["account.trail"].startswith("no trail of all regions is logging")
