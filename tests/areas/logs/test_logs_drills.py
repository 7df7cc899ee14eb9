"""Drills of logs on the applied example: proven as it is, refuted by what breaks it, in doubt when it cannot know."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from baseops.contract.drill import Verdict
from baseops.workflow.load import load
from baseops.workflow.sabotage import sabotages

ACME = load(Path(__file__).resolve().parents[3] / "examples" / "acme" / "baseops.yaml")
BREAKS = {each.name: each for each in sabotages(ACME) if each.name.startswith("logs/")}
GROUP = "/acme/web/nginx"
ERRORS = "baseops-acme-logs-web-too-many-errors"
HEARTBEAT = "baseops-acme-logs-web-heartbeat"


def said(records):
    return {each["target"]: (each["verdict"], each["reason"]) for each in records}


def refusals(records):
    return [f"{each['target']}: {each['reason']}" for each in records if each["verdict"] == Verdict.REFUTED]


@pytest.fixture
def broken(acme_says):
    """What the drill of a break says after it."""

    def after(name):
        broken = BREAKS[name]
        return acme_says(broken.drill, break_=broken.break_, passes=broken.passes)

    return after


def test_a_source_is_heard_of_from_each_of_its_instances(acme_says):
    (record,) = acme_says("logs/heartbeat")

    assert record["verdict"] == "proven"
    assert record["reason"] == "events came within 15 minutes, from each of 2 instances"
    assert (record["measures"]["instances"], record["measures"]["silent"]) == (2, 0)


def test_the_worlds_servers_log_on_the_next_day_too(acme_says):
    (record,) = acme_says("logs/heartbeat", passes=timedelta(days=1))

    assert record["verdict"] == "proven"
    assert record["measures"]["newest_event_age_seconds"] <= 300


def test_an_instance_whose_stream_is_silent_is_named(broken):
    (said_,) = refusals(broken("logs/instance-silent"))

    assert said_.startswith("logs.web: i-")
    assert said_.endswith("shipped nothing for 15 minutes (1 of 2 instances)")


def test_a_group_that_is_gone_is_refuted(acme_says):
    records = acme_says(
        "logs/heartbeat",
        "logs/live-groups",
        "logs/shipping",
        break_=lambda account: account.client("logs").delete_log_group(logGroupName=GROUP),
    )

    assert refusals(records) == [
        "logs.web: there is no log group /acme/web/nginx",
        "logs.web: there is no log group /acme/web/nginx",
        "logs.web/s3: /acme/web/nginx has no such subscription",
    ]


def test_live_things_are_as_declared(acme_says):
    found = said(
        acme_says(
            "logs/live-groups",
            "logs/live-filters",
            "logs/live-alarms",
            "logs/alarm-metrics",
            "logs/alerts",
            "logs/remedies",
            "logs/shipping",
        )
    )

    assert {verdict for verdict, _ in found.values()} == {"proven"}
    assert found["logs.web/restart-nginx"][1] == "the rule starts it, and its role may run it on 2 managed instances"
    assert found["logs/alerts/events.amazonaws.com"][1].endswith("gets through the policies of topic and key")


OBSERVED = {
    "logs/retention-cut": "logs.web: /acme/web/nginx is kept 1 days, declared are 90 days",
    "logs/filter-with-a-typo": "logs.web/Http5xx: the pattern of the live filter Http5xx is not the declared one",
    "logs/subscription-gone": "logs.web/s3: /acme/web/nginx has no such subscription",
    "logs/shipping-without-permission": "logs.web/s3: the subscription's role may not call firehose:PutRecord",
    "logs/silence-is-fine": f"logs.web/{HEARTBEAT}: missing data counts as no breach, so it would not ring when "
    "nothing comes any more",
    "logs/alarm-action-removed": f"logs.web/{ERRORS}: it does not tell the alert topic",
    "logs/actions-disabled": f"logs.web/{ERRORS}: its actions are disabled",
    "logs/mute-rule-left-on": f"logs.web/{ERRORS}: the mute rule maintenance is active",
    "logs/metric-nobody-emits": "logs.web/too-many-errors: nobody emits baseops/acme NobodyEmitsThis: it has no "
    "values of the last 14 days",
    "logs/composite-of-nothing": "logs.web/baseops-acme-logs-web-web-in-trouble: the live alarm differs in AlarmRule",
    "logs/query-without-permission": "logs.web/baseops-acme-logs-web-slow: the role of its query may not query "
    "/acme/web/nginx",
    "logs/remedy-without-permission": "logs.web/restart-nginx: the automation's role may not send AWS-RunShellScript "
    "to document/AWS-RunShellScript",
    "logs/remedy-changed": "logs.web/restart-nginx: the document baseops-acme-logs-web-restart-nginx differs from the "
    "declared remedy in mainSteps",
    "logs/confused-deputy": "logs/alerts/events.amazonaws.com: the alert topic: the policy of its key does not let "
    "events.amazonaws.com do kms:GenerateDataKey and kms:Decrypt",
    "logs/agent-reconfigured": "logs.web/Role-web: the configuration AmazonCloudWatch-baseops-acme-Role-web is not the "
    "declared one",
}


@pytest.mark.parametrize("name", OBSERVED)
def test_a_break_is_refuted_by_looking(broken, name):
    assert refusals(broken(name)) == [OBSERVED[name]]


def test_a_disabled_rule_and_one_that_may_not_start_are_named(broken):
    (disabled,), (helpless,) = refusals(broken("logs/rule-disabled")), refusals(broken("logs/rule-that-may-not-start"))

    assert disabled.startswith("logs.web/restart-nginx: the rule baseops-acme-logs-WebRestartNginxRule-")
    assert disabled.endswith(" is disabled")
    assert helpless.endswith(" may not start the automation")


def test_whoever_has_not_confirmed_is_refuted_without_the_address(broken):
    records = broken("logs/subscription-pending")

    (reason,) = refusals(records)
    assert reason.startswith("logs/alerts/subscriber-1: address-")
    assert reason.endswith(" has not confirmed the subscription, and gets nothing")
    assert "@" not in json.dumps(records)


def test_an_instance_that_nobody_can_reach_is_named(broken):
    (reason,) = refusals(broken("logs/agent-cut-off"))

    assert reason.startswith("logs.web/Role-web: Systems Manager does not reach i-")


def bind_eventbridge_to_account(account):
    sns = account.client("sns")
    arns = [each["TopicArn"] for each in sns.list_topics()["Topics"]]
    arn = next(each for each in arns if each.endswith(":baseops-acme-alerts"))
    policy = json.loads(sns.get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"])
    (events,) = [each for each in policy["Statement"] if each["Sid"] == "EventsPublishes"]
    events["Condition"] = {"StringEquals": {"aws:SourceAccount": "111111111111"}}
    sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=json.dumps(policy))


def test_a_condition_in_the_topics_policy_shuts_eventbridge_out(acme_says):
    found = said(acme_says("logs/alerts", break_=bind_eventbridge_to_account))

    assert found["logs/alerts/cloudwatch.amazonaws.com"][0] == "proven"
    assert found["logs/alerts/events.amazonaws.com"] == (
        "refuted",
        "the alert topic: its policy does not let events.amazonaws.com do sns:Publish",
    )


def test_the_twin_rings_and_comes_back_and_nothing_of_it_stays(acme_says, applied_acme):
    (record,) = acme_says("logs/twin")

    assert record["verdict"] == "proven", record["reason"]
    assert record["method"] == "exercised"
    assert record["reason"].endswith("its remedy decided to run and sent its command (here to no instance) and stopped")
    assert 60 <= record["measures"]["detect_seconds"] <= 300
    assert 60 <= record["measures"]["ok_seconds"] <= 400
    states = [each["state"] for each in record["spans"] if each["lane"].endswith("(twin)")]
    assert states[-3:] == ["OK", "ALARM", "OK"]


def test_what_somebody_wrote_into_a_remedys_document_is_not_run_by_a_twin(acme_says):
    change = BREAKS["logs/remedy-changed"].break_

    (record,) = acme_says("logs/twin", break_=change)

    assert (record["verdict"], record["reason"]) == (
        "inconclusive",
        "its remedy was not run: the live document is not the declared one, see logs/remedies",
    )


def everything_of_drills(account):
    names = [each["AlarmName"] for each in account.client("cloudwatch").describe_alarms()["MetricAlarms"]]
    names += [each["logGroupName"] for each in account.client("logs").describe_log_groups()["logGroups"]]
    names += [each["TopicArn"] for each in account.client("sns").list_topics()["Topics"]]
    names += account.client("sqs").list_queues().get("QueueUrls", [])
    names += [each["Name"] for each in account.client("events").list_rules()["Rules"]]
    owned = [{"Key": "Owner", "Values": ["Self"]}]
    names += [each["Name"] for each in account.client("ssm").list_documents(Filters=owned)["DocumentIdentifiers"]]
    streams = account.client("logs").describe_log_streams(logGroupName=GROUP)["logStreams"]
    names += [each["logStreamName"] for each in streams]
    subscribed = account.client("sns").list_subscriptions()["Subscriptions"]
    return [each for each in [*names, *(one["Endpoint"] for one in subscribed)] if "drill" in each]


@pytest.mark.slow
def test_drills_leave_nothing_behind(applied_acme):
    from baseops.workflow.rehearsed_proof import proven

    declaration, lock, account = applied_acme

    def left():
        with proven(declaration, lock, account, names=["logs/twin", "logs/dead-man", "logs/live-path"]) as run:
            return everything_of_drills(account), run.head.leftovers

    assert account.fork(left) == ([], ())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("logs/threshold-raised", "the twin did not ring within 13 minutes after the last line; its state is OK"),
        ("logs/rule-forgotten", "the twin rang, and no rule would have started its remedy"),
        ("logs/key-shuts-alarms-out", "the twin rang, and the topic delivered no notification of it"),
        ("logs/live-alarm-tells-nobody", "the live alarm rang, and the topic delivered no notification of it"),
        (
            "logs/silence-stops-ringing",
            "the twin rang, and stopped again though nothing came: missing data counts as no breach",
        ),
    ],
)
def test_a_break_is_refuted_by_trying(broken, name, reason):
    assert [each.partition(": ")[2] for each in refusals(broken(name))] == [reason]


@pytest.mark.slow
def test_silence_makes_the_twin_of_the_heartbeat_ring(acme_says):
    (record,) = acme_says("logs/dead-man")

    assert record["verdict"] == "proven", record["reason"]
    assert 900 <= record["measures"]["detect_seconds"] <= 1200
    assert [each["state"] for each in record["spans"]] == ["OK", "ALARM", "OK", "silence"]


def let_it_ring(account):
    account.client("cloudwatch").set_alarm_state(AlarmName=ERRORS, StateValue="ALARM", StateReason="an incident")


def test_an_alarm_that_rings_already_is_left_alone(acme_says):
    assert said(acme_says("logs/live-path", break_=let_it_ring)) == {
        "logs.web/too-many-errors": ("inconclusive", "nothing was written: the alarm rings already")
    }


def forget_the_samples(account):
    account.client("logs").delete_metric_filter(logGroupName=GROUP, filterName="Http5xx")


@pytest.mark.slow
def test_a_metric_that_lines_made_two_weeks_ago_is_not_emitted(acme_says):
    found = acme_says("logs/alarm-metrics", break_=forget_the_samples, passes=timedelta(days=15))

    assert refusals(found) == [
        "logs.web/too-many-errors: nobody emits baseops/acme web/Http5xx: it has no values of the last 14 days"
    ]
