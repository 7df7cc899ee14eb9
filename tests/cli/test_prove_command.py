"""`baseops prove` and `baseops evidence` against a served account: tables, JSON, exit codes."""

import json

import pytest

DECLARATION = """\
logs:
  web: {group: {name: /acme/web}, metrics: {Errors: {pattern: ERROR}}}
"""


@pytest.fixture
def run(announced, baseops, declare):
    declare(DECLARATION)

    def call(*arguments):
        done = baseops(*arguments, environment=announced["environment"])
        return done.returncode, done.stdout, done.stderr

    return call


def test_a_refuted_promise_ends_with_3_and_evidence_that_verifies(run, tmp_path):
    code, out, err = run("prove", "--drill", "logs/live-filters", "-o", "json")
    assert (code, json.loads(out)["verdicts"]) == (3, {"proven": 0, "refuted": 1, "inconclusive": 0}), err
    assert json.loads(out)["schema"] == "baseops/prove/1"
    assert (tmp_path / "baseops-evidence" / "heads").is_dir()

    code, out, _ = run("evidence", "verify", "-o", "json")
    assert (code, json.loads(out)["sound"]) == (0, True)

    code, out, _ = run("evidence", "list", "-o", "json")
    assert [each["verdicts"]["refuted"] for each in json.loads(out)["runs"]] == [1]

    code, out, _ = run("evidence", "show", "-o", "jsonl")
    assert [json.loads(line)["target"] for line in out.splitlines()] == ["logs.web/Errors"]

    code, out, _ = run("status", "-o", "json")
    proofs = {each["drill"]: each["verdict"] for each in json.loads(out)["proofs"]}
    assert (proofs["logs/live-filters"], proofs["logs/alerts"]) == ("refuted", "never")

    code, out, _ = run("evidence", "query", "SELECT drill, verdict FROM evidence", "-o", "json")
    assert json.loads(out)["rows"] == [{"drill": "logs/live-filters", "verdict": "refuted"}]

    file = next((tmp_path / "baseops-evidence" / "records").rglob("*.jsonl"))
    file.write_bytes(file.read_bytes().replace(b"refuted", b"proven!"))
    code, _, err = run("evidence", "verify")
    assert code == 3
    assert "not sound" in err


def test_a_dry_run_says_what_would_run_and_keeps_nothing(run, tmp_path):
    code, out, err = run("prove", "--drill", "logs/live-filters", "--dry-run", "-o", "json")

    assert code == 0
    assert [each["name"] for each in json.loads(out)["drills"]] == ["logs/live-filters"]
    assert "list prices of" in err
    assert not (tmp_path / "baseops-evidence").exists()


def test_the_policies_are_printed_without_an_account(run):
    code, out, _ = run("prove", "--policy", "--endpoint-url", "http://127.0.0.1:9")

    assert code == 0
    assert set(json.loads(out)) == {"run", "observe"}


def test_a_sweep_of_nothing_finds_nothing(run):
    code, out, _ = run("prove", "--sweep", "-o", "json")

    assert (code, json.loads(out)["resources"]) == (0, [])


def test_a_class_has_to_be_allowed_and_a_duration_to_be_one(run):
    assert run("prove", "--every", "often")[0] == 2
    assert run("prove", "--drill", "logs/nothing")[0] == 2
