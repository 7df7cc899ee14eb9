"""Reads the small languages of AWS (filter patterns, alarm rules, schedules) character by character, with good errors.

It knows no language itself; each language says what is wrong and what to write instead.
"""

from __future__ import annotations

import re
from typing import ClassVar, Self

from baseops.errors import DeclarationError

_SHOWN = 24


class ExpressionError(DeclarationError, ValueError):
    """An expression that AWS would refuse: what and where, why, and what to write instead."""

    noun: ClassVar[str] = "expression"

    def __init__(self, what: str, why: str = "", remedy: str = "", *, source: str = "", position: int = 0) -> None:
        """Keep the source and the position (from 0) of what is wrong in it, for an editor or a caret."""
        super().__init__(what, why, remedy)
        self.source = source
        self.position = position

    @classmethod
    def at(cls, source: str, position: int, why: str, remedy: str) -> Self:
        """The error at a position, with the text that stands there."""
        rest = source[position : position + _SHOWN]
        place = f"character {position + 1} ({rest!r})" if rest else "its end"
        return cls(f"{cls.noun} {_shortened(source)} at {place}", why, remedy, source=source, position=position)


def _shortened(source: str) -> str:
    return repr(source if len(source) <= 4 * _SHOWN else source[: 4 * _SHOWN] + "…")


class Scanner:
    """A position in a source text, and what can be taken from there."""

    def __init__(self, source: str, error: type[ExpressionError], position: int = 0) -> None:
        """`error` is the class of the language's errors."""
        self.source = source
        self.position = position
        self._error = error

    @property
    def is_at_end(self) -> bool:
        """Nothing is left."""
        return self.position >= len(self.source)

    def sees(self, text: str) -> bool:
        """Whether the text comes next."""
        return self.source.startswith(text, self.position)

    def takes(self, text: str) -> bool:
        """Take the text if it comes next."""
        if not self.sees(text):
            return False
        self.position += len(text)
        return True

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Take what the pattern matches here."""
        found = pattern.match(self.source, self.position)
        if found:
            self.position = found.end()
        return found

    def skip_space(self) -> None:
        """Take white space."""
        while not self.is_at_end and self.source[self.position].isspace():
            self.position += 1

    def error(self, why: str, remedy: str, position: int | None = None) -> ExpressionError:
        """The language's error, here or at `position`, to be raised."""
        return self._error.at(self.source, self.position if position is None else position, why, remedy)
