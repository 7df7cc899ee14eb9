"""What to write instead: what is near to what was meant and valid, or the field's own example."""

from __future__ import annotations

import json
import re
from difflib import get_close_matches
from typing import Any

from baseops.declaration.conversions import find_conversions
from baseops.declaration.given import Given
from baseops.declaration.scalars import Surprise, resolve
from baseops.declaration.shape import Shape


def remedy_for(shape: Shape | None, given: Given, *, with_example: bool = True) -> str:
    """What to write: near to what was meant if that is valid, else the field's example."""
    if isinstance(given.data, str) and "${" in given.data:
        return "Write the value itself: variables are not replaced in a declaration"
    if shape and not given.is_secret:
        for attempt in (_quoted, _closest, _unquoted, _wrapped):
            for leaf in shape.leaves:
                value = attempt(leaf, given)
                if value is not _NONE and _is_valid(shape, value):
                    return _write(given, value)
    return example_for(shape, given) if with_example else ""


def _is_valid(shape: Shape | None, value: Any) -> bool:  # Any: plain data
    return shape is not None and shape.accepts(value) and not any(find_conversions(value, shape))


def _write(given: Given, value: Any) -> str:  # Any: plain data
    text = _yaml(value)
    return f"Write: {_yaml(given.name)}: {text}" if given.name else f"Write: {text}"


def example_for(shape: Shape | None, given: Given) -> str:
    """The field's example as what to write; '' without one."""
    if shape is None or not shape.examples or given.data in shape.examples:
        return ""
    return _write(given, shape.examples[0])


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
_NONE = object()


def _quoted(shape: Shape, given: Given) -> Any:
    """What YAML took for a number, a boolean or a mapping, as text."""
    if given.node is None or isinstance(given.data, str) or given.data is None:
        return _NONE
    if not isinstance(given.data, (dict, list)):
        return given.node.raw
    written = given.written.strip()
    pattern = re.match(r"\{|\[.*(?:=|\.\.\.)", written)  # of CloudWatch Logs, which are flow mappings and lists to YAML
    return written if shape.kind == "str" and pattern and "\n" not in written else _NONE


def _closest(shape: Shape, given: Given) -> Any:
    """The allowed value nearest to the one given."""
    choices = shape.allowed
    if isinstance(given.data, str):
        names = {str(choice).lower(): choice for choice in choices}
        near = get_close_matches(given.data.lower(), names, n=1, cutoff=0.6)
        return names[near[0]] if near else _NONE
    numbers = [choice for choice in choices if isinstance(choice, int)]
    if numbers and isinstance(given.data, (int, float)) and not isinstance(given.data, bool):
        wanted = given.data
        return min(numbers, key=lambda number: abs(number - wanted))
    return _NONE


def _unquoted(shape: Shape, given: Given) -> Any:
    """A number or boolean that stands in quotes or has a unit, without them."""
    if not isinstance(given.data, str) or shape.kind == "str":
        return _NONE
    number = re.match(r"[1-9][0-9]{0,17}(?=[a-zA-Z% ]{1,10}$)", given.data)
    value = resolve(number[0] if number else given.data)
    return _NONE if isinstance(value, (str, Surprise)) or value is None else value


def _wrapped(shape: Shape, given: Given) -> Any:
    """A list around one value, a mapping with the key that it is for, a mapping where nothing stands."""
    if given.data is None or len(str(given.data)) > 60:
        return {} if given.data is None and given.node is not None else _NONE
    if shape.fits([]) and not isinstance(given.data, list):
        lists: tuple[list[Any], ...] = ([given.data], [_keyed(shape.step(0), given)])
        return next((one for one in lists if _is_valid(shape, one)), _NONE)
    return _keyed(shape, given)


def _keyed(shape: Shape | None, given: Given) -> Any:
    """The mapping that one text may stand for: `{email: ops@acme.example}` for the address."""
    if shape is None or not isinstance(given.data, str):
        return _NONE
    needed = [name for name, one in shape.fields.items() if one.schema["type"] != "default"]
    texts = [name for name, one in shape.fields.items() if one.kind == "str"]
    names = needed or (texts if len(texts) == len(shape.fields) else [])
    return next(({name: given.data} for name in names if _is_valid(shape, {name: given.data})), _NONE)
