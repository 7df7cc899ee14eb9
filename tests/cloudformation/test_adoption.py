"""What a stack takes over that CloudFormation would not import by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from baseops.cloudformation.changesets import Body
from baseops.cloudformation.operations import StackOperations
from baseops.contract.site import Site
from baseops.contract.template import Template
from baseops.sandbox.account import Account, open_account

SITE = Site("acme", ("111111111111",), "eu-west-1")


@pytest.fixture
def account() -> Iterator[Account]:
    with open_account() as opened:
        yield opened


def template(**secrets: dict) -> Template:
    resources = {
        name: {"Type": "AWS::SecretsManager::Secret", "DeletionPolicy": "Retain", "Properties": properties}
        for name, properties in secrets.items()
    }
    return Template("secrets", "baseops-acme-secrets", "eu-west-1", {"Resources": resources})


def applied(account: Account, wanted: Template):
    operations = StackOperations(account, account.clock, SITE, lambda _: None)
    return operations.apply(wanted, Body(json.dumps(wanted.body)), {})


def test_a_secret_that_exists_is_taken_over_with_its_value(account):
    client = account.client("secretsmanager")
    arn = client.create_secret(Name="app/db", SecretString="known to the database")["ARN"]
    wanted = template(Db={"Name": "app/db", "Description": "ours", "GenerateSecretString": {"PasswordLength": 40}})
    done = applied(account, wanted)
    assert (done.outcome, done.imported) == ("created", (arn,))
    assert client.get_secret_value(SecretId=arn)["SecretString"] == "known to the database"
    assert client.describe_secret(SecretId=arn)["Description"] == "ours"
    assert applied(account, wanted).outcome == "unchanged"


def test_a_secret_is_taken_over_into_a_stack_that_exists(account):
    client = account.client("secretsmanager")
    assert applied(account, template(One={"Name": "one"})).outcome == "created"
    arn = client.create_secret(Name="two", SecretString="kept")["ARN"]
    done = applied(account, template(One={"Name": "one"}, Two={"Name": "two", "Description": "ours"}))
    assert (done.outcome, done.imported) == ("updated", (arn,))
    assert client.get_secret_value(SecretId="two")["SecretString"] == "kept"


def test_a_secret_that_does_not_exist_is_made(account):
    assert applied(account, template(Db={"Name": "app/db"})).imported == ()
