import json

import pytest

from baseops.cloudformation.split import MAX_RESOURCES, split
from baseops.errors import CompileError


def topic(**properties):
    return {"Type": "AWS::SNS::Topic", "Properties": properties}


def units_of(count, size=1):
    resources, units = {}, {}
    for number in range(count):
        for part in range(size):
            title = f"U{number}R{part}"
            resources[title] = topic(DisplayName=title)
            units[title] = f"u{number}"
    return resources, units


def test_a_small_stack_stays_one_template():
    resources, units = units_of(3, 2)
    parts, places = split("logs", resources, units, {}, {})
    assert [part.name for part in parts] == ["logs"]
    assert places == {"u0": 1, "u1": 1, "u2": 1}


def test_new_units_leave_room_to_grow_and_stay_whole():
    resources, units = units_of(700, 3)
    parts, _ = split("logs", resources, units, {}, {})
    assert [part.name for part in parts] == ["logs", "logs-2", "logs-3", "logs-4", "logs-5", "logs-6"]
    assert [len(part.resources) for part in parts] == [399, 399, 399, 399, 399, 105]
    for part in parts:
        assert {title[:-1] + "0" for title in part.resources} <= set(part.resources)


def test_remembered_places_never_move():
    resources, units = units_of(4)
    _, places = split("logs", resources, units, {}, {"u0": 2, "u3": 1})
    assert places == {"u0": 2, "u3": 1, "u1": 1, "u2": 1}


def test_a_unit_that_is_gone_leaves_the_others_where_they_were():
    resources, units = units_of(800)
    _, before = split("logs", resources, units, {}, {})
    del resources["U0R0"], units["U0R0"]
    _, after = split("logs", resources, units, {}, before)
    assert after == {unit: place for unit, place in before.items() if unit != "u0"}


def test_a_reference_between_parts_becomes_an_output_and_a_parameter():
    resources = {
        "Role": {"Type": "AWS::IAM::Role", "Properties": {}},
        "A": topic(DisplayName={"Ref": "Role"}, Other={"Fn::Sub": "x-${Role.Arn}-${AWS::Region}-${!Kept}"}),
        "B": topic(DisplayName={"Fn::GetAtt": ["Role", "Arn"]}),
    }
    parts, _ = split("logs", resources, {"Role": "", "A": "a", "B": "b"}, {}, {"": 1, "a": 2, "b": 1})
    first, second = parts
    assert first.name == "logs"
    assert first.outputs == {
        "RoleRef": {"Ref": "Role"},
        "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
    }
    assert first.resources["B"]["Properties"] == {"DisplayName": {"Fn::GetAtt": ["Role", "Arn"]}}
    assert second.resources["A"]["Properties"] == {
        "DisplayName": {"Ref": "RoleRef"},
        "Other": {"Fn::Sub": "x-${RoleArn}-${AWS::Region}-${!Kept}"},
    }
    assert second.from_parts == {"RoleRef": ("logs", "RoleRef"), "RoleArn": ("logs", "RoleArn")}


def test_dependson_across_parts_is_dropped_because_parts_follow_one_another():
    resources = {"Role": topic(), "A": {**topic(), "DependsOn": ["Role"]}, "B": {**topic(), "DependsOn": ["Role"]}}
    parts, _ = split("logs", resources, {"Role": "", "A": "a", "B": "b"}, {}, {"": 1, "a": 2, "b": 1})
    assert parts[0].resources["B"]["DependsOn"] == ["Role"]
    assert parts[1].resources["A"]["DependsOn"] == []


def test_a_part_that_has_outgrown_its_limit_is_an_error_that_names_it():
    resources, units = units_of(MAX_RESOURCES + 1)
    with pytest.raises(CompileError, match="stack logs would have 501 resources"):
        split("logs", resources, units, {}, dict.fromkeys(units.values(), 1))


def test_a_part_over_a_megabyte_is_an_error():
    resources = {"A": topic(DisplayName="x" * 1_000_000)}
    with pytest.raises(CompileError, match="CloudFormation allows 1000000"):
        split("logs", resources, {"A": "a"}, {}, {})


def test_parts_that_need_each_other_are_an_error():
    resources = {"A": topic(DisplayName={"Ref": "B"}), "B": topic(DisplayName={"Ref": "A"})}
    with pytest.raises(CompileError, match="stacks logs, logs-2 would need each other"):
        split("logs", resources, {"A": "a", "B": "b"}, {}, {"a": 1, "b": 2})


def test_a_parameter_of_the_stack_goes_to_the_parts_that_use_it():
    resources = {"A": topic(KmsMasterKeyId={"Ref": "LogsKeyArn"}), "B": topic()}
    parts, _ = split("logs", resources, {"A": "a", "B": "b"}, {}, {"a": 2, "b": 1})
    assert [sorted(part.parameters) for part in parts] == [[], ["LogsKeyArn"]]


def test_the_same_resources_give_the_same_bytes():
    resources, units = units_of(900)
    first, _ = split("logs", resources, units, {}, {})
    second, _ = split("logs", resources, units, {}, {})
    assert json.dumps([part.resources for part in first]) == json.dumps([part.resources for part in second])
