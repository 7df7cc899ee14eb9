"""Every resource type the sandbox knows: made, read back, changed, replaced, deleted, made again."""

from __future__ import annotations

import pytest

from baseops.sandbox.kinds import KINDS
from baseops.sandbox.kinds.kind import Context, Kind

TYPES = sorted(KINDS)


def template(kind: Kind, properties) -> dict:
    subject = {"Type": kind.type, "Properties": dict(properties)}
    return {"Resources": {**kind.example().beside, "Subject": subject}}


def why(stacks, name: str) -> str:
    """The reasons in a stack's history, for a readable failure."""
    failed = [each for each in stacks.events(name) if each["ResourceStatus"].endswith("FAILED")]
    return "\n".join(f"{each['LogicalResourceId']}: {each.get('ResourceStatusReason')}" for each in failed)


@pytest.fixture(autouse=True)
def prepared(account, request) -> None:
    """Make what a type's example needs and no resource type makes."""
    example = KINDS[request.node.callspec.params["type_name"]].example()
    if example.prepare:
        clients = account.clients_of(account.account_id)
        example.prepare(Context(account.account_id, account.region, clients, account.clock))


@pytest.mark.parametrize("type_name", TYPES)
def test_a_kind_declares_itself_consistently(type_name):
    kind = KINDS[type_name]
    assert kind.required <= kind.properties
    assert kind.create_only <= kind.properties
    assert kind.write_only <= kind.properties
    assert kind.conditional <= kind.properties
    assert not kind.name_property or kind.name_property in kind.properties
    assert not kind.tags or kind.tag_property in kind.properties
    assert kind.identifier, "imports need the primary identifier"
    assert kind.seconds >= 0


@pytest.mark.parametrize("type_name", TYPES)
def test_a_resource_is_made_in_sync_deleted_and_made_again(stacks, account, type_name):
    kind = KINDS[type_name]
    body = template(kind, kind.example().properties)
    for _ in range(2):
        assert stacks.apply("kind", body) == "CREATE_COMPLETE", why(stacks, "kind")
        assert stacks.drifts("kind")["Subject"] == ("IN_SYNC" if kind.drift else "NOT_CHECKED"), drift(stacks)
        assert stacks.apply("kind", body) == "no changes"
        identifier = stacks.stack("kind")["StackId"]
        assert stacks.delete("kind") == "DELETE_COMPLETE", why(stacks, identifier)


def drift(stacks) -> object:
    return [
        each.get("PropertyDifferences")
        for each in stacks.client.describe_stack_resource_drifts(StackName="kind")["StackResourceDrifts"]
        if each["LogicalResourceId"] == "Subject"
    ]


@pytest.mark.parametrize("type_name", [name for name in TYPES if KINDS[name].example().changed is not None])
def test_a_changed_property_is_updated_in_place_and_back(stacks, type_name):
    kind = KINDS[type_name]
    example = kind.example()
    assert stacks.apply("kind", template(kind, example.properties)) == "CREATE_COMPLETE", why(stacks, "kind")
    before = stacks.physical_ids("kind")["Subject"]
    for properties in (example.changed, example.properties):
        assert stacks.apply("kind", template(kind, properties)) == "UPDATE_COMPLETE", why(stacks, "kind")
        assert stacks.physical_ids("kind")["Subject"] == before
        assert stacks.drifts("kind")["Subject"] == ("IN_SYNC" if kind.drift else "NOT_CHECKED"), drift(stacks)


@pytest.mark.parametrize("type_name", [name for name in TYPES if KINDS[name].example().replaced is not None])
def test_a_create_only_property_replaces_the_resource(stacks, account, type_name):
    kind = KINDS[type_name]
    example = kind.example()
    assert stacks.apply("kind", template(kind, example.properties)) == "CREATE_COMPLETE", why(stacks, "kind")
    before = stacks.physical_ids("kind")["Subject"]
    change_set = stacks.change_set("kind", template(kind, example.replaced))
    change = next(
        each["ResourceChange"]
        for each in change_set["Changes"]
        if each["ResourceChange"]["LogicalResourceId"] == "Subject"
    )
    assert change["Replacement"] == "True"
    stacks.client.execute_change_set(ChangeSetName=change_set["ChangeSetId"])
    assert stacks.settle("kind") == "UPDATE_COMPLETE", why(stacks, "kind")
    assert stacks.physical_ids("kind")["Subject"] != before
    assert ("Subject", "DELETE_COMPLETE") in stacks.history("kind")
    assert ("Subject", "DELETE_FAILED") not in stacks.history("kind"), why(stacks, "kind")


@pytest.mark.parametrize("type_name", [name for name in TYPES if KINDS[name].name_property])
def test_a_name_that_is_taken_fails_the_second_stack_and_leaves_the_first_alone(stacks, account, type_name):
    kind = KINDS[type_name]
    example = kind.example()
    if kind.name_property not in example.properties or example.beside:
        pytest.skip("the name is unique only within another resource")
    assert stacks.apply("kind", template(kind, example.properties)) == "CREATE_COMPLETE", why(stacks, "kind")
    assert stacks.apply("second", template(kind, example.properties)) == "ROLLBACK_COMPLETE"
    assert "AlreadyExists" in stacks.reasons("second")["Subject", "CREATE_FAILED"]
    assert stacks.delete("second") == "DELETE_COMPLETE"
    if kind.drift:
        assert stacks.drifts("kind")["Subject"] == "IN_SYNC"


@pytest.mark.parametrize("type_name", TYPES)
def test_a_property_that_the_type_lacks_is_refused(stacks, type_name):
    kind = KINDS[type_name]
    body = template(kind, {**kind.example().properties, "Nonsense": 1})
    assert stacks.apply("kind", body) == "ROLLBACK_COMPLETE"
    assert "extraneous key [Nonsense] is not permitted" in stacks.reasons("kind")["Subject", "CREATE_FAILED"]
