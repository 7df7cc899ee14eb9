"""What botocore's models say of values (lengths, ranges, patterns, enumerations), checked as AWS's front doors do.

SDKs check types and required members alone, so a sandbox that stops there takes what AWS refuses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

# Any throughout: a shape is botocore's, made at run time, and a value whatever the request holds.


def refusal(shape: Any, value: Mapping[str, Any]) -> str:
    """All that the model forbids in a request, in AWS's words; '' when there is nothing."""
    found = list(violations(shape, value))
    if not found:
        return ""
    count = f"{len(found)} validation error{'s' if len(found) > 1 else ''} detected"
    return f"{count}: {'; '.join(found)}"


def violations(shape: Any, value: Any, path: str = "") -> Iterator[str]:
    """Each thing that the model forbids, with its place in the request."""
    kind = shape.type_name
    if kind == "structure":
        for name, member in shape.members.items():
            if value.get(name) is not None:
                yield from violations(member, value[name], _join(path, name))
    elif kind == "list":
        yield from _length(shape, value, path)
        for number, each in enumerate(value, start=1):
            yield from violations(shape.member, each, f"{path}.{number}.member")
    elif kind == "map":
        yield from _length(shape, value, path)
        for key, each in value.items():
            yield from violations(shape.key, key, path)
            yield from violations(shape.value, each, f"{path}.{key}")
    else:
        yield from _scalar(shape, value, path)


def _join(path: str, name: str) -> str:
    own = name[:1].lower() + name[1:]
    return f"{path}.{own}" if path else own


def _scalar(shape: Any, value: Any, path: str) -> Iterator[str]:
    rules = shape.metadata
    if shape.type_name == "string":
        allowed = rules.get("enum")
        if allowed and value not in allowed:
            yield _said(value, path, f"Member must satisfy enum value set: [{', '.join(sorted(allowed))}]")
        pattern = rules.get("pattern")
        if pattern and not _compiled(pattern).search(value):
            yield _said(value, path, f"Member must satisfy regular expression pattern: {pattern}")
        yield from _length(shape, value, path)
    elif shape.type_name in ("integer", "long", "float", "double"):
        if "min" in rules and value < rules["min"]:
            yield _said(value, path, f"Member must have value greater than or equal to {rules['min']}")
        if "max" in rules and value > rules["max"]:
            yield _said(value, path, f"Member must have value less than or equal to {rules['max']}")


def _length(shape: Any, value: Any, path: str) -> Iterator[str]:
    rules = shape.metadata
    if len(value) < rules.get("min", 0):
        yield _said(value, path, f"Member must have length greater than or equal to {rules['min']}")
    if "max" in rules and len(value) > rules["max"]:
        yield _said(value, path, f"Member must have length less than or equal to {rules['max']}")


def _said(value: Any, path: str, constraint: str) -> str:
    return f"Value '{value}' at '{path}' failed to satisfy constraint: {constraint}"


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    r"""The pattern whole, as Java's matcher takes it, with its classes such as \p{all} and \p{L} in Python's terms."""
    plain = pattern.replace(r"[\p{all}]", r"[\s\S]").replace(r"\p{L}\p{Z}\p{N}", r"\w\s")
    return re.compile(rf"\A(?:{plain})\Z")
