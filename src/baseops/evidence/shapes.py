"""Whether JSON that anybody may have written is of the shape that the code that reads it can bear. Reads no files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

# Any: JSON, and shapes of it.


def json_object(text: bytes) -> dict[str, Any]:
    """The object that a text is; raises ValueError where it is none, whatever it is instead."""
    try:
        values = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it is no JSON: {error}") from error
    if not isinstance(values, dict):
        raise ValueError("it is no JSON object")  # noqa: TRY004  # what callers expect
    return values


def require(values: Mapping[str, Any], shapes: Mapping[str, Any], noun: str) -> None:
    """Raise ValueError where something is missing or of another shape. Other names may be there as well."""
    for name, shape in shapes.items():
        if not fits(values.get(name), shape):
            raise ValueError(f"it is no {noun}: its {name} is not what it should be")


def fits(value: Any, shape: Any) -> bool:
    """Whether a value is of a shape: a type, a list of one shape, or an object with exactly these names."""
    if isinstance(shape, list):
        return isinstance(value, list) and all(fits(each, shape[0]) for each in value)
    if isinstance(shape, dict):
        named = isinstance(value, dict) and set(value) == set(shape)
        return named and all(fits(value[name], shape[name]) for name in shape)
    return type(value) is shape


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number")
