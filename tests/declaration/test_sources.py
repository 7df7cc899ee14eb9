"""The file itself: too large, missing, of another encoding, with bytes that no text holds."""

from __future__ import annotations

import os

import pytest

from baseops.declaration import load
from baseops.errors import DeclarationError


def said(source, **options) -> list[str]:
    with pytest.raises(DeclarationError) as refused:
        load(source, {}, **options)
    return [str(problem) for problem in refused.value.problems]


def test_a_file_of_ten_megabytes_is_not_even_read(tmp_path):
    path = tmp_path / "baseops.yaml"
    with path.open("wb") as file:
        file.truncate(10 * 1024 * 1024)  # all zeros: reading it would say NUL
    line = "the file is larger than 2 MiB, which no declaration needs. Name the right file with -f"
    assert said(path) == [f"{path}:1:1: {line}"]


@pytest.mark.parametrize("text", ["a" * 3_000_000, b"a" * 3_000_000])
def test_a_text_of_three_megabytes_is_refused(text):
    assert "larger than 2 MiB" in said(text)[0]


def test_a_missing_file_names_the_command_that_makes_one(tmp_path):
    path = tmp_path / "baseops.yaml"
    with pytest.raises(DeclarationError) as refused:
        load(path, {})
    assert str(refused.value) == (
        f"cannot read {path}: no such file or directory. Run: baseops init -f {path}, or name another file with -f"
    )


def test_a_folder_is_no_declaration(tmp_path):
    with pytest.raises(DeclarationError, match="is a directory"):
        load(tmp_path, {})


def test_a_pipe_is_no_declaration(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(DeclarationError, match="not a regular file"):
        load(path, {})


def test_bytes_that_are_not_utf8_are_named_by_offset():
    assert said(b"version: 1\nname: caf\xe9\n") == [
        "baseops.yaml:2:10: the byte 0xe9 is not UTF-8, from byte offset 20. Save the file as UTF-8"
    ]


def test_utf16_is_named():
    expected = "baseops.yaml:1:1: the file is UTF-16, not UTF-8, from byte offset 0. Save the file as UTF-8"
    assert said("version: 1\n".encode("utf-16")) == [expected]


@pytest.mark.parametrize(
    ("character", "name"),
    [("\0", "U+0000"), ("\x1b", "U+001B"), ("\x85", ""), ("\u202e", "U+202E"), ("\x9b", "U+009B")],
)
def test_characters_that_nobody_sees_are_refused(character, name):
    lines = said(f"version: 1\nname: a{character}c\n")
    expected = f"baseops.yaml:2:8: the character {name} is invisible or controls a terminal. "
    assert lines[0].startswith(expected) is bool(name)


def test_nul_in_an_escape_is_refused_with_its_value():
    lines = said('version: 1\nname: "a\\0c"\naccounts: ["111111111111"]\nregion: eu-west-1\n')
    assert lines[0].startswith("baseops.yaml:2:7: name: ")


def test_the_name_of_a_text_is_its_callers(tmp_path):
    assert said("", path=tmp_path / "other.yaml")[0].startswith(f"{tmp_path}/other.yaml:1:1: ")
