"""What is seen in an account before and after apply, and values put by hand; against the sandbox."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from baseops.areas.secrets import account as area
from baseops.areas.secrets import settings, spec, world
from baseops.areas.secrets.operate.put import look, put
from baseops.contract.finding import Severity
from baseops.contract.refs import Refs
from baseops.contract.site import Site
from baseops.errors import NotFoundError, UsageError

HERE = Path(__file__).parent
SITE = Site("acme", ("111111111111",), "eu-west-1", ("us-east-1",), tags={"owner": "platform"}, folder=str(HERE))
TRUST = {"Version": "2012-10-17", "Statement": []}
KEY = "arn:aws:kms:eu-west-1:111111111111:key/11111111-2222-3333-4444-555555555555"
FUNCTION = "arn:aws:lambda:eu-west-1:111111111111:function:rotate"


def section(text: str) -> spec.Section:
    return spec.Section.model_validate(yaml.safe_load(text))


def said(found) -> list[tuple[str, str]]:
    return [(each.rule.removeprefix("secrets."), each.message) for each in found]


def preflight(account, text: str) -> list[tuple[str, str]]:
    return said(area.preflight(section(text), SITE, account))


def with_our_key(account) -> None:
    key = account.client("kms").create_key()["KeyMetadata"]["KeyId"]
    account.client("kms").create_alias(AliasName="alias/baseops-acme-secrets", TargetKeyId=key)


# --- the world ---


def test_the_world_satisfies_the_preflight(account):
    wanted = section((HERE / "full.yaml").read_text())
    world.build(wanted, account, SITE)
    world.build(wanted, account, SITE)
    assert area.preflight(wanted, SITE, account) == []


def test_a_declared_key_is_there_under_its_own_id(account):
    world.build(section(f"a: {{secret: x, key: {KEY}}}"), account, SITE)
    found = account.client("kms").describe_key(KeyId=KEY)["KeyMetadata"]
    assert (found["Arn"], found["KeyId"]) == (KEY, "11111111-2222-3333-4444-555555555555")
    assert account.client("kms").list_resource_tags(KeyId=KEY)["Tags"] == []


def test_the_world_makes_administrators_who_may_do_everything(account):
    world.build(section("a: {secret: x, administrators: [role/ops/admin]}"), account, SITE)
    role = account.client("iam").get_role(RoleName="admin")["Role"]
    assert role["Path"] == "/ops/"
    assert account.client("iam").list_role_policies(RoleName="admin")["PolicyNames"] == ["administrator"]


# --- before apply ---


def test_missing_roles_are_errors_where_something_is_attached(account):
    found = area.preflight(section("a: {secret: x, readers: [role/web], administrators: [role/admin]}"), SITE, account)
    assert [(each.severity, each.path, each.message) for each in found] == [
        (Severity.ERROR, ("secrets", "a", "readers", 0), "there is no IAM role web in this account"),
        (Severity.WARNING, ("secrets", "a", "administrators", 0), "there is no IAM role admin in this account"),
    ]


def test_a_full_role_is_found_before_iam_refuses(account):
    iam = account.client("iam")
    iam.create_role(RoleName="web", AssumeRolePolicyDocument=json.dumps(TRUST))
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": ["arn:aws:s3:::" + "x" * 60] * 128}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName="web", PolicyName="much", PolicyDocument=document)
    ((rule, message),) = preflight(account, "a: {secret: x, readers: [role/web]}")
    assert rule == "role-is-full"
    assert message.startswith("role/web has inline policies of 9")


def test_a_name_blocked_by_a_deletion_is_found(account):
    client = account.client("secretsmanager")
    client.create_secret(Name="x")
    client.delete_secret(SecretId="x", RecoveryWindowInDays=7)
    until = account.clock.now() + timedelta(days=7)
    ((rule, message), *_) = preflight(account, "a: {secret: x, administrators: []}")
    assert (rule, message) == (
        "name-blocked",
        f"the secret x is being deleted and blocks its name until {until:%Y-%m-%d}",
    )


def test_a_parameter_of_another_type_is_found(account):
    account.client("ssm").put_parameter(Name="/a", Type="String", Value="plain")
    assert preflight(account, "a: {parameter: /a}") == [
        (
            "parameter-of-another-type",
            "the parameter /a exists as a String, and a parameter's type cannot be changed",
        )
    ]


def test_what_somebody_else_should_have_made_is_missed(account):
    assert preflight(account, "a: {secret: x, managed: false}\nb: {parameter: /b, managed: false}") == [
        ("not-there", "there is no secret x, and `managed: false` says that somebody else makes it"),
        ("not-there", "there is no parameter /b, and `managed: false` says that somebody else makes it"),
    ]


def test_a_key_that_is_missing_or_disabled_is_found(account):
    assert preflight(account, f"a: {{secret: x, key: '{KEY}'}}") == [
        ("key-unusable", f"the key {KEY} is missing, and nothing can be encrypted under it")
    ]
    arn = account.client("kms").create_key()["KeyMetadata"]["Arn"]
    account.client("kms").disable_key(KeyId=arn.rpartition("/")[2])
    ((_, message),) = preflight(account, f"a: {{secret: x, key: '{arn}'}}")
    assert message == f"the key {arn} is Disabled, and nothing can be encrypted under it"


def test_a_function_that_is_missing_or_closed_to_secrets_manager_is_found(account):
    text = f"a: {{secret: x, rotation: {{function: '{FUNCTION}', every: 30d}}}}"
    assert preflight(account, text) == [("no-such-function", f"there is no Lambda function {FUNCTION}")]
    world.build(section(text), account, SITE)
    assert preflight(account, text) == []
    account.client("lambda").remove_permission(FunctionName="rotate", StatementId="secretsmanager")
    assert preflight(account, text) == [
        ("function-not-callable", "the policy of rotate does not let Secrets Manager call it")
    ]


@pytest.fixture
def network(account) -> dict[str, str]:
    ec2 = account.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="rotation", Description="x", VpcId=vpc)["GroupId"]
    return {"vpc": vpc, "subnet": subnet, "group": group}


def rotating(subnet: str, group: str) -> str:
    where = f"network: {{subnets: [{subnet}], security_groups: [{group}]}}"
    return f"a: {{secret: x, rotation: {{function: postgres-single-user, every: 30d, {where}}}}}"


def test_a_network_without_a_way_to_secrets_manager_is_found(account, network):
    text = rotating(network["subnet"], network["group"])
    ((rule, message),) = preflight(account, text)
    assert rule == "network-without-secrets-manager"
    assert message == (
        f"{network['subnet']} has neither an endpoint for Secrets Manager nor a route by a NAT gateway, so the "
        "function would wait there until its time is up"
    )
    account.client("ec2").create_vpc_endpoint(
        VpcId=network["vpc"],
        ServiceName="com.amazonaws.eu-west-1.secretsmanager",
        VpcEndpointType="Interface",
        PrivateDnsEnabled=True,
    )
    assert preflight(account, text) == []


def test_a_network_that_does_not_exist_or_spans_two_vpcs_is_found(account, network):
    ((rule, message),) = preflight(account, rotating("subnet-0a1b2c3d", network["group"]))
    assert rule == "no-such-network"
    assert message.startswith("cannot look at the subnets subnet-0a1b2c3d: ")
    default = account.client("ec2").describe_security_groups(GroupNames=["default"])["SecurityGroups"]
    other = next(each["GroupId"] for each in default if each["VpcId"] != network["vpc"])
    ((rule, _),) = preflight(account, rotating(network["subnet"], other))
    assert rule == "network-of-two-vpcs"


# --- settings and values ---


def test_a_secure_string_is_unset_until_a_value_is_put(account):
    with_our_key(account)
    declared = section("api: {parameter: /app/key, description: d, readers: [role/web]}")
    (setting,) = settings.settings(declared, Refs(SITE))
    assert (setting.id, setting.read(account)) == ("secrets/app/key", None)
    assert setting.unset_reason(None) == "nobody has put its value yet. Run: baseops secrets put /app/key"
    assert said(area.pending(declared, Refs(SITE), account)) == [("unset", "/app/key has no value yet")]

    done = put(look(declared, "api", SITE, account), "hunter2", SITE, account, overwrite=False)
    assert (done.name, done.kind, done.version) == ("/app/key", "parameter", "1")
    assert setting.read(account) == setting.desired
    assert area.pending(declared, Refs(SITE), account) == []
    live = account.client("ssm").get_parameter(Name="/app/key", WithDecryption=True)["Parameter"]
    assert live["Value"] == "hunter2"
    tags = account.client("ssm").list_tags_for_resource(ResourceType="Parameter", ResourceId="/app/key")["TagList"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"owner": "platform", "baseops:declaration": "acme"}


def test_another_key_or_type_is_said_with_what_helps(account):
    (setting,) = settings.settings(section("api: {parameter: /app/key}"), Refs(SITE))
    assert setting.unset_reason({"type": "SecureString", "key": "alias/aws/ssm", "tier": "Standard"}) == (
        "it is encrypted under alias/aws/ssm, and only its value, put again, can change that. Run: baseops secrets put "
        "/app/key --overwrite"
    )
    assert "a parameter's type cannot be changed" in setting.unset_reason({"type": "String", "key": None})
    assert "no way back to a standard one" in setting.unset_reason(
        {"type": "SecureString", "key": setting.key, "tier": "Advanced"}
    )
    with pytest.raises(UsageError):
        setting.write(account)


def test_an_existing_value_is_replaced_only_when_that_is_said(account):
    with_our_key(account)
    declared = section("api: {parameter: /app/key}")
    put(look(declared, "/app/key", SITE, account), "one", SITE, account, overwrite=False)
    with pytest.raises(UsageError) as refused:
        put(look(declared, "/app/key", SITE, account), "two", SITE, account, overwrite=False)
    assert str(refused.value) == (
        "the parameter /app/key has a value already: another one would replace it for all who read it. Run: baseops "
        "secrets put /app/key --overwrite"
    )
    done = put(look(declared, "/app/key", SITE, account), "two", SITE, account, overwrite=True)
    assert done.version == "2"


def test_a_secret_without_generation_waits_for_its_value(account):
    declared = section("db: {secret: app/db, readers: [role/web]}")
    with pytest.raises(NotFoundError, match="Make it first: baseops apply"):
        look(declared, "db", SITE, account)
    account.client("secretsmanager").create_secret(Name="app/db")
    assert said(area.pending(declared, Refs(SITE), account)) == [("unset", "app/db has no value yet")]
    put(look(declared, "db", SITE, account), "hunter2", SITE, account, overwrite=False)
    assert area.pending(declared, Refs(SITE), account) == []
    assert account.client("secretsmanager").get_secret_value(SecretId="app/db")["SecretString"] == "hunter2"


def test_a_value_that_the_rotation_could_not_read_is_refused(account):
    account.client("secretsmanager").create_secret(Name="x")
    declared = section("a: {secret: x, rotation: {function: postgres-single-user, every: 30d}}")
    target = look(declared, "a", SITE, account)
    with pytest.raises(UsageError) as refused:
        put(target, '{"host": "db"}', SITE, account, overwrite=False)
    assert refused.value.why == (
        "the PostgreSQL rotation reads JSON with host, username, password, and the value lacks username, password"
    )
    with pytest.raises(UsageError, match="the value is empty"):
        put(target, "", SITE, account, overwrite=False)


def test_what_takes_no_value_from_here_is_said(account):
    declared = section("level: {parameter: /level, type: String, value: info}")
    with pytest.raises(UsageError, match="whose value stands in the declaration"):
        look(declared, "level", SITE, account)
    with pytest.raises(UsageError, match="other is not declared: the section `secrets` has level"):
        look(declared, "other", SITE, account)


def test_a_first_rotation_that_is_still_to_come_is_said(account):
    text = f"a: {{secret: x, rotation: {{function: '{FUNCTION}', every: 30d}}}}"
    declared = section(text)
    world.build(declared, account, SITE)
    client = account.client("secretsmanager")
    client.create_secret(Name="x", SecretString="one")
    rules = {"ScheduleExpression": "rate(30 days)"}
    client.rotate_secret(SecretId="x", RotationLambdaARN=FUNCTION, RotationRules=rules, RotateImmediately=False)
    ((rule, message),) = said(area.pending(declared, Refs(SITE), account))
    assert rule == "not-rotated-yet"
    assert message.startswith("x has not been rotated yet, due by ")
    account.clock.advance(by=timedelta(days=32))
    assert area.pending(declared, Refs(SITE), account) == []


def test_a_replica_that_failed_is_said(account):
    account.client("secretsmanager", "us-east-1").create_secret(Name="x")
    account.client("secretsmanager").create_secret(
        Name="x", SecretString="one", AddReplicaRegions=[{"Region": "us-east-1"}]
    )
    ((rule, message),) = said(area.pending(section("a: {secret: x, replicas: [us-east-1]}"), Refs(SITE), account))
    assert rule == "replica-failed"
    assert message == (
        "the copy of x in us-east-1 failed: Replication failed: Secret name x already exists in region us-east-1."
    )
