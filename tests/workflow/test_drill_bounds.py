"""The generated policies end at what is the drills' own: other declarations, regions, documents, keys and functions."""

from pathlib import Path

import pytest

from baseops.semantics.policies import Context, Policies, Policy, Principal, Request, evaluate
from baseops.workflow.drill_policies import drill_policies
from baseops.workflow.load import load

ACME = load(Path(__file__).resolve().parents[2] / "examples" / "acme" / "baseops.yaml")
ROLE = Principal.parse("arn:aws:iam::111111111111:role/drills")
OWN = {"baseops:drill": "20260108T090000Z-3f2a9c/1", "baseops:drill-creator": "ci", "baseops:declaration": "acme"}
HERE, PLACE = {"aws:RequestedRegion": "eu-west-1"}, "eu-west-1:111111111111"
INSTANCE = f"arn:aws:ec2:{PLACE}:instance/i-0a1"
ELSEWHERE = "arn:aws:ec2:us-east-1:111111111111:instance/i-0a1"
KEY = f"arn:aws:kms:{PLACE}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
VIA = {"kms:ViaService": "ec2.eu-west-1.amazonaws.com"}
GRANT = {**VIA, "kms:GrantIsForAWSResource": "true"}


def tagged(key, tags):
    return {f"{key}/{name}": value for name, value in tags.items()}


def without(tags, name):
    return {key: value for key, value in tags.items() if key != name}


def is_allowed(drill_class, action, resource, context):
    """Under what a role of the class holds: its own policies and those to observe."""
    found = drill_policies(ACME)
    policies = [Policy.parse(found[name], name) for name in found if name.partition("-")[0] in ("observe", drill_class)]
    return evaluate(Request(ROLE, action, resource, Context(context)), Policies(identity=tuple(policies))).allowed


BOUNDS = [
    ("ec2:TerminateInstances", INSTANCE, tagged("aws:ResourceTag", OWN), True),
    ("ec2:TerminateInstances", INSTANCE, tagged("aws:ResourceTag", {**OWN, "baseops:declaration": "other"}), False),
    ("ec2:TerminateInstances", INSTANCE, tagged("aws:ResourceTag", without(OWN, "baseops:declaration")), False),
    ("ec2:TerminateInstances", INSTANCE, tagged("aws:ResourceTag", {**OWN, "baseops:drill": "yes"}), False),
    ("ec2:TerminateInstances", INSTANCE, {}, False),
    ("ec2:TerminateInstances", ELSEWHERE, tagged("aws:ResourceTag", OWN), False),
    ("ssm:SendCommand", INSTANCE, tagged("ssm:resourceTag", OWN), True),
    ("ssm:SendCommand", INSTANCE, tagged("ssm:resourceTag", {**OWN, "baseops:declaration": "other"}), False),
    ("ssm:SendCommand", INSTANCE, tagged("ssm:resourceTag", without(OWN, "baseops:drill")), False),
    ("ssm:SendCommand", ELSEWHERE, tagged("ssm:resourceTag", OWN), False),
    ("ssm:SendCommand", "arn:aws:ssm:eu-west-1::document/AWS-RunShellScript", {}, True),
    ("ssm:SendCommand", "arn:aws:ssm:us-east-1::document/AWS-RunShellScript", {}, False),
    ("ssm:SendCommand", "arn:aws:ssm:eu-west-1::document/AWS-RunRemoteScript", {}, False),
    ("ssm:GetCommandInvocation", "*", HERE, True),
    ("ssm:GetCommandInvocation", "*", {"aws:RequestedRegion": "us-east-1"}, False),
    ("ec2:RunInstances", INSTANCE, tagged("aws:RequestTag", OWN), True),
    ("ec2:RunInstances", INSTANCE, tagged("aws:RequestTag", without(OWN, "baseops:declaration")), False),
    ("ec2:CreateVolume", f"arn:aws:ec2:{PLACE}:volume/*", tagged("aws:RequestTag", OWN), True),
    ("ec2:CreateVolume", f"arn:aws:ec2:{PLACE}:volume/*", {}, False),
    ("ec2:DeleteVolume", f"arn:aws:ec2:{PLACE}:volume/vol-1", tagged("aws:ResourceTag", OWN), True),
    ("ec2:DeleteVolume", f"arn:aws:ec2:{PLACE}:volume/vol-1", tagged("aws:ResourceTag", {"baseops:drill": "a"}), False),
    ("kms:CreateGrant", KEY, GRANT, True),
    ("kms:CreateGrant", KEY, VIA, False),
    ("kms:CreateGrant", KEY, {**VIA, "kms:GrantIsForAWSResource": "false"}, False),
    ("kms:CreateGrant", KEY, {"kms:GrantIsForAWSResource": "true"}, False),
    ("kms:GenerateDataKeyWithoutPlaintext", KEY, VIA, True),
    ("kms:GenerateDataKeyWithoutPlaintext", KEY, {}, False),
    ("lambda:InvokeFunction", f"arn:aws:lambda:{PLACE}:function:baseops-acme-secrets-DbCanaryRotation-1", {}, True),
    ("lambda:InvokeFunction", f"arn:aws:lambda:{PLACE}:function:baseops-acme-secrets-DbRotation-1", {}, False),
]
EXPECTED = {
    f"{action.partition(':')[2]}-{number}": (action, resource, context, allowed)
    for number, (action, resource, context, allowed) in enumerate(BOUNDS)
}


