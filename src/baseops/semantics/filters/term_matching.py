"""Turns terms and lone regular expressions into closures over lines: plain substrings, case-sensitive."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from baseops.semantics.filters.tree import Term, Terms

LineTest: TypeAlias = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Effective:
    """The terms that count: blank ones match everything, and `?` terms are ignored beside others."""

    included: tuple[str, ...]
    excluded: tuple[str, ...]
    optional: tuple[str, ...]
    ignored: tuple[Term, ...]

    @property
    def is_everything(self) -> bool:
        """Every line matches."""
        return not (self.included or self.excluded or self.optional)


def effective(pattern: Terms) -> Effective:
    """Which of the terms decide.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html: "If you combine ? with other
    filter patterns, all question mark terms will be ignored."
    """
    included = tuple(dict.fromkeys(term.text for term in pattern.terms if term.sign == "" and term.text.strip()))
    excluded = tuple(dict.fromkeys(term.text for term in pattern.terms if term.sign == "-"))
    questions = tuple(term for term in pattern.terms if term.sign == "?")
    if len(questions) < len(pattern.terms):
        return Effective(included, excluded, (), questions)
    if any(not term.text.strip() for term in questions):
        return Effective((), (), (), ())
    return Effective((), (), tuple(dict.fromkeys(term.text for term in questions)), ())


def line_test(pattern: Terms) -> LineTest:
    """Whether a line matches."""
    terms = effective(pattern)
    if terms.optional:
        return _any_in(terms.optional)
    if not terms.excluded:
        return _all_in(terms.included)
    if not terms.included:
        excluded = _any_in(terms.excluded)
        return lambda line: not excluded(line)
    if len(terms.included) == len(terms.excluded) == 1:
        (wanted,), (unwanted,) = terms.included, terms.excluded
        return lambda line: wanted in line and unwanted not in line
    included, excluded = _all_in(terms.included), _any_in(terms.excluded)
    return lambda line: included(line) and not excluded(line)


def _any_line(_line: str) -> bool:
    return True


def _all_in(texts: Sequence[str]) -> LineTest:
    if not texts:
        return _any_line
    first, *more = texts
    if not more:
        return lambda line: first in line
    if len(more) == 1:
        second = more[0]
        return lambda line: first in line and second in line
    rest = _all_in(more)
    return lambda line: first in line and rest(line)


def _any_in(texts: Sequence[str]) -> LineTest:
    first, *more = texts
    if not more:
        return lambda line: first in line
    if len(more) == 1:
        second = more[0]
        return lambda line: first in line or second in line
    rest = _any_in(more)
    return lambda line: first in line or rest(line)
