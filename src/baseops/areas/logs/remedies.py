"""Remedies: an alarm's change of state starts an automation of ours, which runs a command on tagged instances.

A mute rule mutes an alarm's actions but not its transitions, and EventBridge sees those, so the automation itself
looks at active mute rules before it does anything, and at when the remedy ran last. What cannot be started becomes
a dead letter with an alarm, and an automation that fails tells the alert topic.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from troposphere import GetAtt, Ref, Sub, events, ssm

from baseops.areas.logs import names
from baseops.areas.logs.dead_letters import add_queue, let_in
from baseops.areas.logs.own_logs import add_own_group
from baseops.cloudformation.builder import StackBuilder
from baseops.cloudformation.parts import (
    automation_target,
    failed_automation_rule,
    service_role,
    start_automation,
)
from baseops.cloudformation.resources import logical_id
from baseops.contract.refs import Refs
from baseops.contract.site import Site

if TYPE_CHECKING:
    from baseops.areas.logs.spec import Entry, Remedy

# Any: troposphere takes a text or a helper such as Ref for every property.

INPUT: Mapping[str, Any] = {
    "InputPathsMap": {"alarm": "$.detail.alarmName"},
    "InputTemplate": '{"AlarmName": ["<alarm>"]}',
}
"""How a rule hands the alarm's name to the automation."""
_SHELL_DOCUMENTS = ("AWS-RunShellScript", "AWS-RunPowerShellScript")
_GRACE_SECONDS = 600


def document_name(site: Site, entry: str, remedy: str) -> str:
    """The automation document of a remedy, as found in the console, in events and in evidence."""
    return f"{site.prefix}-logs-{entry}-{remedy}"


def add_remedies(stack: StackBuilder, name: str, entry: Entry, refs: Refs) -> None:
    """Every remedy that an alarm starts, with what they share: a group for output, dead letters, word of failures."""
    used = {remedy: each for remedy, each in entry.remedies.items() if list(_alarms(entry, remedy))}
    if not used:
        return
    group = add_own_group(stack, logical_id(name, "RemedyLogs"), name, "remedies", refs)
    queue = add_queue(stack, name, "remedies", refs, "a remedy could not be started")
    rules = [_add_remedy(stack, name, entry, remedy, each, group, queue) for remedy, each in used.items()]
    stack.add(let_in(queue, "events", [GetAtt(rule, "Arn") for rule in rules]))
    stack.add(_failure_rule(stack, name, used, refs))


def _alarms(entry: Entry, remedy: str) -> Iterator[str]:
    return (name for name, alarm in entry.alarms.items() if alarm.remedy == remedy)


def _add_remedy(
    stack: StackBuilder, name: str, entry: Entry, remedy: str, declared: Remedy, group: Any, queue: Any
) -> events.Rule:
    full = document_name(stack.site, name, remedy)
    running = stack.add(service_role(logical_id(name, remedy, "RunRole"), "ssm", run_statements(declared)))
    document = stack.add(
        ssm.Document(
            logical_id(name, remedy, "Document"),
            Name=full,
            DocumentType="Automation",
            DocumentFormat="JSON",
            UpdateMethod="NewVersion",
            Content=automation(declared, full, GetAtt(running, "Arn"), Ref(group)),
        )
    )
    starting = stack.add(
        service_role(logical_id(name, remedy, "StartRole"), "events", start_automation(document, running))
    )
    alarms = [names.alarm_name(stack.site, name, alarm) for alarm in _alarms(entry, remedy)]
    return stack.add(_rule(name, remedy, alarms, document, starting, queue))


def _rule(name: str, remedy: str, alarms: list[str], document: ssm.Document, role: Any, queue: Any) -> events.Rule:
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
    arns = [
        Sub(f"arn:${{AWS::Partition}}:cloudwatch:${{AWS::Region}}:${{AWS::AccountId}}:alarm:{each}") for each in alarms
    ]
    target = automation_target(
        document,
        role,
        InputTransformer=events.InputTransformer(**INPUT),
        DeadLetterConfig=events.DeadLetterConfig(Arn=GetAtt(queue, "Arn")),
        # A remedy that comes an hour late meets another state of things.
        RetryPolicy=events.RetryPolicy(MaximumEventAgeInSeconds=900, MaximumRetryAttempts=20),
    )
    return events.Rule(
        logical_id(name, remedy, "Rule"),
        Description=f"Starts the remedy {remedy} of {name}",
        EventPattern={
            "source": ["aws.cloudwatch"],
            "detail-type": ["CloudWatch Alarm State Change"],
            "resources": arns,
            "detail": {"state": {"value": ["ALARM"]}},
        },
        Targets=[target],
    )


