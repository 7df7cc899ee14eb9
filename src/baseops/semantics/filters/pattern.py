"""A compiled filter pattern: the tree, and the closures made from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, TypeAlias

from baseops.semantics.filters import json_matching, regex, space_matching, term_matching
from baseops.semantics.filters.examples import example
from baseops.semantics.filters.parser import parse
from baseops.semantics.filters.tree import JsonLeaf, JsonPattern, Regex, Rest, SpacePattern, Terms, Tree, leaves
from baseops.semantics.filters.warnings import regex_count, warnings_of

Kind: TypeAlias = Literal["terms", "json", "space", "regex", "all"]
LineTest: TypeAlias = Callable[[str], bool]
Extractor: TypeAlias = Callable[[str], "dict[str, str] | None"]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A filter pattern, ready to use; made by `compile`.

    `matches(line)` and `extract(line)` are closures held as fields, since a call through a method costs as much as
    a plain term. `extract` gives the values by name (`$status`, `$.status`) as texts, {} for patterns without fields,
    None for a line that does not match.
    """

    source: str
    tree: Tree
    kind: Kind
    fields: tuple[str, ...]
    """The names that metric values and dimensions may use."""
    warnings: tuple[str, ...]
    regex_count: int
    matches: LineTest = field(repr=False, compare=False)
    extract: Extractor = field(repr=False, compare=False)

    def example(self, n: int = 1) -> str:
        """A line that matches, varied by `n` where the pattern leaves room.

        Raises PatternError if none was found because the conditions contradict each other.
        """
        return example(self.tree, self.matches, n)

    def __str__(self) -> str:
        """The pattern in one spelling: equal trees print alike, and the print compiles to an equal tree."""
        return str(self.tree)


@lru_cache(maxsize=512)
def compile(pattern: str) -> Pattern:  # noqa: A001  # as in `re`
    """Compile a pattern; raises PatternError where AWS would refuse it. The last ones are kept, as in `re`."""
    tree = parse(pattern)
    matches, extract = _closures(tree)
    return Pattern(
        source=pattern,
        tree=tree,
        kind=_kind(tree),
        fields=_fields(tree),
        warnings=warnings_of(tree),
        regex_count=regex_count(tree),
        matches=matches,
        extract=extract,
    )


def _kind(tree: Tree) -> Kind:
    if isinstance(tree, Terms):
        return "all" if term_matching.effective(tree).is_everything else "terms"
    if isinstance(tree, Regex):
        return "regex"
    return "json" if isinstance(tree, JsonPattern) else "space"


def _closures(tree: Tree) -> tuple[LineTest, Extractor]:
    if isinstance(tree, JsonPattern):
        return json_matching.line_test(tree), json_matching.extractor(tree)
    if isinstance(tree, SpacePattern):
        return space_matching.line_test(tree), space_matching.extractor(tree)
    matches = term_matching.line_test(tree) if isinstance(tree, Terms) else _regex_test(tree)
    return matches, lambda line: {} if matches(line) else None


def _regex_test(tree: Regex) -> LineTest:
    search = regex.read(tree.source, str(tree), 1).compiled.search
    return lambda line: search(line) is not None


def _fields(tree: Tree) -> tuple[str, ...]:
    if isinstance(tree, JsonPattern):
        conditions: list[JsonLeaf] = list(leaves(tree.condition))
        names = [str(each.selector) for each in conditions if not each.selector.wildcards]
    elif isinstance(tree, SpacePattern):
        names = _field_names(tree)
    else:
        names = []
    return tuple(dict.fromkeys(names))


def _field_names(tree: SpacePattern) -> list[str]:
    """Named fields, and the numbers of unnamed ones before `...`, which alone are the same in every line."""
    names = []
    counted = True
    for number, each in enumerate(tree.fields, 1):
        if isinstance(each, Rest):
            counted = False
        elif each.name or counted:
            names.append(f"${each.name or number}")
    return names
