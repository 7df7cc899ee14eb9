"""Bad logs, and the exact lines that say what is wrong with each: `# title`, the declaration, `=> ` each line."""

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
def test_bad_logs_are_refused_with_place_and_remedy(refused, text, expected):
    assert expected
    assert [f"baseops.yaml:{line}" for line in expected] == refused(text)


def test_every_key_of_logs_together_is_valid(refused):
    assert refused((FOLDER / "full.yaml").read_text(encoding="utf-8"), top="") == []


def test_a_log_group_of_one_line_is_accepted_without_a_word(refused):
    assert refused("logs:\n  web: {group: {name: /acme/web}}\n") == []


def test_what_somebody_else_made_is_not_checked_as_if_it_were_ours(refused):
    text = """logs:
  legacy:
    managed: false
    group: {name: /legacy, class: INFREQUENT_ACCESS}
    heartbeat: {silent_for: 15m}
"""
    assert refused(text) == []
