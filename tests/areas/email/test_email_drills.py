"""What the drills of email say of the applied example: as it is, after each break, and where they cannot know."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from baseops.areas.email.sabotage import sabotages
from baseops.workflow.load import load

ACME = load(Path(__file__).resolve().parents[3] / "examples" / "acme" / "baseops.yaml")
BREAKS = sabotages(ACME.sections["email"], ACME.site)
DOMAIN = "email/acme.example"
SET = f"{DOMAIN}/baseops-acme-acme-example"


def by_target(records: list[dict[str, Any]], verdict: str) -> dict[str, str]:
    return {each["target"]: each["reason"] for each in records if each["verdict"] == verdict}


def test_dns_has_what_ses_expects(acme_says):
    assert by_target(acme_says("email/dns"), "proven") == {
        f"{DOMAIN}/dkim": "the 3 CNAMEs lead to SES's keys",
        f"{DOMAIN}/mail-from": "bounces of bounce.acme.example go to SES",
        f"{DOMAIN}/spf": "SES may send for bounce.acme.example, with 1 look-ups",
        f"{DOMAIN}/dmarc": "the policy at _dmarc.acme.example is none",
    }


def test_events_get_through_policies_and_keys(acme_says):
    records = acme_says("email/events")
    assert {each["verdict"] for each in records} == {"proven"}
    methods = {each["target"]: each["method"] for each in records}
    assert (methods[f"{SET}/destinations"], methods[f"{SET}/queue"]) == ("observed", "evaluated")


def test_an_address_that_nobody_confirmed_is_pending_and_stays_unnamed(acme_says):
    (found,) = by_target(acme_says("email/settings"), "inconclusive").items()
    assert found[0].startswith("email/address-")
    assert found[1] == "SES waits for its DNS records, or for its link to be followed: baseops status"


def test_a_break_is_noticed(acme_says):
    (gone,) = [each for each in BREAKS if each.name == "email/dkim-record-gone"]
    (target,) = by_target(acme_says(gone.drill, break_=gone.break_), "refuted")
    assert target == f"{DOMAIN}/dkim"


@pytest.mark.slow
@pytest.mark.parametrize("broken", BREAKS, ids=lambda each: each.name)
def test_each_break_is_noticed(acme_says, broken):
    assert by_target(acme_says(broken.drill, break_=broken.break_, passes=broken.passes), "refuted")
