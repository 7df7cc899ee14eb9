"""The generated policies are all that drills need: with them everything is as without, without one it is said."""

from __future__ import annotations

import json
import re
from functools import cache, partial
from pathlib import Path
from typing import get_args

import pytest
from botocore.exceptions import ClientError

from baseops.contract.lock import Lock
from baseops.contract.needs import Needs
from baseops.contract.refs import Refs
from baseops.contract.site import Site
from baseops.contract.template import Output
from baseops.contract.types import DrillClass
from baseops.evidence.signing import ALGORITHM
from baseops.foundation import foundation
from baseops.registry import AREAS
from baseops.workflow.drill_policies import drill_policies
from baseops.workflow.inputs import Outputs
from baseops.workflow.load import load
from baseops.workflow.rehearsed_proof import proven

ACME = load(Path(__file__).resolve().parents[2] / "examples" / "acme" / "baseops.yaml")


def drills_of(area):
    return area.prove.drills(ACME.sections[area.name], Refs(ACME.site))


def statements():
    """Every statement of every area, as a case; the first of each area is quick."""
    for area in AREAS:
        by_class = area.stack.needs(ACME.sections[area.name], ACME.site).drill_statements
        cases = [(drill_class, each) for drill_class in get_args(DrillClass) for each in by_class.get(drill_class, ())]
        for number, (drill_class, each) in enumerate(cases):
            marks = [] if number == 0 else [pytest.mark.slow]
            yield pytest.param(area, each, marks=marks, id=f"{area.name}-{drill_class}-{each['Sid']}")


def listed(value):
    return value if isinstance(value, list) else [value]


def resources(body, kind):
    return {name: each["Properties"] for name, each in body["Resources"].items() if each["Type"] == kind}


def foundation_of(*statements):
    needs = Needs(drill_statements={"observe": statements})
    (template,), _ = foundation(Site("acme", ("111111111111",), "eu-west-1"), [needs]).build(Lock())
    return template.body


def test_each_document_is_one_that_iam_keeps():
    policies = drill_policies(ACME)

    assert {name.partition("-")[0] for name in policies} == {"run", "observe", "exercise", "disturb"}
    for document in policies.values():
        assert len(json.dumps(document, separators=(",", ":"))) <= 6144
    sids = [each["Sid"] for document in policies.values() for each in document["Statement"]]
    assert sorted(set(sids)) == sorted(sids)
    assert all(re.fullmatch("[A-Za-z0-9]+", each) for each in sids)


def test_a_policy_that_is_too_long_is_printed_in_parts(monkeypatch):
    long = [
        {"Sid": f"S{number}", "Effect": "Allow", "Action": "s3:Get*", "Resource": "x" * 1500} for number in range(5)
    ]
    area = next(each for each in AREAS if each.name == "logs")
    monkeypatch.setattr(area.stack, "needs", lambda *_: Needs(drill_statements={"observe": tuple(long)}))

    assert {name: len(each["Statement"]) for name, each in drill_policies(ACME, ["logs"]).items() if name != "run"} == {
        "observe": 3,
        "observe-2": 2,
    }


def test_a_drill_role_may_observe_too_and_touches_no_evidence():
    statement = {"Sid": "Look", "Effect": "Allow", "Action": "ec2:DescribeVolumes", "Resource": "*"}
    roles = resources(foundation_of(statement), "AWS::IAM::Role")

    assert [each["PolicyDocument"]["Statement"] for each in roles["DrillObserveRole"]["Policies"]] == [[statement]]


def test_a_drill_role_that_holds_no_more_gets_managed_policies():
    long = [
        {"Sid": f"S{number}", "Effect": "Allow", "Action": "s3:Get*", "Resource": "x" * 1500} for number in range(9)
    ]
    body = foundation_of(*long)

    policies = resources(body, "AWS::IAM::ManagedPolicy")
    assert [len(each["PolicyDocument"]["Statement"]) for each in policies.values()] == [3, 3, 3]
    role = resources(body, "AWS::IAM::Role")["DrillObserveRole"]
    assert role["ManagedPolicyArns"] == [{"Ref": f"DrillObservePolicy{number}"} for number in (1, 2, 3)]
    assert "Policies" not in role


