"""What each area's fullest declaration compiles to passes the judges too."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from baseops.contract.lock import Lock
from baseops.declaration import load
from baseops.workflow.compile import compile_declaration
from baseops.workflow.load import SPECS

pytestmark = pytest.mark.judge

Judge = Callable[[Path], list[str]]
AREAS = Path(__file__).parents[1] / "areas"
# Images need a locked base, which only an account knows; the fullest secrets have no top of their own.
FULL = ["backups", "email", "logs"]


@pytest.fixture(scope="module", params=FULL)
def templates(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = AREAS / request.param / "full.yaml"
    if not source.exists():
        pytest.skip(f"{request.param} has no full.yaml")
    folder = tmp_path_factory.mktemp(request.param)
    declaration = load(source, SPECS)
    for template in compile_declaration(declaration, Lock()).templates:
        path = folder / f"{template.stack}-{template.region}.json"
        path.write_text(json.dumps(template.body, indent=1))
    return folder


def test_cfn_lint_finds_no_error_and_no_warning_in_an_area(lint: Judge, templates: Path) -> None:
    assert lint(templates) == []


def test_checkov_finds_no_failed_check_in_an_area(scan: Judge, templates: Path) -> None:
    assert scan(templates) == []


def test_parliament_finds_nothing_of_medium_or_higher_in_an_area(audit: Judge, templates: Path) -> None:
    assert audit(templates) == []
