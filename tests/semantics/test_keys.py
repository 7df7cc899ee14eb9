"""Key policies for AWS services: who may use a key, and under which conditions."""

from __future__ import annotations

import pytest

from baseops.errors import CompileError
from baseops.semantics import keys

ACCOUNT = "111111111111"


def by_sid(*services: str) -> dict[str, dict[str, object]]:
    return {str(s["Sid"]): dict(s) for s in keys.statements(services, account=ACCOUNT, region="eu-west-1")}


def test_log_groups_are_held_by_encryption_context() -> None:
    statement = by_sid("logs")["LogGroupsOfThisAccount"]

    assert statement["Principal"] == {"Service": "logs.eu-west-1.amazonaws.com"}
    assert statement["Condition"] == {
        "ArnLike": {"kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:eu-west-1:111111111111:log-group:*"}
    }


def test_alarms_are_held_by_source_account_and_event_rules_by_nothing() -> None:
    alarms, rules = by_sid("cloudwatch", "events").values()

    assert alarms["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    assert rules["Principal"] == {"Service": "events.amazonaws.com"}
    assert "Condition" not in rules


def test_secrets_are_read_in_the_name_of_the_caller() -> None:
    statement = by_sid("secretsmanager")["SecretsOfThisAccount"]

    assert statement["Principal"] == {"AWS": "arn:aws:iam::111111111111:root"}
    assert statement["Condition"] == {
        "StringEquals": {
            "kms:CallerAccount": ACCOUNT,
            "kms:ViaService": "secretsmanager.eu-west-1.amazonaws.com",
        }
    }


def test_grants_are_for_aws_resources_only() -> None:
    condition = by_sid("dlm")["VolumesAttachByGrants"]["Condition"]

    assert isinstance(condition, dict)
    assert condition["Bool"] == {"kms:GrantIsForAWSResource": "true"}


def test_services_that_need_the_same_get_one_statement() -> None:
    sids = [s["Sid"] for s in keys.statements({"ec2", "dlm", "imagebuilder"}, account=ACCOUNT, region="eu-west-1")]

    assert sids == ["VolumesOfThisAccount", "VolumesAttachByGrants", "ImageComponentsOfThisAccount"]


def test_intrinsic_functions_stay_what_they_are() -> None:
    (statement,) = keys.statements(
        frozenset({"logs"}),
        account={"Ref": "AWS::AccountId"},
        region={"Ref": "AWS::Region"},
        partition={"Fn::Sub": "${AWS::Partition}"},
    )

    assert statement["Principal"] == {"Service": {"Fn::Sub": "logs.${AWS::Region}.amazonaws.com"}}
    assert statement["Condition"] == {
        "ArnLike": {
            "kms:EncryptionContext:aws:logs:arn": {
                "Fn::Sub": "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:*"
            }
        }
    }


def test_an_intrinsic_that_stands_alone_is_not_wrapped() -> None:
    (statement,) = keys.statements(["cloudwatch"], account={"Ref": "AWS::AccountId"}, region="eu-west-1")

    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_an_intrinsic_that_cannot_be_written_into_a_text_becomes_its_variable() -> None:
    account = {"Fn::Select": [4, {"Fn::Split": [":", {"Ref": "TopicArn"}]}]}

    statement = keys.account_statement(account=account)

    assert statement["Principal"] == {"AWS": {"Fn::Sub": ["arn:aws:iam::${Account}:root", {"Account": account}]}}


@pytest.mark.parametrize("service", sorted(keys.USES))
def test_no_policy_names_a_role_or_a_whole_world(service: str) -> None:
    for statement in keys.statements([service], account=ACCOUNT, region="eu-west-1"):
        principal = statement["Principal"]
        assert isinstance(principal, dict)
        assert set(principal) == {"Service"} or principal == {"AWS": "arn:aws:iam::111111111111:root"}


def test_every_row_names_its_page() -> None:
    assert all(use.source.startswith("https://docs.aws.amazon.com/") for row in keys.USES.values() for use in row)


def test_sharing_names_accounts_and_organisations() -> None:
    shared = keys.sharing_statements(["222222222222"], ["o-abc123"])

    assert [s["Sid"] for s in shared] == [
        "Account222222222222Uses",
        "Account222222222222GrantsToAws",
        "Organizationabc123Uses",
        "Organizationabc123GrantsToAws",
    ]
    assert shared[3]["Condition"] == {
        "StringEquals": {"aws:PrincipalOrgID": "o-abc123"},
        "Bool": {"kms:GrantIsForAWSResource": "true"},
    }


def test_an_unknown_service_is_refused_with_the_known_ones() -> None:
    with pytest.raises(CompileError, match=r"no key policy is known for loggs.*cloudwatch"):
        keys.statements(["loggs"], account=ACCOUNT, region="eu-west-1")
