"""The canary: what the declaration says against it, what the stack makes, and a drill with a real PostgreSQL server."""

from __future__ import annotations

import base64
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from baseops.areas.secrets.canary_rotation import STEPS, Story
from baseops.workflow.apply import apply
from baseops.workflow.compile import compile_declaration
from baseops.workflow.load import load, load_lock
from baseops.workflow.rehearsed_proof import proven
from baseops.workflow.world import build_world

FIRST = """\
secrets:
  db:
    secret: app/db
    generate: {{key: password, template: {{host: {host}, port: {port}, dbname: postgres, username: app}}}}
    readers: [role/web]
    rotation:
      function: postgres-single-user
      every: 30d
      network: {{subnets: [subnet-0a1b2c3d], security_groups: [sg-0a1b2c3d]}}
      canary: {canary}
"""


def written(canary: str, host: str = "db.internal", port: int = 5432) -> str:
    return FIRST.format(canary=canary, host=host, port=port)


def test_a_canary_that_is_the_live_user_is_refused(refused):
    (said,) = refused(written("{username: app}"))

    assert said == (
        "baseops.yaml:14:26: secrets.db.rotation.canary.username: app is the user that the application logs in as: the "
        "drill would change its password. Make another user in the database and name that one."
    )


def test_a_canary_needs_something_to_make_its_value_of(refused):
    text = re.sub("generate: .*", "description: by hand", written("{}"))
    (said,) = refused(text)

    assert said == (
        "baseops.yaml:14:7: secrets.db.rotation.canary: the canary's value is made like the live one, and there is no "
        "`generate` with a `template` to make it of. Write `generate: {key: password, template: {host: …, username: "
        "…}}`, or remove `canary`."
    )


def test_the_canarys_name_must_be_free(refused):
    (said,) = refused(written("{}") + "  db-canary: {secret: other, readers: [role/web]}\n")

    assert said == (
        "baseops.yaml:14:7: secrets.db.rotation.canary: the canary is `db-canary` with the secret app/db/canary, and "
        "one of them is declared. Give the other entry another name."
    )


@pytest.mark.parametrize(
    ("done", "why", "said"),
    [
        (("createSecret",), "the database is not reached", "setSecret failed: the database is not reached"),
        ((), "", "createSecret failed: it did not say why; its log group is /logs"),
        (STEPS, "", "every step says that it was done, and the new version is not current: look into /logs"),
    ],
)
def test_a_rotation_that_did_not_end_names_the_step_or_says_that_none_failed(done, why, said):
    story = Story(dict.fromkeys(done, datetime(2026, 1, 5, tzinfo=UTC)), why)
    assert story.failure("/logs") == said


# --- with a database ---

TOP = 'version: 1\nname: acme\naccounts: ["111111111111"]\nregion: eu-west-1\ndrills: {allow: [observe, exercise]}\n'


@pytest.fixture
def with_database(account, postgres, tmp_path):
    """A declaration whose canary has a user in a real database, applied; the user knows its password."""
    pytest.importorskip("pg8000", reason="the extra `rotation` is not installed")
    (tmp_path / "ca.pem").write_bytes(postgres.authority.read_bytes())
    text = written("{username: app-canary}", "localhost", postgres.port)
    path = tmp_path / "baseops.yaml"
    path.write_text(TOP + text.replace("      canary", "      ca_certificates: ca.pem\n      canary"))
    declaration = load(path)
    list(build_world(declaration, account))
    compiled = compile_declaration(declaration, load_lock(declaration))
    apply(compiled, account, account.clock)
    password = value(account, "AWSCURRENT")["password"]
    postgres.run(f'DROP ROLE IF EXISTS "app-canary"; CREATE ROLE "app-canary" LOGIN PASSWORD \'{password}\'')
    account.clock.sleep(timedelta(hours=1).total_seconds())
    return declaration, compiled.lock


def value(account, stage: str) -> dict:
    answer = account.client("secretsmanager").get_secret_value(SecretId="app/db/canary", VersionStage=stage)
    return json.loads(answer["SecretString"])


def drilled(with_database, account) -> dict:
    declaration, lock = with_database
    with proven(declaration, lock, account, names=["secrets/rotation"]) as run:
        (record,) = [dict(each.values) for each in run.records]
    return record


@pytest.mark.slow
def test_the_canary_rotates_in_a_real_database_and_ends_with_the_password_that_it_knows(
    with_database, account, postgres
):
    from baseops.areas.secrets.functions.postgres_single_user.database import scram_verifier

    before = value(account, "AWSCURRENT")["password"]
    record = drilled(with_database, account)

    assert (record["target"], record["verdict"], record["reason"]) == (
        "secrets.db",
        "proven",
        "rotated, rolled back and forward again",
    )
    assert record["method"] == "exercised"
    assert 8 <= record["measures"]["rotation_seconds"] <= 60
    assert [each["state"] for each in record["spans"]] == ["createSecret", "setSecret", "testSecret", "finishSecret"]
    assert value(account, "AWSPREVIOUS")["password"] == before
    after = value(account, "AWSCURRENT")["password"]
    kept = postgres.run("SELECT rolpassword FROM pg_authid WHERE rolname = 'app-canary'")
    assert kept == scram_verifier(after, base64.b64decode(kept.split(":")[1].split("$")[0]))
    assert after not in json.dumps(record)
    assert drilled(with_database, account)["verdict"] == "proven"


@pytest.mark.slow
def test_a_database_that_does_not_know_the_password_is_found_out(with_database, account, postgres):
    postgres.run("ALTER ROLE \"app-canary\" PASSWORD 'changed by hand'")

    record = drilled(with_database, account)

    assert (record["verdict"], record["reason"]) == (
        "refuted",
        "setSecret failed: the database knows neither its present nor its former password",
    )
    labels = account.client("secretsmanager").describe_secret(SecretId="app/db/canary")["VersionIdsToStages"]
    assert "AWSPENDING" not in [stage for stages in labels.values() for stage in stages]


def test_the_stack_makes_the_canary_like_the_live_one_but_for_its_user(tmp_path):
    path = tmp_path / "baseops.yaml"
    Path(path).write_text(TOP + written("{}"))
    declaration = load(path)
    compiled = compile_declaration(declaration, load_lock(declaration))
    resources = next(each for each in compiled.templates if each.stack == "secrets").body["Resources"]
    live, canary = resources["DbRotationFunction"]["Properties"], resources["DbCanaryRotationFunction"]["Properties"]

    own = ("Description", "Role", "LoggingConfig")
    assert {key: item for key, item in live.items() if key not in own} == {
        key: item for key, item in canary.items() if key not in own
    }
    rule = resources["DbCanarySecret"]["Properties"]["GenerateSecretString"]["SecretStringTemplate"]
    assert json.loads(rule) == {"dbname": "postgres", "host": "localhost", "port": 1, "username": "nobody"}
    assert resources["DbCanaryRotationSchedule"]["Properties"]["RotateImmediatelyOnUpdate"] is False
    assert "DbCanaryRotationFailedAlarm" not in resources
