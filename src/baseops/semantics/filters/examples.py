"""Makes a line that a pattern matches; every line is tried on the pattern before it is given out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice, product

from baseops.semantics.filters import regex
from baseops.semantics.filters.errors import PatternError
from baseops.semantics.filters.json_examples import json_lines
from baseops.semantics.filters.space_examples import space_lines
from baseops.semantics.filters.term_matching import effective
from baseops.semantics.filters.tree import JsonPattern, Regex, SpacePattern, Terms, Tree

_MOST_TRIED = 4000
_FILLERS = ("example {}", "{}", "e{}", "", "x", "#", "ok", ".", "-", "A", "0", "~")


def example(tree: Tree, matches: Callable[[str], bool], n: int) -> str:
    """The first line that matches; raises PatternError if none of those that were tried does."""
    for line in islice(_lines(tree, n), _MOST_TRIED):
        if matches(line):
            return line
    raise PatternError(
        f"filter pattern {str(tree)!r}",
        "no line was found that matches it: its conditions seem to contradict each other",
        "Write the conditions that one line can fulfil together",
        source=str(tree),
    )


def _lines(tree: Tree, n: int) -> Iterator[str]:
    if isinstance(tree, JsonPattern):
        return json_lines(tree, n)
    if isinstance(tree, SpacePattern):
        return space_lines(tree, n)
    if isinstance(tree, Regex):
        return regex.read(tree.source, str(tree), 1).texts(n)
    return _term_lines(tree, n)


def _term_lines(tree: Terms, n: int) -> Iterator[str]:
    """The wanted terms with something beside them; separators and order vary in case they form an excluded term."""
    terms = effective(tree)
    wanted = list(terms.included) or [terms.optional[n % len(terms.optional)] if terms.optional else ""]
    fillers = [filler.format(n) for filler in _FILLERS]
    orders = (wanted, wanted[::-1])
    for separator, order, filler in product((" ", " | ", "-", "\t", "", "_"), orders, fillers):
        yield separator.join(part for part in (*order, filler) if part)
