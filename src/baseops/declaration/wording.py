"""Says in plain words what was expected at a place, what stands there, and what to write instead.

It never shows the value of a field that is marked secret, nor more than 60 characters of any other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from typing import Any

from baseops.contract.types import Json
from baseops.declaration.errors import Located
from baseops.declaration.positions import Node, Path
from baseops.declaration.problem import shorten
from baseops.declaration.shape import Shape

_SECRET_NAME = re.compile(r"passw|passphrase|token|credential|(?:api|private|access)_?key|^value$", re.IGNORECASE)
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


@dataclass(frozen=True, eq=False)
class Given:
    """What stands at a place of the file: its data, its node (None for a missing key) and its source text."""

    path: Path
    data: Any  # plain data
    node: Node | None
    written: str
    secret: bool = False

    @property
    def name(self) -> str:
        """The key that leads to it; '' for an item of a list."""
        return self.path[-1] if self.path and isinstance(self.path[-1], str) else ""

    @property
    def is_secret(self) -> bool:
        """Whether it may not be shown."""
        return self.secret or any(_SECRET_NAME.search(key) for key in self.path[1:] if isinstance(key, str))


def describe(located: Located, given: Given) -> tuple[str, str]:
    """The message and the remedy for an error of pydantic's."""
    if located.kind == "extra_forbidden":
        return _unknown(located, given)
    if located.kind == "missing":
        return f"the key {given.name!r} is missing", _example(located.shape, given)
    if located.kind in {"value_error", "assertion_error"}:
        return _hidden(str(located.context.get("error", located.said)), given), _remedy(located.shape, given)
    if located.kind in _LIMITS:
        limit = _LIMITS[located.kind](located.context)
        return f"expected {limit}; got {_show(given)}", _example(located.shape, given)
    if located.shape is None or not (located.kind in _KINDS or located.kind.endswith(("_type", "_parsing"))):
        return _hidden(located.said[:1].lower() + located.said[1:], given), _remedy(located.shape, given)
    return expectation(located.shape, given)


def expectation(shape: Shape, given: Given) -> tuple[str, str]:
    """The message and the remedy for a value that is not what the shape says."""
    return f"expected {_expected(shape, given.name)}; got {_show(given)}", _remedy(shape, given)


# --- what was expected ---

_KINDS = frozenset({"union", "literal_error", "enum", "none_required", "int_from_float", "finite_number"})
_LIMITS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "greater_than_equal": lambda limit: f"at least {limit['ge']}",
    "greater_than": lambda limit: f"more than {limit['gt']}",
    "less_than_equal": lambda limit: f"at most {limit['le']}",
    "less_than": lambda limit: f"less than {limit['lt']}",
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
    return " or ".join(dict.fromkeys(_kind(leaf, name) for leaf in shape.leaves()))


def _kind(shape: Shape, name: str) -> str:
    choices = _choices(shape)
    unit = _UNITS.get(name.rsplit("_", 1)[-1])
    if choices and all(isinstance(choice, int) and not isinstance(choice, bool) for choice in choices):
        return f"a whole number{f' of {unit}' if unit else ''}, one of {_some(choices)}"
    if choices:
        return f"one of {_some(choices)}" if len(choices) > 1 else str(choices[0])
    words = _WORDS.get(shape.kind, "another kind of value")
    return f"{words} of {unit}" if unit and shape.kind in {"int", "float"} else words


def _choices(shape: Shape) -> list[Any]:
    """The values of a literal or an enumeration; [] for anything else."""
    schema = shape.bare().schema
    if schema["type"] == "literal":
        return [one.value if isinstance(one, Enum) else one for one in schema["expected"]]
    return [one.value for one in schema["members"]] if schema["type"] == "enum" else []


def _some(values: Iterable[Any]) -> str:
    known = [str(value) for value in values]
    return ", ".join(known[:_SHOWN_CHOICES]) + (", …" if len(known) > _SHOWN_CHOICES else "")


# --- what stands there ---


def _show(given: Given) -> str:
    if given.node is None or given.data is None:
        return "nothing"
    if given.is_secret:
        return "something else, which is not shown"
    if isinstance(given.data, dict):
        return "a mapping" if given.data else "an empty mapping"
    if isinstance(given.data, list):
        return "a list" if given.data else "an empty list"
    return _show_scalar(given.data, given.node.raw)


def _show_scalar(data: Json, raw: str) -> str:
    if isinstance(data, str):
        return f"'{shorten(data)}'"
    read = json.dumps(data)
    return shorten(raw) if raw.lower() == read else f"{shorten(raw)} (which YAML reads as {read})"


