"""Secrets as CloudFormation: what each trap decides, and that nothing secret is in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from baseops.areas.secrets import spec, stack
from baseops.cloudformation.builder import StackBuilder
from baseops.contract.lock import Lock
from baseops.contract.refs import Refs
from baseops.contract.site import Site
from baseops.contract.template import Output
from baseops.errors import CompileError

HERE = Path(__file__).parent
SITE = Site("acme", ("111111111111",), "eu-west-1", ("us-east-1",), folder=str(HERE))


def section(text: str) -> spec.Section:
    return spec.Section.model_validate(yaml.safe_load(text))


def built(declared: spec.Section, lock: Lock | None = None):
    builder = StackBuilder("secrets", SITE)
    stack.build(declared, builder, Refs(SITE, lock or Lock()))
    (template,), _ = builder.build(Lock())
    return template


def resources(declared: spec.Section, lock: Lock | None = None) -> dict:
    return dict(built(declared, lock).body["Resources"])


@pytest.fixture(scope="module")
def full() -> spec.Section:
    return section((HERE / "full.yaml").read_text())


def test_a_secret_is_encrypted_kept_and_generated_by_secrets_manager():
    text = 'db: {secret: app/db, generate: {length: 40, exclude_characters: "@/"}, readers: [role/web]}'
    made = resources(section(text))["DbSecret"]
    assert made == {
        "Type": "AWS::SecretsManager::Secret",
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": {
            "Name": "app/db",
            "KmsKeyId": {"Ref": "SecretsKeyArn"},
            "GenerateSecretString": {"PasswordLength": 40, "ExcludeCharacters": "@/"},
            "Tags": [{"Key": "baseops:declaration", "Value": "acme"}],
        },
    }


def test_a_template_and_key_make_a_json_secret(full):
    generated = resources(full)["DatabaseSecret"]["Properties"]["GenerateSecretString"]
    assert generated["GenerateStringKey"] == "password"
    assert json.loads(generated["SecretStringTemplate"]) == {
        "engine": "postgres",
        "host": "db.acme.internal",
        "port": 5432,
        "dbname": "app",
        "username": "app",
    }


def test_a_reader_reads_the_secret_and_nothing_that_is_named_alike():
    made = resources(section("db: {secret: app/db, readers: [role/app/web]}"))["WebReads"]
    document = made["Properties"].pop("PolicyDocument")
    assert made == {
        "Type": "AWS::IAM::RolePolicy",
        "Properties": {"RoleName": "web", "PolicyName": "baseops-acme-secrets"},
    }
    arn = {"Fn::Sub": "arn:${AWS::Partition}:secretsmanager:eu-west-1:${AWS::AccountId}:secret:app/db-??????"}
    assert document["Statement"] == [
        {
            "Sid": "ReadSecrets",
            "Effect": "Allow",
            "Action": ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"],
            "Resource": [arn],
        },
        {
            "Sid": "ReadSecretsInBatches",
            "Effect": "Allow",
            "Action": "secretsmanager:BatchGetSecretValue",
            "Resource": "*",
        },
        {
            "Sid": "DecryptSecretsEuWest1",
            "Effect": "Allow",
            "Action": "kms:Decrypt",
            "Resource": {"Ref": "SecretsKeyArn"},
            "Condition": {
                "StringEquals": {"kms:ViaService": "secretsmanager.eu-west-1.amazonaws.com"},
                "StringLike": {"kms:EncryptionContext:SecretARN": [arn]},
            },
        },
    ]


def test_a_reader_of_a_parameter_gets_two_of_the_four_reading_actions():
    made = resources(section("api: {parameter: /app/key, readers: [role/web]}"))["WebReads"]["Properties"]
    arn = {"Fn::Sub": "arn:${AWS::Partition}:ssm:eu-west-1:${AWS::AccountId}:parameter/app/key"}
    read, decrypt = made["PolicyDocument"]["Statement"]
    assert (read["Action"], read["Resource"]) == (["ssm:GetParameter", "ssm:GetParameters"], [arn])
    assert decrypt["Condition"]["StringEquals"] == {
        "kms:ViaService": "ssm.eu-west-1.amazonaws.com",
        "kms:EncryptionContext:PARAMETER_ARN": [arn],
    }


def test_one_reader_has_one_policy_for_all_that_it_reads(full):
    made = resources(full)
    assert [name for name in made if name.startswith("Web")] == ["WebReads", "WebReadsPolicy"]
    reads = made["WebReads"]["Properties"]["PolicyDocument"]["Statement"]
    assert [statement["Sid"] for statement in reads] == [
        "ReadSecrets",
        "ReadSecretsInBatches",
        "ReadParameters",
        "DecryptSecretsEuWest1",
        "DecryptParametersEuWest1",
        "DecryptSecretsUsEast1",
    ]


def test_a_managed_policy_is_made_and_named_in_an_output(full):
    template = built(full)
    assert template.body["Resources"]["WebReadsPolicy"]["Type"] == "AWS::IAM::ManagedPolicy"
    assert template.body["Outputs"]["WebReadsPolicyArn"] == {"Value": {"Ref": "WebReadsPolicy"}}


def test_a_printed_policy_is_no_resource():
    assert resources(section("db: {secret: a, readers: [role/web], attach: print}")).keys() == {"DbSecret"}


def test_rotation_never_begins_by_a_deployment(full):
    made = resources(full)
    schedules = [each for each in made.values() if each["Type"] == "AWS::SecretsManager::RotationSchedule"]
    assert [each["Properties"]["RotateImmediatelyOnUpdate"] for each in schedules] == [False, False, False]
    assert made["DatabaseRotationSchedule"]["Properties"]["RotationRules"] == {
        "ScheduleExpression": "rate(30 days)",
        "Duration": "3h",
    }
    assert made["DatabaseCanaryRotationSchedule"]["Properties"]["RotationRules"] == {
        "ScheduleExpression": "rate(1000 days)"
    }
    assert made["PartnerRotationSchedule"]["Properties"]["RotationRules"] == {"ScheduleExpression": "cron(0 3 1 * ? *)"}


def test_the_rotation_function_reaches_its_own_secret_alone(full):
    made = resources(full)
    function = made["DatabaseRotationFunction"]["Properties"]
    assert (function["Runtime"], function["Architectures"]) == ("python3.13", ["arm64"])
    assert function["VpcConfig"] == {
        "SubnetIds": ["subnet-0a1b2c3d", "subnet-0b2c3d4e"],
        "SecurityGroupIds": ["sg-0a1b2c3d"],
    }
    assert json.loads(function["Environment"]["Variables"]["PASSWORD_RULES"]) == {
        "ExcludeCharacters": '"@/\\',
        "PasswordLength": 40,
    }
    (policy,) = made["DatabaseRotationRole"]["Properties"]["Policies"]
    statements = {each["Sid"]: each for each in policy["PolicyDocument"]["Statement"]}
    assert statements["RotateItsSecret"]["Resource"] == {"Ref": "DatabaseSecret"}
    assert statements["WriteItsLogs"]["Resource"] == {"Fn::GetAtt": ["DatabaseRotationLogs", "Arn"]}
    assert statements["ItsCodeDoesNot"]["Condition"] == {"Null": {"lambda:SourceFunctionArn": "false"}}
    assert made["DatabaseRotationPermission"]["Properties"] == {
        "Action": "lambda:InvokeFunction",
        "FunctionName": {"Fn::GetAtt": ["DatabaseRotationFunction", "Arn"]},
        "Principal": "secretsmanager.amazonaws.com",
        "SourceAccount": {"Ref": "AWS::AccountId"},
    }


def test_a_failed_rotation_rings(full):
    made = resources(full)
    alarm = made["DatabaseRotationFailedAlarm"]["Properties"]
    assert alarm["AlarmName"] == "baseops-acme-secrets-database-rotation-failed"
    assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": "DatabaseRotationFunction"}}]
    others = made["PartnerRotationFailedAlarm"]["Properties"]
    assert others["Dimensions"] == [{"Name": "FunctionName", "Value": "rotate-partner-token"}]
    pattern = made["DatabaseRotationFailedRule"]["Properties"]["EventPattern"]
    assert pattern["detail"] == {
        "eventName": ["RotationAbandoned", "RotationFailed"],
        "additionalEventData": {"SecretId": [{"Ref": "DatabaseSecret"}]},
    }


def test_the_resource_policy_refuses_all_but_readers_administrators_the_function_and_root(full):
    made = resources(full)["DatabaseResourcePolicy"]["Properties"]
    assert made["BlockPublicPolicy"] is True
    (deny,) = made["ResourcePolicy"]["Statement"]
    account = "arn:${AWS::Partition}:iam::${AWS::AccountId}"
    assert deny["Condition"] == {
        "ArnNotLike": {
            "aws:PrincipalArn": [
                {"Fn::Sub": f"{account}:role/web"},
                {"Fn::Sub": f"{account}:role/app/worker"},
                {"Fn::Sub": f"{account}:role/admin"},
                {"Fn::GetAtt": ["DatabaseRotationRole", "Arn"]},
                {"Fn::Sub": f"{account}:root"},
            ]
        },
        "Bool": {"aws:PrincipalIsAWSService": "false"},
    }


def test_a_reader_of_another_account_is_allowed_by_the_resource_policy(full):
    statements = resources(full)["SharedResourcePolicy"]["Properties"]["ResourcePolicy"]["Statement"]
    assert statements[1]["Principal"] == {"AWS": [{"Fn::Sub": "arn:${AWS::Partition}:iam::222222222222:role/partner"}]}


def test_replicas_have_the_key_of_their_own_region(full):
    template = built(full)
    replicas = template.body["Resources"]["DatabaseSecret"]["Properties"]["ReplicaRegions"]
    assert replicas == [{"Region": "us-east-1", "KmsKeyId": {"Ref": "SecretsKeyArnUsEast1"}}]
    assert template.parameters["SecretsKeyArnUsEast1"] == Output("region", "us-east-1", "SecretsKeyArn")


def test_secure_strings_and_what_others_manage_are_no_resources(full):
    names = {each["Properties"].get("Name") for each in resources(full).values()}
    assert names.isdisjoint({"/app/api-key", "/app/signing/private-key", "legacy/password"})
    assert {"/app/log-level", "/app/hosts"} <= names


def test_a_string_list_is_written_with_commas(full):
    assert resources(full)["HostsParameter"]["Properties"]["Value"] == "a.acme.example,b.acme.example"


def test_the_template_is_the_same_on_every_build(full):
    assert json.dumps(built(full).body) == json.dumps(built(full).body)


def test_a_changed_generation_is_refused_and_named():
    first = section("db: {secret: app/db, generate: {length: 40}, readers: [role/web]}")
    frozen = Lock(frozen=stack.needs(first, SITE).frozen)
    assert resources(first, frozen)
    changed = section("db: {secret: app/db, generate: {length: 50}, readers: [role/web]}")
    with pytest.raises(CompileError) as refused:
        resources(changed, frozen)
    assert str(refused.value) == (
        "secrets.db.generate: the rules are not those that app/db was made with: CloudFormation would replace the live "
        "value, and whoever uses it would be locked out. Write `generate` as it was; a new value is put with: baseops "
        "secrets put app/db --overwrite. To have the value replaced all the same, take the line secrets/app/db out of "
        "`frozen` in baseops.lock."
    )


@pytest.mark.parametrize(
    "change", ["{secret: app/db, readers: [role/web]}", "{secret: app/db, generate: {key: a, template: {b: c}}}"]
)
def test_no_generation_and_another_template_are_changes_too(change):
    first = section("db: {secret: app/db, generate: {length: 40}, readers: [role/web]}")
    with pytest.raises(CompileError, match="the rules are not those that app/db was made with"):
        resources(section(f"db: {change}"), Lock(frozen=stack.needs(first, SITE).frozen))


def test_a_value_put_by_hand_is_not_generated_over():
    first = section("db: {secret: app/db, readers: [role/web]}")
    lock = Lock(frozen=stack.needs(first, SITE).frozen)
    assert lock.frozen == {"secrets/app/db": "by hand"}
    with pytest.raises(CompileError):
        resources(section("db: {secret: app/db, generate: {length: 40}, readers: [role/web]}"), lock)


def test_what_the_foundation_is_asked_for(full):
    needs = stack.needs(full, SITE)
    assert [(need.purpose, need.region, sorted(need.services)) for need in needs.keys] == [
        ("secrets", "eu-west-1", ["lambda", "secretsmanager", "ssm"]),
        ("secrets", "us-east-1", ["secretsmanager"]),
        ("logs", "eu-west-1", ["logs"]),
    ]
    assert needs.publishers == {"eu-west-1": frozenset({"cloudwatch", "events"})}
    assert [artifact.name for artifact in needs.artifacts] == ["postgres-single-user.zip"]
    assert needs.drill_statements.keys() == {"observe", "exercise", "disturb"}


def test_drills_never_get_an_action_that_gives_a_value(full):
    actions = {
        action
        for statements in stack.needs(full, SITE).drill_statements.values()
        for statement in statements
        for action in statement["Action"]
    }
    giving = {"secretsmanager:GetSecretValue", "secretsmanager:BatchGetSecretValue", "kms:Decrypt"}
    assert actions.isdisjoint(giving)
    assert "secretsmanager:RotateSecret" in actions
    assert not any(action.startswith("ssm:GetParameter") for action in actions)


def test_commands_on_instances_are_bound_to_their_documents_and_tags(full):
    statements = {each["Sid"]: each for each in stack.needs(full, SITE).drill_statements["disturb"]}
    (document,) = [each["Properties"] for each in resources(full).values() if each["Type"] == "AWS::SSM::Document"]
    (command,) = document["Content"]["mainSteps"][0]["inputs"]["runCommand"]

    assert statements["SecretsReadingCommands"]["Resource"]["Fn::Sub"].endswith(f":document/{document['Name']}")
    assert statements["SecretsReadingInstances1"]["Condition"] == {"StringEquals": {"aws:ResourceTag/Role": "web"}}
    assert statements["SecretsReadingInstances2"]["Condition"] == {"StringEquals": {"aws:ResourceTag/Role": "batch"}}
    assert command == (
        "aws secretsmanager get-secret-value --secret-id app/database --query VersionId "
        "--region eu-west-1 --output text"
    )
    assert "parameters" not in document["Content"]


def test_nothing_is_asked_for_parameters_alone():
    needs = stack.needs(section("a: {parameter: /a, type: String, value: x, readers: [role/web]}"), SITE)
    assert (needs.keys, needs.publishers, needs.artifacts, needs.frozen) == ((), {}, (), {})
