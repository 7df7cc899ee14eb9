"""Random templates: resources go in the order of their references, and a rollback leaves nothing."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from baseops.sandbox.account import open_account

START = datetime(2025, 1, 6, 9, 0, tzinfo=UTC)


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, list[str]]:
    """Logical ids, each with the earlier ones that it refers to; in a random order of writing."""
    count = draw(st.integers(1, 9))
    names = [f"N{number}" for number in range(count)]
    needs = {
        name: draw(st.lists(st.sampled_from(names[:index]), unique=True, max_size=3)) if index else []
        for index, name in enumerate(names)
    }
    return {name: needs[name] for name in draw(st.permutations(names))}


def template(graph: dict[str, list[str]], *, suffix: str = "", broken: str = "") -> dict:
    """A topic for each node: references go by Ref, Fn::GetAtt, Fn::Sub and DependsOn in turn."""
    resources = {}
    for name, needs in graph.items():
        styles = [{"Ref": each} for each in needs[:1]]
        styles += [{"Fn::Sub": f"${{{each}.TopicName}}"} for each in needs[1:2]]
        properties = {"DisplayName": {"Fn::Join": ["-", [name, suffix, *styles]]}}
        if name == broken:
            properties["Nonsense"] = "x"
        resources[name] = {"Type": "AWS::SNS::Topic", "Properties": properties, "DependsOn": needs[2:]}
    return {"Resources": resources}


def topics(account) -> list[str]:
    return [each["TopicArn"] for each in account.client("sns").list_topics()["Topics"]]


def run(stack_driver, graph, then) -> None:
    with open_account(start=START) as account:
        then(stack_driver(account), account)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(graph=graphs())
def test_resources_are_made_after_and_deleted_before_what_they_need(stack_driver, graph):
    def check(stacks, account) -> None:
        assert stacks.apply("dag", template(graph)) == "CREATE_COMPLETE"
        made = [name for name, status in stacks.history("dag") if status == "CREATE_COMPLETE"]
        begun = first_of(stacks.history("dag"), "CREATE_IN_PROGRESS")
        assert sorted(made[:-1]) == sorted(graph)
        history = stacks.history("dag")
        for name, needs in graph.items():
            for each in needs:
                assert history.index((each, "CREATE_COMPLETE")) < begun[name]
        identifier = stacks.stack("dag")["StackId"]
        assert stacks.delete("dag") == "DELETE_COMPLETE"
        history = stacks.history(identifier)
        for name, needs in graph.items():
            for each in needs:
                assert history.index((name, "DELETE_COMPLETE")) < history.index((each, "DELETE_IN_PROGRESS"))
        assert topics(account) == []

    run(stack_driver, graph, check)


def first_of(history: list[tuple[str, str]], status: str) -> dict[str, int]:
    first: dict[str, int] = {}
    for index, (name, found) in enumerate(history):
        if found == status:
            first.setdefault(name, index)
    return first


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(graph=graphs(), data=st.data())
def test_a_failed_create_leaves_nothing(stack_driver, graph, data):
    broken = data.draw(st.sampled_from(sorted(graph)))

    def check(stacks, account) -> None:
        assert stacks.apply("dag", template(graph, broken=broken)) == "ROLLBACK_COMPLETE"
        assert topics(account) == []

    run(stack_driver, graph, check)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=graphs(), after=graphs(), data=st.data())
def test_a_failed_update_leaves_the_account_as_it_was(stack_driver, before, after, data):
    broken = data.draw(st.sampled_from(sorted(after)))

    def check(stacks, account) -> None:
        assert stacks.apply("dag", template(before)) == "CREATE_COMPLETE"
        live = names(account)
        status = stacks.apply("dag", template(after, suffix="new", broken=broken))
        assert status == "UPDATE_ROLLBACK_COMPLETE"
        assert names(account) == live
        assert set(stacks.drifts("dag").values()) == {"IN_SYNC"}
        assert stacks.apply("dag", template(before)) == "no changes"
        assert stacks.delete("dag") == "DELETE_COMPLETE"
        assert topics(account) == []

    run(stack_driver, before, check)


def names(account) -> dict[str, str]:
    client = account.client("sns")
    return {arn: client.get_topic_attributes(TopicArn=arn)["Attributes"]["DisplayName"] for arn in topics(account)}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=graphs(), after=graphs())
def test_an_update_reaches_exactly_the_new_template(stack_driver, before, after):
    def check(stacks, account) -> None:
        assert stacks.apply("dag", template(before)) == "CREATE_COMPLETE"
        assert stacks.apply("dag", template(after, suffix="new")) == "UPDATE_COMPLETE"
        assert sorted(stacks.physical_ids("dag")) == sorted(after)
        assert sorted(stacks.physical_ids("dag").values()) == sorted(topics(account))
        assert stacks.apply("dag", template(after, suffix="new")) == "no changes"

    run(stack_driver, before, check)
