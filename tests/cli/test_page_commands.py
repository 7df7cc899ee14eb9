"""`--page`, `--no-page` and `baseops evidence page`: where the HTML page goes, and what is said of it."""

import json

import pytest

from baseops.cli.page import attempt
from baseops.errors import BaseopsError

DECLARATION = """\
notify: [{email: ops@acme.example}]
logs:
  web: {group: {name: /acme/web}, metrics: {Errors: {pattern: ERROR}}}
"""


@pytest.fixture
def served(announced):
    return announced["environment"]


@pytest.fixture
def run(baseops, declare):
    declare(DECLARATION)

    def call(*arguments, environment=None):
        done = baseops(*arguments, environment=environment)
        return done.returncode, done.stdout, done.stderr

    return call


def test_a_proof_leaves_a_page_that_can_be_drawn_again_without_running(run, served, tmp_path):
    code, _, err = run("prove", "--drill", "logs/live-filters", environment=served)
    assert code == 3
    assert err.splitlines()[-2:] == ["page: baseops-proof.html", "next: baseops evidence verify -f baseops.yaml"]
    first = (tmp_path / "baseops-proof.html").read_text()
    assert "1 promise refuted" in first
    assert "logs.web/Errors" in first

    runs = sorted((tmp_path / "baseops-evidence" / "heads").rglob("*.json"))
    code, _, err = run("evidence", "page", "--page", "again.html", environment=served)
    assert (code, err.splitlines()[0]) == (0, "page: again.html")
    assert "logs.web/Errors" in (tmp_path / "again.html").read_text()
    assert sorted((tmp_path / "baseops-evidence" / "heads").rglob("*.json")) == runs


def test_a_place_that_cannot_be_is_said_before_any_drill_runs(run, served, tmp_path):
    (tmp_path / "mine.html").write_text("mine")

    for place in ("nowhere/page.html", "mine.html"):
        code, _, err = run("prove", "--page", place, environment=served)
        assert (code, place in err, "--no-page" in err) == (2, True, True)
    assert not (tmp_path / "baseops-evidence").exists()
    assert (tmp_path / "mine.html").read_text() == "mine"

    code, _, err = run("rehearse", "--page", "mine.html")
    assert (code, "compile …" in err) == (2, False)


def test_a_page_that_fails_takes_nothing_from_the_verdict(capsys):
    def draw():
        raise BaseopsError("the page p.html was not written", "No space left on device")

    assert str(attempt(draw)) == "the page p.html was not written: No space left on device"
    assert "no page: the page p.html was not written: No space left on device" in capsys.readouterr().err
    assert attempt(lambda: None) is None


def test_no_page_is_none(run, served, tmp_path):
    code, _, err = run("prove", "--no-page", environment=served)

    assert (code, "page:" in err) == (3, False)
    assert not (tmp_path / "baseops-proof.html").exists()


def test_a_dry_run_and_the_policies_draw_nothing(run, served, tmp_path):
    assert run("prove", "--dry-run", environment=served)[0] == 0
    assert run("prove", "--policy")[0] == 0

    assert not (tmp_path / "baseops-proof.html").exists()


def test_a_rehearsal_leaves_a_page(run, tmp_path):
    code, out, err = run("rehearse", "-o", "json")

    assert (code, json.loads(out)["passed"]) == (0, True), err
    assert "page: baseops-rehearsal.html" in err.splitlines()
    text = (tmp_path / "baseops-rehearsal.html").read_text()
    assert "Life of the stacks" in text
    assert "logs.web" in text