@pytest.mark.parametrize(("action", "resource", "context", "allowed"), EXPECTED.values(), ids=EXPECTED)
def test_an_exercise_changes_what_is_its_own(action, resource, context, allowed):
    assert is_allowed("exercise", action, resource, context) == allowed


ALERTS = f"arn:aws:sns:{PLACE}:baseops-acme-alerts"
OWN_QUEUE = {"sns:Protocol": "sqs", "sns:Endpoint": f"arn:aws:sqs:{PLACE}:baseops-acme-drill-3f2a9c-path-probe"}


@pytest.mark.parametrize(
    ("context", "allowed"),
    [
        (OWN_QUEUE, True),
        ({**OWN_QUEUE, "sns:Endpoint": f"arn:aws:sqs:{PLACE}:production"}, False),
        ({**OWN_QUEUE, "sns:Endpoint": OWN_QUEUE["sns:Endpoint"].replace("1" * 12, "2" * 12)}, False),
        ({"sns:Protocol": "email", "sns:Endpoint": "somebody@elsewhere.example"}, False),
    ],
)
def test_only_a_drills_queue_is_subscribed_to_the_alerts(context, allowed):
    assert is_allowed("disturb", "sns:Subscribe", ALERTS, context) == allowed


@pytest.mark.parametrize(
    ("action", "resource", "context"),
    [
        ("events:DescribeRule", f"arn:aws:events:{PLACE}:rule/somebody-elses", {}),
        ("firehose:DescribeDeliveryStream", f"arn:aws:firehose:{PLACE}:deliverystream/somebody-elses", {}),
        ("lambda:GetFunctionConfiguration", f"arn:aws:lambda:{PLACE}:function:somebody-elses", {}),
        ("logs:DescribeLogGroups", "*", {"aws:RequestedRegion": "us-east-1"}),
        ("cloudtrail:GetTrailStatus", f"arn:aws:s3:::{PLACE}", {}),
        ("cloudtrail:LookupEvents", "*", {"aws:RequestedRegion": "us-east-1"}),
        ("iam:GetInstanceProfile", "arn:aws:iam::222222222222:instance-profile/web", {}),
        ("ssm:GetCommandInvocation", "*", {"aws:RequestedRegion": "us-east-1"}),
    ],
)
def test_reading_ends_at_the_region_and_the_account(action, resource, context):
    assert not is_allowed("disturb", action, resource, context)
