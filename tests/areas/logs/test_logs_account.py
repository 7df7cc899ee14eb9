"""Logs in a sandbox account: their world, preflight, apply, what is pending; and the judgement without one."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from baseops.areas.logs import account as logs
from baseops.areas.logs import rehearse, world
from baseops.areas.logs.settings import settings
from baseops.contract.lock import Lock
from baseops.contract.refs import Refs
from baseops.sandbox.account import Account, open_account
from baseops.workflow.apply import apply
from baseops.workflow.compile import compile_declaration

WEB = """logs:
  web:
    group: {name: /acme/web}
    agent: {target: {Role: web}, files: [{path: /var/log/nginx/access.log}]}
    metrics: {Errors: {pattern: ERROR}}
    alarms: {errors: {metric: Errors, threshold: 1, remedy: restart}}
    remedies: {restart: {targets: {Role: worker}, parameters: {commands: [reboot]}}}
    ship: [{s3: {bucket: central-logs}}]
  legacy:
    managed: false
    group: {name: /legacy, class: INFREQUENT_ACCESS, retention_days: 365}
"""


@pytest.fixture
def account() -> Iterator[Account]:
    with open_account(start=datetime(2026, 11, 1, tzinfo=UTC)) as opened:
        yield opened


def preflight(declaration, account):
    return {each.rule: each.message for each in logs.preflight(declaration.sections["logs"], declaration.site, account)}


def pending(declaration, account):
    found = logs.pending(declaration.sections["logs"], Refs(declaration.site), account)
    return {each.rule: each.message for each in found}


def test_the_world_has_an_instance_for_each_target_and_what_somebody_else_made(declared, account):
    declaration = declared(WEB)
    world.build(declaration.sections["logs"], account, declaration.site)
    found = account.client("ec2").describe_instances()["Reservations"]
    instances = [each for group in found for each in group["Instances"]]
    assert sorted(tag["Value"] for each in instances for tag in each["Tags"]) == ["web", "web", "worker", "worker"]
    assert all(each["IamInstanceProfile"]["Arn"].endswith(("/web", "/worker")) for each in instances)
    (group,) = account.client("logs").describe_log_groups()["logGroups"]
    assert (group["logGroupName"], group["logGroupClass"]) == ("/legacy", "INFREQUENT_ACCESS")
    assert [each["Name"] for each in account.client("s3").list_buckets()["Buckets"]] == ["central-logs"]
    assert preflight(declaration, account) == {}


def test_preflight_says_which_targets_nobody_has_and_which_groups_are_missing(declared, account):
    declaration = declared(WEB)
    said = logs.preflight(declaration.sections["logs"], declaration.site, account)
    assert [each.message for each in said] == [
        "there is no log group /legacy in eu-west-1, and managed: false says that it is somebody else's to make",
        "no running instance in eu-west-1 has Role=web",
        "no running instance in eu-west-1 has Role=worker",
    ]


def test_preflight_says_that_a_class_cannot_be_changed(declared, account):
    account.client("logs").create_log_group(logGroupName="/acme/web", logGroupClass="INFREQUENT_ACCESS")
    said = preflight(declared(WEB), account)["logs.class"]
    assert said == "/acme/web exists with the class INFREQUENT_ACCESS, which cannot be changed"


def test_preflight_counts_the_subscriptions_of_others(declared, account):
    declaration = declared(WEB)
    world.build(declaration.sections["logs"], account, declaration.site)
    client = account.client("logs")
    client.create_log_group(logGroupName="/acme/web")
    trust = {"Effect": "Allow", "Principal": {"Service": "logs.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = account.client("iam").create_role(
        RoleName="others", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )["Role"]["Arn"]
    account.client("kinesis").create_stream(StreamName="theirs", ShardCount=1)
    stream = f"arn:aws:kinesis:{account.region}:{account.account_id}:stream/theirs"
    for name in ("audit", "siem"):
        client.put_subscription_filter(
            logGroupName="/acme/web", filterName=name, filterPattern="", destinationArn=stream, roleArn=role
        )
    said = preflight(declaration, account)["logs.others-subscriptions"]
    assert said == "/acme/web has the subscription filters audit, siem of others, and takes two in all"


def test_after_apply_a_silent_group_is_pending_until_something_is_logged(declared, account):
    declaration = declared(WEB)
    world.build(declaration.sections["logs"], account, declaration.site)
    apply(compile_declaration(declaration, Lock()), account, account.clock)
    assert pending(declaration, account) == {"logs.silent": "nothing has been logged into /acme/web yet"}
    account.client("logs").create_log_stream(logGroupName="/acme/web", logStreamName="i-1")
    assert pending(declaration, account) == {}


def test_the_function_runs_and_the_role_that_a_domain_has_to_map_is_named(declared, account):
    text = """logs:
  web:
    group: {name: /acme/web}
    ship: [{opensearch: {domain: logs-domain, endpoint: search-logs-abc.eu-west-1.es.amazonaws.com}}]
"""
    declaration = declared(text)
    apply(compile_declaration(declaration, Lock()), account, account.clock)
    said = pending(declaration, account)["logs.opensearch-role"]
    assert "it refuses the role baseops-acme-logs-WebOpensearchShipperRole-" in said
    (function,) = account.client("lambda").list_functions()["Functions"]
    control = {"messageType": "CONTROL_MESSAGE", "logEvents": []}
    data = base64.b64encode(gzip.compress(json.dumps(control).encode())).decode()
    answer = account.client("lambda").invoke(
        FunctionName=function["FunctionName"], Payload=json.dumps({"awslogs": {"data": data}})
    )
    assert json.loads(answer["Payload"].read()) == {"shipped": 0, "rejected": 0}


def test_logs_have_no_settings_and_leave_the_lock_as_it_is(full, account):
    section = full.sections["logs"]
    assert settings(section, Refs(full.site)) == ()
    lock = Lock()
    assert logs.complete_lock(section, lock, account) is lock


def judged(declaration):
    found = rehearse.judge(declaration.sections["logs"], Refs(declaration.site))
    return {each.rule: str(each.severity) for each in found}


@pytest.mark.parametrize(
    ("metric", "alarm", "said"),
    [
        ("pattern: ERROR", "threshold: 1, treat_missing_data: notBreaching", {}),
        ("pattern: ERROR", "threshold: 1", {"logs.no-way-back": "note"}),
        ("pattern: ERROR, default: 0", "threshold: 1", {}),
        ("pattern: OK", "threshold: 1, comparison: LessThanThreshold", {"logs.blind-alarm": "warning"}),
        ("pattern: OK", "threshold: 1, comparison: LessThanThreshold, treat_missing_data: breaching", {}),
    ],
)
def test_alarms_that_cannot_ring_or_stop_are_found(declared, metric, alarm, said):
    text = (
        f"logs: {{web: {{group: {{name: /a}}, metrics: {{M: {{{metric}}}}}, alarms: {{a: {{metric: M, {alarm}}}}}}}}}\n"
    )
    assert judged(declared(text)) == said


def test_dimensions_are_said_to_multiply_metrics(full):
    assert judged(full) == {"logs.combinations": "note"}
