"""Reads the JSON form of filter patterns: `{ $.status >= 500 && $.path = "/api/*" }`."""

from __future__ import annotations

import re
from typing import cast

from baseops.semantics.expressions import Scanner
from baseops.semantics.filters.parser import (
    MAX_REGEXES,
    OPERATOR,
    end_of_pattern,
    take_operand,
    take_operator,
)
from baseops.semantics.filters.tree import (
    AnyIndex,
    AnyKey,
    Compare,
    Constant,
    Index,
    Is,
    JsonCondition,
    JsonLeaf,
    JsonPattern,
    Key,
    NotExists,
    Regex,
    Selector,
    Step,
    all_of,
    any_of,
    leaves,
)

MAX_WILDCARDS = 3
MAX_DEPTH = 50

_NAME = re.compile(r"[A-Za-z0-9_-]+")
_QUOTED_KEY = re.compile(r"""\[\s*(['"])((?:\\.|(?!\1).)*)\1\s*\]""", re.DOTALL)
_BRACKET = re.compile(r"\[\s*(\d+|\*)\s*\]")
_PLAIN_VALUE = re.compile(r"[A-Za-z0-9_.*+-]+")
_KEYWORD = re.compile(r"[A-Za-z]+")


def parse_json(scanner: Scanner) -> JsonPattern:
    """Take a whole JSON pattern."""
    scanner.takes("{")
    condition = _alternatives(scanner, 0)
    if not scanner.takes("}"):
        raise scanner.error("the condition should end here", "Join conditions by && or ||, and close with }")
    end_of_pattern(scanner, "nothing may follow the closing brace")
    _check_quotas(scanner, condition)
    return JsonPattern(condition)


def _check_quotas(scanner: Scanner, condition: JsonCondition) -> None:
    tests: list[JsonLeaf] = list(leaves(condition))
    if sum(test.selector.wildcards for test in tests) > MAX_WILDCARDS:
        raise scanner.error(f"a pattern has at most {MAX_WILDCARDS} wildcard selectors", "Name the keys or elements", 0)
    if sum(isinstance(test, Compare) and isinstance(test.operand, Regex) for test in tests) > MAX_REGEXES:
        why = f"a pattern has at most {MAX_REGEXES} regular expressions"
        raise scanner.error(why, "Join some of them by | in one", 0)


def _alternatives(scanner: Scanner, depth: int) -> JsonCondition:
    parts = [_conjunction(scanner, depth)]
    while scanner.takes("||"):
        parts.append(_conjunction(scanner, depth))
    return any_of(parts)


def _conjunction(scanner: Scanner, depth: int) -> JsonCondition:
    parts = [_factor(scanner, depth)]
    while scanner.takes("&&"):
        parts.append(_factor(scanner, depth))
    return all_of(parts)


def _factor(scanner: Scanner, depth: int) -> JsonCondition:
    scanner.skip_space()
    if not scanner.sees("("):
        condition: JsonCondition = _condition(scanner)
    else:
        if depth >= MAX_DEPTH:
            raise scanner.error(f"the parentheses nest deeper than {MAX_DEPTH}", "Leave out those that change nothing")
        opened = scanner.position
        scanner.takes("(")
        condition = _alternatives(scanner, depth + 1)
        if not scanner.takes(")"):
            raise scanner.error("the parenthesis is never closed", "Add )", opened)
    scanner.skip_space()
    return condition


def _condition(scanner: Scanner) -> JsonLeaf:
    selector = _selector(scanner)
    scanner.skip_space()
    start = scanner.position
    word = scanner.take(_KEYWORD)
    if not word:
        operator = take_operator(scanner)
        scanner.skip_space()
        return Compare(selector, operator, take_operand(scanner, operator, _PLAIN_VALUE))
    if word[0] == "IS":
        return _is(scanner, selector)
    if word[0] == "NOT":
        scanner.skip_space()
        follows = scanner.take(_KEYWORD)
        if follows and follows[0] == "EXISTS":
            return NotExists(selector)
    raise scanner.error(*_instead_of(word[0], selector), start)


def _instead_of(word: str, selector: Selector) -> tuple[str, str]:
    if word.upper() == "EXISTS":
        return "EXISTS is not supported", f"Write {selector} = * for any string or number there"
    if word.upper() in ("IS", "NOT"):
        return "keywords are IS NULL, IS TRUE, IS FALSE and NOT EXISTS", "Write them in capitals"
    return f"{word} is not a comparison", "Write one of = != < <= > >=, IS NULL, IS TRUE, IS FALSE, NOT EXISTS"


def _is(scanner: Scanner, selector: Selector) -> Is:
    scanner.skip_space()
    start = scanner.position
    word = scanner.take(_KEYWORD)
    if word and word[0] in ("NULL", "TRUE", "FALSE"):
        return Is(selector, cast("Constant", word[0]))
    if word and word[0].upper() == "NOT":
        raise scanner.error("IS NOT is not supported", f"Write {selector} = * for any string or number there", start)
    raise scanner.error("IS takes NULL, TRUE or FALSE", f"Write {selector} IS NULL, or = and a value", start)


# --- selectors ----------------------------------------------------------------------------------------------------


def _selector(scanner: Scanner) -> Selector:
    start = scanner.position
    if not scanner.takes("$"):
        raise scanner.error("a property selector begins with $.", "Write it as in $.status or $.users[0].name")
    steps: list[Step] = []
    while (step := _step(scanner, is_first=not steps)) is not None:
        steps.append(step)
    if not steps:
        raise scanner.error("the selector names no property", "Write it as in $.status")
    selector = Selector(tuple(steps))
    if selector.wildcards > 1:
        raise scanner.error("a selector has at most one wildcard", "Name the other key or element", start)
    return selector


def _step(scanner: Scanner, *, is_first: bool) -> Step | None:
    if scanner.takes("."):
        return _property(scanner)
    if not scanner.sees("["):
        return None
    if key := scanner.take(_QUOTED_KEY):
        return Key(_unescaped(key))
    found = None if is_first else scanner.take(_BRACKET)
    if not found:
        raise scanner.error("an element follows a property", "Write $.users[0], $.users[*] or $.['dotted.key']")
    return AnyIndex() if found[1] == "*" else Index(int(found[1]))


def _property(scanner: Scanner) -> Step:
    if scanner.takes("*"):
        return AnyKey()
    if key := scanner.take(_QUOTED_KEY):
        return Key(_unescaped(key))
    name = scanner.take(_NAME)
    if not name:
        raise scanner.error(
            "a property's name is made of letters, digits, - and _", "Write other names as in $.['cluster.name']"
        )
    rest = scanner.source[scanner.position : scanner.position + 1]
    if rest and not rest.isspace() and rest not in ".[)}&|" and not OPERATOR.match(scanner.source, scanner.position):
        raise scanner.error(f"{rest!r} cannot stand in a plain property name", "Write it as in $.['cluster.name']")
    return Key(name[0])


def _unescaped(found: re.Match[str]) -> str:
    return re.sub(r"\\(['\"\\])", r"\1", found[2])
