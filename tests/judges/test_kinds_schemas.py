"""What the sandbox's resource types declare, against the resource schemas that cfn-lint carries."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from baseops.sandbox.kinds import KINDS

pytestmark = pytest.mark.judge

ROOT = Path(__file__).resolve().parents[2]
TYPES = sorted(KINDS)
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-route53-recordset.html
BY_THE_PAGE = {"AWS::Route53::RecordSet": {"Name"}}


@pytest.fixture(scope="session")
def schemas() -> Path:
    home = ROOT / os.environ.get("BASEOPS_JUDGES", ".judges") / "cfn-lint"
    found = sorted(home.glob("lib/python3*/site-packages/cfnlint/data/schemas"))
    if not found:
        pytest.skip(f"cfn-lint is not installed in {home}; run: make judges")
    return found[0]


@pytest.fixture
def schema(schemas: Path, type_name: str) -> dict[str, Any]:
    names = json.loads((schemas / "providers" / "us-east-1.json").read_text())
    if type_name not in names:
        pytest.skip(f"cfn-lint has no schema of {type_name}")
    return dict(json.loads((schemas / "resources" / f"{names[type_name]}.json").read_text()))


def top_level(schema: dict[str, Any], section: str) -> set[str]:
    """The properties that a section of the schema names as a whole."""
    pointers = [pointer.removeprefix("/properties/") for pointer in schema.get(section, ())]
    return {pointer for pointer in pointers if "/" not in pointer}


@pytest.mark.parametrize("type_name", TYPES)
def test_properties_exist(type_name, schema):
    read_only = top_level(schema, "readOnlyProperties")
    assert KINDS[type_name].properties <= {*schema["properties"]} - read_only


@pytest.mark.parametrize("type_name", TYPES)
def test_required_properties_are_those_of_the_schema(type_name, schema):
    assert KINDS[type_name].required == {*schema.get("required", ())}


@pytest.mark.parametrize("type_name", TYPES)
def test_create_only_properties_are_those_of_the_schema(type_name, schema):
    kind = KINDS[type_name]
    always, perhaps = (top_level(schema, f"{word}OnlyProperties") for word in ("create", "conditionalCreate"))
    always |= BY_THE_PAGE.get(type_name, set())
    assert kind.create_only - always - perhaps == set(), "needs a new resource here, not on AWS"
    assert always & kind.properties == kind.create_only - perhaps, "needs a new resource on AWS, not here"
    assert perhaps & kind.properties <= kind.create_only | kind.conditional


@pytest.mark.parametrize("type_name", TYPES)
def test_attributes_are_read_only_properties(type_name, schema):
    kind = KINDS[type_name]
    known = {pointer.removeprefix("/properties/").replace("/", ".") for pointer in schema.get("readOnlyProperties", ())}
    assert {name for name in kind.attributes if name not in known} <= {*schema["properties"]}


@pytest.mark.parametrize("type_name", TYPES)
def test_the_identifier_is_the_schemas(type_name, schema):
    names = tuple(pointer.removeprefix("/properties/") for pointer in schema["primaryIdentifier"])
    assert KINDS[type_name].identifier == names
