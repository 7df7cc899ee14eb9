"""A cheap look at the raw line that spares parsing most JSON events that cannot match.

Sound: it only ever turns away lines that the pattern cannot match. A backslash may hide any text (`\u0041` is A), so
a line that holds one is always parsed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import TypeAlias

from baseops.semantics.filters.tree import (
    AllOf,
    AnyOf,
    Compare,
    JsonCondition,
    JsonLeaf,
    Key,
    NotExists,
    Text,
)

Clause: TypeAlias = frozenset[str]
"""Texts of which a matching line holds at least one, as it stands."""

_MAX_CLAUSES = 16
_MAX_ALTERNATIVES = 4


def may_match(condition: JsonCondition) -> Callable[[str], bool] | None:
    """Whether a line is worth parsing; None if the pattern gives no such hint."""
    clauses = [clause for clause in _clauses(condition) if len(clause) <= _MAX_ALTERNATIVES]
    if not clauses:
        return None
    clauses.sort(key=_selectiveness)
    return _test(sorted(clauses[-1]))


def _selectiveness(clause: frozenset[str]) -> tuple[bool, int, int]:
    """Values beat keys, which nearly every event has; few and long texts beat many and short ones."""
    return (not any(text.endswith('"') for text in clause), -len(clause), min(map(len, clause)))


def _clauses(condition: JsonCondition) -> list[Clause]:
    if isinstance(condition, AllOf):
        return [clause for part in condition.parts for clause in _clauses(part)][:_MAX_CLAUSES]
    if isinstance(condition, AnyOf):
        return _either([_clauses(part) for part in condition.parts])
    return _leaf_clauses(condition)


def _either(options: Sequence[list[Clause]]) -> list[Clause]:
    """One clause of each alternative, united."""
    limited = [clauses[:_MAX_ALTERNATIVES] for clauses in options[:_MAX_ALTERNATIVES]]
    if len(options) > _MAX_ALTERNATIVES:
        return []
    return [frozenset().union(*chosen) for chosen in product(*limited)][:_MAX_CLAUSES]


def _leaf_clauses(leaf: JsonLeaf) -> list[Clause]:
    if isinstance(leaf, NotExists):
        return []
    keys = [
        frozenset([f'"{step.name}"']) for step in leaf.selector.steps if isinstance(step, Key) and _is_plain(step.name)
    ]
    if isinstance(leaf, Compare) and leaf.operator == "=" and isinstance(leaf.operand, Text):
        core = leaf.operand.core
        # A number may be written in ways that differ from the text it is held against: 1e3, 1000.0.
        if core.strip("0123456789+-.eE") and _is_plain(core):
            return [frozenset([core]), *keys]
    return keys


def _is_plain(text: str) -> bool:
    """JSON writes the text as it is, or else with a backslash somewhere."""
    return not any(character < " " or character in '"\\' for character in text)


def _test(texts: list[str]) -> Callable[[str], bool]:
    if len(texts) == 1:
        text = texts[0]
        return lambda line: text in line or "\\" in line
    if len(texts) == 2:
        first, second = texts
        return lambda line: first in line or second in line or "\\" in line
    return lambda line: any(text in line for text in texts) or "\\" in line
