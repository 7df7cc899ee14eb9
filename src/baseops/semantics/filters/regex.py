"""The regular expressions that filter patterns allow: checked, made ready for Python, and texts that they match.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html#regex-expressions
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import product

from baseops.semantics.filters.errors import PatternError

SYMBOLS = ":_#=@/;,- "
OPERATORS = "^$?[]{}|\\*+."
LITERALS = frozenset(string.ascii_letters + string.digits + SYMBOLS)
CLASS_ESCAPES = {"d": string.digits, "w": string.ascii_letters + string.digits + "_", "s": " \t\n"}
PRINTABLE = string.ascii_letters + string.digits + "-_:/.,;=#@ !\"$%&'()*+<>?[\\]^`{|}~\t"
MOST_REPEATS = 1000

_COUNT = re.compile(r"\{ *(\d*) *(,? *)(\d*) *\}")
_HEX = re.compile(r"x([0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class Atom:
    """One position of the expression: the characters that fit, how often, and how Python writes it."""

    characters: str
    python: str
    least: int = 1
    most: int | None = 1
    repetitions: int = 0


@dataclass(frozen=True, slots=True)
class Anchor:
    """`^` or `$`."""

    python: str


@dataclass(slots=True)
class Reader:
    """Reads one expression; `start` is where it stands in the whole pattern, for positions in errors."""

    source: str
    pattern: str
    start: int
    position: int = 0
    branches: list[list[Atom | Anchor]] = field(default_factory=lambda: [[]])

    def error(self, why: str, remedy: str) -> PatternError:
        """What is wrong at the present position, to be raised."""
        return PatternError.at(self.pattern, self.start + self.position, why, remedy)

    def read(self) -> list[list[Atom | Anchor]]:
        """The branches between the bars, each a sequence."""
        while self.position < len(self.source):
            character = self.source[self.position]
            if character == "|":
                self.branches.append([])
                self.position += 1
            elif character in "^$":
                self.branches[-1].append(Anchor(character))
                self.position += 1
            elif character in "*+?{":
                self._repeat(character)
            else:
                self.branches[-1].append(self._atom(character))
        return self.branches

    def _atom(self, character: str) -> Atom:
        if character == "[":
            return self._class()
        if character == "\\":
            return self._escape()
        if character == ".":
            self.position += 1
            return Atom(PRINTABLE, ".")
        if character not in LITERALS and character not in "]}":
            raise self._refused(character)
        self.position += 1
        return Atom(character, re.escape(character))

    def _refused(self, character: str) -> PatternError:
        if character in "()":
            return self.error(
                "parentheses are not supported in a filter's regular expression",
                f"Write each alternative whole, as in %abc|abd%, or \\x{ord(character):02X} for the character",
            )
        if not character.isascii():
            return self.error("multi-byte characters are not supported here", "Write . for it")
        return self.error(
            f"{character!r} is not among the characters that a filter's regular expression may hold",
            f"Write \\x{ord(character):02X} for it",
        )

    def _escape(self) -> Atom:
        rest = self.source[self.position + 1 :]
        if found := _HEX.match(rest):
            self.position += 1 + found.end()
            character = chr(int(found[1], 16))
            return Atom(character, re.escape(character))
        following = rest[:1]
        if following.lower() in CLASS_ESCAPES and following:
            self.position += 2
            return Atom(_fitting(f"\\{following}"), f"\\{following}")
        if not following or following not in OPERATORS + SYMBOLS:
            raise self.error("this escape is not supported", r"Write \d \D \s \S \w \W, \xhh, or \ before an operator")
        self.position += 2
        return Atom(following, re.escape(following))

    def _class(self) -> Atom:
        end = self.position + 1
        end += self.source.startswith("^", end)
        end += self.source.startswith("]", end)  # a bracket in first place is an ordinary member
        while end < len(self.source) and self.source[end] != "]":
            end += 2 if self.source[end] == "\\" else 1
        if end >= len(self.source):
            raise self.error("the character class has no closing bracket", r"Add ], or write \[ for the character")
        inner = self.source[self.position + 1 : end]
        python = f"[{self._class_members(inner)}]"
        try:
            re.compile(python)
        except re.error as error:
            why = f"the character class is not valid ({error.msg})"
            raise self.error(why, "Write ranges upwards, as in [a-z]") from error
        self.position = end + 1
        return Atom(_fitting(python), python)

    def _class_members(self, inner: str) -> str:
        """The inside of a class as Python reads it, its characters checked."""
        begin = self.position + 1
        place = 0
        written = []
        while place < len(inner):
            self.position = begin + place
            character = inner[place]
            if character == "\\":
                written.append(self._escape().python)
                place = self.position - begin
                continue
            if character not in LITERALS and character not in OPERATORS:
                raise self._refused(character)
            is_operator = character in "-^" or (character == " ")
            written.append(character if is_operator else re.escape(character))
            place += 1
        self.position = begin - 1
        return "".join(written)

    def _repeat(self, character: str) -> None:
        last = self.branches[-1][-1] if self.branches[-1] else None
        if not isinstance(last, Atom):
            raise self.error("there is nothing to repeat", f"Write \\{character} for the character")
        if last.repetitions and not (last.repetitions == 1 and character == "?"):
            raise self.error("a repetition follows a repetition", "Leave one of the two out")
        if last.repetitions:  # a lazy repetition finds the same lines
            self.position += 1
            self.branches[-1][-1] = replace(last, repetitions=2)
            return
        least, most = self._counts(character)
        self.branches[-1][-1] = replace(last, least=least, most=most, repetitions=1)

    def _counts(self, character: str) -> tuple[int, int | None]:
        if character != "{":
            self.position += 1
            return {"*": (0, None), "+": (1, None), "?": (0, 1)}[character]
        found = _COUNT.match(self.source, self.position)
        if not found or not (found[1] or found[3]):
            raise self.error("the braces hold no count", r"Write {3}, {3,}, {,5} or {3,5}, or \{ for the character")
        least = int(found[1] or 0)
        most = (int(found[3]) if found[3] else None) if "," in found[2] else int(found[1] + found[3])
        if max(least, most or 0) > MOST_REPEATS or (most is not None and most < least):
            raise self.error("the count is not possible", f"Write the smaller number first, at most {MOST_REPEATS}")
        self.position = found.end()
        return least, most


def _fitting(python: str) -> str:
    return "".join(filter(re.compile(python, re.ASCII).match, PRINTABLE))


def _python(node: Atom | Anchor) -> str:
    if isinstance(node, Anchor) or (node.least, node.most) == (1, 1):
        return node.python
    return f"{node.python}{{{node.least},{'' if node.most is None else node.most}}}"


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked regular expression."""

    branches: tuple[tuple[Atom | Anchor, ...], ...]
    compiled: re.Pattern[str]

    def cores(self, n: int) -> Iterator[str]:
        """Texts that are the match and nothing beside it, or nearly."""
        for branch in self.branches:
            yield "".join(_written(node, n, 0) for node in branch if isinstance(node, Atom))

    def texts(self, n: int) -> Iterator[str]:
        """Texts that hold a match, the first ones most likely; `n` varies them."""
        count = len(self.branches)
        for each, longer in product(range(count), (0, 1, 2)):
            branch = self.branches[(n + each) % count]
            text = "".join(_written(node, n + longer, longer) for node in branch if isinstance(node, Atom))
            starts = isinstance(branch[0], Anchor) if branch else False
            ends = isinstance(branch[-1], Anchor) if branch else False
            variants = [text] if ends else [f"{text} {n}", text]
            yield from variants if starts else [*variants, *(f"example {variant}" for variant in variants)]


def _written(atom: Atom, n: int, longer: int) -> str:
    """The atom written out; letters and digits before what is seldom seen in a log."""
    if not atom.characters:
        return ""
    times = atom.least + longer if atom.most is None else min(atom.least + longer, atom.most)
    usual = [each for each in atom.characters if each.isalnum()] or list(atom.characters)
    return "".join(usual[(n + place) % len(usual)] for place in range(times))


def read(source: str, pattern: str, start: int) -> Expression:
    """Check an expression that stands at `start` of a pattern, and make it ready; raise PatternError."""
    branches = tuple(map(tuple, Reader(source, pattern, start).read()))
    python = "|".join("".join(map(_python, branch)) for branch in branches)
    return Expression(branches, re.compile(python, re.ASCII))
