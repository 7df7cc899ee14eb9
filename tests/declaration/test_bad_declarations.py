"""Bad declarations and the exact lines that say what is wrong with each.

The tables are texts: `# title`, the declaration (after a valid top of four lines; `## title`: the whole of it), and
behind `=> ` each line that `check` says, without the file's name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
TOP = 'version: 1\nname: acme\naccounts: ["111111111111"]\nregion: eu-west-1\n'


def cases(table: str) -> Iterator[pytest.param]:
    for block in re.split(r"(?m)^(?=##? )", (FOLDER / table).read_text(encoding="utf-8"))[1:]:
        title, _, body = block.partition("\n")
        lines = body.rstrip("\n").split("\n")
        text = "\n".join(line for line in lines if not line.startswith("=> ")) + "\n"
        expected = [line.removeprefix("=> ") for line in lines if line.startswith("=> ")]
        whole = title.startswith("## ")
        yield pytest.param("" if whole else TOP, text, expected, id=title.lstrip("# "))


@pytest.mark.parametrize(
    ("top", "text", "expected"), [*cases("bad_yaml.txt"), *cases("bad_top.txt"), *cases("bad_areas.txt")]
)
def test_a_bad_declaration_is_refused_with_places_and_remedies(said, top, text, expected):
    assert [f"baseops.yaml:{line}" for line in expected] == said(text, top)


def test_the_tables_hold_at_least_sixty_declarations():
    assert len([*cases("bad_yaml.txt"), *cases("bad_top.txt"), *cases("bad_areas.txt")]) >= 60


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "---\n", "\ufeff"])
def test_an_empty_file_is_refused(said, text):
    assert said(text, top="") == ["baseops.yaml:1:1: the file is empty. Run: baseops init"]


def test_more_tags_than_aws_allows_are_counted(said):
    tags = ", ".join(f"k{number}: v" for number in range(46))
    assert said(f"tags: {{{tags}}}\n") == ["baseops.yaml:5:1: tags: expected at most 45 of these; got 46"]


def test_a_long_value_is_cut(said):
    line = "baseops.yaml:5:11: tags.a: expected at most 256 letters, digits, spaces and _ . : / = + - @; got '{}…'"
    assert said(f"tags: {{a: {257 * 'x'}}}\n") == [line.format(59 * "x")]


def test_a_long_key_is_cut_in_path_and_message(said):
    [line] = said(f"{500 * 'k'}: 1\n")
    assert line.startswith(f"baseops.yaml:5:1: {59 * 'k'}…: the key '{59 * 'k'}…' is not known here. Known keys: ")


def test_a_value_cannot_command_the_terminal(said):
    [line] = said('name: "\\e[2Jx"\n', top="version: 1\naccounts: ['111111111111']\nregion: eu-west-1\n")
    assert "; got '\\x1b[2Jx'. " in line


@pytest.mark.parametrize("name", ["password", "db_passwd", "token", "api_key", "private_key", "credentials", "value"])
def test_a_value_is_not_shown_where_its_name_sounds_secret(said, name):
    lines = said(f"tags: {{{name}: 'hunter2!'}}\n")
    assert len(lines) == 1
    assert "hunter2" not in lines[0]


def test_an_unknown_key_never_shows_its_value(said):
    assert not [line for line in said("logs: {web: {group: {name: /a}, pasword: hunter2}}\n") if "hunter2" in line]
