"""Matches the texts of IAM policies: wildcards and policy variables.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
It knows nothing of statements or operators. What a variable stands for is literal: `*` in a tag is no wildcard.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

ContextValue: TypeAlias = str | Sequence[str]

_VARIABLE = re.compile(r"\$\{\s*([^},]+?)\s*(?:,\s*'([^']*)'\s*)?\}")
_LITERALS = {"*": "*", "?": "?", "$": "$"}


@dataclass(frozen=True)
class Doubt:
    """What is not known of a request that is not made: `is_open` says of which keys (in lower case) it has no idea.

    A condition on such a key is taken to hold in statements of the effect that the doubt `favours`, and not to hold
    in the others: what is refused although Allow is favoured is surely refused, what is allowed although Deny is
    favoured is surely allowed.
    """

    is_open: Callable[[str], bool]
    favours: Literal["Allow", "Deny"]


class Context:
    """The request context: keys without regard to case, values in order. An empty list is an absent key."""

    def __init__(self, values: Mapping[str, ContextValue] | None = None, doubt: Doubt | None = None) -> None:
        """Take values as one text or several."""
        listed = {key.lower(): _listed(value) for key, value in (values or {}).items()}
        self._values = {key: value for key, value in listed.items() if value}
        self.doubt = doubt

    def values(self, key: str) -> tuple[str, ...]:
        """The values of a key; none when it is absent."""
        return self._values.get(key.lower(), ())

    def over(self, defaults: Mapping[str, ContextValue]) -> Context:
        """These values, with `defaults` for the keys that are absent."""
        merged = Context(defaults, self.doubt)
        merged._values.update(self._values)
        return merged

    def doubting(self, doubt: Doubt) -> Context:
        """The same with a doubt."""
        return Context(self._values, doubt)

    def is_open(self, key: str) -> bool:
        """Whether nobody knows if the key is there, or with which values."""
        return self.doubt is not None and not self.values(key) and self.doubt.is_open(key.lower())

    def has_open_variable(self, pattern: str) -> bool:
        """Whether a variable in the pattern stands for an open key."""
        return self.doubt is not None and any(self.is_open(found[1]) for found in _VARIABLE.finditer(pattern))

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
    if context is None or "${" not in pattern:
        return _compiled(pattern, wildcards, ignore_case).fullmatch(text) is not None
    compiled = expression(pattern, context, wildcards=wildcards, ignore_case=ignore_case)
    return compiled is not None and compiled.fullmatch(text) is not None


@lru_cache(16_384)
def _compiled(pattern: str, wildcards: bool, ignore_case: bool) -> re.Pattern[str]:
    """A pattern in which no variable is replaced; the same few are asked for again and again."""
    return re.compile(_glob(pattern, wildcards=wildcards), re.DOTALL | (re.IGNORECASE if ignore_case else 0))


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
