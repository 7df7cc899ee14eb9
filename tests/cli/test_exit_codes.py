"""Every exit code of docs/commands.md, reached by the real command; errors in three parts, never a traceback."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from baseops import errors
from baseops.cli.failures import exit_code_of

BASEOPS = str(Path(sys.executable).with_name("baseops"))
DOCS = Path(__file__).resolve().parents[2] / "docs"
DECLARATION = """\
logs:
  web: {group: {name: /acme/web, retention_days: 30}, metrics: {Errors: {pattern: ERROR}}}
"""

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(baseops: Run, declare: Callable[[str], Path], tmp_path: Path) -> Run:
    """The command in a folder with a declaration, with credentials that are nobody's and no network."""
    declare(DECLARATION)
    environment = {
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
    }

    def invoke(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return baseops(*arguments, environment={**environment, **more})

    return invoke


def parts(done: subprocess.CompletedProcess[str]) -> tuple[str, str]:
    """Why and what to do, as an error says them."""
    why = re.search(r"(?m)^  why: (.+)$", done.stderr)
    remedy = re.search(r"(?m)^  do: (.+)$", done.stderr)
    assert why, done.stderr
    assert remedy, done.stderr
    return why[1], remedy[1]


def test_0_when_all_is_well(run: Run) -> None:
    assert run("check").returncode == 0


def test_1_when_aws_cannot_be_reached(run: Run) -> None:
    done = run("status", "--endpoint-url", "http://127.0.0.1:1")
    assert done.returncode == 1
    assert parts(done)[1] == "Check the network and --endpoint-url."


def test_1_when_a_folder_cannot_be_written_to(run: Run) -> None:
    done = run("compile", "-d", "baseops.yaml")
    assert done.returncode == 1
    assert parts(done)[0] == "Not a directory"


@pytest.mark.parametrize("verb", ["check", "compile", "plan", "apply", "status", "destroy", "rehearse"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no such file or directory"),
        (b"", "the file is empty. Run: baseops init"),
        (b"\xb8\xff\x00\x01", "is not UTF-8"),
        (b"version: [", "a [ or { is not closed"),
        (b"accounts: yes\n", "the key 'name' is missing"),
    ],
    ids=["missing", "empty", "binary", "broken", "wrong"],
)
def test_2_when_the_declaration_cannot_be_read(
    run: Run, tmp_path: Path, verb: str, content: bytes | None, said: str
) -> None:
    if content is not None:
        (tmp_path / "bad.yaml").write_bytes(content)
    done = run(verb, "-f", "bad.yaml")
    assert done.returncode == 2
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert re.search(r"baseops (check|init) -f bad.yaml", done.stderr)


@pytest.mark.parametrize(
    "arguments",
    [
        ("frobnicate",),
        ("plan", "--frobnicate"),
        ("plan", "-o", "xml"),
        ("plan", "-f", "."),
        ("plan", "--endpoint-url", "nonsense"),
        ("plan", "--endpoint-url", "http://127.0.0.1:99999999"),
        ("plan", "--region", "x y"),
        ("init",),
        ("completion", "tcsh"),
        ("email", "dns"),
        ("images", "lock"),
        ("secrets", "put", "nothing"),
        ("sandbox", "up", "--port", "99999"),
        ("sandbox", "up", "--account", "12"),
        ("sandbox", "up", "--region", "x y"),
        ("sandbox", "up", "--speed", "-1"),
    ],
    ids=" ".join,
)
def test_2_for_nonsense_on_the_command_line(run: Run, arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_4_without_credentials(run: Run) -> None:
    done = run("plan", AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
    assert done.returncode == 4
    assert parts(done) == (
        "Unable to locate credentials",
        "Log in or name a profile: aws sso login, or --profile NAME",
    )


def test_4_for_a_profile_that_is_not_there(run: Run) -> None:
    assert run("plan", "--profile", "nobody").returncode == 4


@pytest.mark.parametrize("arguments", [("--help",), ("schema",), ("check",), ("compile",)], ids=" ".join)
def test_a_reader_who_goes_away_is_no_error(run: Run, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    done = subprocess.run(
        [BASEOPS, *arguments], check=False, stdout=writes, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    )
    os.close(writes)
    assert (done.returncode, "Traceback" in done.stderr, "Broken" in done.stderr) == (0, False, False)


def test_no_colour_is_written_where_nobody_wants_it_and_all_where_somebody_does(run: Run) -> None:
    assert "\x1b[" not in run("check", "-f", "none.yaml").stderr
    assert "\x1b[" not in run("compile", NO_COLOR="1").stdout


def test_a_narrow_terminal_loses_nothing(run: Run) -> None:
    done = run("compile", "-o", "json", COLUMNS="60")
    files = [each["file"] for each in json.loads(done.stdout)["templates"]]
    narrow = run("compile", COLUMNS="60")
    assert all(file in narrow.stdout for file in files)


def raising(error: BaseException) -> Callable[[], object]:
    def run() -> object:
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.BaseopsError("x"), 1),
        (errors.UsageError("x"), 2),
        (errors.DeclarationError("x"), 2),
        (errors.CompileError("x"), 2),
        (errors.VerdictError("x"), 3),
        (errors.AccessError("x"), 4),
        (errors.InconclusiveError("x"), 5),
        (errors.AwsError("x"), 1),
        (errors.NotFoundError("x"), 1),
        (errors.ThrottledError("x"), 1),
        (errors.StackError("x"), 1),
        (errors.SandboxError("x"), 1),
        (errors.SnapshotError("x"), 1),
        (errors.Interrupted("x"), 130),
        (KeyboardInterrupt(), 130),
        (click.exceptions.Abort(), 130),
        (click.BadParameter("x"), 2),
        (PermissionError(13, "Permission denied", "out"), 1),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_each_error_has_its_code(error: BaseException, code: int) -> None:
    assert exit_code_of(raising(error)) == code


def test_the_table_in_the_documentation_is_the_one_of_the_classes() -> None:
    text = " ".join((DOCS / "commands.md").read_text().split())
    for code, words in (
        (0, "done"),
        (1, "error"),
        (2, "usage or invalid declaration"),
        (3, "verdict negative"),
        (4, "no credentials or access denied"),
        (5, "inconclusive"),
        (130, "interrupted"),
    ):
        assert f"{code} {words}" in text
    assert {each.exit_code for each in vars(errors).values() if hasattr(each, "exit_code")} == {1, 2, 3, 4, 5, 130}


def test_a_command_broken_off_says_its_own_code_before_what_it_had_found(run: Run, tmp_path: Path) -> None:
    """2 if nothing could start: an invalid declaration is 2 even where credentials are missing too."""
    (tmp_path / "bad.yaml").write_text("version: 1\n")
    assert run("plan", "-f", "bad.yaml", AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="").returncode == 2
