"""Secrets Manager in the sandbox behaves as its guide says."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
ROTATES = """
import boto3, json
def handle(event, context):
    client = boto3.client("secretsmanager")
    name, token, step = event["SecretId"], event["ClientRequestToken"], event["Step"]
    print("step", step)
    versions = client.describe_secret(SecretId=name)["VersionIdsToStages"]
    if step == "createSecret":
        client.put_secret_value(
            SecretId=name, ClientRequestToken=token, SecretString="new", VersionStages=["AWSPENDING"]
        )
    if step == "testSecret":
        client.get_secret_value(SecretId=name, VersionStage="AWSPENDING")
    if step == "finishSecret":
        current = next(version for version, stages in versions.items() if "AWSCURRENT" in stages)
        client.update_secret_version_stage(
            SecretId=name, VersionStage="AWSCURRENT", MoveToVersionId=token, RemoveFromVersionId=current
        )
"""
FAILS = "def handle(event, context):\n    raise RuntimeError('the database is away')\n"


@pytest.fixture
def secrets(account):
    return account.client("secretsmanager")


def code_of(refused) -> str:
    return str(refused.value.response["Error"]["Code"])


def stages(secrets, name: str = "db") -> list[list[str]]:
    found = secrets.describe_secret(SecretId=name)["VersionIdsToStages"].values()
    return sorted(sorted(each) for each in found)


def function(account, source: str, *, callable_by_secrets_manager: bool = True) -> str:
    from baseops.sandbox.kinds.lambda_ import _code

    iam, client = account.client("iam"), account.client("lambda")
    document = json.dumps({"Version": "2012-10-17", "Statement": TRUST})
    everything = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
    role = iam.create_role(RoleName="rotate", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    iam.put_role_policy(RoleName="rotate", PolicyName="all", PolicyDocument=json.dumps(everything))
    made = client.create_function(
        FunctionName="rotate",
        Role=role,
        Runtime="python3.13",
        Handler="index.handle",
        Timeout=20,
        Code=_code({"ZipFile": source}),
    )
    if callable_by_secrets_manager:
        client.add_permission(
            FunctionName="rotate",
            StatementId="s",
            Action="lambda:InvokeFunction",
            Principal="secretsmanager.amazonaws.com",
            SourceAccount=account.account_id,
        )
    return str(made["FunctionArn"])


def test_a_secret_is_found_by_name_arn_and_arn_without_suffix(secrets):
    arn = secrets.create_secret(Name="app/db", SecretString="one")["ARN"]
    assert {secrets.get_secret_value(SecretId=name)["SecretString"] for name in ("app/db", arn, arn[:-7])} == {"one"}


def test_putting_values_moves_the_labels(secrets):
    secrets.create_secret(Name="db", SecretString="one")
    for text in ("two", "three"):
        secrets.put_secret_value(SecretId="db", SecretString=text)
    assert stages(secrets) == [["AWSCURRENT"], ["AWSPREVIOUS"]]
    values = [
        secrets.get_secret_value(SecretId="db", VersionStage=each)["SecretString"]
        for each in ("AWSCURRENT", "AWSPREVIOUS")
    ]
    assert values == ["three", "two"]


def test_a_token_makes_putting_repeatable_but_not_changeable(secrets):
    secrets.create_secret(Name="db", SecretString="one")
    token = "11111111-2222-4333-8444-555555555555"
    first = secrets.put_secret_value(SecretId="db", SecretString="two", ClientRequestToken=token)
    assert (
        secrets.put_secret_value(SecretId="db", SecretString="two", ClientRequestToken=token)["VersionId"]
        == first["VersionId"]
    )
    with pytest.raises(ClientError) as refused:
        secrets.put_secret_value(SecretId="db", SecretString="three", ClientRequestToken=token)
    assert code_of(refused) == "ResourceExistsException"


def test_an_empty_secret_has_no_value(secrets):
    secrets.create_secret(Name="db")
    with pytest.raises(ClientError, match="can't find the specified secret value for staging label: AWSCURRENT"):
        secrets.get_secret_value(SecretId="db")


def test_a_deleted_name_stays_blocked_for_its_window(account, secrets):
    secrets.create_secret(Name="db", SecretString="one")
    secrets.delete_secret(SecretId="db", RecoveryWindowInDays=7)
    for call in (lambda: secrets.get_secret_value(SecretId="db"), lambda: secrets.create_secret(Name="db")):
        with pytest.raises(ClientError) as refused:
            call()
        assert code_of(refused) == "InvalidRequestException"
    assert secrets.list_secrets()["SecretList"] == []
    account.clock.advance(by=timedelta(days=7, minutes=1))
    secrets.create_secret(Name="db")


def test_a_deleted_secret_is_restored_with_its_value(account, secrets):
    secrets.create_secret(Name="db", SecretString="one")
    secrets.delete_secret(SecretId="db", RecoveryWindowInDays=7)
    secrets.restore_secret(SecretId="db")
    account.clock.advance(by=timedelta(days=30))
    assert secrets.get_secret_value(SecretId="db")["SecretString"] == "one"


def test_a_key_that_is_gone_makes_values_unreadable(account, secrets):
    kms = account.client("kms")
    key = kms.create_key()["KeyMetadata"]
    secrets.create_secret(Name="db", SecretString="one", KmsKeyId=key["Arn"])
    kms.disable_key(KeyId=key["KeyId"])
    with pytest.raises(ClientError) as refused:
        secrets.get_secret_value(SecretId="db")
    assert code_of(refused) == "DecryptionFailure"
    with pytest.raises(ClientError) as refused:
        secrets.create_secret(Name="other", SecretString="one", KmsKeyId="alias/nobody")
    assert code_of(refused) == "EncryptionFailure"


def test_replicas_follow_and_are_changed_through_their_primary_alone(account, secrets):
    secrets.create_secret(Name="db", SecretString="one", AddReplicaRegions=[{"Region": "us-east-1"}])
    away = account.client("secretsmanager", "us-east-1")
    secrets.put_secret_value(SecretId="db", SecretString="two")
    assert away.get_secret_value(SecretId="db")["SecretString"] == "two"
    assert away.describe_secret(SecretId="db")["PrimaryRegion"] == "eu-west-1"
    with pytest.raises(ClientError, match="Operation not permitted on a replica secret"):
        away.put_secret_value(SecretId="db", SecretString="three")
    with pytest.raises(ClientError, match="still has replica regions"):
        secrets.delete_secret(SecretId="db")
    away.stop_replication_to_replica(SecretId="db")
    away.put_secret_value(SecretId="db", SecretString="own")
    assert secrets.get_secret_value(SecretId="db")["SecretString"] == "two"


def test_batches_tell_of_each_secret_that_failed(secrets):
    secrets.create_secret(Name="db", SecretString="one")
    answer = secrets.batch_get_secret_value(SecretIdList=["db", "nobody"])
    assert [each["SecretString"] for each in answer["SecretValues"]] == ["one"]
    assert [(each["SecretId"], each["ErrorCode"]) for each in answer["Errors"]] == [
        ("nobody", "ResourceNotFoundException")
    ]


def test_filters_match_from_the_beginning_and_may_exclude(secrets):
    for name, owner in (("app/a", "x"), ("app/b", "y"), ("other", "x")):
        secrets.create_secret(Name=name, Tags=[{"Key": "owner", "Value": owner}])

    def listed(*filters):
        wanted = [{"Key": key, "Values": [value]} for key, value in filters]
        return sorted(each["Name"] for each in secrets.list_secrets(Filters=wanted)["SecretList"])

    assert listed(("name", "app/")) == ["app/a", "app/b"]
    assert listed(("name", "!app/")) == ["other"]
    assert listed(("name", "app/"), ("tag-value", "x")) == ["app/a"]


def test_passwords_keep_their_rules(secrets):
    made = secrets.get_random_password(PasswordLength=200, ExcludePunctuation=True, ExcludeCharacters="aA0")[
        "RandomPassword"
    ]
    assert len(made) == 200
    assert made.isalnum()
    assert set(made).isdisjoint("aA0")
    with pytest.raises(ClientError):
        secrets.get_random_password(PasswordLength=2)


def test_a_public_policy_is_refused_when_asked_and_a_broken_one_always(secrets):
    secrets.create_secret(Name="db")
    public = {"Effect": "Allow", "Principal": "*", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
    text = json.dumps({"Version": "2012-10-17", "Statement": [public]})
    assert not secrets.validate_resource_policy(ResourcePolicy=text)["PolicyValidationPassed"]
    with pytest.raises(ClientError) as refused:
        secrets.put_resource_policy(SecretId="db", ResourcePolicy=text, BlockPublicPolicy=True)
    assert code_of(refused) == "PublicPolicyException"
    for broken in ("{", json.dumps({"Statement": [{"Effect": "Allow"}]})):
        with pytest.raises(ClientError) as refused:
            secrets.put_resource_policy(SecretId="db", ResourcePolicy=broken)
        assert code_of(refused) == "MalformedPolicyDocumentException"


def test_a_policy_that_names_a_role_nobody_has_is_refused(secrets):
    secrets.create_secret(Name="db")
    named = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111111111111:role/gone"},
        "Action": "*",
        "Resource": "*",
    }
    with pytest.raises(ClientError, match="unsupported principal"):
        secrets.put_resource_policy(SecretId="db", ResourcePolicy=json.dumps({"Statement": [named]}))


def test_a_rotation_runs_its_four_steps_and_the_next_is_planned(account, secrets):
    secrets.create_secret(Name="db", SecretString="old")
    arn = function(account, ROTATES)
    secrets.rotate_secret(
        SecretId="db",
        RotationLambdaARN=arn,
        RotationRules={"ScheduleExpression": "cron(0 3 1 * ? *)", "Duration": "2h"},
    )
    assert stages(secrets) == [["AWSCURRENT"], ["AWSPENDING"]]
    account.clock.advance(by=60)
    assert stages(secrets) == [["AWSCURRENT"], ["AWSPREVIOUS"]]
    assert secrets.get_secret_value(SecretId="db")["SecretString"] == "new"
    due = secrets.describe_secret(SecretId="db")["NextRotationDate"]
    assert (due.astimezone(account.clock.now().tzinfo).strftime("%Y-%m-%d %H:%M")) == "2025-02-01 05:00"


def test_trying_a_rotation_changes_nothing(account, secrets):
    secrets.create_secret(Name="db", SecretString="old")
    arn = function(account, ROTATES)
    secrets.rotate_secret(
        SecretId="db", RotationLambdaARN=arn, RotationRules={"AutomaticallyAfterDays": 30}, RotateImmediately=False
    )
    account.clock.advance(by=60)
    assert stages(secrets) == [["AWSCURRENT"]]
    logs = account.client("logs").filter_log_events(logGroupName="/aws/lambda/rotate")["events"]
    assert [each["message"] for each in logs if each["message"].startswith("step")] == ["step testSecret"]


def test_a_rotation_that_fails_keeps_the_value_and_blocks_the_next(account, secrets):
    secrets.create_secret(Name="db", SecretString="old")
    arn = function(account, FAILS)
    secrets.rotate_secret(SecretId="db", RotationLambdaARN=arn, RotationRules={"AutomaticallyAfterDays": 30})
    account.clock.advance(by=600)
    assert secrets.get_secret_value(SecretId="db")["SecretString"] == "old"
    assert "LastRotatedDate" not in secrets.describe_secret(SecretId="db")
    with pytest.raises(ClientError, match="A previous rotation isn't complete"):
        secrets.rotate_secret(SecretId="db")
    secrets.put_secret_value(SecretId="db", SecretString="by hand")
    assert stages(secrets) == [["AWSCURRENT"], ["AWSPREVIOUS"]]


def test_rotation_needs_a_function_that_lets_secrets_manager_in(account, secrets):
    secrets.create_secret(Name="db", SecretString="old")
    with pytest.raises(ClientError, match="No Lambda rotation function ARN"):
        secrets.rotate_secret(SecretId="db")
    arn = function(account, ROTATES, callable_by_secrets_manager=False)
    with pytest.raises(ClientError) as refused:
        secrets.rotate_secret(SecretId="db", RotationLambdaARN=arn)
    assert code_of(refused) == "AccessDeniedException"


@pytest.mark.parametrize("expression", ["rate(2 hours)", "rate(1 week)", "cron(0 3 *)"])
def test_a_schedule_out_of_bounds_is_refused(account, secrets, expression):
    secrets.create_secret(Name="db", SecretString="old")
    arn = function(account, ROTATES)
    with pytest.raises(ClientError) as refused:
        secrets.rotate_secret(SecretId="db", RotationLambdaARN=arn, RotationRules={"ScheduleExpression": expression})
    assert code_of(refused) == "InvalidParameterException"


def test_another_key_is_that_of_labelled_versions_which_open_with_the_former_one_too(account):
    client, kms = account.client("secretsmanager"), account.client("kms")
    first, second = (kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2))
    client.create_secret(Name="app/key", SecretString="1", KmsKeyId=first)
    client.update_secret(SecretId="app/key", KmsKeyId=second)
    client.create_secret(Name="app/default", SecretString="1")

    (version,) = client.list_secret_version_ids(SecretId="app/key")["Versions"]
    (default,) = client.list_secret_version_ids(SecretId="app/default")["Versions"]

    assert version["KmsKeyIds"] == [first, second]
    assert default["KmsKeyIds"] == ["DefaultEncryptionKey"]


def test_the_key_that_aws_manages_opens_through_the_service_alone(account):
    kms = account.client("kms")
    key = kms.describe_key(KeyId="alias/aws/secretsmanager")["KeyMetadata"]["Arn"]
    statement, _ = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])["Statement"]

    assert statement["Principal"] == {"AWS": "*"}
    assert statement["Condition"]["StringEquals"] == {
        "kms:CallerAccount": account.account_id,
        "kms:ViaService": "secretsmanager.eu-west-1.amazonaws.com",
    }
