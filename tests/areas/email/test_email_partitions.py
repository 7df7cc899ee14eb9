"""Outside the partition `aws` every ARN is of the region's own."""

from __future__ import annotations

from pathlib import Path

import pytest

import baseops.areas
from baseops.areas.email.delegation import identity_policies
from baseops.areas.email.identities import identities
from baseops.areas.email.rehearse import judge
from baseops.contract.refs import Refs
from baseops.declaration import load
from baseops.workflow.load import SPECS

TEXT = """version: 1
name: acme
accounts: ["111111111111"]
region: us-gov-west-1
email:
  acme.example:
    attach: print
    senders:
      role/web: [a@acme.example]
      "arn:aws-us-gov:iam::222222222222:role/partner": [b@acme.example]
"""


def test_a_sender_in_govcloud_may_send_and_gets_a_policy_of_its_partition():
    declaration = load(TEXT, SPECS)
    found = judge(declaration.sections["email"], Refs(declaration.site))
    assert [each.rule for each in found if each.severity == "error"] == []
    (printed, _) = [each.remedy for each in found if each.rule == "email.policy-to-attach"]
    assert '"arn:aws-us-gov:ses:us-gov-west-1:111111111111:identity/acme.example"' in printed


def test_another_account_is_let_in_by_names_of_its_partition():
    declaration = load(TEXT, SPECS)
    (policy,) = identity_policies(identities(declaration.sections["email"]), declaration.site)
    (statement,) = policy.document["Statement"]
    assert (statement["Principal"], statement["Resource"]) == (
        {"AWS": "arn:aws-us-gov:iam::222222222222:root"},
        "arn:aws-us-gov:ses:us-gov-west-1:111111111111:identity/acme.example",
    )


@pytest.mark.parametrize("area", ["email", "secrets"])
def test_no_module_that_meets_a_real_account_fixes_the_partition(area):
    (root,) = baseops.areas.__path__
    # What a world and breaks make is for the sandbox, whose regions are all of `aws`.
    met = [
        each
        for each in (Path(root) / area).rglob("*.py")
        if not each.name.startswith(("world", "breaks", "company_trail"))
    ]
    assert [each.name for each in met if 'f"arn:aws:' in each.read_text(encoding="utf-8")] == []
