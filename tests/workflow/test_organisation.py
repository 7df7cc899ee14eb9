"""What an organisation brings along: its keys, its queue and function for alerts, CloudFormation's role."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from baseops.contract.lock import Lock
from baseops.declaration import load
from baseops.sandbox.account import Account, open_account
from baseops.workflow.apply import apply
from baseops.workflow.check import check_account
from baseops.workflow.compile import Compiled, compile_declaration
from baseops.workflow.destroy import destroy
from baseops.workflow.load import SPECS

TOP = """\
version: 1
name: acme
accounts: ["111111111111"]
region: eu-west-1
"""
LOGS = """\
logs:
  web:
    group: {name: /acme/web, retention_days: 30}
    metrics: {Errors: {pattern: ERROR}}
    alarms: {many: {metric: Errors, threshold: 1, treat_missing_data: notBreaching}}
"""
FUNCTION = "arn:aws:lambda:eu-west-1:111111111111:function:alerts"
QUEUE = "arn:aws:sqs:eu-west-1:111111111111:alerts"
ROLE = "arn:aws:iam::111111111111:role/deploy"


@pytest.fixture
def account() -> Iterator[Account]:
    with open_account("111111111111", "eu-west-1") as opened:
        yield opened


def compiled(text: str) -> Compiled:
    return compile_declaration(load(TOP + text, SPECS), Lock())


def found(text: str, account: Account, *rules: str) -> list[str]:
    problems = check_account(load(TOP + text, SPECS), Lock(), account).problems
    return [f"{each.line}: {each.message}" for each in problems if each.rule in rules]


def bodies(made: Compiled) -> dict[str, dict]:
    return {template.stack: dict(template.body) for template in made.templates}


def test_existing_keys_stand_everywhere_in_place_of_ours() -> None:
    keys = {name: f"arn:aws:kms:eu-west-1:111111111111:key/{name}" for name in ("logs", "evidence")}
    made = bodies(compiled(f"keys: {json.dumps(keys)}\n{LOGS}"))
    foundation = made["foundation"]["Resources"]
    encrypting = [
        name
        for name, each in foundation.items()
        if each["Type"] in ("AWS::KMS::Key", "AWS::KMS::Alias") and not name.startswith("Evidence")
    ]
    assert encrypting == []
    assert "EvidenceKey" not in foundation
    assert foundation["AlertTopic"]["Properties"]["KmsMasterKeyId"] == keys["logs"]
    assert keys["evidence"] in json.dumps(foundation["EvidenceBucket"])
    assert made["logs"]["Resources"]["WebLogGroup"]["Properties"]["KmsKeyId"] == keys["logs"]
    assert "LogsKeyArn" not in json.dumps(made)


def test_an_existing_key_is_looked_at_before_apply(account: Account) -> None:
    kms = account.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    text = f"keys: {{logs: '{key}'}}\n{LOGS}"
    closed = found(text, account, "account.key-policy")
    assert {each.rsplit(" does not let ", 1)[1] for each in closed} == {
        "cloudwatch.amazonaws.com use it",
        "logs.eu-west-1.amazonaws.com use it",
        "sns.amazonaws.com use it",
    }
    statements = [
        {
            "Effect": "Allow",
            "Principal": {"Service": ["cloudwatch.amazonaws.com", "logs.eu-west-1.amazonaws.com", "sns.amazonaws.com"]},
            "Action": "kms:*",
            "Resource": "*",
        }
    ]
    kms.put_key_policy(
        KeyId=key, PolicyName="default", Policy=json.dumps({"Version": "2012-10-17", "Statement": statements})
    )
    assert found(text, account, "account.key", "account.key-policy") == []
    kms.disable_key(KeyId=key.rpartition("/")[2])
    assert found(text, account, "account.key") == [
        f"5: the key {key} cannot encrypt: it is Disabled, of the kind SYMMETRIC_DEFAULT"
    ]
    absent = "arn:aws:kms:eu-west-1:111111111111:key/0a1b2c3d-0000-4000-8000-000000000009"
    assert found(f"keys: {{logs: '{absent}'}}\n{LOGS}", account, "account.key") == [f"5: there is no key {absent}"]


def test_a_function_that_is_told_of_alarms_lets_every_topic_of_ours_call_it() -> None:
    foundation = bodies(compiled(f"notify: [{{lambda: '{FUNCTION}'}}]\n"))["foundation"]["Resources"]
    assert foundation["AlertSubscription1"]["Properties"]["Protocol"] == "lambda"
    assert foundation["AlertInvocation1"] == {
        "Type": "AWS::Lambda::Permission",
        "Properties": {
            "Action": "lambda:InvokeFunction",
            "FunctionName": FUNCTION,
            "Principal": "sns.amazonaws.com",
            "SourceArn": {"Fn::Sub": "arn:${AWS::Partition}:sns:*:${AWS::AccountId}:baseops-acme-alerts"},
        },
    }
    elsewhere = FUNCTION.replace("eu-west-1", "us-east-1")
    away = bodies(compiled(f"notify: [{{lambda: '{elsewhere}'}}]\n"))["foundation"]["Resources"]
    assert [name for name in away if name.startswith("AlertInvocation")] == []


@pytest.mark.parametrize(
    ("subscriber", "protocol"),
    [
        ("email: ops@acme.example", "email"),
        ('sms: "+491701234567"', "sms"),
        ("https: https://alerts.acme.example/aws", "https"),
        (f"sqs: {QUEUE}", "sqs"),
        (f"lambda: {FUNCTION}", "lambda"),
    ],
    ids=lambda value: value.partition(":")[0],
)
def test_whoever_is_to_be_notified_is_subscribed_in_every_region_with_a_topic(subscriber: str, protocol: str) -> None:
    text = f"""\
