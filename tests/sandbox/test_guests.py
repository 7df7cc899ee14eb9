"""Commands in guests: over the files of their root volume, at the account's time, as the instance's role."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from baseops.sandbox import ext4_images, guests
from baseops.sandbox.account import Account, open_account
from baseops.sandbox.guest import base_root, rpm_database
from baseops.snapshots.blocks import InMemoryBlocks
from baseops.snapshots.device import Device
from baseops.snapshots.files import Snapshot
from baseops.snapshots.opening import open_image

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
STOCK = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
NAME = "al2023-ami-2023.6.20251230.0-kernel-6.1-x86_64"

why_not = guests.why_not() or ext4_images.why_not()
runs_guests = pytest.mark.skipif(bool(why_not), reason=why_not or "")


@pytest.fixture
def account() -> Iterator[Account]:
    with open_account(start=START) as opened:
        yield opened


@pytest.fixture
def instance(account: Account) -> str:
    """A managed one of Amazon's own image, whose role may speak to Systems Manager and no more."""
    iam = account.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam.create_role(
        RoleName="web", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )
    iam.attach_role_policy(RoleName="web", PolicyArn="arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore")
    iam.create_instance_profile(InstanceProfileName="web")
    iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName="web")
    return launched(account, IamInstanceProfile={"Name": "web"})


def launched(account: Account, **more: Any) -> str:
    image = account.client("ssm").get_parameter(Name=STOCK)["Parameter"]["Value"]
    made = account.client("ec2").run_instances(ImageId=image, MinCount=1, MaxCount=1, InstanceType="t3.micro", **more)
    account.clock.advance(by=timedelta(minutes=5))
    return str(made["Instances"][0]["InstanceId"])


def said(account: Account, instance: str, *commands: str) -> tuple[str, str, str]:
    """How a command ended, its output and its errors."""
    ssm = account.client("ssm")
    sent = ssm.send_command(
        DocumentName="AWS-RunShellScript", InstanceIds=[instance], Parameters={"commands": list(commands)}
    )["Command"]["CommandId"]
    account.clock.advance(by=timedelta(seconds=30))
    found = ssm.get_command_invocation(CommandId=sent, InstanceId=instance)
    return found["StatusDetails"], found["StandardOutputContent"], found["StandardErrorContent"]


def root_of(account: Account, instance: str) -> str:
    (found,) = account.client("ec2").describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"]
    (mapping,) = [each for each in found["BlockDeviceMappings"] if each["DeviceName"] == found["RootDeviceName"]]
    return str(mapping["Ebs"]["VolumeId"])


def snapshot_of(account: Account, volume: str) -> Snapshot:
    made = account.client("ec2").create_snapshot(VolumeId=volume)["SnapshotId"]
    account.clock.advance(by=timedelta(hours=1))
    ebs = account.client("ebs")
    blocks = {
        each["BlockIndex"]: ebs.get_snapshot_block(SnapshotId=made, **each)["BlockData"].read()
        for each in ebs.list_snapshot_blocks(SnapshotId=made)["Blocks"]
    }
    return open_image(Device(InMemoryBlocks(blocks, 8 << 30)))


# --- Amazon's own images ---


@pytest.mark.skipif(bool(ext4_images.why_not()), reason=ext4_images.why_not() or "")
def test_an_instance_starts_from_the_files_of_its_image(account, instance):
    found = snapshot_of(account, root_of(account, instance))

    assert b'PRETTY_NAME="Amazon Linux 2023.6.20251230"' in found.open("/etc/os-release").read()
    assert found.open("/etc/system-release").read() == b"Amazon Linux release 2023.6.20251230 (Amazon Linux)\n"
    assert [name for name in found.listdir("/etc/ssh") if "host" in name] == []
    assert found.listdir("/root") == []
    assert found.stat("/etc/shadow").permissions == (0 if os.geteuid() == 0 else 0o600)
    assert found.exists("/etc/systemd/system/multi-user.target.wants/amazon-ssm-agent.service")


def test_the_package_database_says_how_old_the_base_is(tmp_path: Path):
    base_root.make(tmp_path, NAME)

    system = rpm_database.package(tmp_path, "system-release")

    assert system is not None
    assert system.label == "system-release-2023.6.20251230-0.amzn2023.noarch"
    assert datetime.fromtimestamp(system.built, UTC) == datetime(2025, 12, 30, tzinfo=UTC)
    agent = rpm_database.package(tmp_path, "amazon-ssm-agent")
    assert agent is not None
    assert agent.files["/usr/bin/amazon-ssm-agent"][1] == 0o100755


