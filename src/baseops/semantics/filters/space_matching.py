"""Turns the tree of a space-delimited pattern into closures over lines.

What stands between [ ] or double quotes is one field. Without `...`, the last field of the pattern takes the rest of
the line, so that `[level = ERROR, rest]` fits any line whose first word is ERROR.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

from baseops.semantics.filters.operands import compares, equals, negated
from baseops.semantics.filters.parser import NUMBER
from baseops.semantics.filters.tree import (
    AllOf,
    Field,
    FieldCondition,
    FieldTest,
    Number,
    Rest,
    SpacePattern,
)

Values: TypeAlias = Sequence[str]
ValuesTest: TypeAlias = Callable[[Values], bool]

_FIELD = re.compile(r'\[([^\]]*)\](?!\S)|"((?:[^"\\]|\\.)*)"(?!\S)|(\S+)', re.DOTALL)


def split(line: str) -> list[tuple[int, str]]:
    """The fields of a line, each with its place, without brackets and quotes."""
    return [(found.start(), found[found.lastindex or 0]) for found in _FIELD.finditer(line)]


def number_of(text: str) -> float | None:
    """The number that a field holds, if it holds one."""
    return float(text) if NUMBER.fullmatch(text) else None


def values_of(pattern: SpacePattern) -> Callable[[str], tuple[list[str], int] | None]:
    """A line's values for the pattern's fields, and how many fields `...` stands for; None if they do not fit."""
    fields = pattern.fields
    rest = next((place for place, each in enumerate(fields) if isinstance(each, Rest)), None)
    count = len(fields)

    def values(line: str) -> tuple[list[str], int] | None:
        found = split(line)
        if rest is not None:
            skipped = len(found) - (count - 1)
            if skipped < 0:
                return None
            texts = [text for _, text in found]
            return [*texts[:rest], "", *texts[rest + skipped :]], skipped
        if len(found) < count:
            return None
        if len(found) == count:
            return [text for _, text in found], 0
        return [*(text for _, text in found[: count - 1]), line[found[count - 1][0] :].rstrip()], 0

    return values


def line_test(pattern: SpacePattern) -> Callable[[str], bool]:
    """Whether a line matches."""
    values, test = values_of(pattern), _values_test(pattern)

    def matches(line: str) -> bool:
        found = values(line)
        return found is not None and test(found[0])

    return matches


def extractor(pattern: SpacePattern) -> Callable[[str], dict[str, str] | None]:
    """The fields by `$name`, or `$number` for those without a name; None for a line that does not match."""
    values, test = values_of(pattern), _values_test(pattern)

    def extract(line: str) -> dict[str, str] | None:
        found = values(line)
        if found is None or not test(found[0]):
            return None
        return _named(pattern, *found, line)

    return extract


def _named(pattern: SpacePattern, values: Values, skipped: int, line: str) -> dict[str, str]:
    named: dict[str, str] = {}
    number = 0
    for field, value in zip(pattern.fields, values, strict=True):
        if isinstance(field, Rest):
            texts = [text for _, text in split(line)[number : number + skipped]]
            named.update((f"${number + offset}", text) for offset, text in enumerate(texts, 1))
            number += skipped
        else:
            number += 1
            named[f"${field.name or number}"] = value
    return named


def _values_test(pattern: SpacePattern) -> ValuesTest:
    places = {each.name: place for place, each in enumerate(pattern.fields) if isinstance(each, Field) and each.name}
    tests = [
        _condition_test(each.condition, places, place)
        for place, each in enumerate(pattern.fields)
        if isinstance(each, Field) and each.condition is not None
    ]
    return lambda values: all(test(values) for test in tests)


def _condition_test(condition: FieldCondition, places: dict[str, int], own: int) -> ValuesTest:
    if isinstance(condition, FieldTest):
        return _single_test(condition, places.get(condition.name, own))
    tests = [_condition_test(part, places, own) for part in condition.parts]
    if isinstance(condition, AllOf):
        return lambda values: all(test(values) for test in tests)
    return lambda values: any(test(values) for test in tests)


def _single_test(test: FieldTest, place: int) -> ValuesTest:
    if isinstance(test.operand, Number):
        return _number_test(test, test.operand, place)
    fits = equals(test.operand) if test.operator == "=" else negated(equals(test.operand))
    return lambda values: fits(values[place])


def _number_test(test: FieldTest, operand: Number, place: int) -> ValuesTest:
    """By value where the field is a number; else `!=` holds, and nothing else does."""
    compare = compares(test.operator, operand)
    differs = test.operator == "!="

    def fits(values: Values) -> bool:
        number = number_of(values[place])
        return differs if number is None else compare(number)

    return fits
