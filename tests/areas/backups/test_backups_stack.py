"""Backups as CloudFormation: what matters of each resource, written by hand."""

from __future__ import annotations

import json

import pytest

from baseops.areas.backups import stack as backups
from baseops.contract.needs import KeyNeed

DAILY = """backups:
  daily:
    target: {resource: volume, tags: {Backup: daily}}
    schedule: {interval: 24h, time: "03:00"}
    retain: {age: 30d}
    promise: {rpo: 30h}
"""
SHARED = DAILY + '    copies: [{region: eu-central-1, retain: 30d, account: "222222222222"}]\n'


def statements(resources, sid):
    policies = resources["ExecutionRole"]["Properties"]["Policies"]
    return next(each for each in policies[0]["PolicyDocument"]["Statement"] if each["Sid"] == sid)


def schedule_of(resources, title="DailyPolicy"):
    return resources[title]["Properties"]["PolicyDetails"]["Schedules"][0]


def test_a_volume_backup_is_one_policy(declared, compiled):
    policy = compiled(declared(DAILY))["DailyPolicy"]["Properties"]
    assert policy == {
        "Description": "baseops-acme backups daily",
        "State": "ENABLED",
        "ExecutionRoleArn": {"Fn::GetAtt": ["ExecutionRole", "Arn"]},
        "PolicyDetails": {
            "PolicyType": "EBS_SNAPSHOT_MANAGEMENT",
            "ResourceTypes": ["VOLUME"],
            "ResourceLocations": ["CLOUD"],
            "TargetTags": [{"Key": "Backup", "Value": "daily"}],
            "Schedules": [
                {
                    "Name": "daily",
                    "CreateRule": {"Interval": 24, "IntervalUnit": "HOURS", "Times": ["03:00"], "Location": "CLOUD"},
                    "RetainRule": {"Interval": 30, "IntervalUnit": "DAYS"},
                    "CopyTags": False,
                    "TagsToAdd": [
                        {"Key": "baseops:backup", "Value": "daily"},
                        {"Key": "baseops:declaration", "Value": "acme"},
                    ],
                }
            ],
        },
        "Tags": [{"Key": "baseops:declaration", "Value": "acme"}],
    }


def test_copies_name_target_and_key_and_keep_tags(declared, compiled):
    """Snapshot policies say Target, not TargetRegion; a copy under aws/ebs could never be shared."""
    (rule,) = schedule_of(compiled(declared()))["CrossRegionCopyRules"]
    assert rule == {
        "Target": "us-east-1",
        "Encrypted": True,
        "CmkArn": {"Ref": "BackupsKeyArnUsEast1"},
        "CopyTags": True,
        "RetainRule": {"Interval": 7, "IntervalUnit": "DAYS"},
    }


def test_a_copy_in_another_account_is_shared_for_a_week(declared, compiled):
    resources = compiled(declared(SHARED))
    schedule = schedule_of(resources)
    assert schedule["ShareRules"] == [
        {"TargetAccounts": ["222222222222"], "UnshareInterval": 7, "UnshareIntervalUnit": "DAYS"}
    ]
    assert "CrossRegionCopyRules" not in schedule
    assert "ec2:ModifySnapshotAttribute" in statements(resources, "KeepOwnSnapshots")["Action"]


