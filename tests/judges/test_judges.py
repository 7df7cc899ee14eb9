"""Each judge passes a sound template and refuses a broken one; a judge that cannot refuse judges nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.judge

Judge = Callable[[Path], list[str]]
SOUND_KEY = {
    "Type": "AWS::KMS::Key",
    "DeletionPolicy": "Retain",
    "UpdateReplacePolicy": "Retain",
    "Properties": {
        "EnableKeyRotation": True,
        "KeyPolicy": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}},
                    "Action": "kms:*",
                    "Resource": "*",
                }
            ],
        },
    },
}
SOUND_GROUP = {
    "Type": "AWS::Logs::LogGroup",
    "DeletionPolicy": "Retain",
    "UpdateReplacePolicy": "Retain",
    "Properties": {"RetentionInDays": 90, "KmsKeyId": {"Fn::GetAtt": ["Key", "Arn"]}},
}


def policy(*statements: dict[str, Any], kind: str = "RolePolicy") -> dict[str, Any]:
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]}
    whose = {"RoleName": "web"} if kind == "RolePolicy" else {}
    return {"Type": f"AWS::IAM::{kind}", "Properties": {"PolicyName": "reader", **whose, "PolicyDocument": document}}


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write_template(**resources: dict[str, Any]) -> Path:
        template = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}
        (tmp_path / "stack.json").write_text(json.dumps(template))
        return tmp_path

    return write_template


def test_cfn_lint_passes_a_sound_template(lint: Judge, write: Callable[..., Path]) -> None:
    assert lint(write(Key=SOUND_KEY, Group=SOUND_GROUP)) == []


def test_cfn_lint_refuses_a_retention_that_does_not_exist(lint: Judge, write: Callable[..., Path]) -> None:
    group = {**SOUND_GROUP, "Properties": {"RetentionInDays": 91}}

    (complaint,) = lint(write(Group=group))

    assert "Resources/Group/Properties/RetentionInDays" in complaint


def test_cfn_lint_refuses_a_warning_too(lint: Judge, write: Callable[..., Path]) -> None:
    group = {**SOUND_GROUP, "DependsOn": "Key"}

    (complaint,) = lint(write(Key=SOUND_KEY, Group=group))

    assert "W3005" in complaint


@pytest.fixture(scope="module")
def scanned(scan: Judge, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """One run over four templates: a sound one, a failed check, a skip with its reason and one without."""
    folder = tmp_path_factory.mktemp("scanned")
    stale = {**SOUND_KEY, "Properties": {"KeyPolicy": SOUND_KEY["Properties"]["KeyPolicy"]}}
    reason = {"checkov": {"skip": [{"id": "CKV_AWS_7", "comment": "HMAC keys cannot rotate"}]}}
    silence = {"checkov": {"skip": [{"id": "CKV_AWS_7", "comment": ""}]}}
    stacks = {
        "sound": {"Key": SOUND_KEY, "Group": SOUND_GROUP},
        "stale": {"Key": stale},
        "excused": {"Key": {**stale, "Metadata": reason}},
        "silenced": {"Key": {**stale, "Metadata": silence}},
    }
    for name, resources in stacks.items():
        (folder / f"{name}.json").write_text(json.dumps({"Resources": resources}))
    return scan(folder)


def test_checkov_passes_a_sound_template_and_a_skip_that_gives_its_reason(scanned: list[str]) -> None:
    assert not [complaint for complaint in scanned if "sound.json" in complaint or "excused.json" in complaint]


def test_checkov_refuses_a_key_that_never_rotates(scanned: list[str]) -> None:
    (complaint,) = [each for each in scanned if "stale.json" in each]

    assert "CKV_AWS_7" in complaint


def test_checkov_refuses_a_skip_without_a_reason(scanned: list[str]) -> None:
    assert "silenced.json CKV_AWS_7 Key: skipped without a comment" in scanned


def test_parliament_passes_a_policy_whose_intrinsics_have_the_right_shape(
    audit: Judge, write: Callable[..., Path]
) -> None:
    reads = policy(
        {"Action": ["logs:GetLogEvents"], "Resource": {"Fn::GetAtt": ["Group", "Arn"]}},
        {"Action": ["kms:Decrypt"], "Resource": {"Ref": "SecretsKeyArn"}},
        {"Action": ["secretsmanager:GetSecretValue"], "Resource": {"Fn::Sub": "${Secret}"}},
    )

    assert (
        audit(write(Key=SOUND_KEY, Group=SOUND_GROUP, Secret={"Type": "AWS::SecretsManager::Secret"}, Policy=reads))
        == []
    )


def test_parliament_refuses_a_resource_of_another_service(audit: Judge, write: Callable[..., Path]) -> None:
    reads = policy({"Action": ["s3:GetObject"], "Resource": {"Fn::GetAtt": ["Group", "Arn"]}})

    (complaint,) = audit(write(Group=SOUND_GROUP, Policy=reads))

    assert complaint.startswith("stack/Policy/Policy RESOURCE_MISMATCH")


SNAPSHOT, VOLUME = "arn:aws:ec2:eu-west-1::snapshot/*", "arn:aws:ec2:eu-west-1:111111111111:volume/*"


def test_an_action_may_be_spread_over_statements_by_kind_of_resource(audit: Judge, write: Callable[..., Path]) -> None:
    restores = policy(
        {"Action": ["ec2:CreateVolume"], "Resource": SNAPSHOT}, {"Action": ["ec2:CreateVolume"], "Resource": VOLUME}
    )

    assert audit(write(Policy=restores)) == []


def test_an_action_may_be_spread_over_the_policies_of_a_role(audit: Judge, write: Callable[..., Path]) -> None:
    first = policy({"Action": ["ec2:CreateVolume"], "Resource": SNAPSHOT}, kind="ManagedPolicy")
    second = policy({"Action": ["ec2:CreateVolume"], "Resource": VOLUME}, kind="ManagedPolicy")
    role = {"Type": "AWS::IAM::Role", "Properties": {"ManagedPolicyArns": [{"Ref": "First"}, {"Ref": "Second"}]}}

    assert audit(write(First=first, Second=second, Role=role)) == []

    (complaint,) = audit(write(First=first, Second=second))
    assert complaint.startswith("stack/First/First RESOURCE_MISMATCH")


def test_parliament_refuses_an_action_that_lacks_one_kind_of_resource(audit: Judge, write: Callable[..., Path]) -> None:
    (complaint,) = audit(write(Policy=policy({"Action": ["ec2:CreateVolume"], "Resource": SNAPSHOT})))

    assert "arn:*:ec2:*:*:volume/*" in complaint


def test_parliament_refuses_a_policy_inside_a_role(audit: Judge, write: Callable[..., Path]) -> None:
    inline = {
        "PolicyName": "p",
        "PolicyDocument": policy({"Action": "*", "Resource": "*"})["Properties"]["PolicyDocument"],
    }
    inline["PolicyDocument"]["Statement"][0]["Condition"] = {"StringLikes": {"aws:RequestedRegion": "eu-*"}}

    assert any(
        "UNKNOWN_OPERATOR" in each
        for each in audit(write(Role={"Type": "AWS::IAM::Role", "Properties": {"Policies": [inline]}}))
    )


def test_an_action_that_only_botocore_knows_passes(audit: Judge, write: Callable[..., Path]) -> None:
    newer = policy({"Action": ["cloudwatch:PutLogAlarm"], "Resource": "*"})

    assert audit(write(Policy=newer)) == []


def test_an_action_that_nobody_knows_is_refused(audit: Judge, write: Callable[..., Path]) -> None:
    (complaint,) = audit(write(Policy=policy({"Action": ["logs:GetLogEventz"], "Resource": "*"})))

    assert "UNKNOWN_ACTION" in complaint
