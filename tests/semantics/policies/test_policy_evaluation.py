"""Who may do what: the cases of the policy evaluation logic pages, and properties that hold for any policies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseops.semantics.policies import (
    Context,
    Decision,
    MalformedPolicyError,
    Policies,
    Policy,
    Principal,
    Request,
    evaluate,
)

OURS, OTHERS = "111111111111", "222222222222"
USER = Principal.parse(f"arn:aws:iam::{OURS}:user/ann")
ROLE = Principal.parse(f"arn:aws:iam::{OURS}:role/web")
SESSION = Principal.parse(f"arn:aws:sts::{OURS}:assumed-role/web/i-0a1")
SECRET = f"arn:aws:secretsmanager:eu-west-1:{OURS}:secret:app/db-a1b2c3"
READ = "secretsmanager:GetSecretValue"


def policy(*statements: dict[str, Any], name: str = "p") -> Policy:
    return Policy.parse({"Version": "2012-10-17", "Statement": list(statements)}, name)


def allow(action: str = READ, resource: str = SECRET, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: str = READ, resource: str = SECRET, **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def to(*names: str) -> dict[str, Any]:
    return {"Principal": {"AWS": list(names)}}


def ask(principal: Principal, policies: Policies, *, resource: str = SECRET, **context: str) -> Decision:
    return evaluate(Request(principal, READ, resource, Context(context)), policies)


ALL = policy(allow("*", "*"))
NOTHING = policy()


def test_nothing_is_allowed_by_default() -> None:
    decision = ask(ROLE, Policies())

    assert not decision.allowed
    assert [str(reason) for reason in decision.reasons] == ["no identity policy allows it"]


def test_an_identity_policy_allows_and_is_named() -> None:
    decision = ask(ROLE, Policies(identity=(policy(allow(Sid="Read"), name="reader"),)))

    assert decision.allowed
    assert [str(reason) for reason in decision.reasons] == ["allowed by identity policy reader, statement Read"]


def test_an_explicit_deny_wins_wherever_it_stands() -> None:
    for where in ("resource", "boundary"):
        policies = replace(Policies(identity=(ALL,)), **{where: policy(deny(**to("*")), allow(**to("*")))})
        assert ask(ROLE, policies).is_explicit_deny


@pytest.mark.parametrize(
    ("action", "resource", "answer"),
    [
        ("secretsmanager:Get*", SECRET, True),
        ("SECRETSMANAGER:getsecretvalue", SECRET, True),
        ("secretsmanager:GetSecret?alue", SECRET, True),
        ("secretsmanager:Get", SECRET, False),
        (READ, f"arn:aws:secretsmanager:*:{OURS}:secret:app/*", True),
        (READ, "arn:aws:secretsmanager:*", True),
        (READ, f"arn:aws:secretsmanager:eu-west-1:{OURS}:secret:APP/*", False),
        (READ, f"arn:aws:secretsmanager:eu-west-1:{OURS}:secret:app/db", False),
        (READ, f"arn:aws:secretsmanager:eu-west-1:{OURS}:secret:app/db-??????", True),
    ],
)
def test_actions_have_no_case_and_resources_have(action: str, resource: str, answer: bool) -> None:
    assert ask(ROLE, Policies(identity=(policy(allow(action, resource)),))).allowed is answer


def test_not_action_and_not_resource_mean_everything_else() -> None:
    other = f"arn:aws:secretsmanager:eu-west-1:{OURS}:secret:other-a1b2c3"
    not_iam = policy({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"})
    not_this = policy({"Effect": "Allow", "Action": "*", "NotResource": SECRET})

    assert ask(ROLE, Policies(identity=(not_iam,))).allowed
    assert not ask(ROLE, Policies(identity=(not_this,))).allowed
    assert ask(ROLE, Policies(identity=(not_this,)), resource=other).allowed


def test_a_resource_may_hold_the_name_of_who_asks() -> None:
    bucket = policy(allow("s3:GetObject", "arn:aws:s3:::home/${aws:username}/*"))
    mine, hers = (
        Request(USER, "s3:GetObject", f"arn:aws:s3:::home/{name}/notes", resource_account=OURS)
        for name in ("ann", "bob")
    )

    assert evaluate(mine, Policies(identity=(bucket,))).allowed
    assert not evaluate(hers, Policies(identity=(bucket,))).allowed


# --- one account: how a resource's policy names somebody decides what limits it ----------------------------


def test_a_resource_policy_that_names_a_user_needs_nothing_else() -> None:
    named = Policies(resource=policy(allow(**to(USER.arn))), boundary=NOTHING)

    assert ask(USER, named).allowed


def test_a_resource_policy_that_names_a_role_is_limited_by_boundary_and_session_policies() -> None:
    named = Policies(resource=policy(allow(**to(ROLE.arn))))

    assert ask(SESSION, named).allowed
    assert not ask(SESSION, replace(named, boundary=NOTHING)).allowed
    assert not ask(SESSION, replace(named, session=(NOTHING,))).allowed
    assert ask(SESSION, replace(named, boundary=ALL, session=(ALL,))).allowed


def test_a_resource_policy_that_names_a_session_is_limited_by_neither() -> None:
    named = Policies(resource=policy(allow(**to(SESSION.arn))), boundary=NOTHING, session=(NOTHING,))

    assert ask(SESSION, named).allowed
    assert not ask(Principal.parse(f"arn:aws:sts::{OURS}:assumed-role/web/other"), named).allowed


@pytest.mark.parametrize("account", [OURS, f"arn:aws:iam::{OURS}:root"])
def test_a_resource_policy_that_names_the_account_leaves_it_to_iam(account: str) -> None:
    named = Policies(resource=policy(allow(**to(account))))

    assert not ask(ROLE, named).allowed
    assert ask(ROLE, replace(named, identity=(ALL,))).allowed


def test_everybody_with_a_principal_arn_is_as_good_as_a_session() -> None:
    condition = {"Condition": {"ArnEquals": {"aws:PrincipalArn": ROLE.arn}}}
    named = Policies(resource=policy(allow(**to("*"), **condition)), boundary=NOTHING)

    assert ask(SESSION, named).allowed
    assert not ask(USER, named).allowed


def test_the_path_of_a_sessions_role_has_to_be_told() -> None:
    named = Policies(resource=policy(allow(**to(f"arn:aws:iam::{OURS}:role/apps/web"))))

    assert not ask(SESSION, named).allowed
    assert ask(Principal.parse(SESSION.arn, role_path="/apps/"), named).allowed


def test_a_role_that_was_deleted_and_made_again_is_another() -> None:
    named = Policies(resource=policy(allow(**to("AROAEXAMPLEOLD"))))

    assert not ask(replace(ROLE, unique_id="AROAEXAMPLENEW"), named).allowed
    assert ask(replace(ROLE, unique_id="AROAEXAMPLEOLD"), named).allowed


def test_a_boundary_limits_and_grants_nothing() -> None:
    assert not ask(ROLE, Policies(identity=(ALL,), boundary=NOTHING)).allowed
    assert not ask(ROLE, Policies(boundary=ALL)).allowed
    assert ask(ROLE, Policies(identity=(ALL,), boundary=ALL)).allowed


def test_each_level_of_an_organisation_has_to_allow() -> None:
    root_allows = Policies(identity=(ALL,), service_control=((ALL,), (NOTHING, ALL)))

    assert ask(ROLE, root_allows).allowed
    decision = ask(ROLE, replace(root_allows, service_control=((ALL,), (NOTHING,))))
    assert [str(reason) for reason in decision.reasons] == ["no service control policy allows it"]
    assert not ask(ROLE, replace(root_allows, resource_control=((NOTHING,),))).allowed


def test_the_account_root_needs_no_identity_policy_but_obeys_its_organisation() -> None:
    root = Principal.parse(f"arn:aws:iam::{OURS}:root")

    assert ask(root, Policies()).allowed
    assert not ask(root, Policies(service_control=((NOTHING,),))).allowed
    assert not ask(root, Policies(resource=policy(deny(**to("*"))))).allowed


# --- across accounts: both sides have to allow -------------------------------------------------------------


@pytest.mark.parametrize("named", [f"arn:aws:iam::{OTHERS}:role/web", OTHERS, "*"])
def test_across_accounts_both_sides_have_to_allow(named: str) -> None:
    stranger = Principal.parse(f"arn:aws:iam::{OTHERS}:role/web")
    shared = policy(allow(**to(named)))

    assert ask(stranger, Policies(identity=(ALL,), resource=shared)).allowed
    assert not ask(stranger, Policies(resource=shared)).allowed
    assert not ask(stranger, Policies(identity=(ALL,))).allowed
    assert not ask(stranger, Policies(identity=(ALL,), resource=shared, boundary=NOTHING)).allowed


def test_a_resource_without_an_account_in_its_arn_belongs_to_whom_it_is_said_to() -> None:
    request = Request(ROLE, "s3:GetObject", "arn:aws:s3:::data/x", resource_account=OTHERS)

    assert not evaluate(request, Policies(identity=(ALL,))).allowed


# --- services, strangers, NotPrincipal ----------------------------------------------------------------------


def test_a_service_is_allowed_by_the_resource_alone() -> None:
    events = Principal.parse("events.amazonaws.com")
    condition = {"Condition": {"StringEquals": {"aws:SourceAccount": OURS}}}
    topic = policy(
        {"Effect": "Allow", "Action": READ, "Resource": "*", "Principal": {"Service": events.arn}, **condition}
    )

    assert ask(events, Policies(resource=topic), **{"aws:SourceAccount": OURS}).allowed
    assert not ask(events, Policies(resource=topic)).allowed
    assert not ask(
        Principal.parse("sns.amazonaws.com"), Policies(resource=topic), **{"aws:SourceAccount": OURS}
    ).allowed


def test_strangers_without_credentials_need_a_star() -> None:
    assert ask(Principal.parse("*"), Policies(resource=policy(allow(**to("*"))))).allowed
    assert not ask(Principal.parse("*"), Policies(resource=policy(allow(**to(OURS))))).allowed


def test_not_principal_with_deny_spares_only_who_is_named_with_account_and_role() -> None:
    spared = [f"arn:aws:iam::{OURS}:root", ROLE.arn]
    forbids = policy({"Effect": "Deny", "Action": "*", "Resource": "*", "NotPrincipal": {"AWS": spared}})

    assert ask(ROLE, Policies(identity=(ALL,), resource=forbids)).allowed
    assert ask(SESSION, Policies(identity=(ALL,), resource=forbids)).is_explicit_deny
    assert ask(USER, Policies(identity=(ALL,), resource=forbids)).is_explicit_deny


def test_a_deny_to_the_account_reaches_everybody_in_it() -> None:
    forbids = policy(deny(**to(OURS)))

    assert ask(SESSION, Policies(identity=(ALL,), resource=forbids)).is_explicit_deny


@pytest.mark.parametrize("text", ["web", "arn:aws:s3:::bucket", f"arn:aws:iam::{OURS}:policy/p"])
def test_what_is_no_principal_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="principal"):
        Principal.parse(text)


@pytest.mark.parametrize("statement", [{"Effect": "Permit", "Action": "*"}, {"Effect": "Allow"}])
def test_a_malformed_statement_is_refused(statement: dict[str, Any]) -> None:
    with pytest.raises(MalformedPolicyError, match="p, statement #1"):
        policy(statement)


# --- whatever the policies say ------------------------------------------------------------------------------

ACTIONS = st.sampled_from([READ, "secretsmanager:*", "*", "secretsmanager:Put*", "s3:GetObject"])
RESOURCES = st.sampled_from([SECRET, "*", f"arn:aws:secretsmanager:*:{OURS}:*", "arn:aws:s3:::x"])
PRINCIPALS = st.sampled_from([ROLE.arn, SESSION.arn, USER.arn, OURS, OTHERS, "*"])
CONDITIONS = st.sampled_from(
    [
        {},
        {"Condition": {"Bool": {"aws:SecureTransport": "true"}}},
        {"Condition": {"StringNotEquals": {"aws:PrincipalTag/team": "web"}}},
        {"Condition": {"Null": {"aws:PrincipalTag/team": "false"}}},
    ]
)


@st.composite
def statements(draw: st.DrawFn, effects: tuple[str, ...] = ("Allow", "Deny")) -> dict[str, Any]:
    statement = {"Effect": draw(st.sampled_from(effects)), "Resource": draw(RESOURCES), **draw(CONDITIONS)}
    statement[draw(st.sampled_from(["Action", "Action", "NotAction"]))] = draw(ACTIONS)
    return {**statement, **to(draw(PRINCIPALS))}


def levels(effects: tuple[str, ...] = ("Allow", "Deny")) -> st.SearchStrategy[Policy]:
    return st.lists(statements(effects), max_size=3).map(lambda found: policy(*found))


ANY_POLICIES = st.builds(
    Policies,
    identity=st.lists(levels(), max_size=2).map(tuple),
    resource=st.none() | levels(),
    boundary=st.none() | levels(),
    session=st.none() | st.tuples(levels()),
    service_control=st.lists(st.tuples(levels()), max_size=2).map(tuple),
)
REQUESTS = st.builds(
    Request,
    st.sampled_from([USER, ROLE, SESSION, Principal.parse(f"arn:aws:iam::{OTHERS}:role/web"), Principal.parse("*")]),
    st.just(READ),
    st.just(SECRET),
    st.sampled_from([Context(), Context({"aws:SecureTransport": "true", "aws:PrincipalTag/team": "web"})]),
)


@given(REQUESTS, ANY_POLICIES)
def test_a_deny_always_wins(request_: Request, policies: Policies) -> None:
    refuses = policy({"Effect": "Deny", "Action": "*", "Resource": "*", "Principal": "*"})

    assert evaluate(request_, replace(policies, identity=(*policies.identity, refuses))).is_explicit_deny


@given(REQUESTS, ANY_POLICIES, st.randoms(use_true_random=False))
def test_taking_an_allow_away_never_grants(request_: Request, policies: Policies, random: Any) -> None:
    def poorer(one: Policy) -> Policy:
        return replace(one, statements=tuple(s for s in one.statements if s.effect == "Deny" or random.random() < 0.5))

    fewer = replace(
        policies,
        identity=tuple(map(poorer, policies.identity)),
        resource=poorer(policies.resource) if policies.resource else None,
        boundary=poorer(policies.boundary) if policies.boundary else None,
    )

    assert evaluate(request_, policies).allowed or not evaluate(request_, fewer).allowed


@given(REQUESTS, ANY_POLICIES)
def test_every_decision_has_its_reasons(request_: Request, policies: Policies) -> None:
    decision = evaluate(request_, policies)

    assert decision.reasons
    assert decision.allowed == all(reason.effect == "allow" for reason in decision.reasons)
