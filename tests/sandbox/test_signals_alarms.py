"""Alarms on the account's clock: from values to states, from states to actions."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from baseops.sandbox.account import open_account
from baseops.sandbox.services.cloudwatch.series import Metric
from baseops.sandbox.services.cloudwatch.watch import Watch
from baseops.semantics.metrics import Datum

START = datetime(2025, 1, 6, 9, 0, tzinfo=UTC)
HOUR = 3600


def alarm(account: Any, name: str = "errors", **more: Any) -> None:
    settings = {
        "Namespace": "App",
        "MetricName": "Errors",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        **more,
    }
    wanted = {key: value for key, value in settings.items() if value is not None}
    account.client("cloudwatch").put_metric_alarm(AlarmName=name, **wanted)


def put(account: Any, value: float, metric: str = "Errors") -> None:
    account.client("cloudwatch").put_metric_data(Namespace="App", MetricData=[{"MetricName": metric, "Value": value}])


def state(account: Any, name: str = "errors") -> str:
    types = ["MetricAlarm", "CompositeAlarm", "LogAlarm"]
    found = account.client("cloudwatch").describe_alarms(AlarmNames=[name], AlarmTypes=types)
    return str(next(each for kind in types for each in found[f"{kind}s"])["StateValue"])


def story(account: Any, kind: str = "StateUpdate") -> list[str]:
    """What happened to all alarms, oldest first."""
    types = ["MetricAlarm", "CompositeAlarm", "LogAlarm"]
    found = account.client("cloudwatch").describe_alarm_history(
        AlarmTypes=types, HistoryItemType=kind, ScanBy="TimestampAscending"
    )
    return [f"{each['AlarmName']}: {each['HistorySummary']}" for each in found["AlarmHistoryItems"]]


def topic(account: Any, name: str = "alerts", **attributes: str) -> tuple[str, str]:
    """A topic and the queue that hears of it."""
    sns, sqs = account.client("sns"), account.client("sqs")
    arn = sns.create_topic(Name=name, Attributes=attributes)["TopicArn"]
    service = {"Service": "sns.amazonaws.com"}
    allowed = {"Effect": "Allow", "Principal": service, "Action": "sqs:SendMessage", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    url = sqs.create_queue(QueueName=f"{name}-probe", Attributes={"Policy": policy})["QueueUrl"]
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=f"arn:aws:sqs:eu-west-1:111111111111:{name}-probe")
    return str(arn), str(url)


def heard(account: Any, url: str) -> list[str]:
    messages = account.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    return [json.loads(json.loads(each["Body"])["Message"])["NewStateValue"] for each in messages]


def test_a_new_alarm_knows_too_little(account):
    alarm(account)
    assert state(account) == "INSUFFICIENT_DATA"
    account.clock.advance(by=HOUR)
    assert story(account) == []


@pytest.mark.parametrize(
    ("treatment", "expected"),
    [
        ("missing", ["OK to ALARM", "ALARM to INSUFFICIENT_DATA"]),
        ("notBreaching", ["OK to ALARM", "ALARM to OK"]),
        ("breaching", ["OK to ALARM"]),
        ("ignore", ["OK to ALARM"]),
    ],
)
def test_silence_after_a_breach_is_treated_as_asked(account, treatment, expected):
    alarm(account, TreatMissingData=treatment)
    put(account, 0)
    account.clock.advance(by=120)
    put(account, 5)
    account.clock.advance(by=HOUR)
    changes = [each.removeprefix("errors: Alarm updated from ") for each in story(account)]
    # Before the first value comes nothing is known, or silence is a breach already.
    assert changes[-len(expected) :] == expected


def test_two_of_three_periods(account):
    alarm(account, EvaluationPeriods=3, DatapointsToAlarm=2)
    for value in (5, 0, 0, 0, 5, 0, 5):
        put(account, value)
        account.clock.advance(by=60)
    account.clock.advance(by=60)
    assert story(account) == [
        "errors: Alarm updated from INSUFFICIENT_DATA to OK",
        "errors: Alarm updated from OK to ALARM",
    ]


def test_a_percentile_leaves_out_the_highest(account):
    alarm(account, Statistic=None, ExtendedStatistic="p90", Threshold=100)
    data = {"MetricName": "Errors", "Values": [1.0, 500.0], "Counts": [19, 1]}
    account.client("cloudwatch").put_metric_data(Namespace="App", MetricData=[data])
    account.clock.advance(by=120)
    assert state(account) == "OK"


def test_a_percentile_of_too_few_samples_is_ignored_when_asked(account):
    alarm(account, Statistic=None, ExtendedStatistic="p99", EvaluateLowSampleCountPercentile="ignore")
    put(account, 5)
    account.clock.advance(by=120)
    assert state(account) == "INSUFFICIENT_DATA"


def dead_man(account: Any, hours: int, warm_up: int) -> None:
    metric = {"Namespace": "App", "MetricName": "Backups"}
    account.client("cloudwatch").put_metric_alarm(
        AlarmName="missing",
        Metrics=[
            {"Id": "m", "ReturnData": False, "MetricStat": {"Metric": metric, "Period": 3600, "Stat": "Sum"}},
            {"Id": "f", "Expression": "FILL(m, 0)", "ReturnData": True},
        ],
        EvaluationPeriods=hours,
        DatapointsToAlarm=hours,
        Threshold=1,
        ComparisonOperator="LessThanThreshold",
        TreatMissingData="breaching",
        WarmUpConfiguration={"WarmUpPeriodDurationInMinutes": warm_up},
    )


def test_a_dead_man_alarm_rings_when_its_hours_are_over(account):
    dead_man(account, hours=30, warm_up=1800)
    account.clock.advance(by=5 * HOUR)
    assert state(account, "missing") == "INSUFFICIENT_DATA"
    for _ in range(3):
        put(account, 1, "Backups")
        account.clock.advance(by=24 * HOUR)
    assert state(account, "missing") == "OK"
    account.clock.advance(by=4 * HOUR)
    assert state(account, "missing") == "OK"
    account.clock.advance(by=5 * HOUR)
    assert state(account, "missing") == "ALARM"


def test_without_any_data_a_dead_man_alarm_rings_after_its_warm_up(account):
    dead_man(account, hours=30, warm_up=1800)
    account.clock.advance(by=29 * HOUR)
    assert state(account, "missing") == "INSUFFICIENT_DATA"
    account.clock.advance(by=3 * HOUR)
    assert state(account, "missing") == "ALARM"


def test_actions_are_taken_on_changes_alone(account):
    arn, url = topic(account)
    alarm(account, TreatMissingData="notBreaching", AlarmActions=[arn], OKActions=[arn])
    for _ in range(5):
        account.clock.advance(by=60)
        put(account, 3)
    account.clock.advance(by=HOUR)
    assert heard(account, url) == ["OK", "ALARM", "OK"]


def test_a_state_set_by_hand_lasts_until_the_next_evaluation(account):
    arn, url = topic(account)
    alarm(account, TreatMissingData="notBreaching", AlarmActions=[arn])
    account.clock.advance(by=120)
    account.client("cloudwatch").set_alarm_state(AlarmName="errors", StateValue="ALARM", StateReason="trying")
    assert state(account) == "ALARM"
    account.clock.advance(by=120)
    assert (state(account), heard(account, url)) == ("OK", ["ALARM"])


def test_disabled_actions_are_not_taken(account):
    arn, url = topic(account)
    alarm(account, AlarmActions=[arn])
    account.client("cloudwatch").disable_alarm_actions(AlarmNames=["errors"])
    put(account, 3)
    account.clock.advance(by=120)
    assert (state(account), heard(account, url)) == ("ALARM", [])


def test_a_topic_that_does_not_let_cloudwatch_in_hears_nothing(account):
    arn, url = topic(account)
    nobody = {"Version": "2012-10-17", "Statement": []}
    account.client("sns").set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=json.dumps(nobody))
    alarm(account, AlarmActions=[arn])
    put(account, 3)
    account.clock.advance(by=120)
    assert (state(account), heard(account, url)) == ("ALARM", [])
    assert story(account, "Action") == [f"errors: Failed to execute action {arn}"]


def test_a_topic_under_a_key_of_aws_hears_nothing(account):
    arn, url = topic(account, KmsMasterKeyId="alias/aws/sns")
    alarm(account, AlarmActions=[arn])
    put(account, 3)
    account.clock.advance(by=120)
    assert heard(account, url) == []


def test_muted_actions_are_taken_when_the_mute_rule_has_ended(account):
    arn, url = topic(account)
    alarm(account, TreatMissingData="ignore", AlarmActions=[arn])
    account.client("cloudwatch").put_alarm_mute_rule(
        Name="release",
        Rule={"Schedule": {"Expression": "at(2025-01-06T09:00)", "Duration": "PT1H"}},
        MuteTargets={"AlarmNames": ["errors"]},
    )
    put(account, 3)
    account.clock.advance(by=50 * 60)
    assert (state(account), heard(account, url)) == ("ALARM", [])
    account.clock.advance(by=20 * 60)
    assert heard(account, url) == ["ALARM"]


def test_a_composite_alarm_follows_and_its_suppressor_holds_it_back(account):
    arn, url = topic(account)
    alarm(account, TreatMissingData="ignore")
    alarm(account, "maintenance", MetricName="Maintenance", TreatMissingData="ignore")
    account.client("cloudwatch").put_composite_alarm(
        AlarmName="trouble",
        AlarmRule="ALARM(errors)",
        AlarmActions=[arn],
        ActionsSuppressor="maintenance",
        ActionsSuppressorWaitPeriod=60,
        ActionsSuppressorExtensionPeriod=120,
    )
    put(account, 1, "Maintenance")
    account.clock.advance(by=180)
    put(account, 3)
    account.clock.advance(by=600)
    assert (state(account, "trouble"), heard(account, url)) == ("ALARM", [])
    put(account, 0, "Maintenance")
    account.clock.advance(by=600)
    assert heard(account, url) == ["ALARM"]


def test_a_dead_letter_rings_until_it_is_taken(account):
    url = account.client("sqs").create_queue(QueueName="dead")["QueueUrl"]
    alarm(
        account,
        Namespace="AWS/SQS",
        MetricName="ApproximateNumberOfMessagesVisible",
        Dimensions=[{"Name": "QueueName", "Value": "dead"}],
        Statistic="Maximum",
        Period=300,
        TreatMissingData="notBreaching",
    )
    account.clock.advance(by=600)
    account.client("sqs").send_message(QueueUrl=url, MessageBody="lost")
    account.clock.advance(by=HOUR)
    assert state(account) == "ALARM"
    account.client("sqs").purge_queue(QueueUrl=url)
    account.clock.advance(by=HOUR)
    assert state(account) == "OK"


def test_metric_math_that_is_not_known_is_refused(account):
    metric = {"Namespace": "App", "MetricName": "Errors"}
    queries = [
        {"Id": "m", "ReturnData": False, "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}},
        {"Id": "r", "Expression": "RATE(m)"},
    ]
    with pytest.raises(ClientError, match=r"no other metric math than FILL\(id, number\), not 'RATE\(m\)'"):
        account.client("cloudwatch").put_metric_alarm(
            AlarmName="rate",
            Metrics=queries,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="LessThanThreshold",
        )


def log_alarm(account: Any, **more: Any) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "logs.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = account.client("iam").create_role(RoleName="query", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    account.client("logs").create_log_group(logGroupName="/web")
    account.client("logs").create_log_stream(logGroupName="/web", logStreamName="one")
    query = {
        "QueryString": "filter status < 500 and duration > 2",
        "AggregationExpression": "count(*)",
        "LogGroupIdentifiers": ["/web"],
        "ScheduledQueryRoleARN": role,
        "ScheduleConfiguration": {"ScheduleExpression": "rate(5 minutes)", "StartTimeOffset": 300},
        **more,
    }
    account.client("cloudwatch").put_log_alarm(
        AlarmName="slow",
        ScheduledQueryConfiguration=query,
        QueryResultsToEvaluate=1,
        QueryResultsToAlarm=1,
        Threshold=2,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
    )


def test_a_log_alarm_runs_its_query_on_its_schedule(account):
    log_alarm(account)
    account.clock.advance(by=HOUR)
    now = int(account.clock.now().timestamp() * 1000)
    lines = [{"status": 200, "duration": 3.5}, {"status": 200, "duration": 4}, {"status": 500, "duration": 9}]
    events = [{"timestamp": now, "message": json.dumps(line)} for line in lines]
    account.client("logs").put_log_events(logGroupName="/web", logStreamName="one", logEvents=events)
    account.clock.advance(by=HOUR)
    assert story(account) == [
        "slow: Alarm updated from INSUFFICIENT_DATA to OK",
        "slow: Alarm updated from OK to ALARM",
        "slow: Alarm updated from ALARM to OK",
    ]


def test_a_query_that_the_sandbox_cannot_run_is_refused_by_name(account):
    with pytest.raises(ClientError, match="knows fields, display, filter, stats, sort and limit, not 'dedup'"):
        log_alarm(account, QueryString="fields @message | dedup server")


# --- only where the state could be another --------------------------------------------------------------------------

WATCHES = st.builds(
    Watch,
    metric=st.just(Metric("App", "Errors")),
    statistic=st.sampled_from(["Sum", "Maximum", "SampleCount", "p90"]),
    period=st.sampled_from([10, 60, 120, 300, 900]),
    threshold=st.just(2.0),
    comparison=st.sampled_from(["GreaterThanOrEqualToThreshold", "LessThanThreshold"]),
    evaluation_periods=st.just(3),
    datapoints_to_alarm=st.integers(1, 3),
    treat_missing=st.sampled_from(["breaching", "notBreaching", "ignore", "missing"]),
    filler=st.sampled_from([None, 0.0]),
)
ARRIVALS = st.lists(st.tuples(st.integers(0, 4 * HOUR), st.integers(0, 3)), max_size=8)


def states(watch: Watch, arrivals: list[tuple[int, int]], *, is_eager: bool) -> list[tuple[datetime, str]]:
    """The changes of six hours, looking at every interval or only when told that something could change."""
    data: list[Datum] = []
    pending = sorted(arrivals)
    current: Any = "INSUFFICIENT_DATA"
    following: datetime | None = START
    changes = []
    now = START
    while now < START + timedelta(hours=6):
        came = False
        while pending and START + timedelta(seconds=pending[0][0]) <= now:
            when, value = pending.pop(0)
            data.append(Datum(START + timedelta(seconds=when), float(value)))
            came = True
        if is_eager or came or (following is not None and following <= now):
            after = watch.state(watch.points(data, now), current)
            if after != current:
                changes.append((now, after))
            current, following = after, watch.next_change(data, now)
        now += watch.interval
    return changes


@given(WATCHES, ARRIVALS)
def test_looking_only_when_something_could_change_tells_the_same_story(watch, arrivals):
    assert states(watch, arrivals, is_eager=False) == states(watch, arrivals, is_eager=True)


def play(seed: int) -> list[str]:
    with open_account(start=START, seed=seed) as account:
        arn, _ = topic(account)
        alarm(account, EvaluationPeriods=3, DatapointsToAlarm=2, AlarmActions=[arn], TreatMissingData="missing")
        alarm(account, "other", Period=300, TreatMissingData="notBreaching")
        for value in (0, 4, 4, 0, 0, 0):
            put(account, value)
            account.clock.advance(by=90)
        account.clock.advance(by=2 * HOUR)
        found = account.client("cloudwatch").describe_alarm_history()["AlarmHistoryItems"]
        return [f"{each['Timestamp']} {each['AlarmName']} {each['HistoryData']}" for each in found]


def test_the_same_seed_tells_the_same_story():
    assert play(3) == play(3)