regions: [us-east-1]
notify: [{{{subscriber}}}]
backups:
  daily:
    target: {{resource: volume, tags: {{Backup: daily}}}}
    schedule: {{interval: 24h, time: "03:00"}}
    retain: {{age: 14d}}
    copies: [{{region: us-east-1, retain: 7d}}]
    promise: {{rpo: 30h, new_volume_grace: 30h}}
"""
    topics = [each["Resources"] for each in bodies(compiled(text)).values() if "AlertTopic" in each["Resources"]]
    assert topics
    for resources in topics:
        assert resources["AlertSubscription1"]["Properties"]["Protocol"] == protocol
        policy = resources["AlertTopicPolicy"]["Properties"]["PolicyDocument"]["Statement"]
        assert policy[-1]["Effect"] == "Deny"
        assert policy[-1]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_a_queue_that_is_closed_to_alerts_is_said_before_apply(account: Account) -> None:
    text = f"notify: [{{sqs: '{QUEUE}'}}]\n"
    assert "cannot be read" in found(text, account, "account.queue")[0]
    sqs = account.client("sqs")
    url = sqs.create_queue(QueueName="alerts")["QueueUrl"]
    assert found(text, account, "account.queue") == [
        f"5: the policy of {QUEUE} does not let sns.amazonaws.com send to it"
    ]
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": QUEUE,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    assert found(text, account, "account.queue") == []


def test_cloudformation_works_with_the_declared_role_when_it_makes_and_when_it_deletes(account: Account) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudformation.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    account.client("iam").create_role(RoleName="deploy", AssumeRolePolicyDocument=trust)
    named: list[tuple[str, str]] = []
    account.record(
        lambda call, _: (
            named.append((call.operation, call.parameters.get("RoleARN")))
            if call.operation in ("CreateChangeSet", "DeleteStack")
            else None
        )
    )
    made = compiled(f"iam: {{service_role: role/deploy}}\n{LOGS}")
    apply(made, account, account.clock)
    destroy(made.declaration.site, account, account.clock)
    assert {name for name, _ in named} == {"CreateChangeSet", "DeleteStack"}
    assert {role for _, role in named} == {ROLE}
