"""Backups in a sandbox account: their world, preflight, apply, status, what is pending, destroy."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from baseops.areas.backups import account as backups
from baseops.areas.backups import world
from baseops.areas.backups.settings import SnapshotBlockPublicAccess
from baseops.contract.lock import Lock
from baseops.contract.refs import Refs
from baseops.sandbox.account import Account, open_account
from baseops.sandbox.services.dlm.policies import Dlm
from baseops.workflow.apply import apply
from baseops.workflow.compile import compile_declaration
from baseops.workflow.destroy import destroy
from baseops.workflow.status import status

DAILY = """account: {backups: {block_public_access: block-new-sharing, recycle_bin: {snapshots: {retain: 7d}}}}
backups:
  daily:
    target: {resource: volume, tags: {Backup: daily}}
    schedule: {interval: 24h, time: "03:00"}
    retain: {age: 30d}
    copies: [{region: us-east-1, retain: 7d}]
    promise: {rpo: 30h, copy_rpo: 40h}
    read:
      - {volume: root, path: /etc/fstab, min_size: 1}
      - {volume: {tags: {Data: app}}, path: /app.db, check: sqlite-integrity}
"""
TRUST = '{"Version": "2012-10-17", "Statement": []}'


@pytest.fixture
def account() -> Iterator[Account]:
    with open_account(start=datetime(2026, 11, 1, tzinfo=UTC)) as opened:
        yield opened


def preflight(declaration, account):
    return {
        each.rule: each.message
        for each in backups.preflight(declaration.sections["backups"], declaration.site, account)
    }


def volumes(account, **tags):
    filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in tags.items()]
    return account.client("ec2").describe_volumes(Filters=filters)["Volumes"]


def test_the_world_has_a_host_with_a_root_and_the_data_volumes_that_are_named(declared, account):
    declaration = declared(DAILY)
    world.build(declaration.sections["backups"], account, declaration.site)
    selected = volumes(account, Backup="daily")
    devices = sorted(each["Attachments"][0]["Device"] for each in selected)
    assert devices == ["/dev/sdf", "/dev/xvda"]
    assert len(volumes(account, Backup="daily", Data="app")) == 1


def test_the_world_of_instances_tags_instances_and_not_their_volumes(full, account):
    world.build(full.sections["backups"], account, full.site)
    found = account.client("ec2").describe_instances(Filters=[{"Name": "tag:Role", "Values": ["db"]}])
    assert len(found["Reservations"]) == 1
    assert len(volumes(account, Scratch="yes")) == 1


def test_preflight_says_when_there_is_nothing_to_back_up(declared, account):
    assert preflight(declared(DAILY), account) == {
        "backups.target-empty": "no volume in eu-west-1 has the tag Backup=daily, so there is nothing to back up yet"
    }


def test_preflight_finds_a_policy_of_somebody_else_on_the_same_tag(declared, account):
    role = account.client("iam").create_role(RoleName="dlm", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    schedule = {"Name": "a", "CreateRule": {"Interval": 24, "Times": ["01:00"]}, "RetainRule": {"Count": 3}}
    made = account.client("dlm").create_lifecycle_policy(
        ExecutionRoleArn=role,
        Description="by hand",
        State="ENABLED",
        PolicyDetails={
            "ResourceTypes": ["VOLUME"],
            "TargetTags": [{"Key": "Backup", "Value": "daily"}],
            "Schedules": [schedule],
        },
    )
    said = preflight(declared(DAILY), account)["backups.policy-of-others"]
    assert f"the DLM policy {made['PolicyId']} (by hand) selects Backup=daily too" in said


def test_preflight_finds_volumes_that_can_never_be_shared(declared, account):
    share = '    share: {accounts: ["222222222222"]}\n'
    ec2 = account.client("ec2")
    zone = ec2.describe_availability_zones()["AvailabilityZones"][0]["ZoneName"]
    tags = [{"ResourceType": "volume", "Tags": [{"Key": "Backup", "Value": "daily"}]}]
    volume = ec2.create_volume(AvailabilityZone=zone, Size=8, Encrypted=True, TagSpecifications=tags)["VolumeId"]
    said = preflight(declared(DAILY + share), account)
    assert said["backups.shared-under-default-key"] == (
        f"{volume}: encrypted under aws/ebs, and snapshots under that key can never be shared"
    )


def test_preflight_finds_a_script_that_does_not_exist(full, account):
    assert preflight(full, account)["backups.no-such-document"] == (
        "there is no SSM document flush-database in eu-west-1"
    )


def test_a_stronger_block_than_declared_is_left_alone(declared, account):
    account.client("ec2").enable_snapshot_block_public_access(State="block-all-sharing")
    setting = SnapshotBlockPublicAccess("eu-west-1", "block-new-sharing")
    assert "block-is-stronger" in str(sorted(preflight(declared(DAILY), account)))
    assert setting.unset_reason(setting.read(account)) == (
        "eu-west-1 has block-all-sharing, which is stronger; write block_public_access: block-all-sharing"
    )


def test_letting_go_of_the_block_never_weakens_it(account):
    setting = SnapshotBlockPublicAccess("eu-west-1", "block-all-sharing")
    setting.write(account)
    setting.restore(account, "unblocked")
    assert setting.read(account) == "block-all-sharing"


def test_backups_are_applied_stay_as_they_are_and_go(declared, account):
    declaration = declared(DAILY)
    section = declaration.sections["backups"]
    world.build(section, account, declaration.site)
    compiled = compile_declaration(declaration, Lock())

    first = apply(compiled, account, account.clock)
    again = apply(compiled, account, account.clock)
    found = status(compiled, account, account.clock)

    (policy,) = account.client("dlm").get_lifecycle_policies()["Policies"]
    assert (policy["Description"], policy["State"]) == ("baseops-acme backups daily", "ENABLED")
    assert len(account.client("rbin", "us-east-1").list_rules(ResourceType="EBS_SNAPSHOT")["Rules"]) == 1
    assert [each.message for each in first.pending] == [
        "there is no snapshot yet; DLM starts within the hour after 03:00 UTC"
    ]
    assert not again.changed
    assert not found.has_drifted

    destroy(declaration.site, account, account.clock)
    assert account.client("dlm").get_lifecycle_policies()["Policies"] == []
    assert account.client("ec2").get_snapshot_block_public_access_state()["State"] == "block-new-sharing"
    assert apply(compiled, account, account.clock).changed


def test_a_policy_in_error_is_pending(declared, account):
    declaration = declared(DAILY)
    section, refs = declaration.sections["backups"], Refs(declaration.site)
    apply(compile_declaration(declaration, Lock()), account, account.clock)
    (policy,) = account.client("dlm").get_lifecycle_policies()["Policies"]
    Dlm.of(account.account_id, "eu-west-1").fail(
        policy["PolicyId"], "Role provided does not have sufficient permissions"
    )
    rules = [each.rule for each in backups.pending(section, refs, account)]
    assert rules == ["backups.policy-in-error", "backups.no-snapshot-yet"]
