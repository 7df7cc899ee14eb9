"""What a filter pattern says, as frozen data that prints itself as a pattern again.

It neither reads patterns nor matches lines.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeAlias, TypeVar

Operator: TypeAlias = Literal["=", "!=", "<", "<=", ">", ">="]
Constant: TypeAlias = Literal["NULL", "TRUE", "FALSE"]
T = TypeVar("T")

PLAIN_TERM = re.compile(r"[A-Za-z0-9_]+")
PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")


def quoted(text: str, quote: str = '"') -> str:
    """The text between quotes, as patterns write it."""
    return quote + text.replace("\\", "\\\\").replace(quote, "\\" + quote) + quote


# --- terms and regular expressions --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Term:
    """A substring that must occur, must not (`-`), or may stand for all other `?` terms."""

    text: str
    sign: Literal["", "-", "?"] = ""

    def __str__(self) -> str:
        return self.sign + (self.text if PLAIN_TERM.fullmatch(self.text) else quoted(self.text))


@dataclass(frozen=True, slots=True)
class Terms:
    """Terms for lines without structure; none at all matches every line."""

    terms: tuple[Term, ...]

    def __str__(self) -> str:
        return " ".join(map(str, self.terms))


@dataclass(frozen=True, slots=True)
class Regex:
    """A regular expression between percent signs; `source` is what stands between them."""

    source: str

    def __str__(self) -> str:
        return f"%{self.source}%"


# --- operands -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Text:
    """A text in which `*` at the beginning or the end stands for anything."""

    text: str
    is_quoted: bool

    @property
    def starts_open(self) -> bool:
        """Anything may come before."""
        return self.text.startswith("*")

    @property
    def ends_open(self) -> bool:
        """Anything may follow."""
        return self.text.endswith("*")

    @property
    def core(self) -> str:
        """What must be there: a `*` in the middle is an ordinary character."""
        return self.text.strip("*")

    def __str__(self) -> str:
        return quoted(self.text) if self.is_quoted else self.text


@dataclass(frozen=True, slots=True)
class Number:
    """A number as written, without quotes."""

    text: str

    @property
    def value(self) -> int | float:
        """Exact where it is an integer."""
        try:
            return int(self.text)
        except ValueError:
            return float(self.text)

    def __str__(self) -> str:
        return self.text


Operand: TypeAlias = Text | Number | Regex


# --- conditions ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AllOf(Generic[T]):
    """Conditions joined by `&&`."""

    parts: tuple[Condition[T], ...]

    def __str__(self) -> str:
        return " && ".join(f"({part})" if isinstance(part, AnyOf) else str(part) for part in self.parts)


@dataclass(frozen=True, slots=True)
class AnyOf(Generic[T]):
    """Conditions joined by `||`."""

    parts: tuple[Condition[T], ...]

    def __str__(self) -> str:
        return " || ".join(map(str, self.parts))


Condition: TypeAlias = T | AllOf[T] | AnyOf[T]


def all_of(parts: Sequence[Condition[T]]) -> Condition[T]:
    """The parts joined by `&&`, flat: `a && (b && c)` is `a && b && c`."""
    flat = [each for part in parts for each in (part.parts if isinstance(part, AllOf) else (part,))]
    return flat[0] if len(flat) == 1 else AllOf(tuple(flat))


def any_of(parts: Sequence[Condition[T]]) -> Condition[T]:
    """The parts joined by `||`, flat."""
    flat = [each for part in parts for each in (part.parts if isinstance(part, AnyOf) else (part,))]
    return flat[0] if len(flat) == 1 else AnyOf(tuple(flat))


def leaves(condition: Condition[T]) -> Iterator[T]:
    """The single conditions, in order."""
    if isinstance(condition, (AllOf, AnyOf)):
        for part in condition.parts:
            yield from leaves(part)
    else:
        yield condition


# --- JSON ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Key:
    """A property by its name."""

    name: str

    def __str__(self) -> str:
        return f".{self.name}" if PLAIN_KEY.fullmatch(self.name) else f".[{quoted(self.name, chr(39))}]"


@dataclass(frozen=True, slots=True)
class Index:
    """An element of an array, counted from 0."""

    number: int

    def __str__(self) -> str:
        return f"[{self.number}]"


@dataclass(frozen=True, slots=True)
class AnyKey:
    """Any property of an object."""

    def __str__(self) -> str:
        return ".*"


@dataclass(frozen=True, slots=True)
class AnyIndex:
    """Any element of an array."""

    def __str__(self) -> str:
        return "[*]"


Step: TypeAlias = Key | Index | AnyKey | AnyIndex


@dataclass(frozen=True, slots=True)
class Selector:
    """Where in a JSON event a value stands."""

    steps: tuple[Step, ...]

    @property
    def wildcards(self) -> int:
        """How many of its steps mean any."""
        return sum(isinstance(step, (AnyKey, AnyIndex)) for step in self.steps)

    def __str__(self) -> str:
        return "$" + "".join(map(str, self.steps))


@dataclass(frozen=True, slots=True)
class Compare:
    """A string or number compared with an operand."""

    selector: Selector
    operator: Operator
    operand: Operand

    def __str__(self) -> str:
        return f"{self.selector} {self.operator} {self.operand}"


@dataclass(frozen=True, slots=True)
class Is:
    """A value that is null, true or false."""

    selector: Selector
    constant: Constant

    def __str__(self) -> str:
        return f"{self.selector} IS {self.constant}"


@dataclass(frozen=True, slots=True)
class NotExists:
    """A property that is not there."""

    selector: Selector

    def __str__(self) -> str:
        return f"{self.selector} NOT EXISTS"


JsonLeaf: TypeAlias = Compare | Is | NotExists
JsonCondition: TypeAlias = Condition[JsonLeaf]


@dataclass(frozen=True, slots=True)
class JsonPattern:
    """A pattern for JSON events."""

    condition: JsonCondition

    def __str__(self) -> str:
        return f"{{ {self.condition} }}"


# --- space-delimited ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FieldTest:
    """A field compared with an operand; `name` is what the pattern calls it here."""

    name: str
    operator: Operator
    operand: Operand

    def __str__(self) -> str:
        return f"{self.name} {self.operator} {self.operand}"


FieldCondition: TypeAlias = Condition[FieldTest]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a line; without a name it is called by its number."""

    name: str = ""
    condition: FieldCondition | None = None

    def __str__(self) -> str:
        return self.name if self.condition is None else str(self.condition)


@dataclass(frozen=True, slots=True)
class Rest:
    """Any number of fields."""

    def __str__(self) -> str:
        return "..."


@dataclass(frozen=True, slots=True)
class SpacePattern:
    """A pattern for space-delimited lines."""

    fields: tuple[Field | Rest, ...]

    @property
    def tests(self) -> list[FieldTest]:
        """The single conditions of all fields."""
        conditions = [each.condition for each in self.fields if isinstance(each, Field) and each.condition is not None]
        return [test for condition in conditions for test in leaves(condition)]

    def __str__(self) -> str:
        return f"[{', '.join(map(str, self.fields))}]"


Tree: TypeAlias = Terms | Regex | JsonPattern | SpacePattern
