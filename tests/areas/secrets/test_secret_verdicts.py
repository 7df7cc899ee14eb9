"""Who may read a value, decided over users and roles made by hand: conditions, keys, grants, paths, and outsiders."""

from __future__ import annotations

from typing import Any

import pytest

from baseops.areas.secrets.keys import Key
from baseops.areas.secrets.organisation import Organisation
from baseops.areas.secrets.values import ACTIONS, Value, Way
from baseops.areas.secrets.verdicts import Can, Judge
from baseops.aws.principals import Somebody, everybody
from baseops.semantics.policies import Context, Grant, Policies, Policy, Principal, Reading

OURS, THEIRS = "111111111111", "999999999999"
SECRET = f"arn:aws:secretsmanager:eu-west-1:{OURS}:secret:app/db-a1b2c3"
KEY = f"arn:aws:kms:eu-west-1:{OURS}:key/0a1b"
IAM_DECIDES = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{OURS}:root"}, "Action": "kms:*", "Resource": "*"}
READS = {"Effect": "Allow", "Action": ["secretsmanager:GetSecretValue", "kms:Decrypt"], "Resource": "*"}
JUDGE = Judge(OURS, "eu-west-1", Organisation("o-ours"))


def policy(*statements: dict[str, Any]) -> Policy:
    return Policy.parse({"Version": "2012-10-17", "Statement": list(statements)}, "p")


def role(*statements: dict[str, Any], name: str = "web", **more: Any) -> Somebody:
    arn = f"arn:aws:iam::{OURS}:role/{name}"
    policies = Policies(identity=(policy(*statements),)) if statements else Policies()
    return Somebody(arn, name, Principal.parse(arn), policies, **more)


def value(
    *, own: tuple[dict[str, Any], ...] = (), key: tuple[dict[str, Any], ...] = (IAM_DECIDES,), grants: Any = ()
) -> Value:
    encryption = Context(
        {
            "kms:EncryptionContext:SecretARN": SECRET,
            "kms:EncryptionContext:SecretVersionId": "v1",
            "kms:ViaService": "secretsmanager.eu-west-1.amazonaws.com",
        }
    )
    keys = (Key(KEY, policy(*key), tuple(grants)),)
    current = Reading("secretsmanager:GetSecretValue", SECRET, Context({"secretsmanager:VersionStage": "AWSCURRENT"}))
    former = Reading("secretsmanager:GetSecretValue", SECRET, Context({"secretsmanager:VersionStage": "AWSPREVIOUS"}))
    ways = tuple(Way(each, keys, encryption) for each in (current, former))
    return Value(SECRET, ways, ways[:1], policy(*own) if own else None)


def can(who: Somebody, where: Value | None = None, judge: Judge = JUDGE) -> Can:
    found = where or value()
    return judge.may_read(who, found.ways, found)


def on(condition: dict[str, Any], effect: str = "Allow") -> dict[str, Any]:
    return {**READS, "Effect": effect, "Condition": condition}


def test_who_is_allowed_by_iam_and_key_can_and_who_is_allowed_nothing_cannot() -> None:
    assert can(role(READS)) is Can.SURELY
    assert can(role()) is Can.NEVER
    assert can(role({**READS, "Action": "secretsmanager:GetSecretValue"})) is Can.NEVER


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"StringEquals": {"aws:SourceVpce": "vpce-1"}}, Can.PERHAPS),
        ({"Bool": {"aws:MultiFactorAuthPresent": "true"}}, Can.PERHAPS),
        ({"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}, Can.SURELY),
        ({"StringEquals": {"aws:RequestedRegion": "us-east-1"}}, Can.NEVER),
        ({"StringEquals": {"aws:PrincipalOrgID": "o-ours"}}, Can.SURELY),
        ({"StringEquals": {"aws:PrincipalTag/team": "data"}}, Can.NEVER),
        ({"StringEquals": {"secretsmanager:VersionStage": "AWSPREVIOUS"}}, Can.NEVER),
    ],
    ids=str,
)
def test_what_a_request_would_bring_along_is_neither_taken_for_granted_nor_ruled_out(condition, expected) -> None:
    assert can(role(on(condition))) is expected


def test_the_previous_version_counts() -> None:
    previous = {**READS, "Action": "secretsmanager:GetSecretValue"}
    previous["Condition"] = {"StringEquals": {"secretsmanager:VersionStage": "AWSPREVIOUS"}}

    assert can(role(previous, {**READS, "Action": "kms:Decrypt"})) is Can.SURELY


