"""Bad mail, and the exact lines that say what is wrong with each: `# title`, the declaration, `=> ` each line."""

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
def test_bad_mail_is_refused_with_place_and_remedy(refused, text, expected):
    assert [f"baseops.yaml:{line}" for line in expected] == refused(text)


def test_every_key_together_is_valid(refused):
    said = refused((FOLDER / "full.yaml").read_text(encoding="utf-8"), top="")
    assert [line for line in said if ": note: " not in line] == []


def test_an_identity_of_one_line_is_accepted_without_a_word(refused):
    assert refused("email:\n  acme.example: {}\n") == []
    assert refused("email:\n  billing@acme.example: {}\n") == []


def test_off_in_yaml_is_off_and_not_a_mistake(declared):
    section = declared(
        "account: {email: {suppression: off, alarms: off}}\n"
        "email:\n  acme.example: {configuration_sets: {default: {suppression: off, alarms: off}}}\n"
    ).sections["email"]
    settings = section.entries["acme.example"].configuration_sets["default"]
    assert (section.account.suppression, section.account.alarms) == ([], None)
    assert (settings.suppression, settings.alarms) == ([], None)


def test_a_mail_from_and_a_report_address_may_be_written_short(declared):
    text = "email:\n  acme.example: {mail_from: bounce.acme.example, dmarc: {rua: dmarc@acme.example}}\n"
    entry = declared(text).sections["email"].entries["acme.example"]
    assert (entry.mail_from.domain, entry.mail_from.on_mx_failure) == ("bounce.acme.example", "use-default")
    assert entry.dmarc.rua == ["dmarc@acme.example"]
