"""Remedies: what starts them, what they may do, and when they do not run."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from types import SimpleNamespace
from urllib.parse import parse_qs

import pytest
from botocore.credentials import Credentials

from baseops.areas.logs import remedies
from baseops.areas.logs.functions import decide

WEB = """logs:
  web:
    group: {name: /acme/web}
    metrics: {Errors: {pattern: ERROR}}
    alarms:
      errors: {metric: Errors, threshold: 1, remedy: restart-nginx}
      many: {metric: Errors, threshold: 9, remedy: restart-nginx}
    remedies:
      restart-nginx:
        parameters: {commands: [systemctl restart nginx]}
        targets: {Role: web}
        max_errors: "1"
        cooldown: 45m
        timeout: 5m
"""
ARN = "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:baseops-acme-logs-web-"
NOW = datetime(2025, 1, 6, 9, 0, tzinfo=UTC)


@pytest.fixture
def web(declared, compiled):
    return compiled(declared(WEB))


def test_exactly_the_alarms_that_name_the_remedy_start_it(web):
    rule = web["WebRestartNginxRule"]["Properties"]
    assert rule["EventPattern"] == {
        "source": ["aws.cloudwatch"],
        "detail-type": ["CloudWatch Alarm State Change"],
        "resources": [{"Fn::Sub": f"{ARN}errors"}, {"Fn::Sub": f"{ARN}many"}],
        "detail": {"state": {"value": ["ALARM"]}},
    }


def test_a_start_that_fails_becomes_a_dead_letter_with_an_alarm(web):
    (target,) = web["WebRestartNginxRule"]["Properties"]["Targets"]
    assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": ["WebRemediesDeadLetters", "Arn"]}}
    assert target["InputTransformer"]["InputTemplate"] == '{"AlarmName": ["<alarm>"]}'
    queue = web["WebRemediesDeadLetters"]["Properties"]
    assert queue["KmsMasterKeyId"] == {"Ref": "LogsKeyArn"}
    allow, refuse = web["WebRemediesDeadLettersPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert allow["Condition"]["ArnEquals"] == {"aws:SourceArn": [{"Fn::GetAtt": ["WebRestartNginxRule", "Arn"]}]}
    assert refuse["Effect"] == "Deny"
    alarm = web["WebRemediesDeadLettersAlarm"]["Properties"]
    assert alarm["AlarmName"] == "baseops-acme-logs-web-remedies-dead-letters"


def test_an_automation_that_fails_tells_the_topic(web):
    rule = web["WebRemedyFailedRule"]["Properties"]
    assert rule["EventPattern"]["detail"] == {
        "Definition": ["baseops-acme-logs-web-restart-nginx"],
        "Status": ["Failed", "TimedOut", "Cancelled"],
    }
    assert rule["Targets"][0]["Arn"] == {"Ref": "AlertTopicArn"}


def test_the_automation_decides_before_it_runs(web):
    content = web["WebRestartNginxDocument"]["Properties"]["Content"]
    decides, branches, runs = content["mainSteps"]
    assert decides["inputs"]["InputPayload"]["cooldown_seconds"] == 2700
    assert branches["isEnd"] is True
    assert branches["inputs"]["Choices"] == [{"NextStep": "run", "Variable": "{{ decide.Run }}", "StringEquals": "yes"}]
    assert runs["inputs"] == {
        "DocumentName": "AWS-RunShellScript",
        "Parameters": {"commands": ["systemctl restart nginx"], "executionTimeout": ["300"]},
        "Targets": [{"Key": "tag:Role", "Values": ["web"]}],
        "MaxConcurrency": "10%",
        "MaxErrors": "1",
        "TimeoutSeconds": 300,
        "Comment": "{{ AlarmName }}",
        "CloudWatchOutputConfig": {
            "CloudWatchOutputEnabled": True,
            "CloudWatchLogGroupName": {"Ref": "WebRemedyLogs"},
        },
    }


def test_the_automation_may_command_tagged_instances_with_this_document_alone(web):
    (policy,) = web["WebRestartNginxRunRole"]["Properties"]["Policies"]
    document, instances, reading = policy["PolicyDocument"]["Statement"]
    assert document["Resource"] == {"Fn::Sub": "arn:${AWS::Partition}:ssm:${AWS::Region}:*:document/AWS-RunShellScript"}
    assert instances["Condition"] == {"StringEquals": {"ssm:resourceTag/Role": "web"}}
    assert all(action.split(":")[1].startswith(("List", "Describe", "Get")) for action in reading["Action"])


def test_eventbridge_may_start_this_automation_and_pass_its_role_to_nobody_else(web):
    (policy,) = web["WebRestartNginxStartRole"]["Properties"]["Policies"]
    start, pass_role = policy["PolicyDocument"]["Statement"]
    assert start["Action"] == "ssm:StartAutomationExecution"
    assert pass_role["Resource"] == {"Fn::GetAtt": ["WebRestartNginxRunRole", "Arn"]}
    assert pass_role["Condition"] == {"StringEquals": {"iam:PassedToService": "ssm.amazonaws.com"}}


def test_a_remedy_that_nothing_starts_makes_nothing(declared, compiled):
    text = WEB.replace(", remedy: restart-nginx", "")
    assert not [title for title in compiled(declared(text)) if "Remed" in title or "Restart" in title]


def test_the_script_is_the_module_that_is_tested_here(web):
    script = web["WebRestartNginxDocument"]["Properties"]["Content"]["mainSteps"][0]["inputs"]["Script"]
    assert script == remedies.script()
    assert "def decide(" in script
    # An automation's document holds 64 KB.
    assert len(json.dumps(web["WebRestartNginxDocument"]["Properties"]["Content"])) < 64_000


# --- the decision ---------------------------------------------------------------------------------------------

MUTED = """<ListAlarmMuteRulesResponse xmlns="http://monitoring.amazonaws.com/doc/2010-08-01/">
  <ListAlarmMuteRulesResult><AlarmMuteRuleSummaries><member>
    <AlarmMuteRuleArn>arn:aws:cloudwatch:eu-west-1:111111111111:alarm-mute-rule:release</AlarmMuteRuleArn>
  </member></AlarmMuteRuleSummaries></ListAlarmMuteRulesResult>