def test_the_role_is_for_dlm_of_this_account_alone(declared, compiled):
    trust = compiled(declared())["ExecutionRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust == [
        {
            "Effect": "Allow",
            "Principal": {"Service": "dlm.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
        }
    ]


def test_the_role_deletes_only_what_carries_our_tag(declared, compiled):
    statement = statements(compiled(declared()), "KeepOwnSnapshots")
    assert statement["Action"] == ["ec2:DeleteSnapshot"]
    assert statement["Condition"] == {"StringEquals": {"aws:ResourceTag/baseops:declaration": "acme"}}


def test_grants_are_allowed_on_both_keys_of_a_copy_and_for_aws_resources_only(declared, compiled):
    statement = statements(compiled(declared()), "GrantKeys")
    assert statement["Resource"] == [{"Ref": "BackupsKeyArn"}, {"Ref": "BackupsKeyArnUsEast1"}]
    assert statement["Condition"] == {"Bool": {"kms:GrantIsForAWSResource": "true"}}


def test_any_key_of_the_account_serves_volumes_through_ec2_only(declared, compiled):
    condition = statements(compiled(declared(DAILY)), "UseKeysOfVolumes")["Condition"]
    assert condition == {"StringEquals": {"kms:ViaService": ["ec2.eu-west-1.amazonaws.com"]}}


def test_an_alarm_rings_when_no_snapshot_completes_within_the_rpo(declared, compiled):
    alarm = compiled(declared(DAILY))["DailyMissingAlarm"]["Properties"]
    assert alarm["AlarmName"] == "baseops-acme-backups-daily-missing"
    assert (alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"]) == (30, 30)
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 1)
    assert alarm["TreatMissingData"] == "breaching"
    assert alarm["WarmUpConfiguration"] == {"WarmUpPeriodDurationInMinutes": 1800}
    completed, hourly = alarm["Metrics"]
    assert completed["MetricStat"] == {
        "Metric": {
            "Namespace": "AWS/EBS",
            "MetricName": "SnapshotsCreateCompleted",
            "Dimensions": [{"Name": "DLMPolicyId", "Value": {"Ref": "DailyPolicy"}}],
        },
        "Period": 3600,
        "Stat": "Sum",
    }
    assert (hourly["Expression"], hourly["ReturnData"]) == ("FILL(completed, 0)", True)


@pytest.mark.parametrize(("rpo", "has_alarm"), [("7d", True), ("8d", False)])
def test_no_alarm_looks_back_over_more_than_seven_days(declared, compiled, rpo, has_alarm):
    resources = compiled(declared(DAILY.replace("rpo: 30h", f"rpo: {rpo}")))
    assert ("DailyMissingAlarm" in resources) is has_alarm
    assert "DailyFailedAlarm" in resources


def test_copies_have_alarms_of_their_own(declared, compiled):
    resources = compiled(declared())
    assert resources["DailyCopyMissingAlarm"]["Properties"]["EvaluationPeriods"] == 40
    assert resources["DailyCopyFailedAlarm"]["Properties"]["MetricName"] == "SnapshotsCopiedRegionFailed"


def test_events_tell_of_policies_in_error_and_of_failed_snapshots(declared, compiled):
    """DLM's own event covers ERROR only, so EBS's events of failed snapshots are told too."""
    resources = compiled(declared(DAILY))
    error = resources["PolicyErrorRule"]["Properties"]
    failed = resources["SnapshotFailedRule"]["Properties"]["EventPattern"]
    assert error["EventPattern"] == {
        "source": ["aws.dlm"],
        "detail-type": ["DLM Policy State Change"],
        "detail": {"state": ["ERROR"]},
    }
    assert error["Targets"] == [{"Id": "alerts", "Arn": {"Ref": "AlertTopicArn"}}]
    assert failed["detail"]["result"] == ["failed"]


def test_a_disabled_policy_has_no_alarms(declared, compiled):
    resources = compiled(declared(DAILY + "    enabled: false\n"))
    assert resources["DailyPolicy"]["Properties"]["State"] == "DISABLED"
    assert [title for title in resources if title.endswith("Alarm")] == []


def test_what_somebody_else_makes_becomes_nothing(declared, compiled):
    text = "backups: {theirs: {managed: false, target: {resource: volume, tags: {A: b}}, promise: {rpo: 30h}}}\n"
    declaration = declared(text)
    needs = backups.needs(declaration.sections["backups"], declaration.site)
    assert compiled(declaration) == {}
    assert (needs.keys, dict(needs.publishers)) == ((), {})
    assert "observe" in needs.drill_statements


def test_needs_are_keys_where_copies_go_and_who_publishes_where(declared):
    declaration = declared(SHARED.replace("copies: [", "copies: [{region: us-east-1, retain: 7d}, "))
    needs = backups.needs(declaration.sections["backups"], declaration.site)
    services = frozenset({"dlm", "ebs"})
    assert needs.keys == (
        KeyNeed("backups", "eu-west-1", services, shared_with=frozenset({"222222222222"})),
        KeyNeed("backups", "us-east-1", services),
    )
    assert needs.publishers == {"eu-west-1": frozenset({"cloudwatch", "events"}), "us-east-1": frozenset({"events"})}


def test_a_copy_under_a_named_key_needs_no_other(declared):
    key = "arn:aws:kms:us-east-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    declaration = declared(DAILY + f'    copies: [{{region: us-east-1, retain: 7d, key: "{key}"}}]\n')
    needs = backups.needs(declaration.sections["backups"], declaration.site)
    assert [need.region for need in needs.keys] == ["eu-west-1"]


def test_the_recycle_bin_has_a_rule_in_every_region_when_claimed(full, compiled):
    here, there = compiled(full), compiled(full, "us-east-1")
    rule = here["SnapshotRecycleBin"]
    assert rule["Properties"]["RetentionPeriod"] == {"RetentionPeriodUnit": "DAYS", "RetentionPeriodValue": 7}
    assert rule["Properties"]["ExcludeResourceTags"] == [{"ResourceTagKey": "Scratch", "ResourceTagValue": "yes"}]
    assert there["ImageRecycleBin"]["Properties"]["ResourceType"] == "EC2_IMAGE"
    assert "DeletionPolicy" not in there["ImageRecycleBin"]


def test_a_locked_rule_is_kept_so_that_the_stack_can_be_deleted(full, compiled):
    rule = compiled(full)["SnapshotRecycleBin"]
    assert rule["Properties"]["LockConfiguration"] == {"UnlockDelayUnit": "DAYS", "UnlockDelayValue": 7}
    assert rule["DeletionPolicy"] == "Retain"


def test_a_further_region_hears_of_failed_copies(declared, compiled):
    assert "SnapshotFailedRule" in compiled(declared(), "us-east-1")
    assert compiled(declared(DAILY), "us-east-1") == {}


def test_received_snapshots_are_copied_by_an_event_policy(full, compiled):
    resources = compiled(full)
    details = resources["FromProductionPolicy"]["Properties"]["PolicyDetails"]
    (action,) = details["Actions"]
    assert details["PolicyType"] == "EVENT_BASED_POLICY"
    assert details["EventSource"] == {
        "Type": "MANAGED_CWE",
        "Parameters": {
            "EventType": "shareSnapshot",
            "SnapshotOwner": ["555555555555"],
            "DescriptionRegex": ".*production.*",
        },
    }
    assert [copy["Target"] for copy in action["CrossRegionCopy"]] == ["eu-west-1", "us-east-1"]
    assert statements(resources, "WatchForSharedSnapshots")["Resource"]["Fn::Sub"].endswith(
        "rule/AwsDataLifecycleRule.managed-cwe.*"
    )


def test_frozen_file_systems_thaw_even_if_nobody_asks(full, compiled):
    resources = compiled(full)
    document = resources["DatabaseHourlyFreezeDocument"]["Properties"]
    commands = document["Content"]["mainSteps"][0]["inputs"]["runCommand"]
    background = next(number for number, line in enumerate(commands) if "sleep 60; thaw" in line)
    freeze = next(number for number, line in enumerate(commands) if "fsfreeze --freeze" in line)
    (script,) = schedule_of(resources, "DatabasePolicy")["CreateRule"]["Scripts"]
    assert background < freeze
    assert script["ExecutionHandler"] == {"Ref": "DatabaseHourlyFreezeDocument"}
    assert script["ExecuteOperationOnScriptFailure"] is False
    assert document["Name"] == "baseops-acme-database-hourly-freeze"


def test_the_same_declaration_gives_the_same_bytes(full, compiled):
    assert json.dumps(compiled(full)) == json.dumps(compiled(full))


def test_a_hundred_backups_stay_within_one_role(declared, compiled):
    many = "backups:\n" + "".join(
        f"  b{number}: {{target: {{resource: volume, tags: {{Backup: b{number}}}}}, schedule: {{interval: 24h, "
        f'time: "03:00"}}, retain: {{age: 30d}}, promise: {{rpo: 30h}}}}\n'
        for number in range(60)
    )
    resources = compiled(declared(many))
    policy = resources["ExecutionRole"]["Properties"]["Policies"][0]["PolicyDocument"]
    assert len(json.dumps(policy)) < 10_240
