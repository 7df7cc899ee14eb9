"""Bad backups, and the exact lines that say what is wrong with each: `# title`, the declaration, `=> ` each line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent


def cases() -> Iterator[pytest.param]:
    for block in re.split(r"(?m)^# ", (FOLDER / "bad.txt").read_text(encoding="utf-8"))[1:]:
        title, _, body = block.partition("\n")
        lines = body.rstrip("\n").split("\n")
        text = "\n".join(line for line in lines if not line.startswith("=> ")) + "\n"
        yield pytest.param(text, [line.removeprefix("=> ") for line in lines if line.startswith("=> ")], id=title)


@pytest.mark.parametrize(("text", "expected"), list(cases()))
def test_a_bad_backup_is_refused_with_place_and_remedy(refused, text, expected):
    assert [f"baseops.yaml:{line}" for line in expected] == refused(text)


def test_every_key_together_is_valid(refused):
    said = refused((FOLDER / "full.yaml").read_text(encoding="utf-8"), top="")
    assert [line for line in said if ": note: " not in line] == []


def test_a_backup_of_one_line_each_is_accepted_without_a_word(refused):
    backup = """backups:
  daily:
    target: {resource: volume, tags: {Backup: daily}}
    schedule: {interval: 24h, time: "03:00"}
    retain: {age: 30d}
    promise: {rpo: 30h}
"""
    assert refused(backup) == []