</ListAlarmMuteRulesResponse>"""
UNMUTED = MUTED.replace(MUTED[MUTED.index("<member>") : MUTED.index("</member>") + 9], "")


@pytest.fixture
def cloudwatch():
    """CloudWatch on this machine: says what `answer` holds, keeps what it was asked."""
    state = SimpleNamespace(answer=UNMUTED, asked=[])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            state.asked.append((parse_qs(body), self.headers["Authorization"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(state.answer.encode())

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    meta = SimpleNamespace(endpoint_url=f"http://127.0.0.1:{server.server_port}", region_name="eu-west-1")
    state.session = SimpleNamespace(
        client=lambda name: SimpleNamespace(meta=meta), get_credentials=lambda: Credentials("AKIDEXAMPLE", "secret")
    )
    yield state
    server.shutdown()
    server.server_close()


def test_an_active_mute_rule_of_the_alarm_is_found(cloudwatch):
    cloudwatch.answer = MUTED
    found = decide.active_mute_rule(cloudwatch.session, "baseops-acme-logs-web-errors")
    assert found == "arn:aws:cloudwatch:eu-west-1:111111111111:alarm-mute-rule:release"
    ((asked, signed),) = cloudwatch.asked
    assert asked["AlarmName"] == ["baseops-acme-logs-web-errors"]
    assert asked["Statuses.member.1"] == ["ACTIVE"]
    assert "/eu-west-1/monitoring/aws4_request" in signed


def test_without_a_mute_rule_nothing_is_found(cloudwatch):
    assert decide.active_mute_rule(cloudwatch.session, "any") == ""


def execution(name, minutes, *, run=None, document="baseops-acme-logs-web-restart-nginx"):
    outputs = {"Outputs": {"decide.Run": [run]}} if run else {}
    started = NOW - timedelta(minutes=minutes)
    return {"AutomationExecutionId": name, "DocumentName": document, "ExecutionStartTime": started, **outputs}


class Automations:
    """Systems Manager with some executions, in pages of one."""

    def __init__(self, *executions):
        self.executions = executions
        self.filters = None

    def get_paginator(self, operation):
        assert operation == "describe_automation_executions"
        return self

    def paginate(self, Filters):  # noqa: N803  # botocore's word
        self.filters = Filters
        return [{"AutomationExecutionMetadataList": [each]} for each in self.executions]


EVENTS = {"document": "baseops-acme-logs-web-restart-nginx", "execution": "own", "cooldown_seconds": 1800}


@pytest.mark.parametrize(
    ("others", "found"),
    [
        ([], ""),
        ([execution("former", 10, run="yes")], "former"),
        ([execution("skipped", 10, run="no")], ""),
        ([execution("undecided", 1)], "undecided"),
        ([execution("later", -1, run="yes")], ""),
        ([execution("other", 10, run="yes", document="baseops-acme-logs-web-restart-nginx-too")], ""),
        ([execution("a-twin", 0)], "a-twin"),
        ([execution("z-twin", 0)], ""),
    ],
    ids=["none", "ran", "was skipped", "has not decided", "began later", "another", "first of two", "second of two"],
)
def test_the_cooldown_counts_what_ran_before(others, found):
    automations = Automations(execution("own", 0), *others)
    assert decide.ran_before(automations, EVENTS, NOW) == found
    assert automations.filters[1] == {"Key": "StartTimeAfter", "Values": ["2025-01-06T08:30:00Z"]}
