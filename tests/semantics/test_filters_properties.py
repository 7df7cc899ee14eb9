"""What holds for every filter pattern: it prints itself, its examples match, and nonsense is refused, never a crash."""

from __future__ import annotations

import json
import re
import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from baseops.semantics import filters
from baseops.semantics.filters import json_matching
from baseops.semantics.filters.prefilter import may_match
from baseops.semantics.filters.tree import (
    AnyIndex,
    AnyKey,
    Compare,
    Field,
    FieldTest,
    Index,
    Is,
    JsonPattern,
    Key,
    NotExists,
    Number,
    Regex,
    Rest,
    Selector,
    SpacePattern,
    Term,
    Terms,
    Text,
    all_of,
    any_of,
)

NAMES = st.text(string.ascii_letters + string.digits + "_-", min_size=1, max_size=5)
KEYS = NAMES | st.text(string.printable + "é日", min_size=1, max_size=5)
TERMS = st.builds(
    Term, st.text(string.ascii_letters + ' "\\-?.%[{é', min_size=1, max_size=6), st.sampled_from(["", "-", "?"])
)
NUMBERS = st.one_of(st.integers(-999, 999), st.floats(-1e6, 1e6, allow_nan=False)).map(lambda n: Number(str(n)))
REGEXES = st.sampled_from(["ab+c", "^x", r"\d{2}$", "[a-f]|z", r"\x41.", "[^ ]+"]).map(Regex)
QUOTED = st.builds(Text, st.text(string.ascii_letters + '*. "\\/', max_size=6), st.just(True))
UNQUOTED = st.builds(Text, st.from_regex(r"\A(?:\*?[A-Za-z_.]{1,5}\*?|\*)\Z"), st.just(False))
EQUALITIES = st.sampled_from(["=", "!="])
ORDERS = st.sampled_from(["<", "<=", ">", ">=", "=", "!="])


def conditions(leaves):
    groups = st.lists(leaves, min_size=1, max_size=3).map(all_of)
    return st.lists(groups, min_size=1, max_size=3).map(any_of)


def selectors(wildcard):
    plain = st.lists(KEYS.map(Key), min_size=1, max_size=3).map(tuple).map(Selector)
    elements = st.builds(lambda key, index: Selector((Key(key), Index(index))), KEYS, st.integers(0, 5))
    wild = st.builds(lambda key, step: Selector((Key(key), step)), KEYS, st.sampled_from([AnyKey(), AnyIndex()]))
    return plain | elements | wild if wildcard else plain | elements


def json_leaves(operands, *, wildcard=False):
    return st.one_of(
        st.builds(Compare, selectors(wildcard), EQUALITIES, operands),
        st.builds(Compare, selectors(wildcard), ORDERS, NUMBERS),
        st.builds(Is, selectors(wildcard), st.sampled_from(["NULL", "TRUE", "FALSE"])),
        st.builds(NotExists, selectors(wildcard)),
    )


JSON = conditions(json_leaves(QUOTED | UNQUOTED | NUMBERS)).map(JsonPattern)
ANYTHING = st.text(alphabet=st.characters(codec="utf-8"), max_size=80) | st.text(
    '{}[]()%"$.*=!<>&|?-, abIS01\\', max_size=40
)


def groups(inner):
    return st.lists(inner, min_size=1, max_size=2).flatmap(lambda each: st.sampled_from([all_of(each), any_of(each)]))


NESTED_JSON = st.recursive(
    json_leaves(QUOTED | NUMBERS),
    groups,
    max_leaves=6,
).map(JsonPattern)
ONE_WILD = json_leaves(QUOTED | REGEXES, wildcard=True).map(JsonPattern)


@st.composite
def space_patterns(draw):
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    fields = []
    for name in names:
        tests = st.one_of(
            st.builds(FieldTest, st.just(name), EQUALITIES, QUOTED | UNQUOTED),
            st.builds(FieldTest, st.just(name), ORDERS, NUMBERS),
        )
        fields.append(Field(name, draw(st.none() | conditions(tests))))
    if draw(st.booleans()):
        fields.insert(draw(st.integers(0, len(fields))), Rest())
    return SpacePattern(tuple(fields))


TREES = st.one_of(
    st.lists(TERMS, max_size=4).map(tuple).map(Terms), JSON, NESTED_JSON, ONE_WILD, REGEXES, space_patterns()
)


@given(TREES)
def test_a_pattern_prints_itself_so_that_it_reads_back_the_same(tree) -> None:
    if len(str(tree)) <= 1024:
        assert filters.compile(str(tree)).tree == tree


@given(TREES, st.integers(0, 10_000))
def test_an_example_always_matches_its_own_pattern(tree, n) -> None:
    if len(str(tree)) > 1024:
        return
    pattern = filters.compile(str(tree))
    try:
        line = pattern.example(n)
    except filters.PatternError as error:
        assert "no line was found" in str(error)  # noqa: PT017  # both outcomes are right
    else:
        assert pattern.matches(line)
        assert pattern.extract(line) is not None


@given(
    ONE_WILD
    | REGEXES
    | st.lists(TERMS.filter(lambda term: term.sign != "-"), min_size=1, max_size=3).map(tuple).map(Terms)
)
@example(JsonPattern(Compare(Selector((Key("0"), Index(0))), "!=", Text("a*", is_quoted=True))))
def test_a_pattern_without_contradiction_has_an_example(tree) -> None:
    if "!=" in str(tree) and ("^" in str(tree) or re.search(r'"\*+"', str(tree))):
        return  # unlike what everything is like
    pattern = filters.compile(str(tree))
    assert pattern.matches(pattern.example())


def compiled(text: str) -> filters.Pattern | filters.PatternError:
    try:
        return filters.compile(text)
    except filters.PatternError as error:
        return error


@given(ANYTHING)
def test_arbitrary_text_is_a_pattern_or_a_pattern_error(text) -> None:
    pattern = compiled(text)
    if isinstance(pattern, filters.PatternError):
        assert 0 <= pattern.position <= len(text)
        assert "" not in (pattern.why, pattern.remedy)
    else:
        assert filters.compile(str(pattern)).tree == pattern.tree
        assert pattern.matches(text) in (True, False)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-9, 9) | st.text("abx*", max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=6,
)
SMALL = st.builds(
    lambda key, step, leaf: leaf(Selector((Key(key), *step))),
    st.sampled_from("ab"),
    st.sampled_from([(), (Key("a"),), (Index(0),), (AnyIndex(),), (AnyKey(),)]),
    st.sampled_from(
        [
            lambda selector: Compare(selector, "=", Text("a*", is_quoted=True)),
            lambda selector: Compare(selector, "=", Text("*x", is_quoted=False)),
            lambda selector: Compare(selector, "!=", Text("b", is_quoted=True)),
            lambda selector: Compare(selector, ">", Number("0")),
            NotExists,
        ]
    ),
)


@given(conditions(SMALL), VALUES)
def test_the_look_at_the_raw_line_never_turns_away_a_match(condition, value) -> None:
    possible = may_match(condition)
    if isinstance(value, dict) and possible is not None and not possible(json.dumps(value)):
        assert not json_matching._event_test(condition)(value)


@pytest.mark.parametrize("n", [0, 7, 999_999])
def test_any_number_makes_an_example(n) -> None:
    assert filters.compile("{ $.a >= 5 && $.b = x* }").matches(filters.compile("{ $.a >= 5 && $.b = x* }").example(n))
