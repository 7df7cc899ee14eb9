"""The generated policies are all that drills need: with them everything is as without, without one it is said."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from baseops.contract.refs import Refs
from baseops.contract.types import DrillClass
from baseops.registry import AREAS
from baseops.workflow.load import load

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
    listed = statement["Action"]
    return {each.partition(":")[2] for each in ([listed] if isinstance(listed, str) else listed)}


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
        assert "a permission is missing" in each["reason"]
        assert any(action in each["reason"] for action in actions(statement)), each["reason"]