def _hidden(message: str, given: Given) -> str:
    """A validator's own words, without the value where it is secret or long."""
    text = given.data if isinstance(given.data, str) else given.written
    for shown in (repr(given.data), text):
        if shown and shown in message and (given.is_secret or len(shown) > 60):
            message = message.replace(shown, "…" if given.is_secret else shorten(shown))
    return shorten(message, 400)


# --- what to write ---


def _remedy(shape: Shape | None, given: Given) -> str:
    if shape is None or given.is_secret:
        return _example(shape, given)
    leaves = list(shape.leaves())
    for attempt in (_quoted, _closest, _unquoted, _wrapped):
        value = next((value for leaf in leaves if (value := attempt(leaf, given))), "")
        if value:
            return _write(given, value)
    return _example(shape, given)


def _write(given: Given, value: str) -> str:
    return f"Write: {given.name}: {value}" if given.name else f"Write: {value}"


def _example(shape: Shape | None, given: Given) -> str:
    if shape is None or not shape.examples or given.data in shape.examples:
        return ""
    return _write(given, _yaml(shape.examples[0]))


def _yaml(value: Any) -> str:  # Any: an example, plain data
    """A value as YAML in one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_yaml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_yaml, value)) + "]"
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z/][\w/.@+=-]*", value) and value.lower() not in _WORDS_OF_YAML:
        return value
    return json.dumps(value, ensure_ascii=False)


_WORDS_OF_YAML = frozenset({"true", "false", "yes", "no", "on", "off", "null"})


def _quoted(shape: Shape, given: Given) -> str:
    """Text in quotes, where YAML took it for a number, a boolean or a mapping."""
    if not _takes_text(shape) or given.node is None or isinstance(given.data, str) or given.data is None:
        return ""
    if isinstance(given.data, (dict, list)):
        written = given.written.strip()
        flow = written[:1] in {"{", "["} and "\n" not in written and len(written) <= 60 and "'" not in written
        return f"'{written}'" if flow else ""
    return f'"{shorten(given.node.raw)}"'


def _takes_text(shape: Shape) -> bool:
    return shape.kind in {"str", "timedelta"} or any(isinstance(one, str) for one in _choices(shape))


def _closest(shape: Shape, given: Given) -> str:
    """The allowed value nearest to the one given."""
    choices = _choices(shape)
    if isinstance(given.data, str):
        names = {str(choice).lower(): choice for choice in choices}
        near = get_close_matches(given.data.lower(), names, n=1, cutoff=0.6)
        return _yaml(names[near[0]]) if near else ""
    numbers = [choice for choice in choices if isinstance(choice, int)]
    if numbers and isinstance(given.data, (int, float)):
        wanted = given.data
        return str(min(numbers, key=lambda number: abs(number - wanted)))
    return ""


def _unquoted(shape: Shape, given: Given) -> str:
    """A number or boolean that stands in quotes, without them."""
    if not isinstance(given.data, str):
        return ""
    if shape.kind == "bool" and given.data.lower() in {"true", "false"}:
        return given.data.lower()
    number = shape.kind in {"int", "float"} or any(isinstance(one, int) for one in _choices(shape))
    return given.data if number and re.fullmatch(r"-?(?:0|[1-9]\d{0,17})", given.data) else ""


def _wrapped(shape: Shape, given: Given) -> str:
    """A list or mapping around what stands there."""
    if shape.kind in {"list", "tuple", "set", "frozenset"} and isinstance(given.data, (str, int)):
        return f"[{_yaml(given.data)}]" if len(str(given.data)) <= 60 else ""
    return "{}" if shape.kind in {"dict", "model-fields"} and given.data is None and not _required(shape) else ""


def _required(shape: Shape) -> bool:
    return any(field.schema["type"] != "default" for field in shape.fields().values())


# --- unknown keys ---


def _unknown(located: Located, given: Given) -> tuple[str, str]:
    message = f"the key '{shorten(given.name)}' is not known here"
    known = located.siblings()
    near = closest_name(given.name, known)
    if near:
        return message, f"Did you mean '{near}'?"
    below = [name for name, shape in known.items() if given.name in shape.fields()]
    if below:
        return message, f"Write it under '{below[0]}'"
    return message, f"Known keys: {_some(sorted(known))}" if known else "Delete it"


def closest_name(name: str, known: Iterable[str]) -> str:
    """The known name that a name may be a slip for; '' if none is near."""
    by_form = {one.lower().replace("-", "_"): one for one in known}
    near = get_close_matches(name.lower().replace("-", "_"), by_form, n=1, cutoff=0.65)
    return by_form[near[0]] if near else ""
