"""Images in a sandbox account: world, lock, preflight, apply, builds in virtual time, retirement, settings."""

from __future__ import annotations

from datetime import timedelta

import pytest

from baseops.areas.images import account as images
from baseops.areas.images import locking, world
from baseops.areas.images.operate.build import find_pipeline, follow, start
from baseops.areas.images.settings import settings
from baseops.contract.lock import Lock
from baseops.contract.refs import Refs
from baseops.errors import NotFoundError, UsageError, VerdictError
from baseops.sandbox.services.imagebuilder.backend import ImageBuilder
from baseops.workflow.apply import apply
from baseops.workflow.compile import compile_declaration
from baseops.workflow.destroy import destroy
from baseops.workflow.status import status

PARAMETER = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
ALLOWED = "account: {images: {allowed_amis: {state: audit-mode, providers: [amazon]}}}\n"


@pytest.fixture
def applied(declared, account):
    """Applies a declaration's images to the account with its world."""

    def go(text=None):
        declaration = declared(text) if text else declared()
        section = declaration.sections["images"]
        world.build(section, account, declaration.site)
        lock = images.complete_lock(section, Lock(), account)
        compiled = compile_declaration(declaration, lock)
        apply(compiled, account, account.clock)
        return compiled

    return go


def build(compiled, account, name="web"):
    section, site = compiled.declaration.sections["images"], compiled.declaration.site
    begun = start(name, find_pipeline(section, name, site, account), site, account)
    return follow(begun, site, account, account.clock, timedelta(hours=3), lambda _: None)


def own(account, region="eu-west-1"):
    found = account.client("ec2", region).describe_images(Owners=["self"])["Images"]
    return sorted(found, key=lambda each: each["CreationDate"])


def rules(findings):
    return [each.rule for each in findings]


def test_the_lock_holds_ami_name_and_release(declared, account):
    declaration = declared()
    lock = images.complete_lock(declaration.sections["images"], Lock(), account)
    base = lock.bases["web"]
    assert base.image_id == account.client("ssm").get_parameter(Name=PARAMETER)["Parameter"]["Value"]
    assert base.name == "al2023-ami-2023.6.20261027.0-kernel-6.1-x86_64"
    assert base.release_version == "2023.6.20261027"
    assert base.source == PARAMETER


def test_a_locked_base_stays_and_update_shows_the_move(declared, account):
    section = declared().sections["images"]
    first = images.complete_lock(section, Lock(), account)
    account.client("ec2").register_image(Name="acme-base-2", Architecture="x86_64")
    assert images.complete_lock(section, first, account) is first
    [move] = locking.moves(section, first, account)
    assert not move.is_change
    with pytest.raises(UsageError, match="there is no image 'db' to lock"):
        locking.moves(section, first, account, ["db"])


def test_a_base_by_name_is_the_newest_of_its_owner(declared, account):
    text = """images:
  web:
    base: {name: acme-base-*, owner: self}
    schedule: {cron: "0 3 ? * SUN *"}
    promise: {max_age: 8d, max_base_age: 35d}
    default_vpc: true
"""
    section = declared(text).sections["images"]
    with pytest.raises(NotFoundError, match="self has no AMI named acme-base"):
        images.complete_lock(section, Lock(), account)
    ec2 = account.client("ec2")
    ec2.register_image(Name="acme-base-1")
    account.clock.sleep(60)
    newest = ec2.register_image(Name="acme-base-2")["ImageId"]
    assert images.complete_lock(section, Lock(), account).bases["web"].image_id == newest


def test_the_world_has_the_named_network_and_users(declared, account):
    declaration = declared()
    world.build(declaration.sections["images"], account, declaration.site)
    (subnet,) = account.client("ec2").describe_subnets(SubnetIds=["subnet-0a1b2c3d"])["Subnets"]
    assert subnet["VpcId"] == "vpc-0a1b2c3d"
    filters = [{"Name": "tag:Role", "Values": ["web"]}]
    assert len(account.client("ec2").describe_instances(Filters=filters)["Reservations"]) == 1


def test_the_world_satisfies_the_preflight_of_every_key(full, account):
    section = full.sections["images"]
    before = rules(images.preflight(section, full.site, account))
    assert {"images.no-such-base", "images.no-such-subnet", "images.not-published"} <= set(before)
    world.build(section, account, full.site)
    world.build(section, account, full.site)
    assert rules(images.preflight(section, full.site, account)) == ["images.encryption-by-default"]


def test_the_preflight_names_what_is_not_there(declared, account):
    declaration = declared()
    found = images.preflight(declaration.sections["images"], declaration.site, account)
    assert rules(found) == ["images.no-such-subnet", "images.encryption-by-default"]
    world.build(declaration.sections["images"], account, declaration.site)
    found = images.preflight(declaration.sections["images"], declaration.site, account)
    assert rules(found) == ["images.encryption-by-default"]


