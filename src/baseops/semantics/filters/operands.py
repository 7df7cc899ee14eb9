"""What a text or number must be like to fit an operand: closures, made once for each pattern."""

from __future__ import annotations

import operator as operators
from collections.abc import Callable
from typing import TypeAlias

from baseops.semantics.filters import regex
from baseops.semantics.filters.tree import Number, Operand, Operator, Regex, Text

TextTest: TypeAlias = Callable[[str], bool]
NumberTest: TypeAlias = Callable[[float], bool]

_COMPARISONS: dict[Operator, Callable[[float], NumberTest]] = {
    "=": lambda limit: lambda value: value == limit,
    "!=": lambda limit: lambda value: value != limit,
    "<": lambda limit: lambda value: value < limit,
    "<=": lambda limit: lambda value: value <= limit,
    ">": lambda limit: lambda value: value > limit,
    ">=": lambda limit: lambda value: value >= limit,
}


def _anything(_text: str) -> bool:
    return True


def fits_text(operand: Text) -> TextTest:
    """Whether a text fits one with `*` at its beginning or end."""
    core = operand.core
    if not core:
        return _anything if operand.text else operators.not_
    if operand.starts_open and operand.ends_open:
        return lambda text: core in text
    if operand.starts_open:
        return lambda text: text.endswith(core)
    if operand.ends_open:
        return lambda text: text.startswith(core)
    return lambda text: text == core


def fits_regex(operand: Regex) -> TextTest:
    """Whether the expression is found anywhere in a text."""
    search = regex.read(operand.source, str(operand), 1).compiled.search
    return lambda text: search(text) is not None


def equals(operand: Operand) -> TextTest:
    """Whether a text fits the operand of `=`."""
    if isinstance(operand, Text):
        return fits_text(operand)
    if isinstance(operand, Regex):
        return fits_regex(operand)
    written = operand.text
    return lambda text: text == written


def negated(test: TextTest) -> TextTest:
    """The test of `!=`."""
    return lambda text: not test(text)


def compares(operator: Operator, operand: Number) -> NumberTest:
    """Whether a number stands in the relation to the operand."""
    return _COMPARISONS[operator](operand.value)


def number_text(value: float) -> str:
    """A JSON number as the text that `"12*"` or a regular expression is held against."""
    return repr(value)
