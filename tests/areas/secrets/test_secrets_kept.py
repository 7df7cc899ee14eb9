"""How a value is kept where AWS does not say when it was made: a promised age is not proven by that."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from baseops.areas.secrets import kept
from baseops.declaration import load
from baseops.workflow.load import SPECS

TEXT = """version: 1
name: acme
accounts: ["111111111111"]
region: eu-west-1
secrets:
  db: {managed: false, secret: app/db, readers: [role/web]%s}
"""


class OneSecret:
    """Secrets Manager with a secret whose current version is not among those that it lists."""

    region = "eu-west-1"

    def client(self, service: str, region: str | None = None) -> Any:
        return self

    def describe_secret(self, **_: Any) -> Any:
        return {"Name": "app/db", "VersionIdsToStages": {"v-2": ["AWSCURRENT"]}}

    def list_secret_version_ids(self, **_: Any) -> Any:
        return {"Versions": []}


@pytest.mark.parametrize(("promise", "verdict"), [("", "proven"), (", promise: {max_age: 30d}", "inconclusive")])
def test_an_age_that_nobody_knows_is_not_taken_for_young(promise, verdict):
    declaration = load(TEXT % promise, SPECS)
    ctx: Any = SimpleNamespace(clients=OneSecret(), site=declaration.site)
    (found,) = kept.look({"secrets.db": declaration.sections["secrets"].entries["db"]}, ctx)
    assert found.verdict.value == verdict
