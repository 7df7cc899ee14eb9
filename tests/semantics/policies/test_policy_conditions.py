"""Condition operators, case by case from the pages of the IAM user guide."""

from __future__ import annotations

import pytest

from baseops.semantics.policies import Context, MalformedPolicyError, Policy
from baseops.semantics.policies.conditions import conditions_hold
from baseops.semantics.policies.patterns import ContextValue, is_arn_match, is_match

QUEUE = "arn:aws:sqs:eu-west-1:111111111111:orders"


def holds(operator: str, expected: list[str], actual: ContextValue | None, **others: str) -> bool:
    context = dict(others) if actual is None else {"key": actual, **others}
    return conditions_hold({operator: {"key": expected}}, Context(context))


@pytest.mark.parametrize(
    ("operator", "expected", "actual", "answer"),
    [
        ("StringEquals", ["Red"], "Red", True),
        ("StringEquals", ["Red"], "red", False),
        ("StringEquals", ["R*"], "Red", False),
        ("StringEquals", ["Red", "Blue"], "Blue", True),
        ("StringNotEquals", ["Red", "Blue"], "Blue", False),
        ("StringNotEquals", ["Red", "Blue"], "Green", True),
        ("StringEqualsIgnoreCase", ["RED"], "red", True),
        ("StringNotEqualsIgnoreCase", ["RED"], "red", False),
        ("StringLike", ["home/*"], "home/ann/x", True),
        ("StringLike", ["h?me"], "home", True),
        ("StringLike", ["h?me"], "hoome", False),
        ("StringNotLike", ["home/*"], "office", True),
        ("NumericLessThanEquals", ["10"], "10", True),
        ("NumericLessThanEquals", ["10"], "11", False),
        ("NumericEquals", ["10"], "10.0", True),
        ("NumericGreaterThan", ["10"], "ten", False),
        ("NumericNotEquals", ["10"], "11", True),
        ("DateGreaterThan", ["2026-04-01T00:00:00Z"], "2026-04-01T00:00:01Z", True),
        ("DateLessThan", ["2026-04-01T00:00:00Z"], "1775001600", False),
        ("DateGreaterThan", ["2026-03-31"], "1775001600", True),
        ("Bool", ["true"], "True", True),
        ("Bool", ["false"], "true", False),
        ("BinaryEquals", ["QmluYXJ5"], "QmluYXJ5", True),
        ("IpAddress", ["203.0.113.0/24"], "203.0.113.77", True),
        ("IpAddress", ["2001:DB8:1234:5678::/64"], "2001:db8:1234:5678::1", True),
        ("IpAddress", ["203.0.113.0/24"], "2001:db8::1", False),
        ("IpAddress", ["203.0.113.9"], "203.0.113.9", True),
        ("NotIpAddress", ["203.0.113.0/24"], "198.51.100.1", True),
        ("ArnLike", ["arn:aws:sqs:*:111111111111:*"], QUEUE, True),
        ("ArnEquals", ["arn:aws:sqs:*:111111111111:*"], QUEUE, True),
        ("ArnLike", ["arn:aws:sqs:eu-*:orders"], QUEUE, False),
        ("ArnNotLike", ["arn:aws:sqs:*:222222222222:*"], QUEUE, True),
    ],
)
def test_an_operator_compares_as_the_page_says(operator: str, expected: list[str], actual: str, answer: bool) -> None:
    assert holds(operator, expected, actual) is answer


@pytest.mark.parametrize(
    ("operator", "answer"),
    [
        ("StringEquals", False),
        ("StringNotEquals", True),
        ("StringEqualsIfExists", True),
        ("StringNotLikeIfExists", True),
        ("NotIpAddress", True),
        ("Bool", False),
        ("BoolIfExists", True),
        ("ForAllValues:StringEquals", True),
        ("ForAnyValue:StringEquals", False),
        ("ForAnyValue:StringNotEquals", False),
    ],
)
def test_an_absent_key(operator: str, answer: bool) -> None:
    assert holds(operator, ["true"], None) is answer


@pytest.mark.parametrize(
    ("operator", "actual", "answer"),
    [
        ("ForAllValues:StringEquals", ["env", "cost"], True),
        ("ForAllValues:StringEquals", ["env", "team"], False),
        ("ForAllValues:StringEquals", [], True),
        ("ForAnyValue:StringEquals", ["env", "team"], True),
        ("ForAnyValue:StringEquals", ["team"], False),
        ("ForAllValues:StringNotEquals", ["team"], True),
        ("ForAllValues:StringNotEquals", ["team", "env"], False),
        ("ForAnyValue:StringNotEquals", ["team", "env"], True),
        ("ForAnyValue:StringNotEquals", ["env"], False),
    ],
)
def test_keys_with_several_values(operator: str, actual: list[str], answer: bool) -> None:
    assert holds(operator, ["env", "cost"], actual) is answer


@pytest.mark.parametrize(
    ("expected", "actual", "answer"),
    [("true", None, True), ("true", "x", False), ("false", "x", True), ("false", None, False)],
)
def test_null_asks_whether_a_key_is_there(expected: str, actual: str | None, answer: bool) -> None:
    assert holds("Null", [expected], actual) is answer


def test_all_operators_and_all_keys_have_to_hold() -> None:
    block = {"StringEquals": {"a": ["1"], "b": ["2"]}, "Bool": {"c": ["true"]}}

    assert conditions_hold(block, Context({"a": "1", "b": "2", "c": "true"}))
    assert not conditions_hold(block, Context({"a": "1", "b": "2", "c": "false"}))
    assert not conditions_hold(block, Context({"a": "1", "b": "3", "c": "true"}))


def test_keys_have_no_case() -> None:
    assert conditions_hold({"Bool": {"AWS:SecureTransport": ["false"]}}, Context({"aws:securetransport": "false"}))


def test_a_variable_is_replaced() -> None:
    assert holds("StringLike", ["${aws:username}/*"], "ann/notes", **{"aws:username": "ann"})
    assert not holds("StringLike", ["${aws:username}/*"], "bob/notes", **{"aws:username": "ann"})


def test_what_a_variable_stands_for_is_no_wildcard() -> None:
    assert not holds("StringLike", ["${aws:username}"], "ann", **{"aws:username": "*"})


def test_an_unknown_variable_matches_nothing_unless_it_has_a_default() -> None:
    assert not holds("StringEquals", ["${aws:PrincipalTag/team}"], "${aws:PrincipalTag/team}")
    assert holds("StringEquals", ["${aws:PrincipalTag/team, 'none'}"], "none")


def test_signs_that_are_wildcards_can_be_meant() -> None:
    assert is_match("what${?}", "what?", Context())
    assert not is_match("what${?}", "whats", Context())


def test_old_policies_have_no_variables() -> None:
    assert is_match("${aws:username}", "${aws:username}", None)


def test_a_variable_inside_an_arn_keeps_its_colons_together() -> None:
    pattern = "arn:aws:iam::111111111111:user/${aws:username}"

    assert is_arn_match(pattern, "arn:aws:iam::111111111111:user/ann", Context({"aws:username": "ann"}))


@pytest.mark.parametrize("operator", ["StringMatches", "ForSomeValues:StringEquals", ""])
def test_an_operator_that_iam_does_not_have_is_refused(operator: str) -> None:
    document = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {operator: {"a": "b"}}}}

    with pytest.raises(MalformedPolicyError, match="IAM has no condition operator"):
        Policy.parse(document, "p")
