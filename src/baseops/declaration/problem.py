"""A problem: what is wrong with a declaration, where it stands in the file, and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from baseops.contract.finding import Severity
from baseops.declaration.positions import Path

MAX_PROBLEMS = 500
"""Nobody corrects more at a time, and a file that is no declaration could have millions."""

_BARE = re.compile(r"[\w@/+*-]+")


def print_path(path: Path) -> str:
    """A path as people read it: `logs.web.alarms`, `notify[0].email`, `email."acme.example".dns`."""
    text = ""
    for key in path:
        if isinstance(key, int):
            text += f"[{key}]"
        else:
            text += ("." if text else "") + (shorten(key) if _BARE.fullmatch(key) else f'"{shorten(key)}"')
    return text


def shorten(text: str, limit: int = 60) -> str:
    """A text cut to `limit` characters, with nothing in it that a terminal would obey."""
    clean = printable(text[: limit + 1])
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def printable(text: str) -> str:
    """A text whose line ends, escapes and other controls are written out."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


@dataclass(frozen=True)
class Problem:
    """One thing to correct. `path` leads to the value meant; where it is missing, the place is its parent's.

    Message and remedy never hold what a terminal would obey, whatever the file holds.
    """

    file: str
    line: int
    column: int
    path: Path
    message: str
    remedy: str = ""
    severity: Severity = Severity.ERROR
    rule: str = "declaration.shape"

    def __post_init__(self) -> None:
        """Write controls out."""
        object.__setattr__(self, "message", printable(self.message))
        object.__setattr__(self, "remedy", printable(self.remedy))

    def __str__(self) -> str:
        """One line, as compilers print it: file, line, column, path, what is wrong, what to write."""
        place = f"{self.file}:{self.line}:{self.column}"
        weight = "" if self.severity is Severity.ERROR else f"{self.severity}: "
        where = f"{print_path(self.path)}: " if self.path else ""
        return f"{printable(place)}: {weight}{where}{self.message}" + (f". {self.remedy}" if self.remedy else "")


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Problems as they stand in the file, each said once."""
    return tuple(
        sorted(dict.fromkeys(problems), key=lambda one: (one.line, one.column, print_path(one.path), one.message))
    )
