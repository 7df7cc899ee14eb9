"""Reads a filter pattern into its tree; the grammar is strict where AWS is, and says what to write instead.

It never matches a line; regular expressions are checked by `regex`.
"""

from __future__ import annotations

import re
from typing import Literal, cast

from baseops.semantics.expressions import Scanner
from baseops.semantics.filters import regex
from baseops.semantics.filters.errors import PatternError
from baseops.semantics.filters.tree import (
    PLAIN_TERM,
    Number,
    Operand,
    Operator,
    Regex,
    Term,
    Terms,
    Text,
    Tree,
    quoted,
)

MAX_LENGTH = 1024
MAX_REGEXES = 2
"""How many regular expressions a JSON or space-delimited pattern may hold."""

OPERATOR = re.compile(r"!=|<=|>=|=|<|>")
NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_WORD = re.compile(r"\S+")


def parse(pattern: str) -> Tree:
    """The tree of a pattern; raises PatternError."""
    from baseops.semantics.filters.json_parser import parse_json
    from baseops.semantics.filters.space_parser import parse_space

    if len(pattern) > MAX_LENGTH:
        raise PatternError.at(
            pattern, MAX_LENGTH, f"a filter pattern has at most {MAX_LENGTH} characters", "Make it shorter"
        )
    scanner = Scanner(pattern, PatternError)
    scanner.skip_space()
    if scanner.sees("{"):
        return parse_json(scanner)
    if scanner.sees("["):
        return parse_space(scanner)
    if scanner.sees("%"):
        return _parse_regex(scanner)
    return _parse_terms(scanner)


def _parse_regex(scanner: Scanner) -> Regex:
    expression = take_regex(scanner)
    end_of_pattern(scanner, "a regular expression stands alone, or inside a JSON or space-delimited pattern")
    return expression


def end_of_pattern(scanner: Scanner, why: str) -> None:
    """Nothing but white space may follow."""
    scanner.skip_space()
    if not scanner.is_at_end:
        raise scanner.error(why, "Remove what follows, or make a second filter of it")


# --- terms --------------------------------------------------------------------------------------------------------


def _parse_terms(scanner: Scanner) -> Terms:
    terms = []
    while not scanner.is_at_end:
        terms.append(_term(scanner))
        scanner.skip_space()
    return Terms(tuple(terms))


def _term(scanner: Scanner) -> Term:
    sign: Literal["", "-", "?"] = "-" if scanner.takes("-") else "?" if scanner.takes("?") else ""
    if sign == "-":
        scanner.skip_space()  # the guide's first edition writes `"ERROR" - "Exiting"`
    if scanner.sees('"'):
        return Term(take_quoted(scanner), sign)
    start = scanner.position
    found = scanner.take(_WORD)
    if found and PLAIN_TERM.fullmatch(found[0]):
        return Term(found[0], sign)
    if not found:
        raise scanner.error(f"no term follows the {sign}", f'Write {sign}term or {sign}"two words"', start)
    why = "a term with other characters than letters, digits and _ must be in double quotes"
    raise scanner.error(why, f"Write {sign}{quoted(found[0])}", start)


# --- operands, shared by JSON and space-delimited patterns -----------------------------------------------------------


def take_quoted(scanner: Scanner) -> str:
    """Take a text in double quotes."""
    found = scanner.take(_QUOTED)
    if not found:
        raise scanner.error("the double quote is never closed", 'Add a closing ", or write \\" for the character')
    return re.sub(r'\\(["\\])', r"\1", found[1])


def take_regex(scanner: Scanner) -> Regex:
    """Take a regular expression between percent signs, checked."""
    start = scanner.position + 1
    end = scanner.source.find("%", start)
    if end < 0:
        raise scanner.error("the regular expression is never closed", r"Add %, and write \x25 for the character")
    if end == start:
        raise scanner.error("the regular expression is empty", "Write one between the percent signs")
    source = scanner.source[start:end]
    regex.read(source, scanner.source, start)
    scanner.position = end + 1
    return Regex(source)


def take_operator(scanner: Scanner) -> Operator:
    """Take a comparison; raise if there is none."""
    found = scanner.take(OPERATOR)
    if not found:
        raise scanner.error("a comparison is missing", "Write one of = != < <= > >= and a value")
    if scanner.sees("="):
        raise scanner.error("a filter pattern has no ==", "Write a single =", found.start())
    return cast("Operator", found[0])


def take_operand(scanner: Scanner, operator: Operator, plain: re.Pattern[str]) -> Operand:
    """Take what a value is compared with; `plain` is what may stand without quotes."""
    start = scanner.position
    operand = _operand(scanner, plain)
    if operator not in ("=", "!=") and not isinstance(operand, Number):
        raise scanner.error(f"{operator} compares numbers only", "Write a number without quotes", start)
    return operand


def _operand(scanner: Scanner, plain: re.Pattern[str]) -> Operand:
    if scanner.sees("%"):
        return take_regex(scanner)
    if scanner.sees('"'):
        return Text(take_quoted(scanner), is_quoted=True)
    found = scanner.take(plain)
    if not found:
        raise scanner.error("a value is missing", 'Write a number, a "text" or a %regular expression%')
    return Number(found[0]) if NUMBER.fullmatch(found[0]) else Text(found[0], is_quoted=False)