def test_the_preflight_refuses_a_pipeline_and_a_root_device_of_others(declared, applied, account):
    applied()
    other = declared().site
    section = declared("""images:
  web:
    base: {parameter: /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64}
    schedule: {cron: "0 3 ? * SUN *"}
    promise: {max_age: 8d, max_base_age: 35d}
    default_vpc: true
    volumes: [{device: /dev/sda1}]
""").sections["images"]
    found = images.preflight(section, other, account)
    assert "images.root-device" in rules(found)
    (arn,) = ImageBuilder.of("111111111111", "eu-west-1").shelf("image-pipeline")
    account.client("imagebuilder").tag_resource(resourceArn=arn, tags={"baseops:declaration": "theirs"})
    assert "images.pipeline-of-others" in rules(images.preflight(section, other, account))


def test_a_build_leaves_an_ami_with_tags_permission_and_parameter_in_every_region(applied, account):
    compiled = applied()
    begun = account.clock.now()
    done = build(compiled, account)
    assert account.clock.now() - begun == timedelta(minutes=20)
    assert sorted(done.amis) == ["eu-west-1", "us-east-1"]
    for region, image_id in done.amis.items():
        (image,) = own(account, region)
        tags = {tag["Key"]: tag["Value"] for tag in image["Tags"]}
        assert image["ImageId"] == image_id
        assert (tags["baseops:image"], tags["CreatedBy"]) == ("web", "EC2 Image Builder")
        assert tags["baseops:base"] == compiled.lock.bases["web"].image_id
        parameter = account.client("ssm", region).get_parameter(Name="/acme/images/web")["Parameter"]
        assert (parameter["Value"], parameter["DataType"]) == (image_id, "aws:ec2:image")
        permissions = account.client("ec2", region).describe_image_attribute(
            ImageId=image_id, Attribute="launchPermission"
        )["LaunchPermissions"]
        assert permissions == [{"UserId": "222222222222"}]


def test_what_is_pending_before_and_after_the_first_build(applied, account):
    compiled = applied()
    section = compiled.declaration.sections["images"]
    assert rules(images.pending(section, compiled.refs, account)) == ["images.no-image-yet"]
    build(compiled, account)
    assert images.pending(section, compiled.refs, account) == []


def test_a_failed_build_is_a_verdict_and_three_disable_the_pipeline(applied, account):
    compiled = applied()
    section, site = compiled.declaration.sections["images"], compiled.declaration.site
    service = ImageBuilder.of("111111111111", "eu-west-1")
    service.announce = lambda image, former: None  # the alert on it is EventBridge's to deliver
    pipeline = find_pipeline(section, "web", site, account)
    for _ in range(3):
        begun = start("web", pipeline, site, account)
        service.fail(begun.arn, "Step Install failed with exit code 1")
        with pytest.raises(VerdictError, match="ended as FAILED: Step Install failed with exit code 1"):
            follow(begun, site, account, account.clock, timedelta(hours=1), lambda _: None)
    found = images.pending(section, compiled.refs, account)
    assert rules(found) == ["images.pipeline-disabled", "images.no-image-yet"]


def test_the_schedule_builds_and_old_images_are_retired(applied, account):
    applied()
    account.clock.sleep(timedelta(days=150).total_seconds())
    states = [each["state"]["status"] for each in ImageBuilder.of("111111111111", "eu-west-1").shelf("image").values()]
    # Since the 8th of November 21 Sundays, on the 1st of April: 8 images are younger than 60 days, 5 than 90.
    assert (states.count("AVAILABLE"), states.count("DEPRECATED"), len(states)) == (8, 5, 13)
    assert len(own(account)) == 13
    assert len(own(account, "us-east-1")) == 13


def test_an_image_that_was_launched_lately_outlives_its_age(applied, account):
    compiled = applied()
    first = build(compiled, account).amis["eu-west-1"]
    account.clock.sleep(timedelta(days=80).total_seconds())
    account.client("ec2").run_instances(ImageId=first, MinCount=1, MaxCount=1, InstanceType="t3.micro")
    account.clock.sleep(timedelta(days=20).total_seconds())
    assert first in [each["ImageId"] for each in own(account)]


def test_apply_again_changes_nothing_and_destroy_keeps_the_images(applied, account):
    compiled = applied()
    build(compiled, account)
    assert not apply(compiled, account, account.clock).changed
    assert not status(compiled, account, account.clock).has_drifted
    destroy(compiled.declaration.site, account, account.clock)
    assert len(own(account)) == 1
    assert account.client("imagebuilder").list_image_pipelines()["imagePipelineList"] == []
    again = apply(compiled, account, account.clock)
    assert {each.outcome for each in again.stacks} == {"created"}
    build(compiled, account)
    assert len(own(account)) == 2


