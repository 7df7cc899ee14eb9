"""Alarms of all types and mute rules in the sandbox."""

from __future__ import annotations

from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

ERRORS = {
    "AlarmName": "errors",
    "ComparisonOperator": "GreaterThanThreshold",
    "EvaluationPeriods": 1,
    "MetricName": "Errors",
    "Namespace": "Example",
    "Period": 60,
    "Statistic": "Sum",
    "Threshold": 1,
    "Tags": [{"Key": "owner", "Value": "platform"}],
}


@pytest.fixture
def cloudwatch(account):
    client = account.client("cloudwatch")
    client.put_metric_alarm(**ERRORS)
    return client


def code(call, **arguments) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"]


def test_a_new_alarm_has_too_little_data(cloudwatch):
    (alarm,) = cloudwatch.describe_alarms()["MetricAlarms"]
    assert (alarm["StateValue"], alarm["StateReason"]) == (
        "INSUFFICIENT_DATA",
        "Unchecked: Initial alarm creation",
    )
    assert alarm["AlarmArn"] == "arn:aws:cloudwatch:eu-west-1:111111111111:alarm:errors"
    tags = cloudwatch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]
    assert tags == [{"Key": "owner", "Value": "platform"}]


def test_an_alarm_that_is_put_again_keeps_its_state_and_tags(cloudwatch):
    cloudwatch.set_alarm_state(AlarmName="errors", StateValue="ALARM", StateReason="a drill")
    cloudwatch.put_metric_alarm(**{**ERRORS, "Threshold": 5, "Tags": []})
    (alarm,) = cloudwatch.describe_alarms(StateValue="ALARM")["MetricAlarms"]
    assert alarm["Threshold"] == 5.0
    assert cloudwatch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]


def test_a_composite_alarm_watches_alarms_that_exist(cloudwatch):
    assert code(cloudwatch.put_composite_alarm, AlarmName="trouble", AlarmRule="ALARM(none)") == "ValidationError"
    cloudwatch.put_composite_alarm(AlarmName="trouble", AlarmRule="ALARM(errors)")
    assert cloudwatch.describe_alarms()["CompositeAlarms"] == []
    (found,) = cloudwatch.describe_alarms(AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]
    assert found["AlarmRule"] == "ALARM(errors)"
    children = cloudwatch.describe_alarms(ChildrenOfAlarmName="trouble")["MetricAlarms"]
    assert [each["AlarmName"] for each in children] == ["errors"]


def test_a_name_belongs_to_one_type(cloudwatch):
    assert code(cloudwatch.put_composite_alarm, AlarmName="errors", AlarmRule="TRUE") == "ValidationError"


def test_periods_beyond_a_day_are_refused(cloudwatch):
    assert code(cloudwatch.put_metric_alarm, **{**ERRORS, "EvaluationPeriods": 1441}) == "ValidationError"


def test_unknown_alarms_are_not_deleted_with_known_ones(cloudwatch):
    assert code(cloudwatch.delete_alarms, AlarmNames=["errors", "none"]) == "ResourceNotFound"
    assert cloudwatch.describe_alarms()["MetricAlarms"]


def test_alarms_come_in_pages(cloudwatch):
    for number in range(60):
        cloudwatch.put_metric_alarm(**{**ERRORS, "AlarmName": f"errors-{number:02d}"})
    first = cloudwatch.describe_alarms()
    assert len(first["MetricAlarms"]) == 50
    assert len(cloudwatch.describe_alarms(NextToken=first["NextToken"])["MetricAlarms"]) == 11


def test_a_mute_rule_is_active_in_its_window_alone(account, cloudwatch):
    # The account begins on Monday 6 January 2025 at 9:00.
    cloudwatch.put_alarm_mute_rule(
        Name="release",
        Rule={"Schedule": {"Expression": "cron(0 10 * * MON)", "Duration": "PT2H"}},
        MuteTargets={"AlarmNames": ["errors"]},
    )

    def active():
        return cloudwatch.list_alarm_mute_rules(AlarmName="errors", Statuses=["ACTIVE"])["AlarmMuteRuleSummaries"]

    assert active() == []
    account.clock.sleep(timedelta(hours=1, minutes=30).total_seconds())
    assert [each["AlarmMuteRuleArn"].rpartition(":")[2] for each in active()] == ["release"]
    assert cloudwatch.list_alarm_mute_rules(AlarmName="other")["AlarmMuteRuleSummaries"] == []
    account.clock.sleep(timedelta(hours=2).total_seconds())
    assert active() == []
    assert cloudwatch.get_alarm_mute_rule(AlarmMuteRuleName="release")["Status"] == "SCHEDULED"
    cloudwatch.delete_alarm_mute_rule(AlarmMuteRuleName="release")
    assert code(cloudwatch.get_alarm_mute_rule, AlarmMuteRuleName="release") == "ResourceNotFoundException"
