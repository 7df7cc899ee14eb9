"""What goes wrong with images, done on purpose by ordinary API calls: AMIs shared, gone, old, replaced by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from baseops.areas.images import sources
from baseops.areas.images.names import image_name
from baseops.areas.images.protection import role_title, rule_title
from baseops.contract.sandbox_account import SandboxAccount
from baseops.contract.site import Site

BASE = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
STRANGER = "999999999999"
A_BUILD = timedelta(minutes=30)
A_SNAPSHOT = timedelta(minutes=10)
SOME_HOURS = timedelta(hours=2, minutes=15)

# Any throughout: botocore's clients and answers.
Described = Mapping[str, Any]


@dataclass(frozen=True)
class Victim:
    """The image that is broken: where it is declared, its name and parameter, its users' tags, how old it may be."""

    site: Site
    name: str
    publish: str
    tags: Mapping[str, str]
    max_age: timedelta

    def newest(self, account: SandboxAccount, region: str) -> Described:
        """The newest AMI in a region."""
        return sources.own_amis(account, region, self.site.name, self.name)[-1]

    # --- sharing ---

    def unshare(self, account: SandboxAccount) -> None:
        """Nobody else may launch the newest AMI any more."""
        image_id, ec2 = self._here(account)
        given = ec2.describe_image_attribute(ImageId=image_id, Attribute="launchPermission")["LaunchPermissions"]
        ec2.modify_image_attribute(ImageId=image_id, LaunchPermission={"Remove": given})

    def share_with_a_stranger(self, account: SandboxAccount) -> None:
        """One account more may launch it."""
        image_id, ec2 = self._here(account)
        ec2.modify_image_attribute(ImageId=image_id, LaunchPermission={"Add": [{"UserId": STRANGER}]})

    def share_the_snapshot(self, account: SandboxAccount) -> None:
        """One account more may read its snapshot, and so all that is in it."""
        image = self.newest(account, self.site.region)
        snapshot = image["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
        account.client("ec2", self.site.region).modify_snapshot_attribute(
            SnapshotId=snapshot,
            Attribute="createVolumePermission",
            OperationType="add",
            UserIds=[STRANGER],
        )

    # --- what is there, and what is published ---

    def deregister_a_copy(self, account: SandboxAccount) -> None:
        """The AMI of the last region is gone."""
        region = (self.site.region, *self.site.regions)[-1]
        self._deregister(account, region)

    def leave_a_region_behind(self, account: SandboxAccount) -> None:
        """The newest build did not come to the last region, whose parameter names the one before."""
        self.disable_the_schedule(account)
        region = (self.site.region, *self.site.regions)[-1]
        former = str(self.newest(account, region)["ImageId"])
        self.build(account, 1)
        self._deregister(account, region)
        account.client("ssm", region).put_parameter(
            Name=self.publish, Value=former, Type="String", DataType="aws:ec2:image", Overwrite=True
        )
        account.clock.sleep(SOME_HOURS.total_seconds())

    def publish_a_foreign_image(self, account: SandboxAccount) -> None:
        """The parameter names the public base."""
        self._publish(account, self._base(account))

    def publish_the_former_image(self, account: SandboxAccount) -> None:
        """There is a new build, and the parameter names the one before it."""
        self.disable_the_schedule(account)
        former = str(self.newest(account, self.site.region)["ImageId"])
        self.build(account, 1)
        account.clock.sleep(SOME_HOURS.total_seconds())
        self._publish(account, former)

    def publish_a_plain_image(self, account: SandboxAccount) -> None:
        """Somebody makes an AMI by hand from the public base, whose volumes are not encrypted, and publishes it."""
        former = self.newest(account, self.site.region)
        made = self.image_of(account, self.start(account, self._base(account), []))
        self.stand_in(account, former, made)

    def disable_the_pipeline(self, account: SandboxAccount) -> None:
        """Nothing is built any more, until the newest AMI is older than it may be."""
        self.disable_the_schedule(account)
        made = datetime.fromisoformat(str(self.newest(account, self.site.region)["CreationDate"]))
        left = made + self.max_age + A_BUILD - account.clock.now()
        account.clock.sleep(max(left.total_seconds(), 0))

    def disable_the_schedule(self, account: SandboxAccount) -> None:
        """Only people start the pipeline from here on."""
        client, pipeline = self._pipeline(account)
        kept = ("imageRecipeArn", "infrastructureConfigurationArn", "distributionConfigurationArn", "schedule")
        client.update_image_pipeline(
            imagePipelineArn=pipeline["arn"],
            **{key: pipeline[key] for key in kept if key in pipeline},
            status="DISABLED",
            clientToken="disabled",
        )

    def disable_the_retirement(self, account: SandboxAccount) -> None:
        """Nothing is deprecated or deleted any more."""
        self.change_the_retirement(account, status="DISABLED")

    def change_the_retirement(self, account: SandboxAccount, **changed: Any) -> None:
        """The lifecycle policy as it is, but for what is changed."""
        builder = account.client("imagebuilder", self.site.region)
        policy = sources.lifecycle_policy(account, self.site.region, image_name(self.site, self.name)) or {}
        kept = ("executionRole", "resourceType", "policyDetails", "resourceSelection", "status")
        builder.update_lifecycle_policy(
            lifecyclePolicyArn=policy["arn"], clientToken="changed", **{key: policy[key] for key in kept} | changed
        )

    # --- who may deregister it ---

    def unprotect(self, account: SandboxAccount) -> None:
        """Somebody turned the protection of the newest AMI off."""
        image_id, ec2 = self._here(account)
        ec2.disable_image_deregistration_protection(ImageId=image_id)

    def disable_the_protecting_rule(self, account: SandboxAccount) -> None:
        """Nothing protects the next build."""
        account.client("events", self.site.region).disable_rule(Name=self._resource(account, rule_title(self.name)))
        self._build_and_wait(account)

    def take_the_protecting_rights(self, account: SandboxAccount) -> None:
        """The automation that protects the next build may not."""
        role = self._resource(account, role_title(self.name))
        iam = account.client("iam")
        for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            iam.delete_role_policy(RoleName=role, PolicyName=policy)
        self._build_and_wait(account)

    # --- who uses it ---

    def build_three_times(self, account: SandboxAccount) -> None:
        """Three builds go by and nobody rolls the fleet."""
        self.build(account, 3)

    def start_from_the_base(self, account: SandboxAccount) -> None:
        """Somebody starts an instance by hand from the public base, with the fleet's tags."""
        self.start(account, self._base(account), _list(self.tags))

    def pin_the_template(self, account: SandboxAccount) -> None:
        """The launch template gets a default version with the public base in it."""
        ec2 = account.client("ec2", self.site.region)
        ec2.create_launch_template_version(
            LaunchTemplateName=self.name,
            LaunchTemplateData={
                "ImageId": self._base(account),
                "InstanceType": "t3.micro",
                "TagSpecifications": [{"ResourceType": "instance", "Tags": _list(self.tags)}],
            },
        )
        ec2.modify_launch_template(LaunchTemplateName=self.name, DefaultVersion="2")

    # --- the means ---

    def build(self, account: SandboxAccount, times: int) -> None:
        """Start the pipeline so many times and wait until the builds are over."""
        client, pipeline = self._pipeline(account)
        for number in range(times):
            token = f"{account.clock.now():%Y%m%d%H%M%S}-{number}"
            client.start_image_pipeline_execution(imagePipelineArn=pipeline["arn"], clientToken=token)
            account.clock.sleep(60)
        account.clock.sleep(A_BUILD.total_seconds())

    def image_of(self, account: SandboxAccount, instance_id: str) -> str:
        """An AMI of an instance, which then goes."""
        ec2 = account.client("ec2", self.site.region)
        name = f"{image_name(self.site, self.name)} by hand {account.clock.now():%Y-%m-%dT%H-%M-%S}"
        made = str(ec2.create_image(InstanceId=instance_id, Name=name)["ImageId"])
        ec2.terminate_instances(InstanceIds=[instance_id])
        account.clock.sleep(A_SNAPSHOT.total_seconds())
        return made

    def stand_in(self, account: SandboxAccount, former: Described, made: str) -> None:
        """The AMI passes for one of ours: tags, permissions, parameter."""
        ec2 = account.client("ec2", self.site.region)
        (image,) = ec2.describe_images(ImageIds=[made])["Images"]
        snapshots = [each["Ebs"]["SnapshotId"] for each in image["BlockDeviceMappings"] if "Ebs" in each]
        tags = [each for each in former["Tags"] if not each["Key"].startswith("aws:")]
        ec2.create_tags(Resources=[made, *snapshots], Tags=tags)
        given = ec2.describe_image_attribute(ImageId=former["ImageId"], Attribute="launchPermission")
        if given["LaunchPermissions"]:
            ec2.modify_image_attribute(ImageId=made, LaunchPermission={"Add": given["LaunchPermissions"]})
        self._publish(account, made)

    def start(self, account: SandboxAccount, image_id: str, tags: list[dict[str, str]]) -> str:
        """Start an instance by hand."""
        specification = [{"ResourceType": "instance", "Tags": tags}] if tags else []
        (instance,) = account.client("ec2", self.site.region).run_instances(
            ImageId=image_id, InstanceType="t3.micro", MinCount=1, MaxCount=1, TagSpecifications=specification
        )["Instances"]
        return str(instance["InstanceId"])

    def _build_and_wait(self, account: SandboxAccount) -> None:
        self.disable_the_schedule(account)
        self.build(account, 1)
        account.clock.sleep(SOME_HOURS.total_seconds())

    def _deregister(self, account: SandboxAccount, region: str) -> None:
        """The newest AMI of a region goes, protected or not."""
        ec2, image_id = account.client("ec2", region), str(self.newest(account, region)["ImageId"])
        ec2.disable_image_deregistration_protection(ImageId=image_id)
        ec2.deregister_image(ImageId=image_id)

    def _resource(self, account: SandboxAccount, title: str) -> str:
        found = account.client("cloudformation", self.site.region).describe_stack_resource(
            StackName=f"{self.site.prefix}-images", LogicalResourceId=title
        )
        return str(found["StackResourceDetail"]["PhysicalResourceId"])

    def _publish(self, account: SandboxAccount, image_id: str) -> None:
        account.client("ssm", self.site.region).put_parameter(
            Name=self.publish, Value=image_id, Type="String", DataType="aws:ec2:image", Overwrite=True
        )

    def _base(self, account: SandboxAccount) -> str:
        ssm = account.client("ssm", self.site.region)
        return str(ssm.get_parameter(Name=BASE)["Parameter"]["Value"])

    def _pipeline(self, account: SandboxAccount) -> tuple[Any, Described]:
        found = sources.pipelines(account, self.site.region)[image_name(self.site, self.name)]
        return account.client("imagebuilder", self.site.region), found

    def _here(self, account: SandboxAccount) -> tuple[str, Any]:
        region = self.site.region
        return str(self.newest(account, region)["ImageId"]), account.client("ec2", region)


def _list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