def automation(remedy: Remedy, full_name: str, role: Any, group: Any) -> dict[str, Any]:
    """The automation's own JSON (schema 0.3): decide, and only then run."""
    return {
        "schemaVersion": "0.3",
        "description": f"Runs {remedy.document} on {_words(remedy.targets)} when an alarm rings",
        "assumeRole": role,
        "parameters": {
            "AlarmName": {
                "type": "String",
                "description": "The alarm that rings",
                "allowedPattern": "^[A-Za-z0-9._/ -]{1,255}$",
            }
        },
        "mainSteps": [
            {
                "name": "decide",
                "description": "Not while a mute rule is active for the alarm, nor again within the cooldown",
                "action": "aws:executeScript",
                "timeoutSeconds": 120,
                "onFailure": "Abort",
                "inputs": {
                    "Runtime": "python3.11",
                    "Handler": "decide",
                    "InputPayload": {
                        "alarm": "{{ AlarmName }}",
                        "document": full_name,
                        "execution": "{{ automation:EXECUTION_ID }}",
                        "cooldown_seconds": int(remedy.cooldown.total_seconds()),
                    },
                    "Script": script(),
                },
                "outputs": [
                    {"Name": "Run", "Selector": "$.Payload.run", "Type": "String"},
                    {"Name": "Why", "Selector": "$.Payload.why", "Type": "String"},
                ],
            },
            {
                "name": "branch",
                "action": "aws:branch",
                "isEnd": True,
                "inputs": {"Choices": [{"NextStep": "run", "Variable": "{{ decide.Run }}", "StringEquals": "yes"}]},
            },
            _run_step(remedy, group),
        ],
        "outputs": ["decide.Run", "decide.Why"],
    }


def _run_step(remedy: Remedy, group: Any) -> dict[str, Any]:
    seconds = int(remedy.timeout.total_seconds())
    parameters = {key: list(values) for key, values in remedy.parameters.items()}
    if remedy.document in _SHELL_DOCUMENTS:
        parameters.setdefault("executionTimeout", [str(seconds)])
    return {
        "name": "run",
        "action": "aws:runCommand",
        "isEnd": True,
        "onFailure": "Abort",
        "timeoutSeconds": seconds + _GRACE_SECONDS,
        "inputs": {
            "DocumentName": remedy.document,
            **({"Parameters": parameters} if parameters else {}),
            "Targets": [{"Key": f"tag:{key}", "Values": [value]} for key, value in sorted(remedy.targets.items())],
            "MaxConcurrency": remedy.max_concurrency,
            "MaxErrors": remedy.max_errors,
            "TimeoutSeconds": max(seconds, 30),
            "Comment": "{{ AlarmName }}",
            "CloudWatchOutputConfig": {"CloudWatchOutputEnabled": True, "CloudWatchLogGroupName": group},
        },
    }


def script() -> str:
    """The text of the deciding step; a module of its own, so that it is linted and tested like any other."""
    return (files("baseops.areas.logs.functions") / "decide.py").read_text(encoding="utf-8")


def run_statements(remedy: Remedy) -> list[dict[str, Any]]:
    """What the automation may do: this document, on instances with these tags, and read what its decision needs."""
    return [
        {
            "Sid": "RunTheDocument",
            "Effect": "Allow",
            "Action": "ssm:SendCommand",
            "Resource": _document_arn(remedy.document),
        },
        {
            "Sid": "OnTaggedInstances",
            "Effect": "Allow",
            "Action": "ssm:SendCommand",
            # Linters of policies want a document beside the instances; it is allowed above already.
            "Resource": [
                Sub("arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}:instance/*"),
                _document_arn(remedy.document),
            ],
            "Condition": {
                "StringEquals": {f"ssm:resourceTag/{key}": value for key, value in sorted(remedy.targets.items())}
            },
        },
        {
            "Sid": "SeeHowItGoes",
            "Effect": "Allow",
            "Action": [
                "cloudwatch:ListAlarmMuteRules",
                "ssm:DescribeAutomationExecutions",
                "ssm:DescribeInstanceInformation",
                "ssm:GetCommandInvocation",
                "ssm:ListCommandInvocations",
                "ssm:ListCommands",
            ],
            "Resource": "*",
        },
    ]


def _document_arn(document: str) -> Any:
    if document.startswith("arn:"):
        return document
    # AWS's documents belong to no account; nobody else's may have these names.
    owner = "*" if document.startswith(("AWS-", "AmazonCloudWatch-")) else "${AWS::AccountId}"
    return Sub(f"arn:${{AWS::Partition}}:ssm:${{AWS::Region}}:{owner}:document/{document}")


def _failure_rule(stack: StackBuilder, name: str, remedies: Mapping[str, Remedy], refs: Refs) -> events.Rule:
    return failed_automation_rule(
        logical_id(name, "RemedyFailedRule"),
        description=f"A remedy of {name} did not come to its end",
        documents=[document_name(stack.site, name, remedy) for remedy in remedies],
        topic=stack.use(refs.topic()),
    )


def _words(tags: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(tags.items()))
