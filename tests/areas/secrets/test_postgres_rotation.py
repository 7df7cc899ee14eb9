"""The PostgreSQL rotation against a real server, step by step and as Secrets Manager runs it in the sandbox."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

pytest.importorskip("pg8000", reason="the extra `rotation` is not installed: pip install 'baseops-aws[rotation]'")

from baseops.areas.secrets import package
from baseops.areas.secrets.functions.postgres_single_user import handler
from baseops.areas.secrets.functions.postgres_single_user.database import (
    RotationError,
    can_log_in,
    md5_verifier,
    scram_verifier,
)

TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
RULES = {"PasswordLength": 40, "ExcludeCharacters": "\"'\\"}
TOKEN = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
def user(postgres) -> dict:
    """A user of the server who knows its first password; what its secret holds."""
    name = "app-user"
    postgres.run(f'DROP ROLE IF EXISTS "{name}"; CREATE ROLE "{name}" LOGIN PASSWORD \'first\'')
    value = {"engine": "postgres", "host": "localhost", "port": postgres.port, "dbname": "postgres"}
    return {**value, "username": name, "password": "first"}


@pytest.fixture
def trusted(postgres, monkeypatch) -> None:
    """The server's authority among those of this machine."""
    monkeypatch.setenv("SSL_CERT_FILE", str(postgres.authority))


@pytest.fixture
def client(account, user):
    """Secrets Manager with the user's secret, in the middle of a rotation that nobody has begun."""
    made = account.client("secretsmanager")
    made.create_secret(Name="app/db", SecretString=json.dumps(user))
    add_function(account, "idle", zipped=None)
    arn = account.client("lambda").get_function(FunctionName="idle")["Configuration"]["FunctionArn"]
    made.rotate_secret(
        SecretId="app/db", ClientRequestToken=TOKEN, RotationLambdaARN=arn, RotationRules={"AutomaticallyAfterDays": 30}
    )
    return made


def add_function(account, name: str, zipped: bytes | None) -> None:
    iam, functions = account.client("iam"), account.client("lambda")
    role = iam.create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": TRUST})
    )
    policy = json.dumps({"Version": "2012-10-17", "Statement": ALL})
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=policy)
    functions.create_function(
        FunctionName=name,
        Role=role["Role"]["Arn"],
        Runtime="python3.13",
        Handler=package.HANDLER,
        Timeout=30,
        Code={"ZipFile": zipped or package.zipped({"nothing.py": b""})},
        Environment={"Variables": {"PASSWORD_RULES": json.dumps(RULES)}},
    )
    functions.add_permission(
        FunctionName=name,
        StatementId="secretsmanager",
        Action="lambda:InvokeFunction",
        Principal="secretsmanager.amazonaws.com",
        SourceAccount=account.account_id,
    )


def step(client, name: str) -> None:
    handler.rotate({"Step": name, "SecretId": "app/db", "ClientRequestToken": TOKEN}, client, RULES)


def value(client, stage: str) -> dict:
    return json.loads(client.get_secret_value(SecretId="app/db", VersionStage=stage)["SecretString"])


def test_the_four_steps_change_the_password_in_the_server_and_in_the_secret(client, user, trusted, postgres):
    for name in ("createSecret", "setSecret", "testSecret", "finishSecret"):
        step(client, name)
    new = value(client, "AWSCURRENT")
    assert {**new, "password": ""} == {**user, "password": ""}
    assert len(new["password"]) == 40
    assert can_log_in(new)
    assert not can_log_in(user)
    assert value(client, "AWSPREVIOUS") == user


def test_every_step_may_be_repeated(client, user, trusted):
    for name in ("createSecret", "createSecret", "setSecret", "setSecret", "testSecret", "testSecret"):
        step(client, name)
    pending = value(client, "AWSPENDING")
    for name in ("finishSecret", "finishSecret", "createSecret", "setSecret"):
        step(client, name)
    assert value(client, "AWSCURRENT") == pending
    assert can_log_in(pending)


def test_the_server_never_sees_the_new_password(client, trusted, postgres):
    for name in ("createSecret", "setSecret"):
        step(client, name)
    log = postgres.log()
    assert "ALTER ROLE" in log
    assert value(client, "AWSPENDING")["password"] not in log


def test_a_password_that_the_server_does_not_know_stops_the_rotation(client, trusted, postgres):
    postgres.run("ALTER ROLE \"app-user\" PASSWORD 'changed by hand'")
    step(client, "createSecret")
    with pytest.raises(RotationError, match="refuses the current and the previous password of app/db"):
        step(client, "setSecret")
    with pytest.raises(Exception, match="28P01"):
        step(client, "testSecret")


