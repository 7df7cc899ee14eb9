"""Event patterns of EventBridge: read once, then held against events. Pure; delivers nothing.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

# Any: patterns and events are JSON of whatever shape.

Test: TypeAlias = Callable[[Any], bool]
_NUMBERS: dict[str, Callable[[float, float], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ABSENT = object()


class EventPatternError(ValueError):
    """A pattern that EventBridge would refuse, with its reason."""


@dataclass(frozen=True)
class EventPattern:
    """A pattern that has been read."""

    source: str
    test: Test

    def matches(self, event: Mapping[str, Any]) -> bool:
        """Whether the event is one of those that the pattern describes."""
        return self.test(event)


def parse_pattern(text: str) -> EventPattern:
    """Read a pattern; raises EventPatternError."""
    try:
        tree = json.loads(text)
    except ValueError as error:
        raise EventPatternError(f"Event pattern is not valid. Reason: {error}") from error
    if not isinstance(tree, dict) or not tree:
        raise EventPatternError("Event pattern is not valid. Reason: Filter is not an object")
    return EventPattern(text, _all_of(tree))


def _all_of(tree: Mapping[str, Any]) -> Test:
    tests = [_either(value) if name == "$or" else _field(name, value) for name, value in tree.items()]
    return lambda event: all(test(event) for test in tests)


def _either(trees: Any) -> Test:
    if not isinstance(trees, list) or len(trees) < 2 or not all(isinstance(each, dict) for each in trees):
        raise EventPatternError("Event pattern is not valid. Reason: $or takes an array of two or more objects")
    tests = [_all_of(tree) for tree in trees]
    return lambda event: any(test(event) for test in tests)


def _field(name: str, value: Any) -> Test:
    if isinstance(value, dict):
        inner = _all_of(value)
        return lambda event: any(inner(each) for each in _objects(_get(event, name)))
    if not isinstance(value, list):
        raise EventPatternError(f'Event pattern is not valid. Reason: "{name}" must be an object or an array')
    if not value:
        raise EventPatternError("Event pattern is not valid. Reason: Empty arrays are not allowed")
    tests = [_leaf(name, each) for each in value]
    return lambda event: any(test(_get(event, name)) for test in tests)


def _get(event: Any, name: str) -> Any:
    return event.get(name, _ABSENT) if isinstance(event, Mapping) else _ABSENT


def _objects(value: Any) -> list[Any]:
    """An absent object is an empty one: `exists: false` may stand inside it."""
    if value is _ABSENT:
        return [{}]
    return [value] if isinstance(value, Mapping) else [each for each in _listed(value) if isinstance(each, Mapping)]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _leaf(name: str, wanted: Any) -> Test:
    if not isinstance(wanted, dict):
        return _on_each(lambda value: _equals(value, wanted))
    if len(wanted) != 1:
        raise EventPatternError(
            f'Event pattern is not valid. Reason: Only one key allowed in match expression "{name}"'
        )
    word, argument = next(iter(wanted.items()))
    if word == "exists":
        return _exists(argument)
    if word == "anything-but":
        return _on_each(_anything_but(argument))
    return _on_each(_comparison(word, argument))


def _on_each(test: Test) -> Test:
    """A value that is an array matches by any of its elements; an absent one or an object never does."""
    return lambda value: any(
        test(each) for each in _listed(value) if each is not _ABSENT and not isinstance(each, Mapping)
    )


def _equals(value: Any, wanted: Any) -> bool:
    if _is_number(value) and _is_number(wanted):
        return bool(value == wanted)
    return type(value) is type(wanted) and bool(value == wanted)


def _exists(wanted: Any) -> Test:
    if not isinstance(wanted, bool):
        raise EventPatternError("Event pattern is not valid. Reason: exists match pattern must be true or false")
    return lambda value: (value is not _ABSENT and not isinstance(value, Mapping)) == wanted


def _comparison(word: str, argument: Any) -> Test:
    if word == "numeric":
        return _numeric(argument)
    if word in ("prefix", "suffix") and isinstance(argument, dict) and set(argument) == {"equals-ignore-case"}:
        folded = _text(word, argument["equals-ignore-case"]).lower()
        return lambda value: isinstance(value, str) and _affixed(word, value.lower(), folded)
    text = _text(word, argument)
    if word in ("prefix", "suffix"):
        return lambda value: isinstance(value, str) and _affixed(word, value, text)
    if word == "equals-ignore-case":
        return lambda value: isinstance(value, str) and value.lower() == text.lower()
    if word == "wildcard":
        expression = _wildcard(text)
        return lambda value: isinstance(value, str) and expression.fullmatch(value) is not None
    raise EventPatternError(f"Event pattern is not valid. Reason: Unrecognized match type {word}")


def _affixed(word: str, value: str, text: str) -> bool:
    return value.startswith(text) if word == "prefix" else value.endswith(text)


def _anything_but(argument: Any) -> Test:
    if isinstance(argument, dict) and len(argument) == 1:
        word, inner = next(iter(argument.items()))
        tests = [_comparison(word, each) for each in _listed(inner)]
        return lambda value: not any(test(value) for test in tests)
    refused = _listed(argument)
    if not refused or not all(isinstance(each, str) or _is_number(each) for each in refused):
        raise EventPatternError("Event pattern is not valid. Reason: Value of anything-but must be a string or number")
    return lambda value: not any(_equals(value, each) for each in refused)


def _numeric(argument: Any) -> Test:
    if not isinstance(argument, list) or len(argument) not in (2, 4):
        raise EventPatternError("Event pattern is not valid. Reason: Value of numeric must be an array of 2 or 4")
    pairs = list(zip(argument[::2], argument[1::2], strict=True))
    for sign, number in pairs:
        if sign not in _NUMBERS or not _is_number(number):
            raise EventPatternError(f"Event pattern is not valid. Reason: Unrecognized numeric range operator: {sign}")
    return lambda value: _is_number(value) and all(_NUMBERS[sign](value, number) for sign, number in pairs)


def _wildcard(text: str) -> re.Pattern[str]:
    if "**" in text:
        raise EventPatternError("Event pattern is not valid. Reason: Consecutive wildcard characters")
    parts = re.findall(r"\\[*\\]|\*|[^*\\]+|\\", text)
    expression = "".join(".*" if part == "*" else re.escape(part.removeprefix("\\") or part) for part in parts)
    return re.compile(expression, re.DOTALL)


def _text(word: str, argument: Any) -> str:
    if not isinstance(argument, str):
        raise EventPatternError(f"Event pattern is not valid. Reason: {word} match pattern must be a string")
    return argument


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
