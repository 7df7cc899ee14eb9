"""Starting is cheap: what only some commands need is loaded by those commands."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"boto3", "botocore", "pydantic", "troposphere", "moto", "yaml", "rich"}


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