@pytest.mark.skipif(not shutil.which("rpm"), reason="this machine has no rpm")
def test_rpm_reads_the_package_database(tmp_path: Path):
    base_root.make(tmp_path, NAME)
    command = ["rpm", "--define", "_db_backend sqlite", "--dbpath", str(tmp_path / "var/lib/rpm"), "-qa"]

    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()

    assert "system-release-2023.6.20251230-0.amzn2023.noarch" in listed
    assert len(listed) == 16


# --- commands ---


@runs_guests
def test_what_a_command_writes_is_in_the_next_snapshot(account, instance):
    ended = said(
        account, instance, "echo hello > /root/greeting", "echo '#!/bin/sh' > /usr/local/bin/own", "date -u +%F"
    )
    found = snapshot_of(account, root_of(account, instance))

    assert ended == ("Success", "2026-01-05\n", "")
    assert found.open("/root/greeting").read() == b"hello\n"
    assert found.stat("/root/greeting").modified == START + timedelta(minutes=5, seconds=1)
    assert found.listdir("/usr/local/bin") == ["own"]
    assert not found.exists("/usr/bin/python3")


@runs_guests
def test_a_command_in_a_copy_of_the_account_leaves_the_original_alone(account, instance):
    said(account, instance, "echo first > /root/a")

    def in_the_copy() -> tuple[str, str, str]:
        said(account, instance, "echo second > /root/a; touch /root/b")
        return said(account, instance, "cat /root/a; ls /root")

    assert account.fork(in_the_copy) == ("Success", "second\na\nb\n", "")
    assert said(account, instance, "cat /root/a; ls /root") == ("Success", "first\na\n", "")


@runs_guests
def test_a_guest_cannot_reach_the_machine_below_it(account, instance):
    tried = ("echo 1 > /proc/sys/kernel/dmesg_restrict", "mknod /tmp/disk b 254 0", "/bin/mount -t tmpfs x /mnt")
    ended, output, errors = said(account, instance, *tried, "ls /dev | grep vd")

    assert (ended, output) == ("Failed", "")
    assert errors.count("Read-only file system") == 1
    assert errors.lower().count("not permitted") + errors.lower().count("permission denied") == 2


def test_an_instance_without_a_profile_is_no_managed_node(account, instance):
    bare = launched(account)

    with pytest.raises(ClientError, match="not in a valid state"):
        said(account, bare, "true")


def managed(account: Account) -> list[str]:
    found = account.client("ssm").describe_instance_information()["InstanceInformationList"]
    return [each["InstanceId"] for each in found]


@runs_guests
def test_an_instance_whose_agent_is_stopped_or_gone_does_not_answer(account, instance):
    assert managed(account) == [instance]

    said(account, instance, "systemctl stop amazon-ssm-agent")
    without = launched(account, IamInstanceProfile={"Name": "web"})
    account.write_files(root_of(account, without), {"/usr/bin/amazon-ssm-agent": None})

    assert managed(account) == []


def test_an_instance_that_is_not_let_out_does_not_answer(account, instance):
    ec2 = account.client("ec2")
    group = ec2.create_security_group(GroupName="closed", Description="closed", VpcId=vpc(account))["GroupId"]
    ec2.revoke_security_group_egress(
        GroupId=group, IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    )
    launched(account, IamInstanceProfile={"Name": "web"}, SecurityGroupIds=[group])

    assert managed(account) == [instance]


