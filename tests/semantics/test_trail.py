"""Who read what, out of records: real ones of an attack rehearsal, and a few by hand."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from baseops.semantics.trail import Target, key_reads, reads, with_versions

REAL = Path(__file__).parents[3] / "shared/data/cloudtrail-invictus/CloudTrail"
needs_events = pytest.mark.skipif(not REAL.is_dir(), reason="the recorded CloudTrail events are not on this machine")
SECRET = Target("arn:aws:secretsmanager:eu-west-1:111111111111:secret:app/db-AbCdEf")
PARAMETER = Target("arn:aws:ssm:eu-west-1:111111111111:parameter/app/db/password")


@pytest.fixture(scope="module")
def real() -> list[dict[str, Any]]:
    return [each for path in sorted(REAL.glob("*.json")) for each in json.loads(path.read_text())["Records"]]


def record(name: str, parameters: dict[str, Any] | None, source: str = "ssm", **more: Any) -> dict[str, Any]:
    role = {"type": "Role", "arn": "arn:aws:iam::111111111111:role/web"}
    return {
        "eventID": "e-1",
        "eventName": name,
        "eventSource": f"{source}.amazonaws.com",
        "eventTime": "2025-01-06T09:00:00Z",
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "10.0.0.1",
        "userIdentity": {
            "type": "AssumedRole",
            "arn": "arn:aws:sts::111111111111:assumed-role/web/i-0a1",
            "sessionContext": {"sessionIssuer": role},
        },
        "requestParameters": parameters,
        **more,
    }


@needs_events
def test_the_recorded_events_hold_so_many_reads(real):
    found = list(reads(real))
    assert Counter(read.api for read in found) == {"GetSecretValue": 60, "GetParameter": 82, "GetParameters": 42}
    assert {read.principal for read in found} == {"arn:aws:iam::123837392027:user/bert-jan"}
    assert not any(read.is_refused for read in found)


@needs_events
def test_the_recorded_decryptions_are_not_one_to_one_with_the_reads(real):
    found = list(key_reads(real))
    assert sum(bool(each.version) for each in found) == 56
    assert sum(":parameter/" in each.arn for each in found) == 122


@needs_events
def test_reads_of_one_recorded_secret(real):
    arn = "arn:aws:secretsmanager:us-east-1:123837392027:secret:stratus-red-team-retrieve-secret-6-fAVH0t"
    own = [each for each in reads(real) if each.is_of(Target(arn))]
    assert Counter(each.asked for each in own) == {arn: 3}
    assert {each.version for each in with_versions(own, key_reads(real))} == {"B36292B7-145C-41BE-81A3-7CF5EAB972C8"}


@needs_events
def test_reads_of_one_recorded_parameter_by_two_apis(real):
    target = Target("arn:aws:ssm:us-east-1:123837392027:parameter/credentials/stratus-red-team/credentials-9")
    assert Counter(each.api for each in reads(real) if each.is_of(target)) == {"GetParameter": 2, "GetParameters": 1}


@pytest.mark.parametrize("asked", ["app/db", SECRET.arn, "arn:aws:secretsmanager:eu-west-1:111111111111:secret:app/db"])
def test_a_secret_by_name_arn_and_partial_arn(asked):
    [read] = reads([record("GetSecretValue", {"secretId": asked}, "secretsmanager")])
    assert read.is_of(SECRET)
    assert read.principal == "arn:aws:iam::111111111111:role/web"
    assert read.session == "arn:aws:sts::111111111111:assumed-role/web/i-0a1"


def test_another_secret_with_the_same_beginning_is_another():
    [read] = reads([record("GetSecretValue", {"secretId": "app/db-2"}, "secretsmanager")])
    assert not read.is_of(SECRET)
    assert not read.is_of(PARAMETER)


@pytest.mark.parametrize(
    ("name", "parameters", "is_read"),
    [
        ("GetParameter", {"name": "/app/db/password", "withDecryption": True}, True),
        ("GetParameter", {"name": "/app/db/password:3"}, True),
        ("GetParameter", {"name": PARAMETER.arn}, True),
        ("GetParameterHistory", {"name": "/app/db/password"}, True),
        ("GetParameters", {"names": ["/x", "/app/db/password"]}, True),
        ("GetParametersByPath", {"path": "/app/db"}, True),
        ("GetParametersByPath", {"path": "/app/db/"}, True),
        ("GetParametersByPath", {"path": "/app"}, False),
        ("GetParametersByPath", {"path": "/app", "recursive": True}, True),
        ("GetParametersByPath", {"path": "/", "recursive": True}, True),
        ("GetParametersByPath", {"path": "/ap", "recursive": True}, False),
        ("GetParameter", {"name": "/app/db"}, False),
    ],
)
def test_a_parameter_by_every_api_that_reads_it(name, parameters, is_read):
    assert any(read.is_of(PARAMETER) for read in reads([record(name, parameters)])) is is_read


def test_what_only_describes_is_no_read():
    assert list(reads([record("DescribeParameters", {}), record("ListSecrets", None, "secretsmanager")])) == []


def test_a_batch_is_counted_by_its_single_reads():
    batch = record("BatchGetSecretValue", {"filters": []}, "secretsmanager")
    single = record("GetSecretValue", {"secretId": SECRET.arn}, "secretsmanager")
    assert [read.api for read in reads([batch, single])] == ["GetSecretValue"]


def test_a_refusal_is_known_by_its_message():
    message = (
        "User: arn:aws:sts::111111111111:assumed-role/web/i-0a1 is not authorized to perform: "
        f"secretsmanager:GetSecretValue on resource: {SECRET.arn} because no identity-based policy allows it"
    )
    refused = record("GetSecretValue", None, "secretsmanager", errorCode="AccessDenied", errorMessage=message)
    [read] = reads([refused])
    assert read.is_refused
    assert read.is_of(SECRET)


def test_two_versions_at_once_are_left_open():
    read = record("GetSecretValue", {"secretId": SECRET.arn}, "secretsmanager")
    keys = [
        record("Decrypt", {"encryptionContext": {"SecretARN": SECRET.arn, "SecretVersionId": version}}, "kms")
        for version in ("v1", "v2")
    ]
    [one] = with_versions(reads([read]), key_reads(keys[:1]))
    [either] = with_versions(reads([read]), key_reads(keys))
    assert (one.version, either.version) == ("v1", "")


def test_names_of_targets():
    assert (SECRET.kind, SECRET.name) == ("secret", "app/db")
    assert (PARAMETER.kind, PARAMETER.name) == ("parameter", "/app/db/password")
    assert Target("arn:aws:ssm:eu-west-1:111111111111:parameter/plain").name == "plain"
