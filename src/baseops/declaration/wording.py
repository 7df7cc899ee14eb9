"""Says in plain words what was expected at a place, what stands there, and what to write instead.

It never shows the value of a field that is marked secret, nor more than 60 characters of any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeGuard

from baseops.contract.types import Json
from baseops.declaration.errors import Located
from baseops.declaration.given import Given
from baseops.declaration.names import closest_name
from baseops.declaration.problem import shorten
from baseops.declaration.remedies import example_for, remedy_for
from baseops.declaration.shape import Shape

_UNITS = {
    "days": "days",
    "hours": "hours",
    "minutes": "minutes",
    "seconds": "seconds",
    "usd": "US dollars",
    "gib": "GiB",
}
_WORDS = {
    "str": "text",
    "constrained-str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "dict": "a mapping",
    "model-fields": "a mapping",
    "list": "a list",
    "tuple": "a list",
    "set": "a list",
    "frozenset": "a list",
    "timedelta": "a duration such as 30h",
}
_SHOWN_CHOICES = 12


def describe(located: Located, given: Given) -> tuple[str, str]:
    """The message and the remedy for an error of pydantic's."""
    if located.kind == "extra_forbidden":
        return _unknown(given.name, located.siblings())
    if located.kind == "missing":
        return f"the key {given.name!r} is missing", example_for(located.shape, given)
    if located.is_key:
        return _key(located, given)
    if located.shape and (located.kind in _KINDS or located.kind.endswith(("_type", "_parsing"))):
        return expectation(located.shape, given)
    message = _broken_rule(located, given)
    return message, remedy_for(
        located.shape, given, with_example=message.startswith("expected") and located.kind != "too_long"
    )


def expectation(shape: Shape, given: Given) -> tuple[str, str]:
    """The message and the remedy for a value that is not what the shape says."""
    return f"expected {_expected(shape, given.name)}; got {given.show()}", remedy_for(shape, given)


def _broken_rule(located: Located, given: Given) -> str:
    """A value of the right kind that a limit or a validator refuses."""
    if located.kind in _LIMITS:
        limit = _LIMITS[located.kind](located.context)
        held = len(given.data) if located.kind in {"too_short", "too_long"} and _is_container(given.data) else None
        return f"expected {limit}; got {given.show() if held is None else held}"
    return _said(_words_of(located), given)


def _is_container(data: Json) -> TypeGuard[list[Json] | dict[str, Json]]:
    return isinstance(data, (list, dict))


def _words_of(located: Located) -> str:
    """The words of a validator of ours, or pydantic's in lower case."""
    error = located.context.get("error")
    return str(error) if error else located.said[:1].lower() + located.said[1:]


def _said(message: str, given: Given) -> str:
    """A validator's words, with what was given in ours, and without it where it is secret or long."""
    text = given.data if isinstance(given.data, str) else given.written
    if repr(given.data) in message:
        message = message.replace(repr(given.data), given.show())
    elif text and (given.is_secret or len(text) > 60):
        message = message.replace(text, "…" if given.is_secret else shorten(text))
    if message.startswith("expected") and "got " not in message:
        message += f"; got {given.show()}"
    return shorten(message, 400)


# --- what was expected ---

_KINDS = frozenset({"union", "literal_error", "enum", "none_required", "int_from_float", "finite_number"})
_LIMITS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "greater_than_equal": lambda limit: f"at least {limit['ge']:g}",
    "greater_than": lambda limit: f"more than {limit['gt']:g}",
    "less_than_equal": lambda limit: f"at most {limit['le']:g}",
    "less_than": lambda limit: f"less than {limit['lt']:g}",
    "multiple_of": lambda limit: f"a multiple of {limit['multiple_of']}",
    "string_too_short": lambda limit: f"at least {_count(limit['min_length'], 'character')}",
    "string_too_long": lambda limit: f"at most {_count(limit['max_length'], 'character')}",
    "string_pattern_mismatch": lambda limit: f"text of the form {limit['pattern']}",
    "too_short": lambda limit: f"at least {limit['min_length']} of these",
    "too_long": lambda limit: f"at most {limit['max_length']} of these",
    "union_tag_invalid": lambda limit: f"{limit['discriminator']} to be one of {limit['expected_tags']}",
    "union_tag_not_found": lambda limit: f"a mapping with the key {limit['discriminator']}",
}


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _expected(shape: Shape, name: str) -> str:
    return " or ".join(dict.fromkeys(_kind(leaf, name) for leaf in shape.leaves))


def _kind(shape: Shape, name: str) -> str:
    choices = shape.allowed
    unit = _UNITS.get(name.rsplit("_", 1)[-1])
    if len(choices) == 1:
        return str(choices[0])
    if choices and all(isinstance(choice, int) and not isinstance(choice, bool) for choice in choices):
        return f"a whole number{f' of {unit}' if unit else ''}, one of {_some(choices)}"
    if choices:
        return f"one of {_some(choices)}"
    words = _WORDS.get(shape.kind, "another kind of value")
    return f"{words} of {unit}" if unit and shape.kind in {"int", "float"} else words


def _some(values: Iterable[Any]) -> str:
    known = [str(value) for value in values]
    return ", ".join(known[:_SHOWN_CHOICES]) + (", …" if len(known) > _SHOWN_CHOICES else "")


# --- unknown keys ---


def _key(located: Located, given: Given) -> tuple[str, str]:
    """A key that may be no key of its dictionary."""
    allowed = located.shape.allowed if located.shape else ()
    if allowed:
        return _unknown(given.name, dict.fromkeys(map(str, allowed)))
    key = Given(given.path, given.name, given.node, given.name)
    return _said(_words_of(located), key), ""


def _unknown(name: str, known: Mapping[str, Shape | None]) -> tuple[str, str]:
    message = f"the key '{shorten(name)}' is not known here"
    if name in known:  # in another variant of a union
        return f"the key '{name}' does not go with the other keys here", "Delete it, or the keys that it excludes"
    near = closest_name(name, known)
    if near:
        return message, f"Did you mean '{near}'?"
    below = [one for one, shape in known.items() if shape and name in shape.fields]
    if below:
        return message, f"Write it under '{below[0]}'"
    return message, f"Known keys: {_some(sorted(known))}" if known else "Delete it"
