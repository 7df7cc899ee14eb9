"""The JSON schema: what editors accept and explain is what the room accepts, in the shape of the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from baseops.declaration import STARTER, declaration_schema
from baseops.declaration.reader import read
from baseops.workflow.load import SPECS

jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")

TOP = 'version: 1\nname: acme\naccounts: ["111111111111"]\nregion: eu-west-1\n'


@pytest.fixture(scope="session")
def schema(toy):
    return declaration_schema({"logs": toy})


@pytest.fixture(scope="session")
def accepts(schema):
    validator = jsonschema.Draft202012Validator(schema)
    return lambda text: validator.is_valid(read(TOP + text, "baseops.yaml").data)


def test_it_is_a_schema_of_draft_2020_12(schema):
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"] == "baseops declaration"
    jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tags: {owner: platform}\nregions: [us-east-1]\n",
        "x-common: [anything, {at: all}]\n",
        "logs:\n",
        "logs: {web: {group: {name: /a}}}\n",
        "logs: {web: {group: {name: /a}, silent_for: 30h, ship: [{http: x}, {opensearch: y}], target: {Role: web}}}\n",
        "account: {logs: {block_public: true}}\n",
        "notify: [{lambda: 'arn:aws:lambda:eu-west-1:111111111111:function:f'}]\n",
        "keys: {logs: 'arn:aws:kms:eu-west-1:111111111111:key/1'}\n",
    ],
)
def test_what_the_room_accepts_the_schema_accepts(said, accepts, text):
    assert said(text) == []
    assert accepts(text)


@pytest.mark.parametrize(
    "text",
    [
        "tgas: {}\n",
        "accounts_: []\n",
        "logs: [web]\n",
        "logs: {web: {}}\n",
        "logs: {web: {group: {name: /a, retention_days: 15}}}\n",
        "logs: {web: {group: {name: /a}, silent_for: 15}}\n",
        "account: {logs: {block_publick: true}}\n",
        "account: {lgos: {}}\n",
        "keys: {lgos: x}\n",
        "drills: {allow: [all]}\n",
    ],
)
def test_what_the_schema_refuses_the_room_refuses(said, accepts, text):
    assert not accepts(text)
    assert said(text)


def test_fields_are_explained_by_their_docstrings(schema):
    entry = schema["$defs"]["Entry"]
    assert entry["description"] == "What is declared of one log."
    assert entry["properties"]["group"]["description"] == "The log group."
    assert entry["properties"]["target"]["description"] == "Which instances: all of them, or those with the tags."


def test_defaults_are_written_as_in_the_file(schema):
    assert schema["$defs"]["Entry"]["properties"]["silent_for"]["default"] == "15m"


def test_every_key_of_the_top_is_explained(schema):
    def explained(part):
        return "description" in part or "description" in schema["$defs"].get(part.get("$ref", "")[8:], {})

    assert [name for name, part in schema["properties"].items() if not explained(part)] == []


def test_an_area_that_is_not_there_is_not_in_it(schema):
    assert "email" not in schema["properties"]
    assert set(schema["properties"]["account"]["properties"]) == {"logs"}


def test_no_definition_is_left_that_nothing_leads_to(schema):
    assert set(schema["$defs"]) >= {"Entry", "Group", "AccountClaims", "Iam"}
    assert not set(schema["$defs"]) & {"Top", "Section"}


@pytest.mark.parametrize("example", ["acme", "minimal"])
def test_the_examples_are_accepted_by_the_whole_schema(example):
    path = Path(__file__).parents[2] / "examples" / example / "baseops.yaml"
    whole = jsonschema.Draft202012Validator(declaration_schema(SPECS))
    assert [error.message for error in whole.iter_errors(read(path.read_text("utf-8"), path.name).data)] == []


def test_the_starter_is_accepted_by_the_whole_schema():
    whole = jsonschema.Draft202012Validator(declaration_schema(SPECS))
    assert [error.message for error in whole.iter_errors(read(STARTER, "baseops.yaml").data)] == []
