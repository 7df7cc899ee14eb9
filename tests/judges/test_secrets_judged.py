"""Every key of `secrets`, compiled, before the judges."""

from __future__ import annotations

import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.judge

Judge = Callable[[Path], list[str]]
AREA = Path(__file__).resolve().parents[1] / "areas" / "secrets"
TOP = """\
version: 1
name: acme
accounts: ["111111111111"]
region: eu-west-1
regions: [us-east-1]
tags: {owner: platform}
iam: {path: /baseops/, permissions_boundary: policy/boundary}
secrets:
"""


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("secrets")
    shutil.copy(AREA / "authorities.pem", folder)
    (folder / "baseops.yaml").write_text(TOP + textwrap.indent((AREA / "full.yaml").read_text(), "  "))
    command = [sys.executable, "-m", "baseops", "compile", "-f", folder / "baseops.yaml", "-d", folder / "out"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "out"


def test_cfn_lint_finds_nothing_in_secrets(lint: Judge, templates: Path) -> None:
    assert lint(templates) == []


def test_checkov_finds_nothing_in_secrets(scan: Judge, templates: Path) -> None:
    assert scan(templates) == []


def test_parliament_finds_nothing_in_secrets(audit: Judge, templates: Path) -> None:
    assert audit(templates) == []
