"""Values that may fulfil several comparisons at once, for examples; whoever asks tries each of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, combinations, islice, product

from baseops.semantics.filters import regex
from baseops.semantics.filters.tree import AllOf, AnyOf, Condition, Number, Operand, Regex, T, Text

_MOST_ALTERNATIVES = 64
_MOST_TEXTS_OF_A_REGEX = 12


def conjunctions(condition: Condition[T]) -> Iterator[tuple[T, ...]]:
    """The ways to fulfil a condition, each a list of single conditions that must all hold."""
    return islice(_conjunctions(condition), _MOST_ALTERNATIVES)


def _conjunctions(condition: Condition[T]) -> Iterator[tuple[T, ...]]:
    if isinstance(condition, AnyOf):
        for part in condition.parts:
            yield from _conjunctions(part)
    elif isinstance(condition, AllOf):
        options = [list(islice(_conjunctions(part), _MOST_ALTERNATIVES)) for part in condition.parts]
        for chosen in product(*options):
            yield tuple(leaf for leaves in chosen for leaf in leaves)
    else:
        yield (condition,)


def texts(operands: Sequence[Operand], n: int) -> Iterator[str]:
    """Texts made from the operands: what they say, what begins and ends as they say, and something else."""
    written = [operand for operand in operands if isinstance(operand, Text)]
    cores = [operand.core for operand in written]
    begins = max((t.core for t in written if t.ends_open and not t.starts_open), key=len, default="")
    ends = max((t.core for t in written if t.starts_open and not t.ends_open), key=len, default="")
    holds = [t.core for t in written if t.starts_open and t.ends_open]
    for middle in (str(n), "", f" {n} ", "x", "0"):
        yield begins + "".join(holds) + middle + ends
    yield from cores
    for operand in operands:
        if isinstance(operand, Regex):
            expression = regex.read(operand.source, str(operand), 1)
            for text in islice(chain(expression.cores(n), expression.texts(n)), _MOST_TEXTS_OF_A_REGEX):
                yield text
                yield begins + text + ends
        elif isinstance(operand, Number):
            yield operand.text
    yield from (f"example{n}", f"other{n}", f"{n}", "x", "")


def numbers(operands: Sequence[Operand], n: int) -> Iterator[int | float]:
    """Numbers at, beside and between those of the operands."""
    limits = [operand.value for operand in operands if isinstance(operand, Number)]
    limits += _starting_with([operand.core for operand in operands if isinstance(operand, Text)], n)
    for limit in limits:
        yield from (limit + n, limit - n, limit, limit + 1, limit - 1, limit + 0.5, limit - 0.5)
    for low, high in combinations(sorted(set(limits)), 2):
        yield low + (high - low) / 2
        yield low + (high - low) / 3
    for limit in limits:
        if isinstance(limit, float) and math.isfinite(limit):
            yield from (math.nextafter(limit, math.inf), math.nextafter(limit, -math.inf), limit * 2, limit / 2)
    yield from (n, n + 0.5, 0, -n)


def _starting_with(cores: Iterable[str], n: int) -> Iterator[int | float]:
    for core in cores:
        for text in (core, core + "0", core + "00", f"{core}{n}", f"{core}99", core + "999"):
            try:
                number = float(text)
            except ValueError:
                continue
            if math.isfinite(number):
                yield int(number) if number.is_integer() and "." not in text else number
