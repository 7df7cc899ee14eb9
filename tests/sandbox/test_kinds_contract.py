"""Every resource type the sandbox knows: made, read back, changed, replaced, deleted, made again.

The tests of one type share an account, as opening one takes longer than most of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from baseops.sandbox.account import open_account
from baseops.sandbox.kinds import KINDS
from baseops.sandbox.kinds.kind import Context, Kind

START = datetime(2025, 1, 6, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="module", params=sorted(KINDS))
def kind(request) -> Kind:
    return KINDS[request.param]


@pytest.fixture(scope="module")
def account(kind):
    with open_account(start=START) as opened:
        prepare = kind.example().prepare
        if prepare:
            clients = opened.clients_of(opened.account_id)
            prepare(Context(opened.account_id, opened.region, clients, opened.clock))
        yield opened


@pytest.fixture
def stacks(account, stack_driver) -> Iterator:
    """A driver; what a test leaves behind is removed."""
    driver = stack_driver(account)
    yield driver
    for stack in driver.client.describe_stacks()["Stacks"]:
        driver.delete(stack["StackName"])


def template(kind: Kind, properties) -> dict:
    subject = {"Type": kind.type, "Properties": dict(properties)}
    return {"Resources": {**kind.example().beside, "Subject": subject}}


def why(stacks, name: str) -> str:
    """The reasons in a stack's history, for a readable failure."""
    failed = [each for each in stacks.events(name) if each["ResourceStatus"].endswith("FAILED")]
    return "\n".join(f"{each['LogicalResourceId']}: {each.get('ResourceStatusReason')}" for each in failed)


def drift(stacks) -> object:
    return [
        each.get("PropertyDifferences")
        for each in stacks.client.describe_stack_resource_drifts(StackName="kind")["StackResourceDrifts"]
        if each["LogicalResourceId"] == "Subject"
    ]


def in_sync(kind: Kind) -> str:
    return "IN_SYNC" if kind.drift else "NOT_CHECKED"


def test_a_kind_declares_itself_consistently(kind):
    assert kind.required <= kind.properties
    assert kind.create_only <= kind.properties
    assert kind.write_only <= kind.properties
    assert kind.conditional <= kind.properties
    assert not kind.name_property or kind.name_property in kind.properties
    assert not kind.tags or kind.tag_property in kind.properties
    assert kind.identifier, "imports need the primary identifier"
    assert kind.seconds >= 0


def test_a_resource_is_made_in_sync_deleted_and_made_again(stacks, kind):
    body = template(kind, kind.example().properties)
    for _ in range(2):
        assert stacks.apply("kind", body) == "CREATE_COMPLETE", why(stacks, "kind")
        assert stacks.drifts("kind")["Subject"] == in_sync(kind), drift(stacks)
        assert stacks.apply("kind", body) == "no changes"
        identifier = stacks.stack("kind")["StackId"]
        assert stacks.delete("kind") == "DELETE_COMPLETE", why(stacks, identifier)


def test_a_changed_property_is_updated_in_place_and_back(stacks, kind):
    example = kind.example()
    if example.changed is None:
        pytest.skip("every property is create-only")
    assert stacks.apply("kind", template(kind, example.properties)) == "CREATE_COMPLETE", why(stacks, "kind")
    before = stacks.physical_ids("kind")["Subject"]
    for properties in (example.changed, example.properties):
        assert stacks.apply("kind", template(kind, properties)) == "UPDATE_COMPLETE", why(stacks, "kind")
        assert stacks.physical_ids("kind")["Subject"] == before
        assert stacks.drifts("kind")["Subject"] == in_sync(kind), drift(stacks)


def test_a_create_only_property_replaces_the_resource(stacks, kind):
    example = kind.example()
    if example.replaced is None:
        pytest.skip("no property is create-only")
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


def test_a_name_that_is_taken_fails_the_second_stack_and_leaves_the_first_alone(stacks, kind):
    example = kind.example()
    if kind.name_property not in example.properties or example.beside:
        pytest.skip("the type has no name of its own, or one that is unique only within another resource")
    assert stacks.apply("kind", template(kind, example.properties)) == "CREATE_COMPLETE", why(stacks, "kind")
    assert stacks.apply("second", template(kind, example.properties)) == "ROLLBACK_COMPLETE"
    assert "AlreadyExists" in stacks.reasons("second")["Subject", "CREATE_FAILED"]
    assert stacks.drifts("kind")["Subject"] == in_sync(kind)


def test_a_property_that_the_type_lacks_is_refused(stacks, kind):
    body = template(kind, {**kind.example().properties, "Nonsense": 1})
    assert stacks.apply("kind", body) == "ROLLBACK_COMPLETE"
    assert "extraneous key [Nonsense] is not permitted" in stacks.reasons("kind")["Subject", "CREATE_FAILED"]
