"""What AWS accepts in a filter pattern and yet hardly anybody means; each warning says what to write instead."""

from __future__ import annotations

from collections.abc import Iterator

from baseops.semantics.filters import regex
from baseops.semantics.filters.term_matching import effective
from baseops.semantics.filters.tree import (
    Compare,
    Field,
    FieldTest,
    JsonPattern,
    Operand,
    Regex,
    SpacePattern,
    Term,
    Terms,
    Text,
    Tree,
    leaves,
)

MAX_PATTERNS_WITH_REGEX = 5
"""How many filters of one log group may hold a regular expression."""


def regex_count(tree: Tree) -> int:
    """How many regular expressions a pattern holds."""
    if isinstance(tree, Regex):
        return 1
    return sum(isinstance(operand, Regex) for operand in _operands(tree))


def warnings_of(tree: Tree) -> tuple[str, ...]:
    """The warnings of a pattern."""
    found: list[str] = []
    if isinstance(tree, Terms):
        found += _about_terms(tree)
    if isinstance(tree, SpacePattern):
        found += _about_fields(tree)
    found += [warning for operand in _operands(tree) for warning in _about_operand(operand)]
    if regex_count(tree):
        found.append(
            f"the pattern holds a regular expression, and only {MAX_PATTERNS_WITH_REGEX} filters of a log group may; "
            "write terms or * where they do"
        )
    return tuple(dict.fromkeys(found))


def _operands(tree: Tree) -> Iterator[Operand]:
    if isinstance(tree, JsonPattern):
        for leaf in leaves(tree.condition):
            if isinstance(leaf, Compare):
                yield leaf.operand
    if isinstance(tree, SpacePattern):
        yield from (test.operand for test in tree.tests)


def _about_operand(operand: Operand) -> Iterator[str]:
    if not isinstance(operand, Text):
        return
    if "*" in operand.core:
        yield f"the * inside {operand} is an ordinary character; write %…% with .* in its place to match any text"
    if not operand.is_quoted and operand.text.upper() in ("NULL", "TRUE", "FALSE"):
        yield f"{operand} is compared as a text, not as a JSON {operand.text.lower()}; write IS {operand.text.upper()}"


def _about_terms(tree: Terms) -> Iterator[str]:
    terms = effective(tree)
    if not terms.ignored:
        return
    counting = Terms(tuple(term for term in tree.terms if term.sign != "?"))
    yield (
        f"{Terms(terms.ignored)} is ignored, because ? terms do not mix with others: the pattern means {counting}; "
        f"write {_instead(terms.ignored, tree)}"
    )


def _instead(ignored: tuple[Term, ...], tree: Terms) -> str:
    """One regular expression can say "one of these, and that"; nothing can say "one of these, but not that"."""
    plain = [term.text for term in tree.terms if term.sign == "" and term.text.strip()]
    is_simple = len(plain) == 1 and len(ignored) <= 3 and all(term.sign != "-" for term in tree.terms)
    if not is_simple or not all(set(text) <= regex.LITERALS for text in (*plain, *(term.text for term in ignored))):
        return f"{Terms(ignored)} in a filter of its own"
    return f"%{'|'.join(f'{term.text}.*{plain[0]}|{plain[0]}.*{term.text}' for term in ignored)}%"


def _about_fields(tree: SpacePattern) -> Iterator[str]:
    names = {each.name for each in tree.fields if isinstance(each, Field)}
    for field in tree.fields:
        if isinstance(field, Field) and field.condition is not None:
            tests: list[FieldTest] = list(leaves(field.condition))
            for name in dict.fromkeys(test.name for test in tests if test.name not in names):
                yield f"{name} is no field of the pattern and stands for {field.name}; write {field.name}"
