"""`baseops secrets put`, as a person or a pipe uses it, against a served sandbox."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from baseops.cli.secrets import command
from baseops.errors import UsageError
from baseops.sandbox.account import Account

DECLARATION = """\
secrets:
  api: {parameter: /app/api-key, readers: [role/web]}
"""


@pytest.fixture
def served(served_account: Account) -> Account:
    key = served_account.client("kms").create_key()["KeyMetadata"]["KeyId"]
    served_account.client("kms").create_alias(AliasName="alias/baseops-acme-secrets", TargetKeyId=key)
    return served_account


@pytest.fixture
def put(declare):
    path = declare(DECLARATION)

    def run(*arguments: str, stdin: str = "") -> Result:
        return CliRunner().invoke(command, ["put", "-f", str(path), *arguments], input=stdin)

    return run


def test_a_piped_value_is_put_without_its_final_newline_and_never_shown(served, put):
    done = put("/app/api-key", "--yes", "-o", "json", stdin="hunter2\n")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == {
        "schema": "baseops/secrets-put/1",
        "name": "/app/api-key",
        "kind": "parameter",
        "version": "1",
    }
    assert "hunter2" not in done.output
    live = served.client("ssm").get_parameter(Name="/app/api-key", WithDecryption=True)
    assert live["Parameter"]["Value"] == "hunter2"


def test_a_dry_run_says_where_it_would_go_and_asks_for_nothing(served, put):
    done = put("api", "--dry-run")
    assert done.stderr == "would put the first value of the parameter /app/api-key in eu-west-1\n"
    assert served.client("ssm").describe_parameters()["Parameters"] == []


def test_without_a_terminal_and_yes_nothing_is_put(served, put):
    done = put("api", stdin="hunter2")
    assert isinstance(done.exception, UsageError)
    assert done.exception.why == "there is no terminal to ask on"
    assert served.client("ssm").describe_parameters()["Parameters"] == []


def test_a_second_value_needs_to_be_asked_for(served, put):
    assert put("api", "--yes", stdin="one").exit_code == 0
    refused = put("api", "--yes", stdin="two")
    assert isinstance(refused.exception, UsageError)
    assert put("api", "--yes", "--overwrite", stdin="two").exit_code == 0


def test_the_value_is_no_argument(put):
    refused = put("api", "hunter2")
    assert refused.exit_code == 2
    assert "Got unexpected extra argument" in refused.output