def vpc(account: Account) -> str:
    return str(account.client("ec2").create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"])


# --- programs ---


@runs_guests
def test_packages_come_with_their_files_and_are_in_the_database(account, instance):
    ended, output, errors = said(
        account, instance, "nginx -t || echo none", "dnf -y install nginx >/dev/null", "nginx -t", "rpm -q nginx",
        "systemctl is-enabled nginx", "systemctl enable --now nginx", "systemctl is-active nginx",
    )  # fmt: skip

    assert (ended, output) == ("Success", "none\nnginx-1.26.2-1.amzn2023.0.1.x86_64\ndisabled\nactive\n")
    assert "configuration file /etc/nginx/nginx.conf test is successful" in errors
    assert snapshot_of(account, root_of(account, instance)).stat("/usr/sbin/nginx").permissions == 0o755


@runs_guests
def test_a_system_moves_to_the_release_that_is_asked_for_and_no_further(account, instance):
    ended, output, errors = said(
        account, instance, "dnf -q --releasever=2023.6.20260102 check-update; echo $?", "dnf -y upgrade >/dev/null",
        "rpm -q --qf '%{version}\\n' system-release", "dnf -y --releasever=2023.6.20260102 upgrade >/dev/null",
        "rpm -q --qf '%{version}\\n' system-release", "dnf -y --releasever=2023.7.20270105 upgrade >/dev/null",
    )  # fmt: skip

    assert output.splitlines()[1:] == ["100", "2023.6.20251230", "2023.6.20260102"]
    assert ended == "Failed"
    assert "Status code: 404" in errors


@runs_guests
def test_what_needs_a_network_is_said(account, instance):
    ended, _, errors = said(account, instance, "dnf -y install tmux || curl -s https://example.com")

    assert ended == "Failed"
    assert errors.splitlines()[:2] == [
        "not exercised: dnf install tmux: the sandbox's repository has no such package",
        "not exercised: curl -s https://example.com: guests of the sandbox have no network",
    ]


@runs_guests
def test_aws_in_a_guest_is_the_instances_role(account, instance):
    account.client("secretsmanager").create_secret(Name="app/db", SecretString="hush")
    account.client("ssm").put_parameter(Name="/app/level", Value="info", Type="String")
    account.enforce()

    ended, output, errors = said(
        account, instance, "aws sts get-caller-identity --query Arn --output text",
        "aws ssm get-parameters --names /app/level --query 'Parameters[0].[Value, Version]' --output text",
        "aws secretsmanager get-secret-value --secret-id app/db --query VersionId --output text; echo $?",
    )  # fmt: skip

    assert ended == "Success"
    assert output.splitlines() == [f"arn:aws:sts::111111111111:assumed-role/web/{instance}", "info\t1", "254"]
    assert "An error occurred (AccessDeniedException) when calling the GetSecretValue operation" in errors
    account.clock.advance(by=timedelta(minutes=20))
    wanted = [{"AttributeKey": "EventName", "AttributeValue": "GetSecretValue"}]
    (event,) = account.client("cloudtrail").lookup_events(LookupAttributes=wanted)["Events"]
    assert (event["Username"], json.loads(event["CloudTrailEvent"])["errorCode"]) == (instance, "AccessDenied")


@runs_guests
def test_the_cloudwatch_agent_fetches_its_configuration(account, instance):
    account.client("ssm").put_parameter(Name="AmazonCloudWatch-web", Value='{"logs": {}}', Type="String")
    ctl = "/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl"

    ended, output, _ = said(
        account, instance, "dnf -y install amazon-cloudwatch-agent >/dev/null",
        f"{ctl} -m ec2 -a fetch-config -c ssm:AmazonCloudWatch-web -s", f"{ctl} -a status | grep status",
        "cat /opt/aws/amazon-cloudwatch-agent/etc/amazon-cloudwatch-agent.d/ssm_AmazonCloudWatch-web",
    )  # fmt: skip

    assert ended == "Success"
    assert output.splitlines()[1:] == ['  "status": "running",', '  "configstatus": "configured",', '{"logs": {}}']


# --- volumes and power ---


def attached(account: Account, instance: str, files: dict[str, bytes | None]) -> str:
    ec2 = account.client("ec2")
    volume = str(ec2.create_volume(AvailabilityZone="eu-west-1a", Size=1)["VolumeId"])
    ec2.attach_volume(VolumeId=volume, InstanceId=instance, Device="/dev/sdf")
    if files:
        account.write_files(volume, files)
    return volume


@runs_guests
def test_an_attached_volume_is_mounted_by_any_of_its_names_until_it_is_unmounted(account, instance):
    volume = attached(account, instance, {"/app.db": b"rows\n"})
    nitro = f"/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_{volume.replace('-', '')}"

    first = said(account, instance, f"mount {nitro} /mnt && cat /mnt/app.db && echo more > /mnt/new")
    second = said(account, instance, "mountpoint -q /mnt && cat /mnt/new; umount /mnt; ls /mnt", "mount /dev/xvdz /mnt")

    assert first == ("Success", "rows\n", "")
    assert second[:2] == ("Failed", "more\n")
    assert "mount: /mnt: special device /dev/xvdz does not exist." in second[2]
    assert snapshot_of(account, volume).listdir() == ["app.db", "lost+found", "new"]
    assert snapshot_of(account, root_of(account, instance)).listdir("/mnt") == []


@runs_guests
def test_a_volume_without_a_file_system_is_not_mounted(account, instance):
    attached(account, instance, {})

    ended, _, errors = said(account, instance, "mount /dev/xvdf /mnt")

    assert ended == "Failed"
    assert "wrong fs type, bad option, bad superblock on /dev/xvdf" in errors


@runs_guests
def test_an_instance_ends_itself_as_its_user_data_says(account, instance):
    timer = "#!/bin/sh\nshutdown -h +30\n"
    left_alone = launched(account, UserData=timer, InstanceInitiatedShutdownBehavior="terminate")
    kept = launched(account, UserData=timer)

    def states() -> list[str]:
        found = account.client("ec2").describe_instances(InstanceIds=[left_alone, kept])["Reservations"]
        return [each["State"]["Name"] for one in found for each in one["Instances"]]

    account.clock.advance(by=timedelta(minutes=20))
    assert states() == ["running", "running"]
    account.clock.advance(by=timedelta(minutes=20))
    assert states() == ["terminated", "stopped"]
