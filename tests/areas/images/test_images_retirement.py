"""What the drill of retirement says of the live lifecycle policy and its role."""

from __future__ import annotations

from pathlib import Path

import pytest

from baseops.areas.images.breaks import Victim
from baseops.workflow.load import load

ACME = Path(__file__).resolve().parents[3] / "examples" / "acme" / "baseops.yaml"
RETIREMENT = "images/retirement"


@pytest.fixture(scope="module")
def victim():
    declaration = load(ACME)
    entry = declaration.sections["images"].entries["web"]
    return Victim(declaration.site, "web", str(entry.publish), {}, entry.promise.max_age)


def said(records):
    return {each["target"]: (each["verdict"], each["reason"]) for each in records}


def role_of(account):
    iam = account.client("iam")
    (name,) = [
        each["RoleName"]
        for page in iam.get_paginator("list_roles").paginate()
        for each in page["Roles"]
        if "LifecycleRole" in each["RoleName"] and "images" in each["RoleName"]
    ]
    return iam, name


def detach(account):
    iam, name = role_of(account)
    arn = "arn:aws:iam::aws:policy/service-role/EC2ImageBuilderLifecycleExecutionPolicy"
    iam.detach_role_policy(RoleName=name, PolicyArn=arn)


def test_the_live_policy_is_the_declared_one(acme_says):
    found = said(acme_says(RETIREMENT))

    assert found["images.web"] == ("proven", "baseops-acme-web is as declared")
    assert found["images.web/role"][0] == "proven"


def test_a_disabled_policy_is_refuted(acme_says, victim):
    found = said(acme_says(RETIREMENT, break_=victim.disable_the_retirement))

    assert found["images.web"] == ("refuted", "baseops-acme-web: its status is DISABLED, not ENABLED")
    assert found["images.web/role"][0] == "proven"


def test_a_policy_that_deletes_sooner_is_refuted_by_what_was_changed(acme_says, victim):
    def delete_sooner(account):
        rules = [
            {
                "action": {"type": "DELETE", "includeResources": {"amis": True, "snapshots": True}},
                "filter": {"type": "AGE", "value": 30, "unit": "DAYS", "retainAtLeast": 4},
                "exclusionRules": {"amis": {"lastLaunched": {"unit": "DAYS", "value": 30}}},
            },
            {
                "action": {"type": "DEPRECATE", "includeResources": {"amis": True}},
                "filter": {"type": "AGE", "value": 60, "unit": "DAYS"},
            },
        ]
        victim.change_the_retirement(account, policyDetails=rules)

    verdict, reason = said(acme_says(RETIREMENT, break_=delete_sooner))["images.web"]

    assert verdict == "refuted"
    assert reason.endswith(
        "differs from the declaration in policyDetails[0].filter.value, policyDetails[1].exclusionRules"
    )


def test_a_policy_that_is_gone_is_refuted(acme_says):
    def delete(account):
        builder = account.client("imagebuilder")
        (policy,) = builder.list_lifecycle_policies()["lifecyclePolicySummaryList"]
        builder.delete_lifecycle_policy(lifecyclePolicyArn=policy["arn"])

    assert said(acme_says(RETIREMENT, break_=delete)) == {
        "images.web": ("refuted", "there is no lifecycle policy baseops-acme-web")
    }


def test_a_role_that_may_nothing_is_refuted(acme_says):
    verdict, reason = said(acme_says(RETIREMENT, break_=detach))["images.web/role"]

    assert verdict == "refuted"
    assert reason.endswith("lacks EC2ImageBuilderLifecycleExecutionPolicy, so nothing is retired")


def test_a_role_that_is_gone_is_refuted(acme_says):
    def delete(account):
        detach(account)
        iam, name = role_of(account)
        for each in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            iam.delete_role_policy(RoleName=name, PolicyName=each)
        iam.delete_role(RoleName=name)

    verdict, reason = said(acme_says(RETIREMENT, break_=delete))["images.web/role"]

    assert verdict == "refuted"
    assert reason.startswith("there is no role ")
