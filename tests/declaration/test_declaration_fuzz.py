"""Whatever the file holds, the room gives a declaration or a DeclarationError that names places in it."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from baseops.declaration import Problem, load
from baseops.declaration.problem import MAX_PROBLEMS
from baseops.errors import DeclarationError

GOOD = """\
version: 1
name: acme
accounts: ["111111111111"]
region: eu-west-1
regions: [us-east-1]
tags: {owner: platform}
iam: {path: /baseops/, permissions_boundary: policy/boundary}
notify: [{email: ops@acme.example}]
drills: {allow: [observe, exercise], window: "Sun 02:00-05:00 UTC", max_cost_usd: 2}
x-alarm: &alarm {metric: Http5xx, threshold: 20}
logs:
  web:
    group: {name: /acme/web/nginx, retention_days: 90}
    silent_for: 15m
    alarms: {errors: *alarm, more: {<<: *alarm, period: 60}}
    ship: [{opensearch: logs}, {http: "https://a.example", token: abc}]
    target: {Role: web}
account: {logs: {block_public: true}}
"""
PIECES = [
    "", " ", "\n", "\t", ":", ": ", "- ", "[", "]", "{", "}", ",", "#", "&a ", "*a", "<<: ", "!!binary ", "!Ref ",
    "|\n", ">\n", '"', "'", "\\", "%", "@", "`", "?", "? ", "---\n", "...\n", "~", "null", "yes", "0", "-1", "1e999",
    "013", "13:00", "2026-11-23", "\0", "\x85", "\u202e", "\ud7ff", "é", "💥", "[" * 60, "{a: " * 60, "9" * 30,
    "x" * 70, "${HOME}",
]  # fmt: skip


def check(text: str | bytes, toy) -> None:
    problems: tuple[Problem, ...] = ()
    try:
        made = load(text, {"logs": toy})
    except DeclarationError as error:
        made, problems = None, error.problems
    lines = text.count("\n" if isinstance(text, str) else b"\n") + 1
    assert len(problems) <= 2 * MAX_PROBLEMS
    assert all(1 <= problem.line <= lines + 1 and problem.column >= 1 for problem in problems)
    assert all(str(problem).isprintable() for problem in problems)
    assert [*problems] == sorted(problems, key=lambda problem: (problem.line, problem.column))
    assert problems or made


@given(st.binary(max_size=300))
@example(b"\xff\xfe")
@example(b"\xc2\x85")
def test_any_bytes(toy, content):
    check(content, toy)


@given(st.text(max_size=300))
def test_any_text(toy, text):
    check(text, toy)


@given(st.data())
def test_a_good_declaration_with_pieces_put_in_and_taken_out(toy, data):
    text = GOOD
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        length = data.draw(st.integers(0, 12))
        text = text[:start] + data.draw(st.sampled_from(PIECES)) + text[start + length :]
    check(text, toy)


@given(st.data())
def test_a_good_declaration_with_lines_moved(toy, data):
    lines = data.draw(st.permutations(GOOD.splitlines(keepends=True)))
    check("".join(lines[: data.draw(st.integers(0, len(lines)))]), toy)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=12,
)


@pytest.mark.parametrize(
    "path",
    ["version", "accounts", "tags", "notify", "drills", "keys", "account", "logs", "logs: {web", "logs: {web: {ship"],
)
@given(value=VALUES)
def test_any_value_at_any_place(toy, path, value):
    text = f"version: 1\nname: acme\nregion: eu-west-1\n{path}: {json.dumps(value)}{'}' * path.count('{')}\n"
    check(text, toy)


def test_the_good_one_is_good(toy):
    assert load(GOOD, {"logs": toy}).sections["logs"].entries["web"].alarms["more"].period == 60
