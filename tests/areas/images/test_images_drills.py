"""What the drills of images say of the applied example, and of what is done to it."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from baseops.areas.images.exemptions import exemption_of, has_expired
from baseops.areas.images.sabotage import sabotages
from baseops.areas.images.spec import Exemption
from baseops.areas.images.users import User
from baseops.areas.images.versions import Versions
from baseops.sandbox.faults import Fault
from baseops.workflow.load import load

ACME = Path(__file__).resolve().parents[3] / "examples" / "acme" / "baseops.yaml"


def said(records):
    return [(each["target"], each["verdict"]) for each in records]


def refusals(records):
    return {each["target"]: each["reason"] for each in records if each["verdict"] == "refuted"}


def breaks():
    declaration = load(ACME)
    return {each.name: each for each in sabotages(declaration.sections["images"], declaration.site)}


BREAKS = breaks()
QUICK = ("images/ami-unshared", "images/instance-on-a-foreign-ami")


def test_the_example_is_published_and_used_as_declared(acme_says):
    records = acme_says("images/published", "images/used-by")

    assert said(records) == [
        ("images.web/eu-west-1", "proven"),
        ("images.web/us-east-1", "proven"),
        ("images.web", "proven"),
    ]
    assert records[2]["reason"].endswith("1 launch template: none is more than 0 versions behind")
    assert records[2]["measures"]["instances"] >= 1


@pytest.mark.parametrize(
    "broken",
    [pytest.param(each, marks=[] if name in QUICK else [pytest.mark.slow]) for name, each in BREAKS.items()],
    ids=BREAKS,
)
def test_each_break_is_refuted(acme_says, broken):
    records = acme_says(broken.drill, break_=broken.break_, passes=broken.passes)

    assert refusals(records), said(records)


def test_a_group_that_pins_an_old_template_is_found(acme_says):
    def pin(account):
        ec2 = account.client("ec2")
        (template,) = ec2.describe_launch_templates(LaunchTemplateNames=["web"])["LaunchTemplates"]
        foreign = {"ImageId": account.client("ssm").get_parameter(Name=BASE)["Parameter"]["Value"]}
        ec2.create_launch_template_version(LaunchTemplateId=template["LaunchTemplateId"], LaunchTemplateData=foreign)
        ec2.create_launch_template_version(LaunchTemplateName="web", SourceVersion="1", LaunchTemplateData={})
        account.client("autoscaling").create_auto_scaling_group(
            AutoScalingGroupName="fleet",
            MinSize=0,
            MaxSize=0,
            DesiredCapacity=0,
            AvailabilityZones=["eu-west-1a"],
            LaunchTemplate={"LaunchTemplateId": template["LaunchTemplateId"], "Version": "2"},
        )

    found = refusals(acme_says("images/used-by", break_=pin))

    assert list(found) == ["images.web/eu-west-1/fleet"]
    assert "the Auto Scaling group starts ami-" in found["images.web/eu-west-1/fleet"]


def test_the_image_of_another_region_has_the_same_blocks(acme_says):
    records = {each["target"]: each for each in acme_says("images/contents")}

    copy = records["images.web/us-east-1"]
    assert copy["verdict"] == "proven"
    assert copy["reason"].endswith("were compared, and are the same")
    assert copy["measures"]["blocks_differing"] == 0


def test_an_image_of_another_region_that_only_has_the_tags_is_refuted(acme_says):
    found = refusals(acme_says("images/contents", break_=BREAKS["images/copy-replaced"].break_))

    assert list(found) == ["images.web/us-east-1"]
    assert " is no copy of ami-" in found["images.web/us-east-1"]


@pytest.mark.parametrize("drill", ["images/base-age", "images/contents"])
@pytest.mark.parametrize("call", ["GetSnapshotBlock", "ListSnapshotBlocks"])
def test_block_reads_end_at_the_accounts_first_throttling(acme_says, drill, call):
    def throttle(account):
        account.faults.add(Fault("ebs", call, error="ThrottlingException", times=1))

    records = acme_says(drill, break_=throttle)

    assert {each["verdict"] for each in records} == {"inconclusive"}
    assert all("reading blocks was stopped" in each["reason"] for each in records)


BASE = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"


def test_users_that_do_not_exist_prove_nothing(acme_says):
    def remove(account):
        ec2 = account.client("ec2")
        found = [one for each in ec2.describe_instances()["Reservations"] for one in each["Instances"]]
        ec2.terminate_instances(InstanceIds=[each["InstanceId"] for each in found])
        ec2.delete_launch_template(LaunchTemplateName="web")

    (record,) = acme_says("images/used-by", break_=remove)

    assert (record["verdict"], record["reason"]) == (
        "inconclusive",
        "its tags select no instance, launch template or Auto Scaling group",
    )


def test_a_parameter_that_is_gone_is_said_in_its_region(acme_says):
    def delete(account):
        account.client("ssm", "us-east-1").delete_parameter(Name="/acme/images/web")

    found = refusals(acme_says("images/published", break_=delete))

    assert found == {"images.web/us-east-1": "there is no parameter /acme/images/web in us-east-1"}


def test_more_users_than_fit_are_counted(acme_says):
    def launch(account):
        image = account.client("ssm").get_parameter(Name=BASE)["Parameter"]["Value"]
        account.client("ec2").run_instances(
            ImageId=image,
            InstanceType="t3.micro",
            MinCount=52,
            MaxCount=52,
            TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Role", "Value": "web"}]}],
        )

    found = refusals(acme_says("images/used-by", break_=launch))

    assert len(found) == 51
    assert found["images.web"] == "52 users are not up to date; the first 50 are named"


CLUSTER = Exemption(tags={"Cluster": "eks"}, reason="nodes of a cluster", expires=date(2026, 1, 31))
ONE = Exemption(instances=("i-0a1b2c3d",), reason="an appliance", expires=date(2026, 6, 30))


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        (User("instance", "i-1", "ami-1", {"Role": "web"}), None),
        (User("instance", "i-1", "ami-1", {"Role": "web", "Cluster": "eks"}), CLUSTER),
        (User("instance", "i-0a1b2c3d", "ami-1", {"Cluster": "eks"}), ONE),
        (User("Auto Scaling group", "i-0a1b2c3d", "ami-1"), None),
    ],
)
def test_an_exemption_covers_by_tags_or_by_instance(user, expected):
    assert exemption_of(user, (CLUSTER, ONE)) == expected


def test_an_exemption_lasts_through_its_last_day():
    assert not has_expired(CLUSTER, CLUSTER.expires)
    assert has_expired(CLUSTER, CLUSTER.expires + timedelta(days=1))


def test_a_version_that_came_back_counts_where_it_was_last():
    versions = Versions.of(["ami-1", "ami-2", "ami-1", "ami-3"])

    assert versions.image_ids == ("ami-2", "ami-1", "ami-3")
    assert [versions.behind(each) for each in ("ami-3", "ami-1", "ami-2", "ami-9")] == [0, 1, 2, None]
