"""Turns the tree of a JSON pattern into a closure over lines.

A selector must point to a string or a number: arrays, objects, true, false and null fit no comparison, not even `!=`.
A line that is not a JSON object matches nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TypeAlias

from baseops.contract.types import Json
from baseops.semantics.filters.operands import TextTest, compares, equals, negated, number_text
from baseops.semantics.filters.prefilter import may_match
from baseops.semantics.filters.tree import (
    AllOf,
    AnyIndex,
    AnyKey,
    AnyOf,
    Compare,
    Index,
    Is,
    JsonCondition,
    JsonLeaf,
    JsonPattern,
    Key,
    Number,
    Selector,
    Step,
    Text,
    leaves,
)


class _Missing:
    """Stands for a property that is not there, since null is a value."""


MISSING = _Missing()
Node: TypeAlias = Json | _Missing
Event: TypeAlias = dict[str, Json]
NodeTest: TypeAlias = Callable[[Node], bool]
EventTest: TypeAlias = Callable[[Event], bool]


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


_decode = json.JSONDecoder(parse_constant=_refuse_constant).decode

loads: Callable[[str], Json]
try:
    import orjson
except ImportError:
    loads = _decode
else:
    loads = orjson.loads


def line_test(pattern: JsonPattern) -> Callable[[str], bool]:
    """Whether a line matches."""
    test, possible, parse = _event_test(pattern.condition), may_match(pattern.condition), loads

    def matches(line: str) -> bool:
        if possible is not None and not possible(line):
            return False
        try:
            event = parse(line)
        except (ValueError, RecursionError):
            return False
        return event.__class__ is dict and test(event)

    return matches


def extractor(pattern: JsonPattern) -> Callable[[str], dict[str, str] | None]:
    """The values that the pattern's selectors point to, as texts; None for a line that does not match."""
    matches = line_test(pattern)
    selectors = dict.fromkeys(leaf.selector for leaf in _leaves(pattern.condition) if not leaf.selector.wildcards)
    getters = [(str(selector), _getter(selector)) for selector in selectors]

    def extract(line: str) -> dict[str, str] | None:
        if not matches(line):
            return None
        event = loads(line)
        if not isinstance(event, dict):
            return None
        found = {name: _value_text(get(event)) for name, get in getters}
        return {name: text for name, text in found.items() if text is not None}

    return extract


def _leaves(condition: JsonCondition) -> list[JsonLeaf]:
    return list(leaves(condition))


def _value_text(node: Node) -> str | None:
    if isinstance(node, str):
        return node
    if isinstance(node, (int, float)) and not isinstance(node, bool):
        return number_text(node)
    return None


# --- selectors ----------------------------------------------------------------------------------------------------


def _getter(selector: Selector) -> Callable[[Event], Node]:
    """What a selector without wildcard points to."""
    steps = selector.steps
    if len(steps) == 1 and isinstance(steps[0], Key):
        key = steps[0].name
        return lambda event: event.get(key, MISSING)

    def get(event: Event) -> Node:
        node: Node = event
        for step in steps:
            node = _stepped(node, step)
        return node

    return get


def _stepped(node: Node, step: Step) -> Node:
    if isinstance(step, Key):
        return node.get(step.name, MISSING) if isinstance(node, dict) else MISSING
    if isinstance(step, Index) and isinstance(node, list) and step.number < len(node):
        return node[step.number]
    return MISSING


def _nodes(selector: Selector) -> Callable[[Event], Iterator[Node]]:
    """All that a selector with a wildcard points to."""

    def find(event: Event) -> Iterator[Node]:
        nodes: list[Node] = [event]
        for step in selector.steps:
            nodes = [each for node in nodes for each in _all_stepped(node, step)]
        return (node for node in nodes if node is not MISSING)

    return find


def _all_stepped(node: Node, step: Step) -> list[Node]:
    if isinstance(step, AnyKey):
        return list(node.values()) if isinstance(node, dict) else []
    if isinstance(step, AnyIndex):
        return list(node) if isinstance(node, list) else []
    return [_stepped(node, step)]


# --- conditions ---------------------------------------------------------------------------------------------------


def _event_test(condition: JsonCondition) -> EventTest:
    if isinstance(condition, AllOf):
        return _all(*map(_event_test, condition.parts))
    if isinstance(condition, AnyOf):
        return _any(*map(_event_test, condition.parts))
    test, selector = node_test(condition), condition.selector
    if not selector.wildcards:
        return _at_one(selector, test)
    find = _nodes(selector)
    if isinstance(condition, (Compare, Is)):
        return lambda event: any(map(test, find(event)))
    return lambda event: next(find(event), MISSING) is MISSING


def _at_one(selector: Selector, test: NodeTest) -> EventTest:
    if len(selector.steps) == 1 and isinstance(selector.steps[0], Key):
        key = selector.steps[0].name
        return lambda event: test(event.get(key, MISSING))
    get = _getter(selector)
    return lambda event: test(get(event))


def _all(first: EventTest, second: EventTest, *more: EventTest) -> EventTest:
    if not more:
        return lambda event: first(event) and second(event)
    rest = _all(second, *more)
    return lambda event: first(event) and rest(event)


def _any(first: EventTest, second: EventTest, *more: EventTest) -> EventTest:
    if not more:
        return lambda event: first(event) or second(event)
    rest = _any(second, *more)
    return lambda event: first(event) or rest(event)


def node_test(leaf: JsonLeaf) -> NodeTest:
    """Whether a single node fulfils a condition."""
    if isinstance(leaf, Is):
        constant = {"NULL": None, "TRUE": True, "FALSE": False}[leaf.constant]
        return lambda node: node is constant
    if not isinstance(leaf, Compare):
        return lambda node: node is MISSING
    if isinstance(leaf.operand, Number):
        return _number_node_test(leaf, leaf.operand)
    fits = equals(leaf.operand)
    if leaf.operator == "!=":
        fits = negated(fits)
    if leaf.operator == "=" and isinstance(leaf.operand, Text) and _is_never_a_number(leaf.operand):
        return _string_node_test(fits)
    return _text_node_test(fits)


def _number_node_test(leaf: Compare, operand: Number) -> NodeTest:
    """An unquoted number: numbers compare by value; `=` and `!=` hold a string against it as it is written."""
    compare = compares(leaf.operator, operand)
    if leaf.operator not in ("=", "!="):
        return lambda node: (node.__class__ is int or node.__class__ is float) and compare(node)
    fits = equals(operand) if leaf.operator == "=" else negated(equals(operand))

    def test(node: Node) -> bool:
        if node.__class__ is int or node.__class__ is float:
            return compare(node)
        return node.__class__ is str and fits(node)

    return test


def _is_never_a_number(operand: Text) -> bool:
    return bool(operand.core.strip("0123456789+-.e"))


def _string_node_test(fits: TextTest) -> NodeTest:
    return lambda node: node.__class__ is str and fits(node)


def _text_node_test(fits: TextTest) -> NodeTest:
    def test(node: Node) -> bool:
        text = _value_text(node)
        return text is not None and fits(text)

    return test