def test_the_previous_password_helps_when_the_current_one_is_not_known(client, user, trusted, postgres):
    client.update_secret(SecretId="app/db", SecretString=json.dumps({**user, "password": "never set"}))
    token = "22222222-2222-4333-8444-555555555555"
    client.put_secret_value(
        SecretId="app/db",
        ClientRequestToken=token,
        SecretString=json.dumps({**user, "password": "pending"}),
        VersionStages=["AWSPENDING"],
    )
    handler.rotate({"Step": "setSecret", "SecretId": "app/db", "ClientRequestToken": token}, client, RULES)
    assert can_log_in({**user, "password": "pending"})


def test_a_pending_value_for_another_server_is_refused(client, user, trusted):
    other = {**user, "host": "elsewhere.example", "password": "x"}
    client.put_secret_value(
        SecretId="app/db", ClientRequestToken=TOKEN, SecretString=json.dumps(other), VersionStages=["AWSPENDING"]
    )
    with pytest.raises(RotationError, match=r"names another user, host or database"):
        step(client, "setSecret")


def test_a_certificate_that_nobody_vouches_for_is_refused(client, user):
    step(client, "createSecret")
    with pytest.raises(RotationError, match=r"the server localhost is not reached: .*certificate verify failed"):
        step(client, "setSecret")


def test_an_unknown_step_a_foreign_token_and_a_value_without_json_are_refused(client, user):
    with pytest.raises(RotationError, match="dropSecret is not a step of a rotation"):
        step(client, "dropSecret")
    with pytest.raises(RotationError, match="version nobody of app/db is neither current nor pending"):
        handler.rotate({"Step": "setSecret", "SecretId": "app/db", "ClientRequestToken": "nobody"}, client, RULES)
    client.create_secret(Name="plain", SecretString="hunter2")
    with pytest.raises(RotationError, match=r"^the value of plain is not JSON$"):
        handler._value(client, "plain", VersionStage="AWSCURRENT")
    client.create_secret(Name="half", SecretString='{"host": "x"}')
    with pytest.raises(RotationError, match=r"^the value of half lacks password, username$"):
        handler._value(client, "half", VersionStage="AWSCURRENT")


def test_secrets_manager_rotates_through_the_packed_function(account, user, postgres):
    zipped = package.postgres_single_user(postgres.authority.read_bytes()).content
    add_function(account, "rotate-db", zipped)
    client = account.client("secretsmanager")
    client.create_secret(Name="app/db", SecretString=json.dumps(user))
    arn = account.client("lambda").get_function(FunctionName="rotate-db")["Configuration"]["FunctionArn"]
    client.rotate_secret(SecretId="app/db", RotationLambdaARN=arn, RotationRules={"AutomaticallyAfterDays": 30})
    account.clock.advance(by=timedelta(minutes=5))
    described = client.describe_secret(SecretId="app/db")
    assert described["LastRotatedDate"]
    assert sorted(stage for stages in described["VersionIdsToStages"].values() for stage in stages) == [
        "AWSCURRENT",
        "AWSPREVIOUS",
    ]
    first = value(client, "AWSCURRENT")
    assert first["password"] != "first"
    account.clock.advance(by=timedelta(days=32))
    second = value(client, "AWSCURRENT")
    assert second["password"] not in ("first", first["password"])
    assert postgres.run("SELECT rolpassword FROM pg_authid WHERE rolname = 'app-user'").startswith(
        "SCRAM-SHA-256$4096:"
    )
    lines = log_lines(account)
    assert any("finishSecret of arn:aws:secretsmanager" in line for line in lines)
    assert not any(second["password"] in line for line in lines)


def log_lines(account) -> list[str]:
    logs = account.client("logs")
    found = logs.filter_log_events(logGroupName="/aws/lambda/rotate-db")["events"]
    return [event["message"] for event in found]


def test_verifiers_are_those_of_the_server():
    # RFC 7677's user: password "pencil", salt W22ZaJ0SNY7soEsUEjb6gQ==, 4096 iterations.
    salt = bytes.fromhex("5b6d99689d12358eeca04b141236fa81")
    assert scram_verifier("pencil", salt) == (
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="
        ":wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
    )


def test_older_servers_keep_md5(postgres):
    make = "SET password_encryption = 'md5'; CREATE ROLE older LOGIN PASSWORD 'pencil'; "
    kept = postgres.run(f"{make} SELECT rolpassword FROM pg_authid WHERE rolname = 'older'")
    assert md5_verifier("older", "pencil") == kept
