"""EC2 Image Builder and what moto's EC2 and IAM lack for images, as the AWS CLI would meet them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from baseops.sandbox.account import Account, open_account

START = datetime(2026, 11, 2, 9, tzinfo=UTC)
BUILD = "schemaVersion: 1.0\nphases: [{name: build, steps: [{name: a, action: UpdateOS}]}]\n"
TRUST = '{"Version": "2012-10-17", "Statement": []}'


@pytest.fixture
def account() -> Iterator[Account]:
    with open_account(start=START) as opened:
        yield opened


@pytest.fixture
def builder(account):
    return account.client("imagebuilder")


def refusal(client, code):
    return pytest.raises(client.exceptions.ClientError, match=rf"\({code}\)")


def component(builder, version="1.0.0", data=BUILD):
    made = builder.create_component(name="web app", semanticVersion=version, platform="Linux", data=data)
    return made["componentBuildVersionArn"]


def recipe(builder, arn, version="1.0.x"):
    made = builder.create_image_recipe(
        name="web",
        semanticVersion=version,
        parentImage="ami-0123456789abcdef0",
        components=[{"componentArn": arn}],
    )
    return made["imageRecipeArn"]


def test_a_component_version_that_exists_gets_a_new_build(builder):
    assert component(builder).endswith("component/web-app/1.0.0/1")
    assert component(builder).endswith("component/web-app/1.0.0/2")
    assert component(builder, "1.0.1").endswith("component/web-app/1.0.1/1")
    with refusal(builder, "InvalidParameterValueException"):
        component(builder, "1.0.x")
    listed = builder.list_components(owner="Self")["componentVersionList"]
    assert [each["version"] for each in listed] == ["1.0.0", "1.0.1"]


def test_a_component_says_its_type_by_its_phases(builder):
    test = BUILD.replace("build", "test")
    arn = component(builder, data=test)
    assert builder.get_component(componentBuildVersionArn=arn)["component"]["type"] == "TEST"


def test_a_recipe_version_that_exists_is_refused_in_aws_words(builder):
    arn = component(builder)
    assert recipe(builder, arn).endswith("image-recipe/web/1.0.0")
    assert recipe(builder, arn).endswith("image-recipe/web/1.0.1")
    with refusal(builder, "ResourceAlreadyExistsException"):
        recipe(builder, arn, "1.0.1")


def test_a_recipe_takes_only_parameters_that_its_component_has(builder):
    arn = component(builder)
    with refusal(builder, "InvalidParameterValueException"):
        builder.create_image_recipe(
            name="web",
            semanticVersion="1.0.0",
            parentImage="ami-0123456789abcdef0",
            components=[{"componentArn": arn, "parameters": [{"name": "Port", "value": ["80"]}]}],
        )


def test_a_component_in_use_cannot_be_deleted(builder):
    arn = component(builder)
    used = recipe(builder, arn)
    with refusal(builder, "ResourceDependencyException"):
        builder.delete_component(componentBuildVersionArn=arn)
    builder.delete_image_recipe(imageRecipeArn=used)
    builder.delete_component(componentBuildVersionArn=arn)
    assert builder.list_components(owner="Self")["componentVersionList"] == []


def test_what_does_not_exist_is_not_found(builder):
    arn = "arn:aws:imagebuilder:eu-west-1:111111111111:image-pipeline/web"
    with refusal(builder, "ResourceNotFoundException"):
        builder.get_image_pipeline(imagePipelineArn=arn)


def test_an_ami_name_has_to_hold_the_moment_of_the_build(builder):
    distribution = {"region": "eu-west-1", "amiDistributionConfiguration": {"name": "golden web"}}
    with refusal(builder, "InvalidParameterValueException"):
        builder.create_distribution_configuration(name="web", distributions=[distribution])


def test_infrastructure_needs_an_instance_profile_that_exists(builder):
    with refusal(builder, "InvalidParameterValueException"):
        builder.create_infrastructure_configuration(name="web", instanceProfileName="nobody")


def test_an_unknown_operation_is_refused_not_skipped(builder):
    with refusal(builder, "UnknownOperationException"):
        builder.list_workflows()


def test_lists_come_in_pages(builder):
    for number in range(30):
        builder.create_component(name=f"c{number:02d}", semanticVersion="1.0.0", platform="Linux", data=BUILD)
    first = builder.list_components(owner="Self")
    assert len(first["componentVersionList"]) == 25
    rest = builder.list_components(owner="Self", nextToken=first["nextToken"])
    assert len(rest["componentVersionList"]) == 5
    assert "nextToken" not in rest


def test_a_managed_policy_of_aws_can_be_attached_and_one_that_is_not_cannot(account):
    iam = account.client("iam")
    iam.create_role(RoleName="build", AssumeRolePolicyDocument=TRUST)
    arn = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
    iam.attach_role_policy(RoleName="build", PolicyArn=arn)
    attached = iam.list_attached_role_policies(RoleName="build")["AttachedPolicies"]
    assert attached == [{"PolicyName": "AmazonSSMManagedInstanceCore", "PolicyArn": arn}]
    for wrong in (
        "arn:aws:iam::aws:policy/Nobody",
        "arn:aws:iam::aws:policy/job-function/AmazonSSMManagedInstanceCore",
    ):
        with refusal(iam, "NoSuchEntity"):
            iam.attach_role_policy(RoleName="build", PolicyArn=wrong)


def test_a_network_has_the_ids_that_its_tags_ask_for(account):
    ec2 = account.client("ec2")

    def wanted(kind, identity):
        tags = [{"Key": "sandbox:id", "Value": identity}, {"Key": "owner", "Value": "net"}]
        return [{"ResourceType": kind, "Tags": tags}]

    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=wanted("vpc", "vpc-0a1b2c3d"))["Vpc"]
    assert vpc["VpcId"] == "vpc-0a1b2c3d"
    subnet = ec2.create_subnet(
        VpcId="vpc-0a1b2c3d", CidrBlock="10.0.1.0/24", TagSpecifications=wanted("subnet", "subnet-0a1b2c3d")
    )["Subnet"]
    assert (subnet["SubnetId"], subnet["VpcId"]) == ("subnet-0a1b2c3d", "vpc-0a1b2c3d")
    assert subnet["Tags"] == [{"Key": "owner", "Value": "net"}]
    group = ec2.create_security_group(
        GroupName="g", Description="d", VpcId="vpc-0a1b2c3d", TagSpecifications=wanted("security-group", "sg-0a1b2c3d")
    )
    assert group["GroupId"] == "sg-0a1b2c3d"
    (instance,) = ec2.run_instances(
        MinCount=1,
        MaxCount=1,
        ImageId=ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"],
        SubnetId="subnet-0a1b2c3d",
        SecurityGroupIds=["sg-0a1b2c3d"],
    )["Instances"]
    assert (instance["VpcId"], instance["SubnetId"]) == ("vpc-0a1b2c3d", "subnet-0a1b2c3d")
    with refusal(ec2, "InvalidParameterValue"):
        ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=wanted("vpc", "vpc-0a1b2c3d"))


def test_without_a_wish_ids_are_random_as_ever(account):
    ec2 = account.client("ec2")
    first = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    second = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    assert first != second


def test_a_protected_ami_stays_and_a_cooldown_lasts_a_day(account):
    ec2 = account.client("ec2")
    image = ec2.register_image(Name="mine")["ImageId"]
    ec2.enable_image_deregistration_protection(ImageId=image, WithCooldown=True)
    ec2.disable_image_deregistration_protection(ImageId=image)
    with refusal(ec2, "OperationNotPermitted"):
        ec2.deregister_image(ImageId=image)
    account.clock.sleep(timedelta(hours=25).total_seconds())
    snapshot = ec2.describe_images(ImageIds=[image])["Images"][0]["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
    ec2.deregister_image(ImageId=image, DeleteAssociatedSnapshots=True)
    with refusal(ec2, "InvalidSnapshot.NotFound"):
        ec2.describe_snapshots(SnapshotIds=[snapshot])


def test_deprecation_shows_and_only_owners_may_say_it(account):
    ec2 = account.client("ec2")
    image = ec2.register_image(Name="mine")["ImageId"]
    ec2.enable_image_deprecation(ImageId=image, DeprecateAt=datetime(2027, 1, 1, 12, 30, 45, tzinfo=UTC))
    assert ec2.describe_images(ImageIds=[image])["Images"][0]["DeprecationTime"] == "2027-01-01T12:30:00.000Z"
    theirs = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    with refusal(ec2, "AuthFailure"):
        ec2.enable_image_deprecation(ImageId=theirs, DeprecateAt=START + timedelta(days=30))


def test_references_name_instances_templates_and_parameters(account):
    ec2, ssm = account.client("ec2"), account.client("ssm")
    image = ec2.register_image(Name="mine")["ImageId"]
    instance = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    ec2.create_launch_template(LaunchTemplateName="web", LaunchTemplateData={"ImageId": image})
    ssm.put_parameter(Name="/acme/web", Value=image, Type="String", DataType="aws:ec2:image")
    found = ec2.describe_image_references(ImageIds=[image])["ImageReferences"]
    assert [each["ResourceType"] for each in found] == ["ec2:Instance", "ec2:LaunchTemplate", "ssm:Parameter"]
    assert found[0]["Arn"] == f"arn:aws:ec2:eu-west-1:111111111111:instance/{instance}"
