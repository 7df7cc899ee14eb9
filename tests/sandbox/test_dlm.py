"""Data Lifecycle Manager in the sandbox: what it takes, what it writes back, and what its policies do in time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from baseops.sandbox.account import Account, open_account

START = datetime(2026, 11, 1, tzinfo=UTC)
TRUST = '{"Version": "2012-10-17", "Statement": []}'
DAILY = {
    "Name": "daily",
    "CreateRule": {"Interval": 24, "Times": ["03:00"]},
    "RetainRule": {"Interval": 3, "IntervalUnit": "DAYS"},
    "TagsToAdd": [{"Key": "baseops:backup", "Value": "daily"}],
}
COPY = {
    "Target": "us-east-1",
    "Encrypted": True,
    "CopyTags": True,
    "RetainRule": {"Interval": 1, "IntervalUnit": "DAYS"},
}


@pytest.fixture
def account() -> Iterator[Account]:
    with open_account(start=START) as opened:
        yield opened


@pytest.fixture
def role(account) -> str:
    made = account.client("iam").create_role(RoleName="dlm", AssumeRolePolicyDocument=TRUST)
    return str(made["Role"]["Arn"])


def details(*schedules: dict[str, Any], **more: Any) -> dict[str, Any]:
    target = [{"Key": "Backup", "Value": "daily"}]
    return {"ResourceTypes": ["VOLUME"], "TargetTags": target, "Schedules": list(schedules or (DAILY,)), **more}


@pytest.fixture
def create(account, role) -> Callable[..., str]:
    def policy(policy_details: dict[str, Any] | None = None, **more: Any) -> str:
        given = {"ExecutionRoleArn": role, "Description": "backups daily", "State": "ENABLED", **more}
        made = account.client("dlm").create_lifecycle_policy(**given, PolicyDetails=policy_details or details())
        return str(made["PolicyId"])

    return policy


@pytest.fixture
def volume(account) -> str:
    tags = [{"ResourceType": "volume", "Tags": [{"Key": "Backup", "Value": "daily"}]}]
    made = account.client("ec2").create_volume(AvailabilityZone="eu-west-1a", Size=8, TagSpecifications=tags)
    return str(made["VolumeId"])


def snapshots(account: Account, region: str = "eu-west-1", **tags: str) -> list[dict[str, Any]]:
    filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in tags.items()]
    found = account.client("ec2", region).describe_snapshots(OwnerIds=["self"], Filters=filters)["Snapshots"]
    return sorted(
        (each for each in found if tags or "policy" in each["Description"]), key=lambda each: each["StartTime"]
    )


def sum_of(account: Account, policy_id: str, metric: str) -> float:
    found = account.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/EBS",
        MetricName=metric,
        Dimensions=[{"Name": "DLMPolicyId", "Value": policy_id}],
        StartTime=START,
        EndTime=account.clock.now() + timedelta(minutes=1),
        Period=86400,
        Statistics=["Sum"],
    )
    return sum(point["Sum"] for point in found["Datapoints"])


# --- what it takes ---


def test_what_is_left_out_is_written_back(account, create):
    policy = account.client("dlm").get_lifecycle_policy(PolicyId=create())["Policy"]["PolicyDetails"]
    assert (policy["PolicyType"], policy["PolicyLanguage"]) == ("EBS_SNAPSHOT_MANAGEMENT", "STANDARD")
    assert policy["ResourceLocations"] == ["CLOUD"]
    assert policy["Schedules"][0]["CreateRule"]["IntervalUnit"] == "HOURS"


def test_without_a_time_dlm_picks_one(account, create):
    schedule = {**DAILY, "CreateRule": {"Interval": 12}}
    policy = account.client("dlm").get_lifecycle_policy(PolicyId=create(details(schedule)))["Policy"]
    assert policy["PolicyDetails"]["Schedules"][0]["CreateRule"]["Times"] == ["01:00"]


ONE, FAILED = "1 validation error detected: Value", "failed to satisfy constraint"
BAD = {
    "a description with a slash": (
        {"Description": "a/b"},
        f"{ONE} 'a/b' at 'description' {FAILED}: Member must satisfy regular expression pattern: [0-9A-Za-z _-]+",
    ),
    "a state that only DLM sets": (
        {"State": "ERROR"},
        f"{ONE} 'ERROR' at 'state' {FAILED}: Member must satisfy enum value set: [DISABLED, ENABLED]",
    ),
    "a role that does not exist": (
        {"ExecutionRoleArn": "arn:aws:iam::111111111111:role/none"},
        "The role arn:aws:iam::111111111111:role/none does not exist or cannot be assumed by DLM.",
    ),
    "no schedules": (
        {"policy_details": {"ResourceTypes": ["VOLUME"], "TargetTags": [{"Key": "a", "Value": "b"}]}},
        "The following parameter(s) are required: Schedules",
    ),
    "an interval that DLM does not know": (
        {"policy_details": details({**DAILY, "CreateRule": {"Interval": 5, "Times": ["03:00"]}})},
        "Interval must be one of 1, 2, 3, 4, 6, 8, 12, 24.",
    ),
    "an interval and a cron": (
        {"policy_details": details({**DAILY, "CreateRule": {"Interval": 24, "CronExpression": "cron(0 3 * * ? *)"}})},
        "You must specify either CronExpression, or Interval, IntervalUnit, and Times.",
    ),
    "a cron every minute": (
        {"policy_details": details({**DAILY, "CreateRule": {"CronExpression": "cron(* * * * ? *)"}})},
        "The schedule interval must be between 1 hour and 1 year.",
    ),
    "a copy to its own region": (
        {"policy_details": details({**DAILY, "CrossRegionCopyRules": [{**COPY, "Target": "eu-west-1"}]})},
        "The target Region eu-west-1 must not be the Region of the policy.",
    ),
    "retention by count and by age": (
        {"policy_details": details(DAILY, {**DAILY, "Name": "weekly", "RetainRule": {"Count": 3}})},
        "All schedules must have the same retention type.",
    ),
    "an exclusion for volumes": (
        {"policy_details": details(Parameters={"ExcludeBootVolume": True})},
        "ExcludeBootVolume is supported only for policies that target instances.",
    ),
    "a daily archive": (
        {
            "policy_details": details(
                {
                    **DAILY,
                    "ArchiveRule": {"RetainRule": {"RetentionArchiveTier": {"Interval": 365, "IntervalUnit": "DAYS"}}},
                }
            )
        },
        "Snapshot archiving is supported only for schedules with a creation frequency of 28 days or more.",
    ),
}


@pytest.mark.parametrize(("given", "message"), BAD.values(), ids=BAD)
def test_a_bad_policy_is_refused(create, given, message):
    with pytest.raises(ClientError) as caught:
        create(**given)
    error = caught.value.response["Error"]
    assert (error["Code"], error["Message"]) == ("InvalidRequestException", message)


def test_a_policy_that_does_not_exist_is_named(account):
    with pytest.raises(ClientError) as caught:
        account.client("dlm").get_lifecycle_policy(PolicyId="policy-0abc")
    assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"
    assert caught.value.response["ResourceIds"] == ["policy-0abc"]


def test_the_type_of_resource_cannot_be_updated(account, create):
    policy_id = create()
    with pytest.raises(ClientError, match="You cannot update ResourceTypes of a policy"):
        account.client("dlm").update_lifecycle_policy(
            PolicyId=policy_id, PolicyDetails={**details(), "ResourceTypes": ["INSTANCE"]}
        )


def test_policies_are_found_by_their_target_tags(account, create):
    policy_id = create(Tags={"owner": "platform"})
    client = account.client("dlm")
    (found,) = client.get_lifecycle_policies(TargetTags=["Backup=daily"])["Policies"]
    assert (found["PolicyId"], found["Tags"]) == (policy_id, {"owner": "platform"})
    assert client.get_lifecycle_policies(TargetTags=["Backup=weekly"])["Policies"] == []


# --- what it does ---


def test_the_first_snapshot_starts_within_the_hour_after_its_time_and_takes_time(account, create, volume):
    create()
    account.clock.advance(to=datetime(2026, 11, 1, 2, 59, tzinfo=UTC))
    assert snapshots(account) == []
    account.clock.advance(to=datetime(2026, 11, 1, 4, 10, tzinfo=UTC))
    (made,) = snapshots(account)
    assert datetime(2026, 11, 1, 3, tzinfo=UTC) <= made["StartTime"] < datetime(2026, 11, 1, 4, tzinfo=UTC)
    assert (made["VolumeId"], made["State"]) == (volume, "completed")


def test_a_snapshot_carries_dlms_tags_and_the_schedules(account, create, volume):
    policy_id = create()
    account.clock.advance(to=datetime(2026, 11, 1, 4, 10, tzinfo=UTC))
    (made,) = snapshots(account)
    expires = (made["StartTime"] + timedelta(days=3)).astimezone(UTC)
    assert {tag["Key"]: tag["Value"] for tag in made["Tags"]} == {
        "aws:dlm:expirationTime": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:dlm:lifecycle-policy-id": policy_id,
        "aws:dlm:lifecycle-schedule-name": "daily",
        "baseops:backup": "daily",
        "dlm:managed": "true",
    }


def test_snapshots_are_deleted_at_their_age_and_counted(account, create, volume):
    policy_id = create()
    account.clock.advance(to=datetime(2026, 11, 8, 12, tzinfo=UTC))
    assert [each["StartTime"].astimezone(UTC).day for each in snapshots(account)] == [6, 7, 8]
    assert sum_of(account, policy_id, "SnapshotsCreateCompleted") == 8
    assert sum_of(account, policy_id, "SnapshotsDeleteCompleted") == 5
    assert sum_of(account, policy_id, "SnapshotsCreateFailed") == 0


def test_copies_have_a_volume_id_that_means_nothing_and_name_their_source(account, create, volume):
    policy_id = create(details({**DAILY, "CrossRegionCopyRules": [COPY]}))
    account.clock.advance(to=datetime(2026, 11, 1, 5, tzinfo=UTC))
    (source,) = snapshots(account)
    (copy,) = snapshots(account, "us-east-1", **{"baseops:backup": "daily"})
    assert (copy["VolumeId"], copy["Encrypted"]) == ("vol-ffffffff", True)
    assert source["SnapshotId"] in copy["Description"]
    assert [tag["Key"] for tag in copy["Tags"]] == ["baseops:backup"]
    assert sum_of(account, policy_id, "SnapshotsCopiedRegionCompleted") == 1
    account.clock.advance(to=datetime(2026, 11, 3, 12, tzinfo=UTC))
    assert len(snapshots(account, "us-east-1", **{"baseops:backup": "daily"})) == 1


def test_a_disabled_policy_makes_nothing_until_it_is_enabled(account, create, volume):
    policy_id = create(State="DISABLED")
    account.clock.advance(by=timedelta(days=2))
    assert snapshots(account) == []
    account.client("dlm").update_lifecycle_policy(PolicyId=policy_id, State="ENABLED")
    account.clock.advance(by=timedelta(hours=20))
    assert len(snapshots(account)) == 1


def test_a_deleted_policy_leaves_its_snapshots(account, create, volume):
    policy_id = create()
    account.clock.advance(by=timedelta(days=1))
    account.client("dlm").delete_lifecycle_policy(PolicyId=policy_id)
    account.clock.advance(by=timedelta(days=10))
    assert len(snapshots(account)) == 1


def test_a_policy_whose_role_is_gone_is_in_error(account, create, volume):
    policy_id = create()
    account.client("iam").delete_role(RoleName="dlm")
    account.clock.advance(by=timedelta(days=1))
    policy = account.client("dlm").get_lifecycle_policy(PolicyId=policy_id)["Policy"]
    assert (policy["State"], policy["StatusMessage"]) == (
        "ERROR",
        "Role provided does not have sufficient permissions",
    )
    assert snapshots(account) == []


def test_an_instance_policy_makes_snapshots_of_all_volumes_but_those_excluded(account, create):
    ec2 = account.client("ec2")
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "Backup", "Value": "daily"}]}]
    (made,) = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, TagSpecifications=tags)["Instances"]
    zone = made["Placement"]["AvailabilityZone"]
    volumes = [ec2.create_volume(AvailabilityZone=zone, Size=8)["VolumeId"] for _ in range(2)]
    for device, each in zip(("/dev/sdf", "/dev/sdg"), volumes, strict=True):
        ec2.attach_volume(InstanceId=made["InstanceId"], VolumeId=each, Device=device)
    ec2.create_tags(Resources=[volumes[1]], Tags=[{"Key": "Scratch", "Value": "yes"}])
    exclusions = {"ExcludeBootVolume": True, "ExcludeDataVolumeTags": [{"Key": "Scratch", "Value": "yes"}]}
    schedule = {**DAILY, "VariableTags": [{"Key": "Instance", "Value": "$(instance-id)"}]}
    create({**details(schedule), "ResourceTypes": ["INSTANCE"], "Parameters": exclusions})
    account.clock.advance(by=timedelta(hours=5))
    (snapshot,) = snapshots(account)
    assert snapshot["VolumeId"] == volumes[0]
    assert {"Key": "Instance", "Value": made["InstanceId"]} in snapshot["Tags"]


def test_snapshots_are_shared_and_unshared(account, create, volume):
    rule = {"TargetAccounts": ["222222222222"], "UnshareInterval": 1, "UnshareIntervalUnit": "DAYS"}
    create(details({**DAILY, "ShareRules": [rule]}))
    account.clock.advance(to=datetime(2026, 11, 1, 5, tzinfo=UTC))
    (made,) = snapshots(account)

    def shared_with() -> list[dict[str, str]]:
        found = account.client("ec2").describe_snapshot_attribute(
            SnapshotId=made["SnapshotId"], Attribute="createVolumePermission"
        )
        return found["CreateVolumePermissions"]

    assert shared_with() == [{"UserId": "222222222222"}]
    account.clock.advance(by=timedelta(days=1))
    assert shared_with() == []
