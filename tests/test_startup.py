"""Starting is cheap: what only some commands need is loaded by those commands."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"boto3", "botocore", "pydantic", "troposphere", "moto", "yaml", "rich", "jinja2", "vl_convert"}

ALL_WITHOUT_IMAGES = """\
version: 1
name: acme
accounts: ["111111111111"]
region: eu-west-1
backups:
  daily:
    target: {resource: volume, tags: {Backup: daily}}
    schedule: {interval: 24h, time: "03:00"}
    retain: {age: 30d}
    promise: {rpo: 30h}
logs:
  web: {group: {name: /acme/web/nginx}}
secrets:
  db: {secret: app/db-password, generate: {length: 40}, readers: [role/web]}
email:
  acme.example: {dns: print}
"""
"""Every area but images: those need a base image that is locked."""


def loaded_by(program: str) -> set[str]:
    report = "import sys, atexit; atexit.register(lambda: print('\\n' + ' '.join(sys.modules)));"
    done = subprocess.run([sys.executable, "-c", report + program], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert loaded_by("import baseops") & HEAVY == set()


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_load_nothing_heavy(option: str) -> None:
    run = f"sys.argv = ['baseops', '{option}']; from baseops.cli.main import main; main()"

    assert loaded_by(run) & HEAVY == set()


def test_the_version_is_that_of_the_distribution() -> None:
    code = "import baseops; from importlib.metadata import version; print(baseops.__version__, version('baseops-aws'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    ours, distribution = done.stdout.split()
    assert ours == distribution


@pytest.mark.parametrize("verb", ["check", "compile"])
def test_what_asks_aws_nothing_loads_no_sdk(verb: str, tmp_path: Path) -> None:
    declaration = tmp_path / "baseops.yaml"
    declaration.write_text(ALL_WITHOUT_IMAGES)
    arguments = [verb, "-f", str(declaration), *(["-d", str(tmp_path / "out")] if verb == "compile" else [])]
    run = f"sys.argv = ['baseops', *{arguments!r}]; from baseops.cli.main import main; main()"

    loaded = loaded_by(run)

    assert "pydantic" in loaded
    assert loaded & {"boto3", "botocore", "moto", "rich"} == set()
