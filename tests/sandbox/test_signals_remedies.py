"""From an error line to a remedy in a guest, on the account's clock."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest

from baseops.sandbox import ext4_images, guests
from baseops.sandbox.guest.programs import run_script
from baseops.sandbox.services.ssm.machines import guest_of

ALARM_ARN = "arn:aws:cloudwatch:eu-west-1:111111111111:alarm:errors"
SCRIPT = (files("baseops.areas.logs.functions") / "decide.py").read_text(encoding="utf-8")
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def role(account: Any, name: str, service: str) -> str:
    iam = account.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="work", PolicyDocument=json.dumps(EVERYTHING))
    return str(arn)


def instance(account: Any, image: str = "") -> str:
    """A managed one, tagged Role=web."""
    role(account, "web", "ec2")
    iam = account.client("iam")
    profile = iam.create_instance_profile(InstanceProfileName="web")["InstanceProfile"]["Arn"]
    iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName="web")
    name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
    image = image or account.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    made = account.client("ec2").run_instances(
        ImageId=image,
        MinCount=1,
        MaxCount=1,
        IamInstanceProfile={"Arn": profile},
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Role", "Value": "web"}]}],
    )
    return str(made["Instances"][0]["InstanceId"])


def document(run_role: str) -> dict[str, Any]:
    return {
        "schemaVersion": "0.3",
        "assumeRole": run_role,
        "parameters": {"AlarmName": {"type": "String"}},
        "mainSteps": [
            {
                "name": "decide",
                "action": "aws:executeScript",
                "timeoutSeconds": 120,
                "inputs": {
                    "Runtime": "python3.11",
                    "Handler": "decide",
                    "InputPayload": {
                        "alarm": "{{ AlarmName }}",
                        "document": "restart",
                        "execution": "{{ automation:EXECUTION_ID }}",
                        "cooldown_seconds": 1800,
                    },
                    "Script": SCRIPT,
                },
                "outputs": [{"Name": "Run", "Selector": "$.Payload.run", "Type": "String"}],
            },
            {
                "name": "branch",
                "action": "aws:branch",
                "isEnd": True,
                "inputs": {"Choices": [{"NextStep": "run", "Variable": "{{ decide.Run }}", "StringEquals": "yes"}]},
            },
            {
                "name": "run",
                "action": "aws:runCommand",
                "isEnd": True,
                "inputs": {
                    "DocumentName": "AWS-RunShellScript",
                    "Parameters": {"commands": ["systemctl restart nginx", "systemctl is-active nginx"]},
                    "Targets": [{"Key": "tag:Role", "Values": ["web"]}],
                },
            },
        ],
        "outputs": ["decide.Run"],
    }


@pytest.fixture
def remedied(account: Any) -> Any:
    """An account with a log group, a filter, an alarm, a rule to an automation, and one web server."""
    logs, cloudwatch = account.client("logs"), account.client("cloudwatch")
    logs.create_log_group(logGroupName="/web")
    logs.create_log_stream(logGroupName="/web", logStreamName="one")
    logs.put_metric_filter(
        logGroupName="/web",
        filterName="errors",
        filterPattern="ERROR",
        metricTransformations=[{"metricName": "Errors", "metricNamespace": "Web", "metricValue": "1"}],
    )
    cloudwatch.put_metric_alarm(
        AlarmName="errors",
        Namespace="Web",
        MetricName="Errors",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
    )
    content = json.dumps(document(role(account, "run", "ssm")))
    account.client("ssm").create_document(Name="restart", DocumentType="Automation", Content=content)
    events = account.client("events")
    pattern = {"source": ["aws.cloudwatch"], "resources": [ALARM_ARN], "detail": {"state": {"value": ["ALARM"]}}}
    events.put_rule(Name="remedy", EventPattern=json.dumps(pattern))
    target = {
        "Id": "automation",
        "Arn": "arn:aws:ssm:eu-west-1:111111111111:automation-definition/restart:$DEFAULT",
        "RoleArn": role(account, "start", "events"),
        "InputTransformer": {
            "InputPathsMap": {"alarm": "$.detail.alarmName"},
            "InputTemplate": '{"AlarmName": ["<alarm>"]}',
        },
    }
    events.put_targets(Rule="remedy", Targets=[target])
    account.clock.advance(by=120)
    return account


def error(account: Any) -> None:
    event = {"timestamp": int(account.clock.now().timestamp() * 1000), "message": "ERROR it broke"}
    account.client("logs").put_log_events(logGroupName="/web", logStreamName="one", logEvents=[event])


def executions(account: Any) -> list[dict[str, Any]]:
    found = account.client("ssm").describe_automation_executions()["AutomationExecutionMetadataList"]
    return list(found)[::-1]


runs_guests = pytest.mark.skipif(
    bool(guests.why_not() or ext4_images.why_not()), reason=guests.why_not() or ext4_images.why_not() or ""
)


def root(account: Any, instance_id: str) -> str:
    (found,) = account.client("ec2").describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"]
    return str(found["BlockDeviceMappings"][0]["Ebs"]["VolumeId"])


def furnish(account: Any, instance_id: str) -> None:
    account.write_files(root(account, instance_id), {"/etc/systemd/system/nginx.service": b"[Service]\n"})


def run(account: Any, instance_id: str, script: str, timeout: float = 20) -> guests.Ran:
    with account.lock:
        return run_script(guest_of("111111111111", "eu-west-1", instance_id), script, timeout)


@runs_guests
def test_an_error_line_restarts_the_server(remedied):
    node = instance(remedied)
    furnish(remedied, node)
    remedied.clock.advance(by=120)
    error(remedied)
    remedied.clock.advance(by=300)
    assert [(each["AutomationExecutionStatus"], each["Outputs"]) for each in executions(remedied)] == [
        ("Success", {"decide.Run": ["yes"]})
    ]
    ssm = remedied.client("ssm")
    (command,) = ssm.list_commands()["Commands"]
    output = ssm.get_command_invocation(CommandId=command["CommandId"], InstanceId=node)
    assert (output["Status"], output["StandardOutputContent"]) == ("Success", "active\n")


def test_within_the_cooldown_a_remedy_decides_not_to_run(remedied):
    error(remedied)
    remedied.clock.advance(by=600)
    error(remedied)
    remedied.clock.advance(by=600)
    assert [each["Outputs"]["decide.Run"] for each in executions(remedied)] == [["yes"], ["no"]]


def test_after_the_cooldown_it_runs_again(remedied):
    error(remedied)
    remedied.clock.advance(by=2400)
    error(remedied)
    remedied.clock.advance(by=600)
    assert [each["Outputs"]["decide.Run"] for each in executions(remedied)] == [["yes"], ["yes"]]


def test_a_mute_rule_mutes_the_remedy_too(remedied):
    remedied.client("cloudwatch").put_alarm_mute_rule(
        Name="release",
        Rule={"Schedule": {"Expression": "cron(0 * * * *)", "Duration": "PT1H"}},
        MuteTargets={"AlarmNames": ["errors"]},
    )
    error(remedied)
    remedied.clock.advance(by=600)
    assert [each["Outputs"]["decide.Run"] for each in executions(remedied)] == [["no"]]


def test_without_a_server_the_command_says_that_nobody_has_the_tag(remedied):
    error(remedied)
    remedied.clock.advance(by=600)
    (command,) = remedied.client("ssm").list_commands()["Commands"]
    assert (command["Status"], command["StatusDetails"]) == ("Failed", "NoInstancesInTag")
    assert executions(remedied)[0]["AutomationExecutionStatus"] == "Failed"


@runs_guests
def test_a_server_without_files_is_not_exercised(remedied):
    node = instance(remedied, remedied.client("ec2").register_image(Name="empty")["ImageId"])
    remedied.clock.advance(by=120)
    ssm = remedied.client("ssm")
    assert [each["InstanceId"] for each in ssm.describe_instance_information()["InstanceInformationList"]] == [node]
    targets = [{"Key": "tag:Role", "Values": ["web"]}]
    sent = ssm.send_command(DocumentName="AWS-RunShellScript", Targets=targets, Parameters={"commands": ["true"]})
    remedied.clock.advance(by=30)
    output = ssm.get_command_invocation(CommandId=sent["Command"]["CommandId"], InstanceId=node)
    assert (output["StatusDetails"], output["StandardErrorContent"]) == (
        "Undeliverable",
        f"not exercised: the root volume of {node} holds no system",
    )


def association(account: Any, lines: list[str]) -> str:
    content = {
        "schemaVersion": "2.2",
        "mainSteps": [{"action": "aws:runShellScript", "name": "configure", "inputs": {"runCommand": lines}}],
    }
    ssm = account.client("ssm")
    ssm.create_document(Name="agent", DocumentType="Command", Content=json.dumps(content))
    targets = [{"Key": "tag:Role", "Values": ["web"]}]
    made = ssm.create_association(Name="agent", Targets=targets, ScheduleExpression="rate(1 day)")
    return str(made["AssociationDescription"]["AssociationId"])


@runs_guests
def test_an_association_is_applied_to_a_server_that_appears_and_again_each_day(account):
    identifier = association(account, ["echo applied >> /var/log/agent"])
    ssm = account.client("ssm")
    account.clock.advance(by=60)
    overview = ssm.describe_association(AssociationId=identifier)["AssociationDescription"]["Overview"]
    assert overview["Status"] == "Pending"
    node = instance(account)
    furnish(account, node)
    account.clock.advance(by=36 * 3_600)
    overview = ssm.describe_association(AssociationId=identifier)["AssociationDescription"]["Overview"]
    assert overview["Status"] == "Success"
    assert run(account, node, "cat /var/log/agent").output.splitlines() == ["applied"] * 2
    (status,) = ssm.describe_instance_associations_status(InstanceId=node)["InstanceAssociationStatusInfos"]
    assert (status["AssociationId"], status["Status"]) == (identifier, "Success")


@runs_guests
def test_a_command_stops_when_too_many_servers_fail(account):
    instance(account)
    profile = "arn:aws:iam::111111111111:instance-profile/web"
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "Role", "Value": "web"}]}]
    image = account.client("ec2").describe_instances()["Reservations"][0]["Instances"][0]["ImageId"]
    for _ in range(3):
        account.client("ec2").run_instances(
            ImageId=image, MinCount=1, MaxCount=1, IamInstanceProfile={"Arn": profile}, TagSpecifications=tags
        )
    account.clock.advance(by=120)
    ssm = account.client("ssm")
    for each in ssm.describe_instance_information()["InstanceInformationList"]:
        furnish(account, each["InstanceId"])
    sent = ssm.send_command(
        DocumentName="AWS-RunShellScript",
        Targets=[{"Key": "tag:Role", "Values": ["web"]}],
        Parameters={"commands": ["exit 3"]},
        MaxConcurrency="1",
        MaxErrors="1",
    )["Command"]["CommandId"]
    account.clock.advance(by=60)
    found = ssm.list_command_invocations(CommandId=sent)["CommandInvocations"]
    assert sorted(each["StatusDetails"] for each in found) == ["Failed", "Failed", "Terminated", "Terminated"]
    (command,) = ssm.list_commands(CommandId=sent)["Commands"]
    assert (command["Status"], command["ErrorCount"]) == ("Failed", 2)


@runs_guests
def test_a_guest_sees_neither_the_network_nor_the_files_of_this_machine(account):
    node = instance(account)
    furnish(account, node)
    ran = run(account, node, "ls /; ls /work; cat /proc/net/dev | grep -c eth; /bin/mount -t tmpfs x /mnt || echo no")
    assert "work" not in ran.output.split()
    assert ran.output.split()[-2:] == ["0", "no"]


@runs_guests
def test_a_guest_that_does_not_end_is_ended(account):
    node = instance(account)
    furnish(account, node)
    assert run(account, node, "sleep 60", 0.5).is_timed_out
