"""`check --lint`: cfn-lint's words as findings, asked once for each content."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from baseops.contract.finding import Severity
from baseops.contract.template import Template
from baseops.errors import InconclusiveError
from baseops.workflow.lint import cache_folder, find_linter, lint

ROOT = Path(__file__).resolve().parents[2]

# A stand-in that complains of every file and writes down what it was asked.
LINTER = """#!/usr/bin/env python3
import json, pathlib, sys
if sys.argv[1] == "--version":
    print("cfn-lint 1.58.0")
    sys.exit()
asked = pathlib.Path(__file__).with_name("asked")
with asked.open("a") as out:
    out.write(f"{sys.argv[4]}:{len(sys.argv) - 6}\\n")
rule = {"Id": "E3030", "Source": "https://example.com/enum"}
print(json.dumps([{"Filename": name, "Level": "Error", "Message": "91 is not one of [90]", "Rule": rule,
                   "Location": {"Path": ["Resources", "Group"]}} for name in sys.argv[6:]]))
sys.exit(2)
"""


def template(stack: str = "logs", region: str = "eu-west-1", days: int = 91) -> Template:
    group = {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": days}}
    return Template(stack=stack, name=f"baseops-acme-{stack}", region=region, body={"Resources": {"Group": group}})


@pytest.fixture
def linter(tmp_path: Path) -> Path:
    program = tmp_path / "cfn-lint"
    program.write_text(LINTER)
    program.chmod(0o755)
    return program


def asked(linter: Path) -> list[str]:
    return linter.with_name("asked").read_text().split()


def test_a_complaint_becomes_a_finding_with_its_place(linter: Path, tmp_path: Path) -> None:
    (finding,) = lint([template("logs-2")], linter=linter, cache=tmp_path / "cache")

    assert finding.severity is Severity.ERROR
    assert finding.rule == "lint.e3030"
    assert finding.path == ("logs",)
    assert finding.message == "stack logs-2 in eu-west-1 at Resources/Group: 91 is not one of [90]"
    assert finding.remedy == "See https://example.com/enum"


def test_stacks_of_no_area_have_no_place_in_the_declaration(linter: Path, tmp_path: Path) -> None:
    (finding,) = lint([template("foundation")], linter=linter, cache=tmp_path / "cache")

    assert finding.path == ()


def test_the_same_template_is_judged_once(linter: Path, tmp_path: Path) -> None:
    first = lint([template()], linter=linter, cache=tmp_path / "cache")
    again = lint([template()], linter=linter, cache=tmp_path / "cache")

    assert first == again
    assert asked(linter) == ["eu-west-1:1"]


def test_only_what_changed_is_judged_again(linter: Path, tmp_path: Path) -> None:
    lint([template("logs"), template("email")], linter=linter, cache=tmp_path / "cache")
    lint([template("logs", days=92), template("email")], linter=linter, cache=tmp_path / "cache")

    assert asked(linter) == ["eu-west-1:2", "eu-west-1:1"]


def test_each_region_is_judged_as_itself(linter: Path, tmp_path: Path) -> None:
    findings = lint([template(), template(region="us-east-1")], linter=linter, cache=tmp_path / "cache")

    assert len(findings) == 2
    assert asked(linter) == ["eu-west-1:1", "us-east-1:1"]


def test_a_new_version_of_the_linter_judges_anew(linter: Path, tmp_path: Path) -> None:
    lint([template()], linter=linter, cache=tmp_path / "cache")
    linter.write_text(LINTER.replace("1.58.0", "1.59.0"))
    lint([template()], linter=linter, cache=tmp_path / "cache")

    assert asked(linter) == ["eu-west-1:1", "eu-west-1:1"]


def test_without_a_linter_there_is_a_note_that_says_how_to_get_it(tmp_path: Path) -> None:
    (finding,) = lint([template()], linter=None, cache=tmp_path)

    assert finding.severity is Severity.NOTE
    assert finding.remedy == "Run: pip install 'baseops-aws[lint]'"


def test_a_linter_that_breaks_off_is_inconclusive_and_not_kept(tmp_path: Path) -> None:
    broken = tmp_path / "cfn-lint"
    broken.write_text("#!/bin/sh\n[ $1 = --version ] && exit\necho 'no schemas' >&2\nexit 1\n")
    broken.chmod(0o755)

    with pytest.raises(InconclusiveError, match="it ended with 1: no schemas"):
        lint([template()], linter=broken, cache=tmp_path / "cache")
    assert not list((tmp_path / "cache").glob("*.json"))


def test_a_program_that_does_not_start_is_inconclusive_even_without_templates(tmp_path: Path) -> None:
    broken = tmp_path / "cfn-lint"
    broken.write_text("#!/bin/sh\necho 'command not found' >&2\nexit 127\n")
    broken.chmod(0o755)

    with pytest.raises(InconclusiveError, match="it ended with 127: command not found"):
        lint([], linter=broken, cache=tmp_path / "cache")


def test_the_linter_is_found_on_path(linter: Path) -> None:
    if Path(sys.executable).with_name("cfn-lint").exists():
        pytest.skip("cfn-lint lies beside this interpreter and is taken first")

    assert find_linter({"PATH": str(linter.parent)}) == linter


def test_answers_lie_in_the_users_cache_folder() -> None:
    assert cache_folder({"XDG_CACHE_HOME": "/c"}) == Path("/c/baseops/lint")
    assert cache_folder({"HOME": "/home/ann"}) == Path("/home/ann/.cache/baseops/lint")


@pytest.mark.judge
def test_the_true_cfn_lint_says_the_same(tmp_path: Path) -> None:
    home = ROOT / os.environ.get("BASEOPS_JUDGES", ".judges") / "cfn-lint"
    program = home / "bin" / "cfn-lint"
    if not program.exists():
        pytest.skip(f"cfn-lint is not installed in {home}; run: make judges")

    findings = lint([template(), template("email", days=90)], linter=program, cache=tmp_path)

    assert [(finding.rule, finding.path) for finding in findings] == [("lint.e3030", ("logs",))]
