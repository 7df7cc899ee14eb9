"""A declaration with keys of one's own, and with values that others made, is rehearsed from end to end."""

from __future__ import annotations

import pytest

from baseops.workflow.load import load, load_lock
from baseops.workflow.rehearse import rehearse

KEY = "arn:aws:kms:eu-west-1:111111111111:key/11111111-2222-3333-4444-555555555555"
DECLARED = f"""\
version: 1
name: keyed
accounts: ["111111111111"]
region: eu-west-1
secrets:
  own: {{secret: app/own, key: "{KEY}", generate: {{length: 20}}, readers: [role/web]}}
  parameter: {{parameter: /app/own, key: "{KEY}", readers: [role/web]}}
  theirs: {{secret: old/secret, managed: false, readers: [role/web]}}
  their-parameter: {{parameter: /old/value, managed: false, readers: [role/web]}}
"""


@pytest.mark.slow
def test_keys_of_ones_own_and_values_of_others_are_rehearsed(tmp_path):
    (tmp_path / "baseops.yaml").write_text(DECLARED)
    declaration = load(tmp_path / "baseops.yaml")

    found = rehearse(declaration, load_lock(declaration))

    assert found.failure is None
    assert {(each["target"], each["verdict"]) for each in found.records} == {
        *((f"secrets.{name}", "proven") for name in ("own", "parameter", "theirs", "their-parameter")),
        ("secrets/trail", "proven"),
    }
    assert len(found.sabotage) == 14
    assert all(each.caught for each in found.sabotage)
