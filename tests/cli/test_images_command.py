"""`baseops images` against a served account: the lock it writes, the moves it shows, builds it starts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from baseops.cli.images import command

DECLARATION = """\
images:
  web:
    base: {name: acme-base-*, owner: self}
    components: [update]
    schedule: {cron: "0 3 ? * SUN *"}
    promise: {max_age: 8d, max_base_age: 35d}
    default_vpc: true
    publish: /imagebuilder/web
"""


@pytest.fixture
def declaration(declare) -> Path:
    return declare(DECLARATION)


@pytest.fixture
def run(served_account, declaration) -> Callable[..., Result]:
    def invoke(verb: str, *arguments: str) -> Result:
        return CliRunner().invoke(command, [verb, "-f", str(declaration), *arguments])

    return invoke


@pytest.fixture
def base(served_account) -> Callable[[str], str]:
    return lambda name: served_account.client("ec2").register_image(Name=name, Architecture="x86_64")["ImageId"]


def locked(declaration) -> str:
    return json.loads((declaration.parent / "baseops.lock").read_text())["bases"]["web"]["image_id"]


def test_lock_writes_the_base_and_leaves_it_alone_afterwards(run, base, declaration):
    first = base("acme-base-1")
    done = run("lock", "-o", "json")
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    assert (answer["schema"], answer["changed"]) == ("baseops/images-lock/1", True)
    assert answer["images"][0]["after"]["name"] == "acme-base-1"
    assert locked(declaration) == first
    again = run("lock")
    assert again.exit_code == 0
    assert "every base is locked" in again.stderr


def test_update_shows_the_move_and_makes_it_when_told(run, base, declaration, served_account):
    first = base("acme-base-1")
    run("lock")
    served_account.clock.sleep(1.1)
    second = base("acme-base-2")
    dry = run("update", "--dry-run")
    assert dry.exit_code == 0, dry.output
    assert f"{first} acme-base-1" in dry.stdout
    assert f"{second} acme-base-2" in dry.stdout
    assert locked(declaration) == first
    refused = run("update", "web")
    assert "there is no terminal to ask on" in str(refused.exception)
    assert locked(declaration) == first
    assert run("update", "web", "--yes").exit_code == 0
    assert locked(declaration) == second


def test_lock_without_such_a_base_says_what_to_do(run):
    assert "Correct `base`, then run: baseops images lock" in str(run("lock").exception)


def test_a_build_before_apply_says_what_to_do(run, base):
    base("acme-base-1")
    done = run("build", "web", "--yes")
    assert "there is no pipeline baseops-acme-web in eu-west-1" in str(done.exception)
