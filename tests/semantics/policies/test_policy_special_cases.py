"""Keys with policies and grants of their own, and the many ways to read a parameter."""

from __future__ import annotations

from typing import Any

import pytest

from baseops.semantics import keys
from baseops.semantics.policies import (
    Context,
    Doubt,
    Grant,
    Policies,
    Policy,
    Principal,
    Request,
    evaluate,
    evaluate_key,
    readings,
)

OURS = "111111111111"
ROLE = Principal.parse(f"arn:aws:iam::{OURS}:role/web")
KEY = f"arn:aws:kms:eu-west-1:{OURS}:key/0a1b"


def policy(*statements: dict[str, Any]) -> Policy:
    return Policy.parse({"Version": "2012-10-17", "Statement": list(statements)}, "p")


def decrypt(principal: Principal = ROLE, **context: str) -> Request:
    return Request(principal, "kms:Decrypt", KEY, Context(context))


ALL = policy({"Effect": "Allow", "Action": "*", "Resource": "*"})
IAM_DECIDES = policy(keys.account_statement(account=OURS))


def test_iam_policies_count_only_where_the_key_policy_names_the_account() -> None:
    silent = policy()

    assert evaluate_key(decrypt(), Policies(identity=(ALL,)), IAM_DECIDES).allowed
    assert not evaluate_key(decrypt(), Policies(), IAM_DECIDES).allowed
    decision = evaluate_key(decrypt(), Policies(identity=(ALL,)), silent)
    assert [str(reason) for reason in decision.reasons] == ["no resource policy allows it"]


def test_even_the_account_root_needs_the_key_policy() -> None:
    root = Principal.parse(f"arn:aws:iam::{OURS}:root")

    assert evaluate_key(decrypt(root), Policies(), IAM_DECIDES).allowed
    assert not evaluate_key(decrypt(root), Policies(), policy()).allowed


def test_a_key_policy_that_names_the_role_is_enough() -> None:
    names = policy({"Effect": "Allow", "Action": "kms:*", "Resource": "*", "Principal": {"AWS": ROLE.arn}})

    assert evaluate_key(decrypt(), Policies(), names).allowed
    assert not evaluate_key(decrypt(), Policies(boundary=policy()), names).allowed


def test_a_secret_is_decrypted_only_by_way_of_its_service() -> None:
    bounded = policy(*keys.statements(["secretsmanager"], account=OURS, region="eu-west-1"))
    via = {"kms:ViaService": "secretsmanager.eu-west-1.amazonaws.com", "kms:CallerAccount": OURS}

    assert evaluate_key(decrypt(**via), Policies(identity=(ALL,)), bounded).allowed
    assert not evaluate_key(decrypt(**{"kms:CallerAccount": OURS}), Policies(identity=(ALL,)), bounded).allowed


