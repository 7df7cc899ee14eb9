"""What baseops compiles passes its judges: the examples, and a declaration of 700 log groups."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.judge

Judge = Callable[[Path], list[str]]
ROOT = Path(__file__).resolve().parents[2]
MANY = 700


def many_log_groups() -> Iterator[str]:
    yield 'version: 1\nname: many\naccounts: ["111111111111"]\nregion: eu-west-1\nlogs:'
    for number in range(MANY):
        yield f"""  g{number:03d}:
    group: {{name: /many/g{number:03d}, retention_days: 30}}
    metrics: {{Errors: {{pattern: ERROR}}}}
    alarms:
      errors:
        metric: Errors
        statistic: Sum
        period: 60
        threshold: 5
        comparison: GreaterThanThreshold
        evaluation_periods: 3
        datapoints_to_alarm: 2
        treat_missing_data: notBreaching"""


@pytest.fixture(scope="module", params=["acme", "minimal", "many"])
def templates(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "many":
        (folder / "baseops.yaml").write_text("\n".join(many_log_groups()) + "\n")
    else:
        shutil.copytree(ROOT / "examples" / request.param, folder, dirs_exist_ok=True)
    command = [sys.executable, "-m", "baseops", "compile", "-f", folder / "baseops.yaml", "-d", folder / "out"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "out"


def test_cfn_lint_finds_no_error_and_no_warning(lint: Judge, templates: Path) -> None:
    assert lint(templates) == []


def test_checkov_finds_no_failed_check(scan: Judge, templates: Path) -> None:
    assert scan(templates) == []


def test_parliament_finds_nothing_of_medium_or_higher(audit: Judge, templates: Path) -> None:
    assert audit(templates) == []
