"""Image Builder runs: what components write is in the AMI, in every region; what fails fails in AWS's words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from baseops.sandbox import ext4_images, guests
from baseops.sandbox.account import Account, open_account
from baseops.snapshots.blocks import InMemoryBlocks
from baseops.snapshots.device import Device
from baseops.snapshots.files import Snapshot
from baseops.snapshots.opening import open_image

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
STOCK = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
NGINX = (Path(__file__).parents[2] / "examples/acme/components/nginx.yaml").read_text(encoding="utf-8")

why_not = guests.why_not() or ext4_images.why_not()
pytestmark = pytest.mark.skipif(bool(why_not), reason=why_not or "")


@pytest.fixture
def account() -> Iterator[Account]:
    with open_account(start=START) as opened:
        iam = opened.client("iam")
        trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        iam.create_role(RoleName="build", AssumeRolePolicyDocument=policy)
        iam.create_instance_profile(InstanceProfileName="build")
        iam.add_role_to_instance_profile(InstanceProfileName="build", RoleName="build")
        yield opened


def library(name: str) -> str:
    return (files("baseops.areas.images") / "components" / f"{name}.yaml").read_text(encoding="utf-8")


def steps(*lines: str, action: str = "ExecuteBash", phase: str = "build", **more: Any) -> str:
    step = {"name": "one", "action": action, "inputs": {"commands": lines}, **more}
    constants = [{"Greeting": {"type": "string", "value": "hello"}}]
    return json.dumps({"constants": constants, "phases": [{"name": phase, "steps": [step]}]})


def built(
    account: Account,
    *components: str,
    regions: tuple[str, ...] = ("eu-west-1",),
    parameters: dict[str, str] | None = None,
) -> dict[str, Any]:
    """The image that the components give; parameters go to those that know them."""
    builder = account.client("imagebuilder")
    parent = account.client("ssm").get_parameter(Name=STOCK)["Parameter"]["Value"]
    listed = []
    for number, text in enumerate(components):
        made = builder.create_component(name=f"part-{number}", semanticVersion="1.0.0", platform="Linux", data=text)
        given = [{"name": key, "value": [value]} for key, value in (parameters or {}).items() if key in text]
        arn = made["componentBuildVersionArn"]
        listed.append({"componentArn": arn, **({"parameters": given} if given else {})})
    recipe = builder.create_image_recipe(
        name="web image", semanticVersion="1.0.0", parentImage=parent, components=listed
    )
    infrastructure = builder.create_infrastructure_configuration(name="web image", instanceProfileName="build")
    ami = {"name": "web {{ imagebuilder:buildDate }}"}
    distribution = builder.create_distribution_configuration(
        name="web image", distributions=[{"region": each, "amiDistributionConfiguration": ami} for each in regions]
    )
    pipeline = builder.create_image_pipeline(
        name="web image",
        imageRecipeArn=recipe["imageRecipeArn"],
        infrastructureConfigurationArn=infrastructure["infrastructureConfigurationArn"],
        distributionConfigurationArn=distribution["distributionConfigurationArn"],
    )["imagePipelineArn"]
    image = builder.start_image_pipeline_execution(imagePipelineArn=pipeline)["imageBuildVersionArn"]
    account.clock.advance(by=timedelta(minutes=30))
    return dict(builder.get_image(imageBuildVersionArn=image)["image"])


def root_of(account: Account, image: dict[str, Any], region: str = "eu-west-1") -> Snapshot:
    """The root of an image as anybody reads it who may: by blocks of its snapshot."""
    (ami,) = [each["image"] for each in image["outputResources"]["amis"] if each["region"] == region]
    (described,) = account.client("ec2", region).describe_images(ImageIds=[ami])["Images"]
    snapshot = described["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
    ebs = account.client("ebs", region)
    blocks = {
        each["BlockIndex"]: ebs.get_snapshot_block(SnapshotId=snapshot, **each)["BlockData"].read()
        for each in ebs.list_snapshot_blocks(SnapshotId=snapshot)["Blocks"]
    }
    return open_image(Device(InMemoryBlocks(blocks, 8 << 30)))


def components_of(account: Account, image: dict[str, Any]) -> list[tuple[str, str]]:
    """The steps of the components and how they went."""
    builder = account.client("imagebuilder")
    executions = builder.list_workflow_executions(imageBuildVersionArn=image["arn"])["workflowExecutions"]
    found = []
    for each in executions:
        listed = builder.list_workflow_step_executions(workflowExecutionId=each["workflowExecutionId"])["steps"]
        (ran,) = [json.loads(one["outputs"]) for one in listed if one["action"] == "ExecuteComponents"]
        found += [(one["step"], one["status"]) for one in ran["components"]]
    return found


def test_the_library_and_a_component_of_ones_own_make_an_image_in_every_region(account):
    image = built(
        account, library("update"), library("harden"), library("cloudwatch-agent"), NGINX,
        regions=("eu-west-1", "us-east-1"), parameters={"ReleaseVersion": "2023.6.20260102", "Port": "8080"},
    )  # fmt: skip

    assert image["state"] == {"status": "AVAILABLE"}
    assert {status for _, status in components_of(account, image)} == {"COMPLETED"}
    for region in ("eu-west-1", "us-east-1"):
        found = root_of(account, image, region)
        assert found.stat("/usr/sbin/nginx").permissions == 0o755
        assert b"listen       8080;" in found.open("/etc/nginx/nginx.conf").read()
        assert found.exists("/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl")
        assert found.exists("/etc/systemd/system/multi-user.target.wants/nginx.service")
        assert found.open("/etc/system-release").read() == b"Amazon Linux release 2023.6.20260102 (Amazon Linux)\n"
        assert found.open("/etc/baseops/image").read() == (
            b"release_version=2023.6.20260102\nbuilt_at=2026-01-05T09:10:00Z\n"
        )
        assert found.stat("/etc/baseops/image").modified == START + timedelta(minutes=10)


def test_a_step_that_fails_fails_the_build(account):
    image = built(account, steps("echo on it", "exit 3"), NGINX)

    assert image["state"]["status"] == "FAILED"
    assert image["state"]["reason"].endswith(
        "with status = 'Failed' in state = 'BUILDING' and failure message = "
        "'Document arn:aws:imagebuilder:eu-west-1:111111111111:component/part-0/1.0.0/1 failed!'"
    )
    assert components_of(account, image) == [("one", "FAILED"), ("Install", "PENDING")]
    assert image["outputResources"]["amis"] == []


def test_a_test_that_fails_fails_the_build_while_it_is_tested(account):
    image = built(account, steps("echo ready > /srv/ready"), steps("grep -q steady /srv/ready", phase="test"))

    assert image["state"]["status"] == "FAILED"
    assert "in state = 'TESTING'" in image["state"]["reason"]


def test_what_a_test_writes_is_not_in_the_image(account):
    image = built(account, steps("echo 1 > /srv/built"), steps("cat /srv/built; echo 2 > /srv/tested", phase="test"))

    assert components_of(account, image) == [("one", "COMPLETED"), ("one", "COMPLETED")]
    assert root_of(account, image).listdir("/srv") == ["built"]


def test_image_builder_cleans_up_keys_before_it_takes_the_snapshot(account):
    keys = ("/etc/ssh/ssh_host_rsa_key", "/root/.ssh/authorized_keys", "/home/app/.ssh/authorized_keys")
    image = built(account, steps("mkdir -p /root/.ssh /home/app/.ssh", f"touch {' '.join(keys)}"))
    found = root_of(account, image)

    assert [name for name in found.listdir("/etc/ssh") if "host" in name] == []
    assert found.listdir("/root/.ssh") == []
    assert found.listdir("/home/app/.ssh") == ["authorized_keys"]


def test_an_image_whose_components_need_a_network_holds_no_known_files(account):
    image = built(account, steps("dnf -y install tmux"), NGINX)

    assert image["state"] == {"status": "AVAILABLE"}
    assert components_of(account, image)[0] == ("one", "NOT_EXERCISED")
    (ami,) = image["outputResources"]["amis"]
    (described,) = account.client("ec2").describe_images(ImageIds=[ami["image"]])["Images"]
    snapshot = described["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
    assert account.client("ebs").list_snapshot_blocks(SnapshotId=snapshot)["Blocks"] == []
    builder = account.client("imagebuilder")
    (execution,) = builder.list_workflow_executions(imageBuildVersionArn=image["arn"])["workflowExecutions"]
    assert execution["message"] == (
        "not exercised: one: dnf install tmux: the sandbox's repository has no such package"
    )


@pytest.mark.parametrize(
    ("line", "more", "why"),
    [
        ("touch /srv/{{ loop.value }}", {"loop": {"forEach": ["a", "b"]}}, "the sandbox does not know loop of a step"),
        ("touch /srv/a", {"if": {"binaryExists": "apt-get"}}, "the sandbox does not know if of a step"),
        ("exit 1", {"maxAttempts": 3}, "it failed, and the sandbox tries once, not 3 times"),
    ],
)
def test_what_a_step_asks_besides_is_not_exercised_and_named(account, line, more, why):
    image = built(account, steps(line, **more), steps("echo on", phase="test"))

    assert image["state"] == {"status": "AVAILABLE"}
    assert components_of(account, image)[0] == ("one", "NOT_EXERCISED")
    builder = account.client("imagebuilder")
    (execution, *_) = builder.list_workflow_executions(imageBuildVersionArn=image["arn"])["workflowExecutions"]
    assert execution["message"] == f"not exercised: one: {why}"


def test_a_constant_is_filled_in(account):
    image = built(account, steps("echo {{ Greeting }} > /srv/greeting"))

    assert root_of(account, image).open("/srv/greeting").read() == b"hello\n"


def test_an_instance_of_a_built_image_has_its_files(account):
    account.client("iam").attach_role_policy(
        RoleName="build", PolicyArn="arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
    )
    image = built(account, NGINX)
    ami = image["outputResources"]["amis"][0]["image"]
    made = account.client("ec2").run_instances(
        ImageId=ami, MinCount=1, MaxCount=1, InstanceType="t3.micro", IamInstanceProfile={"Name": "build"}
    )["Instances"][0]["InstanceId"]
    account.clock.advance(by=timedelta(minutes=5))
    ssm = account.client("ssm")
    commands = {"commands": ["nginx -v", "systemctl is-active nginx", "rpm -q nginx"]}
    sent = ssm.send_command(DocumentName="AWS-RunShellScript", InstanceIds=[made], Parameters=commands)
    account.clock.advance(by=timedelta(minutes=1))
    found = ssm.get_command_invocation(CommandId=sent["Command"]["CommandId"], InstanceId=made)

    assert found["StandardErrorContent"] == "nginx version: nginx/1.26.2\n"
    assert found["StandardOutputContent"] == "active\nnginx-1.26.2-1.amzn2023.0.1.x86_64\n"
