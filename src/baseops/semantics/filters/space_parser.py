"""Reads the space-delimited form of filter patterns: `[ip, ..., status = 5*, bytes > 1000]`."""

from __future__ import annotations

import re

from baseops.semantics.expressions import Scanner
from baseops.semantics.filters.parser import MAX_REGEXES, end_of_pattern, take_operand, take_operator
from baseops.semantics.filters.tree import (
    Field,
    FieldCondition,
    FieldTest,
    Regex,
    Rest,
    SpacePattern,
    all_of,
    any_of,
    leaves,
)

_NAME = re.compile(r"[A-Za-z0-9_-]+")
_PLAIN_VALUE = re.compile(r"""[^\s,\]\["%&|<>=!()]+""")


def parse_space(scanner: Scanner) -> SpacePattern:
    """Take a whole space-delimited pattern."""
    opened = scanner.position
    scanner.takes("[")
    fields = [_field(scanner)]
    while scanner.takes(","):
        fields.append(_field(scanner))
    if not scanner.takes("]"):
        raise scanner.error("the field should end here", "Separate fields by commas, and close with ]")
    end_of_pattern(scanner, "nothing may follow the closing bracket")
    pattern = SpacePattern(tuple(fields))
    _check(scanner, pattern, opened)
    return pattern


def _check(scanner: Scanner, pattern: SpacePattern, opened: int) -> None:
    if pattern.fields == (Field(),):
        raise scanner.error("the pattern names no field", 'Write "" to match every line', opened)
    if sum(isinstance(each, Rest) for each in pattern.fields) > 1:
        raise scanner.error("two ... leave open which field is which", "Keep one of them", opened)
    names = [each.name for each in pattern.fields if isinstance(each, Field) and each.name]
    if repeated := next((name for name in names if names.count(name) > 1), None):
        raise scanner.error(f"two fields are called {repeated}", "Give each field a name of its own", opened)
    if sum(isinstance(test.operand, Regex) for test in pattern.tests) > MAX_REGEXES:
        why = f"a pattern has at most {MAX_REGEXES} regular expressions"
        raise scanner.error(why, "Join some of them by | in one", opened)


def _field(scanner: Scanner) -> Field | Rest:
    scanner.skip_space()
    if scanner.takes("...") or scanner.takes("…"):
        scanner.skip_space()
        return Rest()
    start = scanner.position
    name = scanner.take(_NAME)
    scanner.skip_space()
    if scanner.sees(",") or scanner.sees("]") or scanner.is_at_end:
        return Field(name[0] if name else "")
    scanner.position = start
    condition = _alternatives(scanner)
    return Field(next(leaves(condition)).name, condition)


def _alternatives(scanner: Scanner) -> FieldCondition:
    parts = [_conjunction(scanner)]
    while scanner.takes("||"):
        parts.append(_conjunction(scanner))
    return any_of(parts)


def _conjunction(scanner: Scanner) -> FieldCondition:
    parts: list[FieldCondition] = [_test(scanner)]
    while scanner.takes("&&"):
        parts.append(_test(scanner))
    return all_of(parts)


def _test(scanner: Scanner) -> FieldTest:
    scanner.skip_space()
    name = scanner.take(_NAME)
    if not name:
        raise scanner.error(
            "a field begins with its name, made of letters, digits, - and _", "Write it as in [status = 5*, bytes > 10]"
        )
    scanner.skip_space()
    operator = take_operator(scanner)
    if operator == "=" and scanner.takes("!"):
        operator = "!="  # the guide's first edition writes [w1=!ERROR && w1=!WARN, w2]
    scanner.skip_space()
    test = FieldTest(name[0], operator, take_operand(scanner, operator, _PLAIN_VALUE))
    scanner.skip_space()
    return test
