"""`baseops prove --assume`: who types it holds `run` alone, the drill roles do the rest, and IAM is enforced."""

import json
import subprocess
from pathlib import Path
from signal import SIGKILL

import pytest

pytestmark = pytest.mark.slow
ACME = str(Path(__file__).resolve().parents[2] / "examples" / "acme" / "baseops.yaml")


@pytest.fixture
def enforcing(served_acme, applied_acme, permitted):
    """A served copy of the applied example that enforces IAM, with a role that has the policy `run` and no other."""
    declaration, _, _ = applied_acme
    with served_acme(lambda account: permitted(declaration, account)) as sandbox:
        yield sandbox


@pytest.fixture
def as_runner(enforcing, tmp_path):
    """Runs commands as that role, to their end or until it is time to kill them."""

    def run(*arguments, kill_when=lambda: False):
        # Anew for each command: its hour may be over when the next one begins.
        given = enforcing.session.assume("arn:aws:iam::111111111111:role/permitted-run", "ci").credentials
        keys = {
            "AWS_ACCESS_KEY_ID": given.access_key,
            "AWS_SECRET_ACCESS_KEY": given.secret_key,
            "AWS_SESSION_TOKEN": given.token,
        }
        running = enforcing.command(*arguments, "-f", ACME, "-o", "json", state=tmp_path / "state", **keys)
        while running.returncode is None:
            try:
                out, err = running.communicate(timeout=0.2)
            except subprocess.TimeoutExpired:
                if kill_when():
                    running.kill()
        return running.returncode, json.loads(out) if out else {}, err

    return run


def test_drill_roles_run_the_drills_and_the_runner_keeps_and_seals(as_runner):
    code, found, err = as_runner("prove", "backups", "secrets", "--assume", "--no-page")

    refused = [each for each in found["records"] if "permission is missing" in each["reason"]]
    assert (refused, found["leftovers"]) == ([], []), err
    assert found["verdicts"]["proven"] > 3
    assert found["verdicts"]["refuted"] == 0
    assert code in (0, 5)

    code, verified, err = as_runner("evidence", "verify")
    assert (code, verified["sound"], verified["runs"]) == (0, True, 1), err
    code, listed, _ = as_runner("evidence", "list")
    assert listed["runs"][0]["signed_by"].startswith("arn:aws:kms:eu-west-1:111111111111:key/")
    assert as_runner("prove", "--sweep", "--assume")[0] == 0


@pytest.mark.parametrize("kind", ["AWS::EC2::Instance", "AWS::SSM::Document", "AWS::SES::SuppressedDestination"])
def test_what_a_killed_run_left_is_removed_by_the_drill_roles(enforcing, as_runner, tmp_path, kind):
    def is_journaled():
        return any(kind in each.read_text() for each in (tmp_path / "state").rglob("*.jsonl"))

    run = ("prove", "--class", "exercise", "-y", "--assume", "--no-page")
    assert as_runner(*run, kill_when=is_journaled)[0] == -SIGKILL
    enforcing.post("advance", seconds=900)

    code, found, err = as_runner("prove", "--sweep", "--assume")

    assert code == 0, err
    assert [each for each in found["resources"] if each["outcome"] not in ("removed", "gone")] == []
    assert kind in {each["kind"] for each in found["resources"]}


def test_without_the_drill_roles_the_runner_alone_finds_out_nothing(as_runner):
    code, found, _ = as_runner("prove", "backups", "--no-page")

    assert code == 5
    assert {each["verdict"] for each in found["records"]} == {"inconclusive"}
    assert all("a permission is missing" in each["reason"] for each in found["records"])


def test_exercises_run_in_their_role(as_runner):
    _, found, err = as_runner("prove", "--class", "exercise", "-y", "--assume", "--no-page")

    refused = [each for each in found["records"] if "permission is missing" in each["reason"]]
    assert (refused, found["leftovers"], found["verdicts"]["refuted"]) == ([], [], 0), err