def test_no_drill_role_can_sign_or_touch_evidence(applied_acme):
    declaration, _, account = applied_acme
    outputs = Outputs(account, declaration.site)
    bucket = outputs.find(Output("foundation", "eu-west-1", "EvidenceBucketName"))

    def tried(drill_class):
        account.enforce()
        clients = account.session_as(f"arn:aws:iam::111111111111:role/baseops/baseops-acme-drill-{drill_class}")
        signing = {"KeyId": "alias/baseops-acme-evidence-signing", "Message": b"a", "SigningAlgorithm": ALGORITHM}
        calls = (
            lambda: clients.client("kms").sign(**signing),
            lambda: clients.client("s3").put_object(Bucket=bucket, Key="heads/a.json", Body=b"a"),
            lambda: clients.client("s3").put_object(Bucket=bucket, Key="records/a.jsonl", Body=b"a"),
            lambda: clients.client("s3").delete_object(Bucket=bucket, Key="heads/a.json"),
        )
        refusals = []
        for call in calls:
            with pytest.raises(ClientError) as refusal:
                call()
            refusals.append(refusal.value.response["Error"]["Code"])
        return refusals

    for drill_class in declaration.site.drills.allow:
        assert account.fork(partial(tried, drill_class)) == ["AccessDeniedException", *["AccessDenied"] * 3]


def test_drills_run_with_the_roles_of_the_foundation(applied_acme, permitted):
    """What `baseops prove --assume` does: the runner holds `run` alone, and seals what the drill roles find."""
    declaration, lock, account = applied_acme

    def assumed():
        who = permitted(declaration, account)
        prefix = "arn:aws:iam::111111111111:role/baseops/baseops-acme-drill-"
        who["clients_of"] = cache(lambda drill_class: account.session_as(f"{prefix}{drill_class}"))
        with proven(declaration, lock, account, names=["secrets/readers", "backups/coverage"], **who) as run:
            return [dict(each.values) for each in run.records], run.head.signature.key

    records, key = account.fork(assumed)
    assert {each["verdict"] for each in records} == {"proven"}
    assert key.startswith("arn:aws:kms:")


def verdicts(records):
    return {(each["drill"], each["target"]): each["verdict"] for each in records}


@pytest.fixture
def bounded(acme_says, with_all):
    """What the drills of an area say under the policies: with all of them once, and without a statement."""

    def run(area, without):
        names = [each.name for each in drills_of(area)]
        if area.name not in with_all:
            with_all[area.name] = acme_says(*names, enforced=True)
        return with_all[area.name], acme_says(*names, without=without)

    return run


@pytest.fixture(scope="module")
def with_all():
    return {}


def actions(statement):
    return {each.partition(":")[2] for each in listed(statement["Action"])}


@pytest.mark.slow
@pytest.mark.parametrize("area", AREAS, ids=lambda each: each.name)
def test_the_generated_policies_suffice(acme_says, area):
    names = [each.name for each in drills_of(area)]

    assert verdicts(acme_says(*names)) == verdicts(acme_says(*names, enforced=True))


@pytest.mark.parametrize(("area", "statement"), list(statements()))
def test_without_a_statement_its_drills_are_inconclusive_and_name_the_permission(bounded, area, statement):
    full, less = bounded(area, statement["Sid"])
    known = verdicts(full)
    changed = [each for each in less if known.get((each["drill"], each["target"])) != each["verdict"]]

    assert {each["verdict"] for each in changed} == {"inconclusive"}, (
        f"no drill of {area.name} needs {statement['Sid']}, or one is wrong without it: {verdicts(changed)}"
    )
    for each in changed:
        # What was to be made is looked for and removed in any case, and that may be what is not allowed.
        assert re.search("^a permission is missing|^not removed: ", each["reason"])
        assert any(action in each["reason"] for action in actions(statement)), each["reason"]