def test_a_refusal_by_what_is_not_known_leaves_it_open() -> None:
    outside = on({"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}, "Deny")

    assert can(role(READS, outside)) is Can.PERHAPS


def test_tags_that_a_session_may_bring_leave_it_open() -> None:
    of_team = on({"StringEquals": {"aws:PrincipalTag/team": "data"}})

    assert can(role(of_team, may_bring_tags=True)) is Can.PERHAPS
    assert can(role(of_team, tags={"aws:PrincipalTag/team": "data"})) is Can.SURELY


def test_a_grant_to_a_role_or_to_one_of_its_sessions_opens_the_key() -> None:
    reader = role({**READS, "Action": "secretsmanager:GetSecretValue"})
    to_role = Grant(reader.arn, frozenset({"Decrypt"}))
    to_session = Grant(f"arn:aws:sts::{OURS}:assumed-role/web/i-1", frozenset({"Decrypt"}))
    for_another = Grant(reader.arn, frozenset({"Decrypt"}), context_subset={"SecretARN": "another"})

    assert can(reader, value(grants=[to_role])) is Can.SURELY
    assert can(reader, value(grants=[to_session])) is Can.SURELY
    assert can(reader, value(grants=[for_another])) is Can.NEVER


def test_what_the_organisation_refuses_is_refused_but_not_to_roles_of_services() -> None:
    refuses = policy({"Effect": "Allow", "Action": "*", "Resource": "*"}, {**READS, "Effect": "Deny"})
    judge = Judge(OURS, "eu-west-1", Organisation("o-ours", service_control=((refuses,),)))
    arn = f"arn:aws:iam::{OURS}:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX"
    linked = Somebody(arn, "AWSServiceRoleForX", Principal.parse(arn), Policies(identity=(policy(READS),)))

    assert can(role(READS), judge=judge) is Can.NEVER
    assert can(linked, judge=judge) is Can.SURELY


def test_a_reader_whom_the_key_stops_is_told_apart_from_one_whom_iam_stops() -> None:
    where = value()

    assert JUDGE.is_stopped_by_key(role({**READS, "Action": "secretsmanager:GetSecretValue"}), where)
    assert not JUDGE.is_stopped_by_key(role(), where)


GET = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
ROOT = f"arn:aws:iam::{THEIRS}:root"


@pytest.mark.parametrize(
    ("own", "key", "expected"),
    [
        ({"Principal": {"AWS": ROOT}}, {}, {ROOT: Can.SURELY}),
        ({"Principal": {"AWS": THEIRS}, "Condition": {"Bool": {"x": "true"}}}, {}, {THEIRS: Can.SURELY}),
        ({"Principal": "*"}, {}, {"*": Can.SURELY}),
        ({"Principal": "*", "Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1"}}}, {}, {"*": Can.PERHAPS}),
        ({"Principal": "*", "Condition": {"StringEquals": {"aws:PrincipalAccount": OURS}}}, {}, {}),
        ({"Principal": {"Service": "rds.amazonaws.com"}}, {}, {"rds.amazonaws.com": Can.SURELY}),
        ({"Principal": {"AWS": f"arn:aws:iam::{OURS}:role/web"}}, {}, {}),
        ({}, {"Principal": {"AWS": "*"}}, {"*": Can.SURELY}),
        ({}, {"Principal": {"AWS": "*"}, "Condition": {"StringEquals": {"kms:CallerAccount": OURS}}}, {}),
        ({}, {"Principal": {"AWS": ROOT}}, {ROOT: Can.SURELY}),
    ],
    ids=str,
)
def test_whom_policies_let_in_from_outside(own, key, expected) -> None:
    decrypts = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}
    where = value(own=({**GET, **own},) if own else (), key=(IAM_DECIDES, *([{**decrypts, **key}] if key else [])))

    assert expected == JUDGE.outsiders(where)


def test_a_grant_to_another_account_lets_it_in() -> None:
    grantee = f"arn:aws:iam::{THEIRS}:role/x"

    assert JUDGE.outsiders(value(grants=[Grant(grantee, frozenset({"Decrypt"}))])) == {grantee: Can.SURELY}


# --- who there is ---


class Pages:
    """IAM's details in pages, as botocore's paginator gives them; it notes what was asked."""

    def __init__(self, *pages: dict[str, Any]) -> None:
        self.pages = pages
        self.asked: dict[str, Any] = {}

    def client(self, service: str, region: str | None = None) -> Pages:
        return self

    def get_paginator(self, name: str) -> Pages:
        assert name == "get_account_authorization_details"
        return self

    def paginate(self, **asked: Any) -> tuple[dict[str, Any], ...]:
        self.asked = asked
        return self.pages


def named(kind: str, name: str, **more: Any) -> dict[str, Any]:
    path = {"User": "user", "Role": "role"}[kind]
    return {f"{kind}Name": name, f"{kind}Id": f"ID{name}", "Arn": f"arn:aws:iam::{OURS}:{path}/{name}", **more}


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def test_users_have_the_policies_of_their_groups_and_boundaries_limit() -> None:
    boundary = {"PermissionsBoundaryArn": "arn:aws:iam::111111111111:policy/b"}
    inline = [{"PolicyName": "p", "PolicyDocument": document(READS)}]
    pages = Pages(
        {
            "UserDetailList": [named("User", "jane", GroupList=["ops"]), named("User", "joe")],
            "GroupDetailList": [{"GroupName": "ops", "AttachedManagedPolicies": [{"PolicyArn": "arn:m"}]}],
        },
        {
            "RoleDetailList": [named("Role", "web", RolePolicyList=inline, PermissionsBoundary=boundary)],
            "Policies": [
                {"Arn": "arn:m", "PolicyVersionList": [{"IsDefaultVersion": True, "Document": document(READS)}]}
            ],
        },
    )

    people = everybody(pages, ACTIONS)

    assert [(each.name, can(each)) for each in people] == [
        ("jane", Can.SURELY),
        ("joe", Can.NEVER),
        ("web", Can.NEVER),
    ]
    assert pages.asked == {"PaginationConfig": {"PageSize": 1000}}


def test_of_policies_only_what_is_about_secrets_is_kept() -> None:
    inline = [{"PolicyName": "p", "PolicyDocument": document({**READS, "Action": "s3:*"}, READS)}]
    (found,) = everybody(Pages({"RoleDetailList": [named("Role", "web", RolePolicyList=inline)]}), ACTIONS)

    assert [statement.actions for statement in found.policies.identity[0].statements] == [
        ("secretsmanager:GetSecretValue", "kms:Decrypt")
    ]