def test_a_log_group_of_another_account_is_refused() -> None:
    logs = Principal.parse("logs.eu-west-1.amazonaws.com")
    table = policy(*keys.statements(["logs"], account=OURS, region="eu-west-1"))
    ours, theirs = (
        {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:eu-west-1:{account}:log-group:/acme/web"}
        for account in (OURS, "222222222222")
    )

    assert evaluate_key(decrypt(logs, **ours), Policies(), table).allowed
    assert not evaluate_key(decrypt(logs, **theirs), Policies(), table).allowed


def test_event_rules_reach_an_encrypted_topic_though_they_bring_no_source_account() -> None:
    table = policy(*keys.statements(["cloudwatch", "events"], account=OURS, region="eu-west-1"))

    assert evaluate_key(decrypt(Principal.parse("events.amazonaws.com")), Policies(), table).allowed
    assert not evaluate_key(decrypt(Principal.parse("cloudwatch.amazonaws.com")), Policies(), table).allowed


def test_a_grant_needs_neither_policy() -> None:
    grant = Grant(ROLE.arn, frozenset({"Decrypt"}), id="g-1")

    decision = evaluate_key(decrypt(), Policies(), policy(), [grant])

    assert decision.allowed
    assert decision.reasons[0].kind == "grant"
    assert not evaluate_key(Request(ROLE, "kms:Encrypt", KEY), Policies(), policy(), [grant]).allowed


def test_a_grant_overrides_no_deny_and_no_organisation() -> None:
    grant = Grant(ROLE.arn, frozenset({"Decrypt"}))
    refuses = policy({"Effect": "Deny", "Action": "kms:*", "Resource": "*"})

    assert not evaluate_key(decrypt(), Policies(identity=(refuses,)), IAM_DECIDES, [grant]).allowed
    assert not evaluate_key(decrypt(), Policies(service_control=((policy(),),)), IAM_DECIDES, [grant]).allowed


@pytest.mark.parametrize(
    ("grant", "allowed"),
    [
        (Grant(ROLE.arn, frozenset({"Decrypt"}), context_equals={"aws:ebs:id": "vol-1"}), False),
        (Grant(ROLE.arn, frozenset({"Decrypt"}), context_subset={"aws:ebs:id": "vol-1"}), True),
        (Grant(ROLE.arn, frozenset({"Decrypt"}), context_subset={"aws:ebs:id": "vol-2"}), False),
    ],
)
def test_a_grant_may_be_held_to_an_encryption_context(grant: Grant, allowed: bool) -> None:
    context = {"kms:EncryptionContext:aws:ebs:id": "vol-1", "kms:EncryptionContext:team": "web"}

    assert evaluate_key(decrypt(**context), Policies(), policy(), [grant]).allowed is allowed


# --- Parameter Store -----------------------------------------------------------------------------------------


def ways(identity: Policy, name: str = "/app/db/password") -> set[str]:
    allowed = set()
    for way in readings(name, account=OURS, region="eu-west-1"):
        request = Request(ROLE, way.action, way.resource, way.context)
        if evaluate(request, Policies(identity=(identity,))).allowed:
            allowed.add(f"{way.action.removeprefix('ssm:')} {way.resource.partition(':parameter')[2]}")
    return allowed


def statement(effect: str, action: str, path: str, **more: Any) -> dict[str, Any]:
    return {
        "Effect": effect,
        "Action": action,
        "Resource": f"arn:aws:ssm:eu-west-1:{OURS}:parameter{path}",
        **more,
    }


def test_a_deny_on_the_parameter_does_not_stop_who_may_read_its_path() -> None:
    trap = policy(
        statement("Allow", "ssm:GetParametersByPath", "/app"),
        statement("Deny", "ssm:*", "/app/db/*"),
    )

    assert ways(trap) == {"GetParametersByPath /app"}


def test_history_is_a_way_to_read() -> None:
    assert ways(policy(statement("Allow", "ssm:GetParameterHistory", "/app/db/password"))) == {
        "GetParameterHistory /app/db/password"
    }


def test_every_path_above_is_tried() -> None:
    assert ways(ALL) == {
        "GetParameter /app/db/password",
        "GetParameters /app/db/password",
        "GetParameterHistory /app/db/password",
        "GetParametersByPath /app/db",
        "GetParametersByPath /app/db/",
        "GetParametersByPath /app",
        "GetParametersByPath /app/",
        "GetParametersByPath /",
    }


def test_a_path_above_reads_recursively_only() -> None:
    flat = {"Condition": {"StringEquals": {"ssm:Recursive": "false"}}}

    assert ways(policy(statement("Allow", "ssm:GetParametersByPath", "*", **flat))) == {
        "GetParametersByPath /app/db",
        "GetParametersByPath /app/db/",
    }


def test_a_name_without_a_slash_lies_under_the_root() -> None:
    assert ways(ALL, "password") == {
        "GetParameter /password",
        "GetParameters /password",
        "GetParameterHistory /password",
        "GetParametersByPath /",
    }


# --- what is not known of a request that nobody makes ---


@pytest.mark.parametrize(
    ("statement", "allow_favoured", "deny_favoured"),
    [
        ({"Effect": "Allow"}, True, True),
        ({"Effect": "Allow", "Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1"}}}, True, False),
        ({"Effect": "Allow", "Condition": {"Null": {"aws:SourceVpce": "true"}}}, True, False),
        ({"Effect": "Allow", "Condition": {"StringEquals": {"aws:PrincipalArn": "x"}}}, False, False),
        ({"Effect": "Allow", "Resource": "arn:aws:s3:::b/${aws:userid}/*"}, True, False),
        (
            {"Effect": "Allow", "Condition": {"StringEquals": {"aws:PrincipalAccount": "${aws:SourceIdentity}"}}},
            True,
            False,
        ),
    ],
    ids=str,
)
def test_a_condition_on_what_is_not_known_goes_as_the_doubt_says(statement, allow_favoured, deny_favoured) -> None:
    identity = policy({"Action": "*", "Resource": "*", **statement})

    def decide(favours) -> bool:
        context = Context({}, Doubt(lambda key: not key.startswith("aws:principal"), favours))
        return evaluate(
            Request(ROLE, "s3:GetObject", "arn:aws:s3:::b/k", context), Policies(identity=(identity,))
        ).allowed

    assert decide("Allow") is allow_favoured
    assert decide("Deny") is deny_favoured


def test_a_denial_in_doubt_counts_when_denial_is_favoured() -> None:
    outside = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    outside["Condition"] = {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}
    policies = Policies(identity=(ALL, policy(outside)))

    def decide(favours) -> bool:
        request = Request(ROLE, "s3:GetObject", "arn:aws:s3:::b/k", Context({}, Doubt(lambda _: True, favours)))
        return evaluate(request, policies).allowed

    assert decide("Allow")
    assert not decide("Deny")


def test_a_grant_to_a_session_is_one_to_its_role() -> None:
    grant = Grant(f"arn:aws:sts::{OURS}:assumed-role/web/i-1", frozenset({"Decrypt"}))

    assert evaluate_key(decrypt(), Policies(), IAM_DECIDES, [grant]).allowed
    assert not evaluate_key(
        decrypt(Principal.parse(f"arn:aws:iam::{OURS}:role/we")), Policies(), IAM_DECIDES, [grant]
    ).allowed
