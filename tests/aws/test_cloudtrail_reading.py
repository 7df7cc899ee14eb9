"""Who read a secret, found through LookupEvents: late, in pages, and at two calls a second."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from baseops.aws.cloudtrail import await_reads, trails, who_read
from baseops.sandbox.account import open_account
from baseops.semantics.trail import Target

START = datetime(2025, 1, 6, 9, 0, tzinfo=UTC)
HERE = {"LocationConstraint": "eu-west-1"}


@pytest.fixture
def account():
    with open_account(start=START) as opened:
        yield opened


def make_reader(account, name: str = "web") -> Any:
    trust = {"Statement": {"Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": "sts:AssumeRole"}}
    arn = account.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    return account.session_as(arn, "i-0a1")


def test_the_readers_of_a_secret_with_the_version(account):
    made = account.client("secretsmanager").create_secret(Name="a", SecretString="x")
    account.client("secretsmanager").create_secret(Name="b", SecretString="x")
    reader = make_reader(account).client("secretsmanager")
    reader.get_secret_value(SecretId="a")
    reader.get_secret_value(SecretId="b")
    reader.batch_get_secret_value(SecretIdList=["a"])
    account.clock.sleep(900)
    found = who_read(account, account.clock, Target(made["ARN"]), START)
    role = "arn:aws:iam::111111111111:role/web"
    assert [(read.principal, read.version) for read in found] == [(role, made["VersionId"])] * 2


def test_a_read_is_waited_for(account):
    made = account.client("secretsmanager").create_secret(Name="a", SecretString="x")
    make_reader(account).client("secretsmanager").get_secret_value(SecretId="a")
    found = await_reads(account, account.clock, Target(made["ARN"]), START, lambda found: len(found) == 1)
    assert len(found) == 1
    assert timedelta(minutes=5) <= account.clock.now() - START <= timedelta(minutes=16)


def test_what_never_happened_is_given_up(account):
    made = account.client("secretsmanager").create_secret(Name="a", SecretString="x")
    assert await_reads(account, account.clock, Target(made["ARN"]), START, bool) == []
    assert account.clock.now() - START >= timedelta(minutes=20)


def test_a_parameter_read_by_each_api_and_refused(account):
    ssm = account.client("ssm")
    ssm.put_parameter(Name="/app/db", Value="v", Type="String")
    reader = make_reader(account).client("ssm")
    reader.get_parameter(Name="/app/db")
    reader.get_parameters(Names=["/app/db"])
    reader.get_parameters_by_path(Path="/app")
    reader.get_parameter_history(Name="/app/db")
    account.enforce()
    with pytest.raises(reader.exceptions.ClientError):
        reader.get_parameter(Name="/app/db")
    account.clock.sleep(900)
    target = Target("arn:aws:ssm:eu-west-1:111111111111:parameter/app/db")
    found = who_read(account, account.clock, target, START)
    assert sorted((read.api, read.is_refused) for read in found) == [
        ("GetParameter", False),
        ("GetParameter", True),
        ("GetParameterHistory", False),
        ("GetParameters", False),
        ("GetParametersByPath", False),
    ]


def test_pages_are_asked_for_at_two_a_second(account):
    account.client("ssm").put_parameter(Name="/a", Value="v", Type="String")
    for _ in range(120):
        account.client("ssm").get_parameter(Name="/a")
    account.clock.sleep(900)
    asked: list[datetime] = []
    account.record(lambda call, _: asked.append(account.clock.now()) if call.operation == "LookupEvents" else None)
    found = who_read(account, account.clock, Target("arn:aws:ssm:eu-west-1:111111111111:parameter/a"), START)
    assert len(found) == 120
    assert len(asked) == 6
    assert all(later - earlier >= timedelta(seconds=0.5) for earlier, later in pairwise(asked))


def test_trails_as_they_are(account):
    account.client("s3").create_bucket(Bucket="audit", CreateBucketConfiguration=HERE)
    client = account.client("cloudtrail")
    client.create_trail(Name="main", S3BucketName="audit", IsMultiRegionTrail=True, EnableLogFileValidation=True)
    [quiet] = trails(account)
    assert (quiet.name, quiet.is_multi_region, quiet.is_validated, quiet.is_logging) == ("main", True, True, False)
    client.start_logging(Name="main")
    assert trails(account, "us-east-1")[0].is_logging
