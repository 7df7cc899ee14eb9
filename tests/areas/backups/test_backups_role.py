"""What DLM's role may and may not do, by IAM's evaluation of the compiled policy."""

from __future__ import annotations

import json
import re

import pytest

from baseops.semantics.policies import Context, Policies, Policy, Principal, Request, evaluate

PSEUDO = {"AWS::Partition": "aws", "AWS::Region": "eu-west-1", "AWS::AccountId": "111111111111"}
KEYS = {
    "BackupsKeyArn": "arn:aws:kms:eu-west-1:111111111111:key/here",
    "BackupsKeyArnUsEast1": "arn:aws:kms:us-east-1:111111111111:key/there",
}
HERE, THERE = KEYS.values()
SNAPSHOT, COPY = "arn:aws:ec2:eu-west-1::snapshot/snap-0a1", "arn:aws:ec2:us-east-1::snapshot/snap-0b2"
VOLUME = "arn:aws:ec2:eu-west-1:111111111111:volume/vol-0a1"
OURS, THEIRS = {"aws:ResourceTag/baseops:declaration": "acme"}, {"aws:ResourceTag/baseops:declaration": "other"}
FOR_AWS = {"kms:GrantIsForAWSResource": "true"}
OTHER_KEY = "arn:aws:kms:eu-west-1:111111111111:key/of-a-volume"
THROUGH_EC2 = {"kms:ViaService": "ec2.eu-west-1.amazonaws.com"}


@pytest.fixture
def role(declared, compiled):
    """The role's policy with its intrinsic functions resolved."""
    document = compiled(declared())["ExecutionRole"]["Properties"]["Policies"][0]["PolicyDocument"]
    text = re.sub(r"\$\{([^}]+)\}", lambda found: PSEUDO[found[1]], json.dumps(document))
    text = re.sub(r'\{"Fn::Sub": ("[^"]*")\}', r"\1", text)
    text = re.sub(r'\{"Ref": "([^"]*)"\}', lambda found: json.dumps(KEYS[found[1]]), text)
    return Policies(identity=(Policy.parse(json.loads(text), "work"),))


ALLOWED = [
    ("ec2:DescribeVolumes", "*", {}),
    ("ec2:CreateSnapshot", VOLUME, {}),
    ("ec2:CreateSnapshot", SNAPSHOT, {}),
    ("ec2:CreateTags", SNAPSHOT, {}),
    ("ec2:CreateTags", COPY, {}),
    ("ec2:CopySnapshot", SNAPSHOT, {}),
    ("ec2:CopySnapshot", COPY, {}),
    ("ec2:DeleteSnapshot", SNAPSHOT, OURS),
    ("ec2:DeleteSnapshot", COPY, OURS),
    ("kms:CreateGrant", HERE, FOR_AWS),
    ("kms:CreateGrant", THERE, FOR_AWS),
    ("kms:GenerateDataKeyWithoutPlaintext", THERE, {}),
    ("kms:Decrypt", OTHER_KEY, THROUGH_EC2),
]
REFUSED = [
    ("ec2:DeleteSnapshot", SNAPSHOT, {}),
    ("ec2:DeleteSnapshot", SNAPSHOT, THEIRS),
    ("ec2:DeleteVolume", VOLUME, {}),
    ("ec2:CreateTags", VOLUME, {}),
    ("ec2:CreateSnapshot", VOLUME.replace("eu-west-1", "us-east-1"), {}),
    ("ec2:ModifySnapshotAttribute", SNAPSHOT, OURS),
    ("kms:CreateGrant", HERE, {}),
    ("kms:Decrypt", OTHER_KEY, {}),
    ("kms:ScheduleKeyDeletion", HERE, {}),
    ("events:PutRule", "arn:aws:events:eu-west-1:111111111111:rule/any", {}),
    ("ssm:SendCommand", "arn:aws:ec2:eu-west-1:111111111111:instance/i-0a1", {}),
]


def is_allowed(role, action, resource, context) -> bool:
    principal = Principal.parse("arn:aws:iam::111111111111:role/ExecutionRole")
    return evaluate(Request(principal, action, resource, Context(context)), role).allowed


@pytest.mark.parametrize(("action", "resource", "context"), ALLOWED)
def test_dlm_may_do_what_a_backup_with_copies_takes(role, action, resource, context):
    assert is_allowed(role, action, resource, context)


@pytest.mark.parametrize(("action", "resource", "context"), REFUSED)
def test_dlm_may_do_nothing_else(role, action, resource, context):
    assert not is_allowed(role, action, resource, context)
