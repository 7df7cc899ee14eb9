"""Evaluates the Condition element of IAM policies over a request context.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
It never asks for the time or an address: both stand in the context.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Literal

from baseops.semantics.policies.patterns import Context, is_arn_match, is_match

Compare = Callable[[str, str, Context | None], bool]
"""(value of the policy, value of the request, context) -> whether they match."""


class MalformedPolicyError(ValueError):
    """IAM would refuse such a policy (MalformedPolicyDocument)."""


@dataclass(frozen=True)
class Operator:
    """A condition operator in its parts: `ForAnyValue:StringNotLikeIfExists` has all of them."""

    compare: Compare
    is_negated: bool = False
    quantifier: Literal["", "ForAllValues", "ForAnyValue"] = ""
    if_exists: bool = False

    def holds(self, expected: Sequence[str], actual: Sequence[str], context: Context | None) -> bool:
        """Whether the operator holds for the values of a key.

        The policy's values are alternatives; under a negated operator none of them may match.
        """
        if not actual:
            return self._holds_without_key()
        found = [self._holds_for(value, expected, context) for value in actual]
        if self.quantifier == "ForAllValues" or (not self.quantifier and self.is_negated):
            return all(found)
        return any(found)

    def _holds_without_key(self) -> bool:
        if self.if_exists or self.quantifier == "ForAllValues":
            return True
        return self.is_negated and not self.quantifier

    def _holds_for(self, actual: str, expected: Sequence[str], context: Context | None) -> bool:
        return any(self.compare(one, actual, context) for one in expected) != self.is_negated


def conditions_hold(
    block: Mapping[str, Mapping[str, Sequence[str]]],
    context: Context,
    *,
    variables: bool = True,
    in_doubt: bool = False,
) -> bool:
    """Whether every operator and key of a Condition element holds; `variables` says whether `${…}` is replaced.

    `in_doubt` is what a condition on an open key comes to.
    """
    return all(
        in_doubt if _is_open(key, expected, context) else _holds(name, key, expected, context, variables=variables)
        for name, keys in block.items()
        for key, expected in keys.items()
    )


def _is_open(key: str, expected: Sequence[str], context: Context) -> bool:
    return context.doubt is not None and (context.is_open(key) or any(map(context.has_open_variable, expected)))


def _holds(name: str, key: str, expected: Sequence[str], context: Context, *, variables: bool) -> bool:
    actual = context.values(key)
    if name.lower() == "null":
        return any((one.lower() == "true") == (not actual) for one in expected)
    return parse_operator(name).holds(expected, actual, context if variables else None)


@cache
def parse_operator(name: str) -> Operator:
    """The operator of a name; raises `MalformedPolicyError` when IAM has none of that name."""
    if name.lower() == "null":
        return Operator(lambda _expected, _actual, _context: True)
    found = re.fullmatch(r"(?:(ForAllValues|ForAnyValue):)?(\w+?)(IfExists)?", name, re.IGNORECASE)
    base = found[2].lower() if found else ""
    if not found or base not in _OPERATORS:
        raise MalformedPolicyError(f"IAM has no condition operator {name}")
    compare, is_negated = _OPERATORS[base]
    quantifiers: dict[str, Literal["ForAllValues", "ForAnyValue"]] = {
        "forallvalues": "ForAllValues",
        "foranyvalue": "ForAnyValue",
    }
    return Operator(compare, is_negated, quantifiers.get((found[1] or "").lower(), ""), bool(found[3]))


def _string_equals(expected: str, actual: str, context: Context | None) -> bool:
    return is_match(expected, actual, context, wildcards=False)


def _string_equals_ignoring_case(expected: str, actual: str, context: Context | None) -> bool:
    return is_match(expected, actual, context, wildcards=False, ignore_case=True)


def _bool(expected: str, actual: str, _context: Context | None) -> bool:
    return expected.lower() == actual.lower()


def _binary(expected: str, actual: str, _context: Context | None) -> bool:
    return expected == actual


def _ip_address(expected: str, actual: str, _context: Context | None) -> bool:
    try:
        return ipaddress.ip_address(actual) in ipaddress.ip_network(expected, strict=False)
    except ValueError:
        return False


def _numeric(test: Callable[[Decimal, Decimal], bool]) -> Compare:
    def compare(expected: str, actual: str, _context: Context | None) -> bool:
        try:
            return test(Decimal(actual), Decimal(expected))
        except InvalidOperation:
            return False

    return compare


def _date(test: Callable[[datetime, datetime], bool]) -> Compare:
    def compare(expected: str, actual: str, _context: Context | None) -> bool:
        try:
            return test(_moment(actual), _moment(expected))
        except ValueError:
            return False

    return compare


def _moment(text: str) -> datetime:
    """A W3C profile of ISO 8601, or seconds since 1970."""
    if re.fullmatch(r"\d{5,}", text):
        return datetime.fromtimestamp(int(text), UTC)
    parsed = datetime.fromisoformat(text)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


_OPERATORS: Mapping[str, tuple[Compare, bool]] = {
    "stringequals": (_string_equals, False),
    "stringnotequals": (_string_equals, True),
    "stringequalsignorecase": (_string_equals_ignoring_case, False),
    "stringnotequalsignorecase": (_string_equals_ignoring_case, True),
    "stringlike": (is_match, False),
    "stringnotlike": (is_match, True),
    # ArnEquals and ArnLike behave identically, says the page.
    "arnequals": (is_arn_match, False),
    "arnlike": (is_arn_match, False),
    "arnnotequals": (is_arn_match, True),
    "arnnotlike": (is_arn_match, True),
    "numericequals": (_numeric(lambda a, b: a == b), False),
    "numericnotequals": (_numeric(lambda a, b: a == b), True),
    "numericlessthan": (_numeric(lambda a, b: a < b), False),
    "numericlessthanequals": (_numeric(lambda a, b: a <= b), False),
    "numericgreaterthan": (_numeric(lambda a, b: a > b), False),
    "numericgreaterthanequals": (_numeric(lambda a, b: a >= b), False),
    "dateequals": (_date(lambda a, b: a == b), False),
    "datenotequals": (_date(lambda a, b: a == b), True),
    "datelessthan": (_date(lambda a, b: a < b), False),
    "datelessthanequals": (_date(lambda a, b: a <= b), False),
    "dategreaterthan": (_date(lambda a, b: a > b), False),
    "dategreaterthanequals": (_date(lambda a, b: a >= b), False),
    "bool": (_bool, False),
    "binaryequals": (_binary, False),
    "ipaddress": (_ip_address, False),
    "notipaddress": (_ip_address, True),
}
