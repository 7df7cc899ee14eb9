"""What EC2 does with images and launches in the sandbox: roots, templates, groups, Allowed AMIs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from baseops.sandbox.account import Account, open_account

STOCK = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"


@pytest.fixture
def account() -> Iterator[Account]:
    with open_account(start=datetime(2026, 1, 5, 9, tzinfo=UTC)) as opened:
        yield opened


@pytest.fixture
def image(account: Account) -> str:
    return str(account.client("ssm").get_parameter(Name=STOCK)["Parameter"]["Value"])


def test_an_instance_has_its_images_root_and_what_was_asked_for_beside_it(account, image):
    ec2 = account.client("ec2")
    wanted = [
        {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 3}},
        {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 20}},
    ]
    ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, InstanceType="t3.micro", BlockDeviceMappings=wanted)

    (described,) = ec2.describe_images(ImageIds=[image])["Images"]
    root = described["BlockDeviceMappings"][0]["Ebs"]
    volumes = {each["Attachments"][0]["Device"]: each for each in ec2.describe_volumes()["Volumes"]}
    assert root["VolumeSize"] == 8
    assert (volumes["/dev/xvda"]["SnapshotId"], volumes["/dev/xvda"]["Size"]) == (root["SnapshotId"], 20)
    assert (volumes["/dev/sdf"].get("SnapshotId", ""), volumes["/dev/sdf"]["Size"]) == ("", 3)


def test_a_template_and_a_group_resolve_the_parameter_that_names_their_image(account, image):
    ec2, scaling = account.client("ec2"), account.client("autoscaling")
    data = {"ImageId": f"resolve:ssm:{STOCK}", "InstanceType": "t3.micro"}
    ec2.create_launch_template(LaunchTemplateName="web", LaunchTemplateData=data)
    scaling.create_auto_scaling_group(
        AutoScalingGroupName="web",
        MinSize=2,
        MaxSize=2,
        AvailabilityZones=["eu-west-1a"],
        LaunchTemplate={"LaunchTemplateName": "web", "Version": "$Latest"},
    )

    def template(**more: bool) -> str:
        found = ec2.describe_launch_template_versions(LaunchTemplateName="web", **more)["LaunchTemplateVersions"]
        return str(found[0]["LaunchTemplateData"]["ImageId"])

    instances = [each for one in ec2.describe_instances()["Reservations"] for each in one["Instances"]]
    assert [each["ImageId"] for each in instances] == [image, image]
    assert (template(), template(ResolveAlias=True)) == (f"resolve:ssm:{STOCK}", image)


def test_an_image_knows_when_it_was_launched_last(account, image):
    ec2 = account.client("ec2")
    assert ec2.describe_image_attribute(ImageId=image, Attribute="lastLaunchedTime").get("LastLaunchedTime") in (
        None,
        {},
    )

    ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, InstanceType="t3.micro")

    found = ec2.describe_image_attribute(ImageId=image, Attribute="lastLaunchedTime")
    assert found["LastLaunchedTime"] == {"Value": "2026-01-05T09:00:00Z"}


def test_enabled_allowed_amis_hides_other_images_from_launches(account, image):
    ec2 = account.client("ec2")
    ec2.replace_image_criteria_in_allowed_images_settings(ImageCriteria=[{"ImageProviders": ["222222222222"]}])
    ec2.enable_allowed_images_settings(AllowedImagesSettingsState="audit-mode")
    ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, InstanceType="t3.micro")
    own = ec2.register_image(Name="own")["ImageId"]

    ec2.enable_allowed_images_settings(AllowedImagesSettingsState="enabled")

    with pytest.raises(ClientError, match=r"InvalidAMIID.NotFound"):
        ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, InstanceType="t3.micro")
    ec2.run_instances(ImageId=own, MinCount=1, MaxCount=1, InstanceType="t3.micro")


def test_an_image_is_registered_from_a_snapshot(account):
    ec2 = account.client("ec2")
    volume = ec2.create_volume(AvailabilityZone="eu-west-1a", Size=3)["VolumeId"]
    snapshot = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
    account.clock.advance(by=timedelta(hours=1))

    root = {"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": snapshot}}
    made = ec2.register_image(Name="own", RootDeviceName="/dev/xvda", BlockDeviceMappings=[root])
    ec2.run_instances(ImageId=made["ImageId"], MinCount=1, MaxCount=1, InstanceType="t3.micro")

    sizes = {each.get("SnapshotId"): each["Size"] for each in ec2.describe_volumes()["Volumes"]}
    assert sizes[snapshot] == 3


def test_interfaces_that_a_launch_makes_go_with_the_instance(account, image):
    ec2 = account.client("ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    kept = {"DeviceIndex": 0, "SubnetId": subnet, "DeleteOnTermination": False}
    for more in ({"SubnetId": subnet}, {"NetworkInterfaces": [{"DeviceIndex": 0, "SubnetId": subnet}]}):
        (instance,) = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, **more)["Instances"]
        for _ in range(2):
            ec2.terminate_instances(InstanceIds=[instance["InstanceId"]])
    assert ec2.describe_network_interfaces()["NetworkInterfaces"] == []

    (instance,) = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, NetworkInterfaces=[kept])["Instances"]
    ec2.terminate_instances(InstanceIds=[instance["InstanceId"]])
    assert len(ec2.describe_network_interfaces()["NetworkInterfaces"]) == 1
