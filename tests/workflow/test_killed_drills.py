"""Drills killed at any moment leave nothing that a sweep from another machine does not find; look-alikes stay."""

import json
import random
import signal
import subprocess
from pathlib import Path

import jmespath
import pytest

ACME = str(Path(__file__).resolve().parents[2] / "examples" / "acme" / "baseops.yaml")
FIRST_HEARD = 1.0
LONGEST = 14.0
EXERCISE = ("prove", "-f", ACME, "--class", "exercise", "-y", "-o", "json")

INVENTORY = [
    ("cloudwatch", "describe_alarms", {"AlarmTypes": ["MetricAlarm"]}, "MetricAlarms[].AlarmName"),
    ("cloudwatch", "describe_alarms", {"AlarmTypes": ["CompositeAlarm"]}, "CompositeAlarms[].AlarmName"),
    ("ec2", "describe_images", {"Owners": ["self"]}, "Images[].[ImageId, Tags]"),
    ("ec2", "describe_instances", {}, "Reservations[].Instances[?State.Name!='terminated'][].InstanceId"),
    ("ec2", "describe_key_pairs", {}, "KeyPairs[].KeyName"),
    ("ec2", "describe_launch_templates", {}, "LaunchTemplates[].LaunchTemplateName"),
    ("ec2", "describe_network_interfaces", {}, "NetworkInterfaces[].NetworkInterfaceId"),
    ("ec2", "describe_security_groups", {}, "SecurityGroups[].GroupId"),
    ("ec2", "describe_snapshots", {"OwnerIds": ["self"]}, "Snapshots[].[SnapshotId, Tags]"),
    ("ec2", "describe_volumes", {}, "Volumes[].[VolumeId, Tags]"),
    ("events", "list_rules", {}, "Rules[].Name"),
    ("iam", "list_instance_profiles", {}, "InstanceProfiles[].InstanceProfileName"),
    ("iam", "list_roles", {}, "Roles[].RoleName"),
    ("kms", "list_aliases", {}, "Aliases[].AliasName"),
    ("lambda", "list_functions", {}, "Functions[].FunctionName"),
    ("logs", "describe_log_groups", {}, "logGroups[].logGroupName"),
    ("logs", "describe_metric_filters", {}, "metricFilters[].[logGroupName, filterName]"),
    ("secretsmanager", "list_secrets", {}, "SecretList[].Name"),
    ("sesv2", "list_configuration_sets", {}, "ConfigurationSets"),
    ("sesv2", "list_email_identities", {}, "EmailIdentities[].IdentityName"),
    ("sesv2", "list_suppressed_destinations", {}, "SuppressedDestinationSummaries[].EmailAddress"),
    ("sns", "list_subscriptions", {}, "Subscriptions[].[TopicArn, Endpoint]"),
    ("sns", "list_topics", {}, "Topics[].TopicArn"),
    ("sqs", "list_queues", {}, "QueueUrls"),
    ("ssm", "describe_parameters", {}, "Parameters[].Name"),
    ("ssm", "list_documents", {"Filters": [{"Key": "Owner", "Values": ["Self"]}]}, "DocumentIdentifiers[].Name"),
]


def inventory(sandbox):
    """All that drills might make, by API calls that know nothing of journals."""
    found = {}
    for service, operation, parameters, path in INVENTORY:
        for region in ("eu-west-1", "us-east-1") if service == "ec2" else ("eu-west-1",):
            client = sandbox.session.client(service, region)
            pages = [getattr(client, operation)(**parameters)]
            if client.can_paginate(operation):
                pages = list(client.get_paginator(operation).paginate(**parameters))
            values = [each for page in pages for each in jmespath.search(path, page) or []]
            found[region, operation, path] = sorted(json.dumps(each) for each in values if not is_scheduled(each))
    return found


def is_scheduled(value):
    """Whether AWS made it by a schedule while time went by: DLM marks what it makes, and so does Image Builder."""
    text = json.dumps(value)
    return "aws:dlm" in text or "dlm:managed" in text or "CreatedBy" in text


def make_look_alikes(account):
    """What production may look like: our tag copied along, our names, no journal that knows them."""
    ec2, sqs, logs = account.client("ec2"), account.client("sqs"), account.client("logs")
    copied = [
        {"Key": "baseops:drill", "Value": "20260101T020000Z-abcdef/1"},
        {"Key": "baseops:drill-creator", "Value": "operator"},
        {"Key": "Name", "Value": "production"},
    ]
    volume = ec2.create_volume(
        AvailabilityZone="eu-west-1a", Size=1, TagSpecifications=[{"ResourceType": "volume", "Tags": copied}]
    )["VolumeId"]
    account.clock.sleep(60)
    ec2.create_snapshot(VolumeId=volume, TagSpecifications=[{"ResourceType": "snapshot", "Tags": copied}])
    sqs.create_queue(QueueName="baseops-acme-drill-abcdef-orders", tags={each["Key"]: each["Value"] for each in copied})
    logs.create_log_group(logGroupName="/baseops/acme/drill/abcdef-orders")
    account.clock.sleep(60)


def moments(count, seed):
    chance = random.Random(seed)
    return [round(chance.uniform(FIRST_HEARD, LONGEST), 2) for _ in range(count)]


def killed(sandbox, after, state):
    """Whether it was still at work."""
    running = sandbox.command(*EXERCISE, state=state)
    try:
        running.communicate(timeout=after)
    except subprocess.TimeoutExpired:
        running.send_signal(signal.SIGKILL)
        running.communicate()
        return True
    return False


def swept(sandbox, state):
    running = sandbox.command("prove", "-f", ACME, "--sweep", "-o", "json", state=state)
    out, err = running.communicate()
    assert running.returncode == 0, err
    return json.loads(out)["resources"]


def nothing_is_left(served_acme, tmp_path, after):
    with served_acme(make_look_alikes) as sandbox:
        before = inventory(sandbox)
        killed(sandbox, after, tmp_path / "this-machine")
        sandbox.post("advance", seconds=900)
        found = swept(sandbox, tmp_path / "another-machine")

        assert inventory(sandbox) == before, found
        assert {each["outcome"] for each in found} <= {"removed", "gone", "left"}
        left = [each["identifier"] for each in found if each["outcome"] == "left"]
        assert any("snapshot/" in each for each in left)
        assert any(each.endswith("orders") for each in left)
        assert swept(sandbox, tmp_path / "a-third-machine") == [each for each in found if each["outcome"] == "left"]


def test_killed_drills_are_swept_from_another_machine(served_acme, tmp_path):
    nothing_is_left(served_acme, tmp_path, 5.0)


@pytest.mark.slow
@pytest.mark.parametrize("after", moments(20, seed=20261127))
def test_drills_killed_at_any_moment_are_swept_from_another_machine(served_acme, tmp_path, after):
    nothing_is_left(served_acme, tmp_path, after)


def test_ctrl_c_cleans_up_and_exits_with_130(served_acme, tmp_path):
    with served_acme(make_look_alikes) as sandbox:
        before = inventory(sandbox)
        running = sandbox.command(*EXERCISE, state=tmp_path / "state")
        try:
            running.communicate(timeout=4)
        except subprocess.TimeoutExpired:
            running.send_signal(signal.SIGINT)
        _, told = running.communicate()

        assert running.returncode == 130, told
        assert "Traceback" not in told
        assert inventory(sandbox) == before
