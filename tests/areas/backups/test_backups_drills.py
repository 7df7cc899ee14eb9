"""The drills of backups on the applied example: what they say of it whole, and after something broke."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from baseops.areas.backups.sabotage import sabotages
from baseops.sandbox.faults import Fault
from baseops.workflow.load import load

ACME = load(Path(__file__).resolve().parents[3] / "examples" / "acme" / "baseops.yaml")
BREAKS = {each.name: each for each in sabotages(ACME.sections["backups"], ACME.site)}
QUICK = timedelta(0)
DAILY = [{"Name": "tag:baseops:backup", "Values": ["daily"]}]


def said(records):
    return {each["target"]: (each["verdict"], each["reason"]) for each in records}


def verdicts(records):
    return {each["target"]: each["verdict"] for each in records}


def volume_with(account, key, value):
    filters = [{"Name": f"tag:{key}", "Values": [value]}]
    return account.client("ec2").describe_volumes(Filters=filters)["Volumes"][0]["VolumeId"]


def test_what_is_observed_is_proven(acme_says):
    names = ("coverage", "copies", "retention", "policy", "sharing", "strays", "claims")

    found = verdicts(acme_says(*(f"backups/{each}" for each in names)))

    assert set(found.values()) == {"proven"}
    assert found.keys() >= {"backups.daily", "backups.daily/us-east-1", "backups.daily/role"}


def test_the_timeline_shows_each_snapshot_to_its_planned_deletion(acme_says):
    (record,) = acme_says("backups/coverage")
    lanes = {each["lane"] for each in record["spans"]}

    assert len(lanes) == 2
    assert all(each.startswith("vol-") for each in lanes)
    assert {each["end"][:10] for each in record["spans"]} >= {"2026-02-05", "2026-02-16"}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if each.passes == QUICK else [pytest.mark.slow]) for name, each in BREAKS.items()],
)
def test_each_break_is_refuted(acme_says, name):
    broken = BREAKS[name]

    records = acme_says(broken.drill, break_=broken.break_, passes=broken.passes)

    assert "refuted" in verdicts(records).values(), said(records)


@pytest.mark.slow
def test_snapshots_that_stopped_are_refuted_by_volume_with_the_newest_that_there_is(acme_says):
    broken = BREAKS["backups/daily-snapshots-stopped"]

    found = said(acme_says("backups/coverage", break_=broken.break_, passes=broken.passes))

    assert len(found) == 2
    assert all(re.search(r"of vol-\w+ is snap-[0-9a-f]{17}, 19\d\.\d h old$", reason) for _, reason in found.values())


@pytest.mark.slow
def test_recovery_points_that_ec2_does_not_show_count(acme_says):
    def back_up_elsewhere(account):
        dlm, backup = account.client("dlm"), account.client("backup")
        for each in dlm.get_lifecycle_policies()["Policies"]:
            dlm.update_lifecycle_policy(PolicyId=each["PolicyId"], State="DISABLED")
        backup.create_logically_air_gapped_backup_vault(
            BackupVaultName="vault", MinRetentionDays=7, MaxRetentionDays=30
        )
        account.clock.sleep(timedelta(days=7).total_seconds() - 7200)
        for key, value in (("Backup", "daily"), ("Data", "app")):
            arn = f"arn:aws:ec2:eu-west-1:111111111111:volume/{volume_with(account, key, value)}"
            backup.start_backup_job(
                BackupVaultName="vault", ResourceArn=arn, IamRoleArn="arn:aws:iam::111111111111:role/backup"
            )

    found = verdicts(acme_says("backups/coverage", break_=back_up_elsewhere, passes=timedelta(hours=2)))

    assert found == {"backups.daily": "proven"}


def test_a_volume_of_this_morning_needs_no_snapshot_yet(acme_says):
    def add(account):
        tags = [{"ResourceType": "volume", "Tags": [{"Key": "Backup", "Value": "daily"}]}]
        account.client("ec2").create_volume(AvailabilityZone="eu-west-1a", Size=8, TagSpecifications=tags)

    found = said(acme_says("backups/coverage", "backups/copies", "backups/retention", break_=add))

    assert found["backups.daily"][0] == "proven"
    assert {verdict for verdict, _ in found.values()} == {"proven"}


@pytest.mark.slow
def test_a_volume_that_never_got_a_snapshot_is_refuted_after_its_grace(acme_says):
    def add(account):
        dlm = account.client("dlm")
        tags = [{"ResourceType": "volume", "Tags": [{"Key": "Backup", "Value": "daily"}]}]
        account.client("ec2").create_volume(AvailabilityZone="eu-west-1a", Size=8, TagSpecifications=tags)
        for each in dlm.get_lifecycle_policies()["Policies"]:
            dlm.update_lifecycle_policy(PolicyId=each["PolicyId"], State="DISABLED")

    records = acme_says("backups/coverage", break_=add, passes=timedelta(days=2))

    assert any(reason.endswith("has no completed snapshot") for _, reason in said(records).values())


def test_copies_that_nobody_can_trace_are_inconclusive(acme_says):
    def lose_descriptions(account):
        ec2, there = account.client("ec2"), account.client("ec2", "us-east-1")
        for each in there.describe_snapshots(OwnerIds=["self"], Filters=DAILY)["Snapshots"]:
            there.delete_snapshot(SnapshotId=each["SnapshotId"])
        tags = [{"Key": "baseops:backup", "Value": "daily"}, {"Key": "baseops:declaration", "Value": "acme"}]
        source = ec2.describe_snapshots(OwnerIds=["self"], Filters=DAILY)["Snapshots"][-1]["SnapshotId"]
        specification = [{"ResourceType": "snapshot", "Tags": tags}]
        there.copy_snapshot(
            SourceRegion="eu-west-1", SourceSnapshotId=source, Description="by hand", TagSpecifications=specification
        )

    ((verdict, reason),) = said(acme_says("backups/copies", break_=lose_descriptions)).values()

    assert verdict == "inconclusive"
    assert "none names the snapshot that it is a copy of" in reason


@pytest.mark.slow
def test_a_locked_snapshot_may_stay_longer(acme_says):
    def lock_an_old_one(account):
        ec2 = account.client("ec2")
        held = ec2.describe_snapshots(OwnerIds=["self"], Filters=DAILY)
        oldest = min(held["Snapshots"], key=lambda each: each["StartTime"])
        ec2.lock_snapshot(SnapshotId=oldest["SnapshotId"], LockMode="governance", LockDuration=365)

    def overstay(account):
        account.client("dlm").update_lifecycle_policy(
            PolicyId=account.client("dlm").get_lifecycle_policies()["Policies"][0]["PolicyId"], State="DISABLED"
        )

    found = said(acme_says("backups/retention", break_=lock_an_old_one, passes=timedelta(days=25)))
    unlocked = said(acme_says("backups/retention", break_=overstay, passes=timedelta(days=25)))

    assert found["backups.daily"][0] == "proven"
    assert unlocked["backups.daily"][0] == "refuted"
    assert "and still there" in unlocked["backups.daily"][1]


def test_an_added_copy_rule_is_a_difference(acme_says):
    def add_a_region(account):
        dlm = account.client("dlm")
        policy = dlm.get_lifecycle_policy(PolicyId=dlm.get_lifecycle_policies()["Policies"][0]["PolicyId"])["Policy"]
        details = policy["PolicyDetails"]
        details["Schedules"][0]["CrossRegionCopyRules"].append({"Target": "eu-central-1", "Encrypted": False})
        dlm.update_lifecycle_policy(PolicyId=policy["PolicyId"], PolicyDetails=details)

    verdict, reason = said(acme_says("backups/policy", break_=add_a_region))["backups.daily"]

    assert verdict == "refuted"
    assert "differs from the declaration in Schedules[0].CrossRegionCopyRules" in reason


def test_deleted_snapshots_are_told_to_be_in_the_recycle_bin(acme_says):
    broken = BREAKS["backups/daily-a-week-deleted"]

    _, reason = said(acme_says("backups/retention", break_=broken.break_))["backups.daily"]

    assert "lacks 8 snapshots, the first of 2026-01-08 03:00 UTC" in reason
    assert "16 deleted ones are still in the Recycle Bin" in reason


def test_a_restored_volume_is_mounted_and_read(acme_says):
    records = acme_says("backups/restore")

    assert set(verdicts(records).values()) == {"proven"}
    assert len(records) == 2
    assert all(each["measures"]["rto_seconds"] >= each["measures"]["created_seconds"] for each in records)
    assert all(each["method"] == "exercised" for each in records)


def test_without_a_drill_subnet_nothing_is_restored(acme_says):
    def forget_the_subnet(account):
        account.client("ec2").delete_subnet(SubnetId="subnet-0b2c3d4e")

    ((verdict, reason),) = said(acme_says("backups/restore", break_=forget_the_subnet)).values()

    assert verdict == "inconclusive"
    assert "there is no subnet subnet-0b2c3d4e" in reason


def test_block_reads_end_at_the_accounts_first_throttling(acme_says):
    def throttle(account):
        account.faults.add(Fault("ebs", "GetSnapshotBlock", error="ThrottlingException"))

    found = said(acme_says("backups/read-back", break_=throttle))

    assert {verdict for verdict, _ in found.values()} == {"inconclusive"}
    assert any("backups of others need it too" in reason for _, reason in found.values())


def test_what_is_read_back_is_counted(acme_says):
    records = {each["target"].rpartition("/")[2]: each for each in acme_says("backups/read-back")}

    measures = records["app.db"]["measures"]
    assert measures["blocks_read"] >= 1
    assert measures["bytes"] == measures["blocks_read"] * 512 * 1024
    assert 0 < measures["cost_usd"] < 0.0001
    assert measures["file_bytes"] > 4096
    assert measures["file_age_seconds"] < 30 * 3600
