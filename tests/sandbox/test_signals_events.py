"""Events of the sandbox on their way to targets: who is let in, what becomes of the rest; subscriptions of logs."""

from __future__ import annotations

import base64
import gzip
import io
import json
import zipfile
from typing import Any

import pytest
from botocore.exceptions import ClientError

from baseops.sandbox.faults import Fault

QUEUE = "arn:aws:sqs:eu-west-1:111111111111:{}"
RULE = "arn:aws:events:eu-west-1:111111111111:rule/orders"


def policy(service: str, action: str, resource: str, **condition: Any) -> str:
    principal = {"Service": f"{service}.amazonaws.com"}
    statement = {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": resource}
    more = {"Condition": condition} if condition else {}
    return json.dumps({"Version": "2012-10-17", "Statement": [{**statement, **more}]})


def queue(account: Any, name: str, **attributes: str) -> str:
    return str(account.client("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])


def open_queue(account: Any, name: str) -> str:
    source = {"ArnEquals": {"aws:SourceArn": RULE}}
    return queue(account, name, Policy=policy("events", "sqs:SendMessage", QUEUE.format(name), **source))


def rule(account: Any, **target: Any) -> None:
    events = account.client("events")
    events.put_rule(
        Name="orders", EventPattern=json.dumps({"source": ["shop"], "detail": {"total": [{"exists": True}]}})
    )
    events.put_targets(Rule="orders", Targets=[{"Id": "one", **target}])


def order(account: Any, total: int = 5) -> None:
    entry = {"Source": "shop", "DetailType": "order", "Detail": json.dumps({"total": total, "by": 'A "B"'})}
    account.client("events").put_events(Entries=[entry])
    account.clock.advance(by=5)


def bodies(account: Any, url: str) -> list[Any]:
    return [json.loads(each["Body"]) for each in messages(account, url)]


def messages(account: Any, url: str) -> list[dict[str, Any]]:
    sqs = account.client("sqs")
    return list(
        sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]).get("Messages", [])
    )


def test_an_event_reaches_a_queue_that_lets_the_rule_in(account):
    url = open_queue(account, "orders")
    rule(account, Arn=QUEUE.format("orders"))
    order(account)
    (event,) = bodies(account, url)
    assert (event["source"], event["detail-type"], event["detail"]["total"], event["time"]) == (
        "shop",
        "order",
        5,
        "2025-01-06T09:00:00Z",
    )


def test_a_template_puts_values_where_they_belong(account):
    url = open_queue(account, "orders")
    transformer = {
        "InputPathsMap": {"total": "$.detail.total", "by": "$.detail.by", "none": "$.detail.none"},
        "InputTemplate": '{"text": "<total> by <by>", "total": <total>, "by": <by>, "rule": "<aws.events.rule-name>", '
        '"none": <none>}',
    }
    rule(account, Arn=QUEUE.format("orders"), InputTransformer=transformer)
    order(account)
    assert bodies(account, url) == [{"text": '5 by A "B"', "total": 5, "by": 'A "B"', "rule": "orders", "none": None}]


def test_what_a_queue_does_not_let_in_becomes_a_dead_letter(account):
    closed, dead = queue(account, "closed"), open_queue(account, "dead")
    rule(account, Arn=QUEUE.format("closed"), DeadLetterConfig={"Arn": QUEUE.format("dead")})
    order(account)
    assert messages(account, closed) == []
    (letter,) = messages(account, dead)
    assert letter["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"


KEYS = {
    "a key that names events": ({}, ["shop"]),
    "a key that asks for the source account": ({"StringEquals": {"aws:SourceAccount": "111111111111"}}, []),
}


@pytest.mark.parametrize(("condition", "expected"), KEYS.values(), ids=KEYS)
def test_an_encrypted_topic_needs_a_key_without_conditions_on_the_source(account, condition, expected):
    document = policy("events", "kms:*", "*", **condition)
    key = account.client("kms").create_key(Policy=document, BypassPolicyLockoutSafetyCheck=True)["KeyMetadata"]["Arn"]
    sns, url = account.client("sns"), queue(account, "probe", Policy=policy("sns", "sqs:SendMessage", "*"))
    arn = "arn:aws:sns:eu-west-1:111111111111:alerts"
    attributes = {"KmsMasterKeyId": key, "Policy": policy("events", "sns:Publish", arn)}
    sns.create_topic(Name="alerts", Attributes=attributes)
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=QUEUE.format("probe"))
    rule(account, Arn=arn)
    order(account)
    assert [json.loads(each["Message"])["source"] for each in bodies(account, url)] == expected


def test_throttled_targets_are_tried_again(account):
    url = open_queue(account, "orders")
    rule(account, Arn=QUEUE.format("orders"))
    account.faults.add(Fault(service="sqs", operation="SendMessage", error="ThrottlingException", times=9))
    order(account)
    account.clock.advance(by=600)
    assert [each["source"] for each in bodies(account, url)] == ["shop"]


def test_step_functions_are_no_target_here(account):
    with pytest.raises(ClientError, match="the sandbox has no targets of this kind"):
        rule(account, Arn="arn:aws:states:eu-west-1:111111111111:stateMachine:one")


def test_nobody_may_speak_for_aws(account):
    entry = {"Source": "aws.ec2", "DetailType": "x", "Detail": "{}"}
    (answer,) = account.client("events").put_events(Entries=[entry])["Entries"]
    assert answer["ErrorCode"] == "NotAuthorizedForSourceException"


def test_a_scheduled_rule_fires(account):
    url = open_queue(account, "orders")
    events = account.client("events")
    events.put_rule(Name="orders", ScheduleExpression="cron(0 10 * * ? *)")
    events.put_targets(Rule="orders", Targets=[{"Id": "one", "Arn": QUEUE.format("orders")}])
    account.clock.advance(by=2 * 86_400)
    assert [each["time"] for each in bodies(account, url)] == ["2025-01-06T10:00:00Z", "2025-01-07T10:00:00Z"]


def function(account: Any) -> str:
    """One that logs what it is called with."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("it.py", "import json\n\ndef handle(event, context):\n    print(json.dumps(event))\n")
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = account.client("iam").create_role(RoleName="it", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    made = account.client("lambda").create_function(
        FunctionName="it", Runtime="python3.11", Role=role, Handler="it.handle", Code={"ZipFile": code.getvalue()}
    )
    return str(made["FunctionArn"])


def test_a_subscription_sends_matching_lines_to_a_function(account):
    arn, logs = function(account), account.client("logs")
    account.client("lambda").add_permission(
        FunctionName="it", StatementId="logs", Action="lambda:InvokeFunction", Principal="logs.amazonaws.com"
    )
    logs.create_log_group(logGroupName="/web")
    logs.create_log_stream(logGroupName="/web", logStreamName="one")
    logs.put_subscription_filter(logGroupName="/web", filterName="errors", filterPattern="ERROR", destinationArn=arn)
    now = int(account.clock.now().timestamp() * 1000)
    events = [{"timestamp": now, "message": text} for text in ("ERROR one", "fine", "ERROR two")]
    logs.put_log_events(logGroupName="/web", logStreamName="one", logEvents=events)
    account.clock.advance(by=30)
    lines = logs.filter_log_events(logGroupName="/aws/lambda/it")["events"]
    (event,) = [json.loads(each["message"]) for each in lines if each["message"].startswith("{")]
    payload = json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))
    assert payload["subscriptionFilters"] == ["errors"]
    assert [each["message"] for each in payload["logEvents"]] == ["ERROR one", "ERROR two"]


def test_a_filter_counts_by_minute_and_says_zero_only_where_something_came(account):
    logs = account.client("logs")
    logs.create_log_group(logGroupName="/web")
    logs.create_log_stream(logGroupName="/web", logStreamName="one")
    logs.put_metric_filter(
        logGroupName="/web",
        filterName="errors",
        filterPattern="{ $.status >= 500 }",
        metricTransformations=[
            {"metricName": "Http5xx", "metricNamespace": "Web", "metricValue": "1", "defaultValue": 0}
        ],
    )
    for statuses in ([500, 200, 503], [], [200], [502]):
        now = int(account.clock.now().timestamp() * 1000)
        events = [{"timestamp": now, "message": json.dumps({"status": each})} for each in statuses]
        if events:
            logs.put_log_events(logGroupName="/web", logStreamName="one", logEvents=events)
        account.clock.advance(by=60)
    begin = account.clock.now().replace(hour=9, minute=0)
    found = account.client("cloudwatch").get_metric_statistics(
        Namespace="Web",
        MetricName="Http5xx",
        StartTime=begin,
        EndTime=account.clock.now(),
        Period=60,
        Statistics=["Sum"],
    )["Datapoints"]
    assert [(each["Timestamp"].minute, each["Sum"]) for each in found] == [(0, 2.0), (2, 0.0), (3, 1.0)]
    own = account.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Logs",
        MetricName="IncomingLogEvents",
        Dimensions=[{"Name": "LogGroupName", "Value": "/web"}],
        StartTime=begin,
        EndTime=account.clock.now(),
        Period=300,
        Statistics=["Sum"],
    )["Datapoints"]
    assert [each["Sum"] for each in own] == [5.0]