def test_a_recipe_of_a_moved_base_takes_the_next_version(applied, account):
    compiled = applied()
    base = compiled.lock.bases["web"]
    ec2 = account.client("ec2")
    newer = ec2.register_image(Name="al2023-ami-2023.7.20261110.0-kernel-6.1-x86_64", RootDeviceName="/dev/xvda")
    lock = Lock(
        bases={"web": type(base)(newer["ImageId"], "al2023-ami-2023.7.20261110.0-x", "2023.7.20261110", base.source)},
        components=compiled.lock.components,
        places=compiled.lock.places,
    )
    moved = compile_declaration(compiled.declaration, lock)
    apply(moved, account, account.clock)
    found = account.client("imagebuilder").list_image_recipes()["imageRecipeSummaryList"]
    assert sorted(each["arn"].rpartition("/")[2] for each in found) == ["1.0.0", "1.0.1"]
    assert build(moved, account).arn.endswith("image/baseops-acme-web/1.0.1/1")


def protections(account, region="eu-west-1"):
    return {each["ImageId"]: each.get("DeregistrationProtection", "disabled") for each in own(account, region)}


def test_each_build_is_protected_when_it_is_published_and_the_one_before_let_go(applied, account, web):
    compiled = applied(web + "    protect: true\n")
    (setting,) = [each for each in compiled.settings if each.region == "eu-west-1"]
    assert setting.read(account) is None
    assert setting.unset_reason(None) == "/acme/images/web names no AMI yet; the first build will be protected"
    first = build(compiled, account).amis["eu-west-1"]
    account.clock.sleep(60)
    assert protections(account) == {first: "enabled-without-cooldown"}
    with pytest.raises(account.client("ec2").exceptions.ClientError, match="deregistration protection is enabled"):
        account.client("ec2").deregister_image(ImageId=first)
    second = build(compiled, account).amis["eu-west-1"]
    account.clock.sleep(60)
    assert protections(account) == {first: "disabled", second: "enabled-without-cooldown"}
    assert setting.read(account) == setting.desired
    destroy(compiled.declaration.site, account, account.clock)
    assert set(protections(account).values()) == {"disabled"}


def test_apply_protects_what_was_built_while_nothing_did(applied, account, web):
    compiled = applied(web)
    built = build(compiled, account).amis["eu-west-1"]
    assert protections(account) == {built: "disabled"}
    applied(web + "    protect: true\n")
    assert protections(account) == {built: "enabled-without-cooldown"}


def test_a_build_that_cannot_be_protected_is_told(applied, account, web):
    compiled = applied(web + "    protect: true\n")
    role = resource(account, "WebProtectRole")
    account.client("iam").delete_role_policy(RoleName=role, PolicyName="work")
    account.enforce()
    built = build(compiled, account).amis["eu-west-1"]
    account.clock.sleep(600)
    assert protections(account) == {built: "disabled"}
    (failed,) = account.client("ssm").describe_automation_executions()["AutomationExecutionMetadataList"]
    assert (failed["DocumentName"], failed["AutomationExecutionStatus"]) == ("baseops-acme-web-protect", "Failed")


def resource(account, logical_id):
    stack = account.client("cloudformation")
    found = stack.describe_stack_resource(StackName="baseops-acme-images", LogicalResourceId=logical_id)
    return found["StackResourceDetail"]["PhysicalResourceId"]


def test_allowed_amis_are_claimed_in_every_region_and_given_back(applied, account, web):
    compiled = applied(ALLOWED + web)
    for region in ("eu-west-1", "us-east-1"):
        answer = account.client("ec2", region).get_allowed_images_settings()
        assert (answer["State"], answer["ImageCriteria"]) == ("audit-mode", [{"ImageProviders": ["amazon"]}])
    destroy(compiled.declaration.site, account, account.clock)
    assert account.client("ec2").get_allowed_images_settings()["State"] == "disabled"


def test_allowed_amis_that_are_enabled_are_never_made_weaker(declared, account, web):
    ec2 = account.client("ec2")
    ec2.enable_allowed_images_settings(AllowedImagesSettingsState="enabled")
    declaration = declared(ALLOWED + web)
    setting = settings(declaration.sections["images"], Refs(declaration.site))[0]
    assert setting.unset_reason(setting.read(account)) == (
        "eu-west-1 refuses AMIs already (enabled); write state: enabled, or disable it by hand first"
    )
