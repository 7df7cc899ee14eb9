"""Makes JSON events that may fulfil a pattern's condition."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TypeAlias

from baseops.contract.types import Json
from baseops.semantics.filters import candidates
from baseops.semantics.filters.json_matching import node_test
from baseops.semantics.filters.tree import (
    AnyIndex,
    AnyKey,
    Compare,
    Index,
    Is,
    JsonLeaf,
    JsonPattern,
    Key,
    NotExists,
    Number,
    Operand,
    Selector,
    Step,
    Text,
)

Container: TypeAlias = "dict[str, Json] | list[Json]"

_LONGEST_ARRAY = 10_000
_CONSTANTS: dict[str, Json] = {"NULL": None, "TRUE": True, "FALSE": False}


class _ConflictError(Exception):
    """Two selectors want different things in one place."""


def json_lines(pattern: JsonPattern, n: int) -> Iterator[str]:
    """Lines that may match: one event for each way to fulfil the condition, with and without a field beside it."""
    ways: list[tuple[JsonLeaf, ...]] = list(candidates.conjunctions(pattern.condition))
    turn = n % len(ways)
    for leaves in ways[turn:] + ways[:turn]:
        for beside in ({"example": n}, {}):
            try:
                yield json.dumps(_event(leaves, n) | beside)
            except _ConflictError:
                continue


def _event(leaves: Sequence[JsonLeaf], n: int) -> dict[str, Json]:
    event: dict[str, Json] = {}
    fixed: dict[Selector, list[JsonLeaf]] = {}
    for leaf in leaves:
        if not leaf.selector.wildcards and not isinstance(leaf, NotExists):
            fixed.setdefault(leaf.selector, []).append(leaf)
    for selector, group in fixed.items():
        _put(event, selector, _value(group, n))
    for leaf in leaves:
        if leaf.selector.wildcards and not isinstance(leaf, NotExists):
            _put(event, leaf.selector, _value([leaf], n))
    return event


def _value(group: Sequence[JsonLeaf], n: int) -> Json:
    """The first value that fulfils all conditions on one selector."""
    tests = [node_test(leaf) for leaf in group]
    for value in _values(group, n):
        if all(test(value) for test in tests):
            return value
    raise _ConflictError


def _values(group: Sequence[JsonLeaf], n: int) -> Iterator[Json]:
    for leaf in group:
        if isinstance(leaf, Is):
            yield _CONSTANTS[leaf.constant]
    operands = [leaf.operand for leaf in group if isinstance(leaf, Compare)]
    texts: Callable[[], Iterator[Json]] = lambda: iter(candidates.texts(operands, n))  # noqa: E731  # a choice of order
    numbers: Callable[[], Iterator[Json]] = lambda: iter(candidates.numbers(operands, n))  # noqa: E731  # likewise
    prefers_numbers = any(isinstance(each, Number) for each in operands) or all(map(_fits_anything, operands))
    makers = (numbers, texts) if prefers_numbers else (texts, numbers)
    for make in makers:
        yield from make()


def _fits_anything(operand: Operand) -> bool:
    """`= *` is how a pattern names the field that holds a metric's value."""
    return isinstance(operand, Text) and not operand.core


def _put(event: dict[str, Json], selector: Selector, value: Json) -> None:
    node: Json = event
    for step, following in zip(selector.steps, (*selector.steps[1:], None), strict=True):
        if following is None:
            _set(node, step, value)
        else:
            node = _entered(node, step, following)


def _entered(node: Json, step: Step, following: Step) -> Json:
    """The container that a step leads to, made if it is not there."""
    wanted: Container = [] if isinstance(following, (Index, AnyIndex)) else {}
    present: Json = None
    if isinstance(step, Key) and isinstance(node, dict):
        present = node.get(step.name)
    elif isinstance(step, Index) and isinstance(node, list) and step.number < len(node):
        present = node[step.number]
    if present is None:
        _set(node, step, wanted)
        return wanted
    return present


def _set(node: Json, step: Step, value: Json) -> None:
    if isinstance(node, dict) and isinstance(step, (Key, AnyKey)):
        name = step.name if isinstance(step, Key) else _free_name(node)
        _set_once(node, name, value)
    elif isinstance(node, list) and isinstance(step, AnyIndex):
        node.append(value)
    elif isinstance(node, list) and isinstance(step, Index) and step.number < _LONGEST_ARRAY:
        node.extend([None] * (step.number + 1 - len(node)))
        if node[step.number] not in (None, value):
            raise _ConflictError
        node[step.number] = value
    else:
        raise _ConflictError


def _set_once(node: dict[str, Json], name: str, value: Json) -> None:
    if name in node and node[name] != value:
        raise _ConflictError
    node[name] = value


def _free_name(node: dict[str, Json]) -> str:
    return next(islice((f"any{number}" for number in range(len(node) + 1) if f"any{number}" not in node), 1))
