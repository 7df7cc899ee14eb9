"""What YAML becomes: plain data, and the place of every key and value."""

from __future__ import annotations

import pytest

from baseops.declaration.positions import Position
from baseops.declaration.reader import MAX_DEPTH, read
from baseops.errors import DeclarationError


def data(text: str) -> object:
    document = read(text, "a.yaml")
    assert document.problems == ()
    return document.data


def refusal(text: str) -> str:
    with pytest.raises(DeclarationError) as refused:
        read(text, "a.yaml")
    [problem] = refused.value.problems
    return str(problem)


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("true", True),
        ("False", False),
        ("yes", True),
        ("off", False),
        ("0", 0),
        ("-12", -12),
        ("+7", 7),
        ("1.50", 1.5),
        ("-.5", -0.5),
        ("1.0e3", 1000.0),
        ("1e3", "1e3"),
        ("24h", "24h"),
        ("03:00", "03:00"),
        ("10%", "10%"),
        ("n", "n"),
        ("1.2.3.4", "1.2.3.4"),
        ("cron(0 3 * * ? *)", "cron(0 3 * * ? *)"),
        ("subnet-0a1", "subnet-0a1"),
        ('"12"', "12"),
        ("'no'", "no"),
        ("!!str 12", "12"),
        ("=", "="),
    ],
)
def test_words_become_values(word, value):
    assert data(f"a: {word}\n") == {"a": value}


def test_a_number_of_more_digits_than_any_machine_has_is_text_to_quote():
    document = read(f"a: {5000 * '1'}\n", "a.yaml")
    assert [problem.rule for problem in document.problems] == ["yaml.ambiguous"]


def test_json_is_yaml():
    assert data('{"a": [1, {"b": null}], "c": "x"}') == {"a": [1, {"b": None}], "c": "x"}


def test_small_aliases_are_copied_and_merges_overridden():
    text = "base: &base {a: 1, b: 2}\nx: *base\ny: {b: 3, <<: *base}\nz: {<<: [*base, {a: 9, c: 4}]}\n"
    expected = {
        "base": {"a": 1, "b": 2},
        "x": {"a": 1, "b": 2},
        "y": {"b": 3, "a": 1},
        "z": {"a": 1, "b": 2, "c": 4},
    }
    assert data(text) == expected


def test_windows_line_ends_and_a_byte_order_mark_are_read(loaded):
    text = "\ufeffversion: 1\r\nname: acme\r\naccounts: ['111111111111']\r\nregion: eu-west-1\r\n"
    assert loaded(top=text.encode().decode("utf-8")).site.name == "acme"


def test_every_key_and_value_has_its_place():
    text = "a:\n  b: [1, {c: d}]\n  'e f': |\n    text\n"
    positions = read(text, "a.yaml").positions
    assert positions.key(("a",)) == Position(1, 1)
    assert positions.value(("a",)) == Position(2, 3)
    assert positions.key(("a", "b")) == Position(2, 3)
    assert positions.value(("a", "b")) == Position(2, 6)
    assert positions.value(("a", "b", 0)) == Position(2, 7)
    assert positions.key(("a", "b", 1, "c")) == Position(2, 11)
    assert positions.value(("a", "b", 1, "c")) == Position(2, 14)
    assert positions.value(("a", "e f")) == Position(3, 10)
    assert positions.key(("a", "b", 2)) is None
    assert positions.key(("a", "b", 0, "x")) is None
    assert positions.written(("a", "b")) == "[1, {c: d}]"


def test_the_nearest_place_is_a_scalar_itself_or_the_name_of_what_holds_it():
    positions = read("a:\n  b: {c: 1}\n", "a.yaml").positions
    assert positions.nearest(("a", "b", "c")) == Position(2, 10)
    assert positions.nearest(("a", "b")) == Position(2, 3)
    assert positions.nearest(("a", "b", "missing", "deeper")) == Position(2, 3)
    assert positions.nearest(("missing",)) == Position(1, 1)
    assert positions.nearest(()) == Position(1, 1)


def test_places_count_characters_not_bytes():
    assert read("ключ: {ä: ü}\n", "a.yaml").positions.value(("ключ", "ä")) == Position(1, 11)


def test_values_behind_an_alias_stand_where_they_are_written():
    positions = read("x: &x {a: 1}\ny: *x\n", "a.yaml").positions
    assert positions.key(("y",)) == Position(2, 1)
    assert positions.value(("y", "a")) == Position(1, 11)


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? ", "a:\n"])
@pytest.mark.parametrize("count", [MAX_DEPTH + 1, 500_000])
def test_deep_nesting_is_refused_before_it_ends_the_process(opening, count):
    text = opening * count if opening != "a:\n" else "".join(f"{' ' * depth}a:\n" for depth in range(1000))
    assert any(word in refusal(text) for word in ("nested more than 40 deep", "keys are text"))


def test_depth_is_counted_through_aliases():
    deep = "[" * 30 + "]" * 30
    assert "nested more than 40 deep" in refusal(f"a: &a {deep}\nb: {'[' * 20}*a{']' * 20}\n")


def test_exploding_aliases_are_refused_unexpanded():
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join(10 * [f'*a{n - 1}'])}]" for n in range(1, 30)]
    assert "more than 100,000 values" in refusal("\n".join(levels))


def test_exploding_merges_are_refused_unexpanded():
    keys = ", ".join(f"k{number}: 1" for number in range(1000))
    merges = "\n".join(f"m{number}: {{<<: *base}}" for number in range(200))
    assert "more than 100,000 values" in refusal(f"base: &base {{{keys}}}\n{merges}\n")


def test_an_anchor_may_be_taken_again():
    assert data("a: &x 1\nb: *x\nc: &x 2\nd: *x\n") == {"a": 1, "b": 1, "c": 2, "d": 2}


def test_problems_stop_where_nobody_reads_on():
    with pytest.raises(DeclarationError, match="at least 500 problems") as refused:
        read("a: 1\n" * 300_000, "a.yaml")
    assert len(refused.value.problems) == 500
