"""Small rules for resolved values that every part shares: text of scalars, equality, what is not known yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Any: resolved values are JSON of any shape.

KNOWN_AFTER_APPLY = "{{changeSet:KNOWN_AFTER_APPLY}}"
"""What a change set shows for a value that only exists when it has been executed."""


class NoValue:
    """What Ref to AWS::NoValue gives: the key that holds it goes away."""


NO_VALUE = NoValue()


def text(value: Any) -> str:
    """A scalar as CloudFormation writes it into a string."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def is_known(value: Any) -> bool:
    """Whether nothing in the value waits for the execution."""
    if isinstance(value, str):
        return KNOWN_AFTER_APPLY not in value
    if isinstance(value, Mapping):
        return all(is_known(each) for each in value.values())
    return all(is_known(each) for each in value) if isinstance(value, list) else True


def same(left: Any, right: Any) -> bool:
    """Equality as CloudFormation has it: `14` and `"14"`, `true` and `"true"` are one."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, (Mapping, list)) or isinstance(right, (Mapping, list)):
        return False
    return (left is None) == (right is None) and text(left) == text(right)
