"""Makes space-delimited lines that may fulfil a pattern."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice, product

from baseops.semantics.filters import candidates
from baseops.semantics.filters.operands import compares, equals
from baseops.semantics.filters.space_matching import number_of, split
from baseops.semantics.filters.tree import Field, FieldTest, Number, Rest, SpacePattern, all_of

_MOST_VALUES = 3
_MOST_LINES = 40


def space_lines(pattern: SpacePattern, n: int) -> Iterator[str]:
    """Lines that may match, for each way to fulfil the conditions."""
    places = {each.name: place for place, each in enumerate(pattern.fields) if isinstance(each, Field) and each.name}
    placed = [
        (test, places[each.name] if test.name not in places else places[test.name])
        for each in pattern.fields
        if isinstance(each, Field)
        for test in _tests(each)
    ]
    where = dict(placed)
    conditions = [each.condition for each in pattern.fields if isinstance(each, Field) and each.condition is not None]
    ways: list[tuple[FieldTest, ...]] = [()]
    if conditions:
        ways = list(candidates.conjunctions(all_of(conditions)))
    turn = n % len(ways)
    for tests in ways[turn:] + ways[:turn]:
        yield from islice(_lines(pattern, tests, where, n), _MOST_LINES)


def _tests(field: Field) -> list[FieldTest]:
    return SpacePattern((field,)).tests


def _lines(pattern: SpacePattern, tests: Sequence[FieldTest], where: dict[FieldTest, int], n: int) -> Iterator[str]:
    last = len(pattern.fields) - 1
    options = []
    for place, field in enumerate(pattern.fields):
        if isinstance(field, Rest):
            options.append([""])
            continue
        own = [test for test in tests if where[test] == place]
        values = list(islice(_values(own, field, n), _MOST_VALUES))
        options.append([_written(value, is_last=place == last) for value in values])
    for parts in product(*options):
        yield " ".join(part for part in parts if part)


def _values(tests: Sequence[FieldTest], field: Field, n: int) -> Iterator[str]:
    """Texts that fulfil all conditions on one field."""
    if not tests:
        yield f"{field.name}{n}" if field.name else str(n)
        return
    operands = [test.operand for test in tests]
    numbers = (str(number) for number in candidates.numbers(operands, n))
    makers = (numbers, candidates.texts(operands, n))
    for make in makers if any(isinstance(each, Number) for each in operands) else makers[::-1]:
        yield from (text for text in make if all(_fulfils(test, text) for test in tests))


def _fulfils(test: FieldTest, text: str) -> bool:
    if isinstance(test.operand, Number):
        number = number_of(text)
        return test.operator == "!=" if number is None else compares(test.operator, test.operand)(number)
    return equals(test.operand)(text) == (test.operator == "=")


def _written(value: str, *, is_last: bool) -> str:
    """The value as one field of a line: bare, quoted or in brackets, whichever is read back."""
    for text in (value, f'"{value}"', f"[{value}]"):
        if [each for _, each in split(text)] == [value]:
            return text
    return value.strip() if is_last else ""
