"""Matches the texts of IAM policies: wildcards and policy variables.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
It knows nothing of statements or operators. What a variable stands for is literal: `*` in a tag is no wildcard.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

ContextValue: TypeAlias = str | Sequence[str]

_VARIABLE = re.compile(r"\$\{\s*([^},]+?)\s*(?:,\s*'([^']*)'\s*)?\}")
_LITERALS = {"*": "*", "?": "?", "$": "$"}


class Context:
    """The request context: keys without regard to case, values in order. An empty list is an absent key."""

    def __init__(self, values: Mapping[str, ContextValue] | None = None) -> None:
        """Take values as one text or several."""
        listed = {key.lower(): _listed(value) for key, value in (values or {}).items()}
        self._values = {key: value for key, value in listed.items() if value}

    def values(self, key: str) -> tuple[str, ...]:
        """The values of a key; none when it is absent."""
        return self._values.get(key.lower(), ())

    def over(self, defaults: Mapping[str, ContextValue]) -> Context:
        """These values, with `defaults` for the keys that are absent."""
        merged = Context(defaults)
        merged._values.update(self._values)
        return merged

    def items(self) -> list[tuple[str, tuple[str, ...]]]:
        """Keys in lower case, with their values."""
        return sorted(self._values.items())


def _listed(value: ContextValue) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def expression(
    pattern: str, context: Context | None, *, wildcards: bool = True, ignore_case: bool = False
) -> re.Pattern[str] | None:
    """The pattern as a regular expression for whole texts; None when a variable in it has no single value.

    Without a context `${…}` stays as it is written, as in policies of version 2008-10-17.
    """
    parts: list[str] = []
    place = 0
    for variable in _VARIABLE.finditer(pattern) if context is not None else ():
        parts.append(_glob(pattern[place : variable.start()], wildcards=wildcards))
        value = _value(variable, context)
        if value is None:
            return None
        parts.append(re.escape(value))
        place = variable.end()
    parts.append(_glob(pattern[place:], wildcards=wildcards))
    return re.compile("".join(parts), re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def is_match(
    pattern: str, text: str, context: Context | None = None, *, wildcards: bool = True, ignore_case: bool = False
) -> bool:
    """Whether the whole text matches the pattern."""
    compiled = expression(pattern, context, wildcards=wildcards, ignore_case=ignore_case)
    return compiled is not None and compiled.fullmatch(text) is not None


def is_arn_match(pattern: str, arn: str, context: Context | None = None) -> bool:
    """Whether an ARN matches as `ArnLike` says: each of the six parts between colons for itself.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_ARN
    """
    expected, parts = _parts(pattern), arn.split(":", 5)
    if len(expected) != 6 or len(parts) != 6:
        return pattern == "*" and arn.startswith("arn:")
    return all(is_match(one, part, context) for one, part in zip(expected, parts, strict=True))


def _parts(pattern: str) -> list[str]:
    """The six parts of an ARN pattern; the colons inside `${aws:username}` are not between parts."""
    hidden = _VARIABLE.sub(lambda found: found[0].replace(":", "\0"), pattern)
    return [part.replace("\0", ":") for part in hidden.split(":", 5)]


def _value(variable: re.Match[str], context: Context | None) -> str | None:
    name, default = variable[1], variable[2]
    if name in _LITERALS:
        return _LITERALS[name]
    values = context.values(name) if context is not None else ()
    if len(values) == 1:
        return values[0]
    return default if not values and default is not None else None


def _glob(text: str, *, wildcards: bool) -> str:
    if not wildcards:
        return re.escape(text)
    return "".join({"*": ".*", "?": "."}.get(sign, re.escape(sign)) for sign in text)
