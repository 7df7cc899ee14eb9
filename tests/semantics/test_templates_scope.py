"""Conditions, functions, parameters and dynamic references: values worked out by hand."""

from __future__ import annotations

import pytest

from baseops.semantics.templates import dynamic, parameters
from baseops.semantics.templates.differences import Difference, differences
from baseops.semantics.templates.dynamic import StoredParameter, StoredSecret
from baseops.semantics.templates.errors import TemplateError
from baseops.semantics.templates.reduction import reduced
from baseops.semantics.templates.scope import Known, Place, Scope
from baseops.semantics.templates.values import KNOWN_AFTER_APPLY

PLACE = Place(
    "111111111111",
    "eu-west-1",
    "acme",
    "arn:aws:cloudformation:eu-west-1:111111111111:stack/acme/1",
    zones={"eu-west-1": ("eu-west-1a", "eu-west-1b")},
)
TEMPLATE = {
    "Mappings": {"Sizes": {"eu-west-1": {"small": "t3.small", "zones": ["a", "b"]}}},
    "Conditions": {
        "Production": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]},
        "Test": {"Fn::Not": [{"Condition": "Production"}]},
        "Either": {"Fn::Or": [{"Condition": "Production"}, {"Condition": "Test"}]},
        "Both": {"Fn::And": [{"Condition": "Production"}, {"Condition": "Test"}]},
    },
    "Resources": {
        "Group": {"Type": "AWS::Logs::LogGroup"},
        "Spare": {"Type": "AWS::Logs::LogGroup", "Condition": "Test"},
    },
}
RESOURCES = {"Group": Known("/acme", {"Arn": "arn:group:*", "Endpoint.Port": 5432})}


def scope(predicting: bool = False, resources=RESOURCES, **given) -> Scope:
    values = {"Stage": "prod", "Days": "7", "Names": ["a", "b"], **given}
    return Scope(TEMPLATE, values, PLACE, resources, {"shared": "exported"}, predicting)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "Stage"}, "prod"),
        ({"Ref": "Names"}, ["a", "b"]),
        ({"Ref": "Group"}, "/acme"),
        ({"Ref": "AWS::AccountId"}, "111111111111"),
        ({"Ref": "AWS::Partition"}, "aws"),
        ({"Ref": "AWS::URLSuffix"}, "amazonaws.com"),
        ({"Fn::GetAtt": ["Group", "Arn"]}, "arn:group:*"),
        ({"Fn::GetAtt": "Group.Endpoint.Port"}, 5432),
        (
            {"Fn::Sub": "${AWS::StackName}-${Stage}-${Group}-${Group.Arn}-${!Stage}"},
            "acme-prod-/acme-arn:group:*-${Stage}",
        ),
        ({"Fn::Sub": ["${Stage}/${Own}", {"Own": {"Ref": "Days"}}]}, "prod/7"),
        ({"Fn::Join": ["-", ["a", 1, True, {"Ref": "Stage"}]]}, "a-1-true-prod"),
        ({"Fn::Join": [",", {"Ref": "Names"}]}, "a,b"),
        ({"Fn::Select": ["1", {"Ref": "Names"}]}, "b"),
        ({"Fn::Split": [":", "a:b:c"]}, ["a", "b", "c"]),
        ({"Fn::Select": [0, {"Fn::Split": [":", {"Fn::GetAtt": ["Group", "Arn"]}]}]}, "arn"),
        ({"Fn::If": ["Production", 1, 2]}, 1),
        ({"Fn::If": ["Test", 1, {"Fn::If": ["Either", "yes", "no"]}]}, "yes"),
        ({"Fn::FindInMap": ["Sizes", {"Ref": "AWS::Region"}, "small"]}, "t3.small"),
        ({"Fn::FindInMap": ["Sizes", "mars", "small", {"DefaultValue": "none"}]}, "none"),
        ({"Fn::Base64": "text"}, "dGV4dA=="),
        ({"Fn::GetAZs": ""}, ["eu-west-1a", "eu-west-1b"]),
        ({"Fn::Cidr": ["10.0.0.0/16", 3, 8]}, ["10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24"]),
        ({"Fn::ImportValue": "shared"}, "exported"),
        ({"Fn::Length": {"Ref": "Names"}}, 2),
        ({"Fn::ToJsonString": {"a": {"Ref": "Stage"}}}, '{"a":"prod"}'),
        ({"A": {"Ref": "AWS::NoValue"}, "B": [1, {"Ref": "AWS::NoValue"}, 2]}, {"B": [1, 2]}),
        ({"Condition": {"Bool": {"x": "y"}}}, {"Condition": {"Bool": {"x": "y"}}}),
    ],
)
def test_functions(value, expected):
    assert scope().resolve(value) == expected


@pytest.mark.parametrize(
    ("name", "in_production", "in_test"),
    [("Production", True, False), ("Test", False, True), ("Either", True, True), ("Both", False, False)],
)
def test_conditions(name, in_production, in_test):
    assert scope().holds(name) is in_production
    assert scope(Stage="test").holds(name) is in_test


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            {"Fn::Select": [5, {"Ref": "Names"}]},
            "Template error: Fn::Select cannot select nonexistent value at index 5",
        ),
        ({"Fn::FindInMap": ["Sizes", "mars", "small"]}, "Template error: Unable to get mapping for Sizes::mars::small"),
        ({"Fn::GetAtt": ["Group", "Nope"]}, "does not support attribute type Nope in Fn::GetAtt"),
        ({"Fn::ImportValue": "nope"}, "No export named nope found."),
        ({"Fn::Join": ["-", "text"]}, "every Fn::Join object requires two parameters"),
        ({"Fn::Nonsense": 1}, "encountered unsupported function: Fn::Nonsense Supported functions are: [Fn::Base64, "),
        ({"Fn::Cidr": ["10.0.0.0/28", 20, 4]}, "Fn::Cidr could not generate 20 CIDRs from 10.0.0.0/28"),
        ({"Fn::If": ["Production", 1]}, "Fn::If requires a list argument with three elements"),
    ],
)
def test_what_a_function_refuses(value, message):
    with pytest.raises(TemplateError) as error:
        scope().resolve(value)
    assert message in str(error.value)


def test_what_does_not_exist_yet_is_known_after_apply_and_marks_what_holds_it():
    before = scope(predicting=True, resources={})
    assert before.resolve({"Ref": "Group"}) == KNOWN_AFTER_APPLY
    assert before.resolve({"Fn::Sub": "x-${Group}"}) == f"x-{KNOWN_AFTER_APPLY}"
    assert before.resolve({"Fn::Join": ["/", ["a", {"Ref": "Group"}]]}) == f"a/{KNOWN_AFTER_APPLY}"
    assert before.resolve({"Fn::Split": [":", {"Fn::GetAtt": ["Group", "Arn"]}]}) == KNOWN_AFTER_APPLY
    split = {"Fn::Split": [":", {"Fn::GetAtt": ["Group", "Arn"]}]}
    assert before.resolve({"Fn::Select": [5, split]}) == KNOWN_AFTER_APPLY
    with pytest.raises(TemplateError, match="Unresolved resource dependencies"):
        scope(resources={}).resolve({"Ref": "Group"})


def test_reduction_drops_false_resources_and_keeps_the_other_functions():
    template = {
        **TEMPLATE,
        "Resources": {
            "Group": {"Type": "T", "Properties": {"A": {"Fn::If": ["Test", 1, {"Ref": "Stage"}]}}},
            "Spare": {"Type": "T", "Condition": "Test"},
            "List": {"Type": "T", "Properties": {"B": [{"Fn::If": ["Test", 1, {"Ref": "AWS::NoValue"}]}, 2]}},
        },
        "Outputs": {"O": {"Value": 1, "Condition": "Test"}},
    }
    found = reduced(Scope(template, {"Stage": "prod"}, PLACE))
    assert found["Resources"] == {
        "Group": {"Type": "T", "Properties": {"A": {"Ref": "Stage"}}},
        "List": {"Type": "T", "Properties": {"B": [2]}},
    }
    assert found["Outputs"] == {}


# --- parameters ------------------------------------------------------------------------------------------------


def chosen(declaration, **given) -> dict[str, str]:
    return parameters.chosen({"Parameters": {"P": declaration}}, given)


def test_defaults_and_given_values():
    assert chosen({"Type": "String", "Default": "x"}) == {"P": "x"}
    assert chosen({"Type": "Number", "Default": 7}) == {"P": "7"}
    assert chosen({"Type": "String", "Default": True}) == {"P": "true"}
    assert chosen({"Type": "String", "Default": "x"}, P="y") == {"P": "y"}


@pytest.mark.parametrize(
    ("declaration", "value", "message"),
    [
        ({"Type": "String"}, None, "Parameters: [P] must have values"),
        ({"Type": "String", "AllowedValues": ["a", "b"]}, "c", "Parameter 'P' must be one of AllowedValues"),
        ({"Type": "String", "AllowedPattern": "[a-z]+"}, "A1", "Parameter 'P' must match pattern [a-z]+"),
        ({"Type": "String", "MinLength": 3}, "ab", "Parameter 'P' must contain at least 3 characters"),
        ({"Type": "String", "MaxLength": "3"}, "abcd", "Parameter 'P' must contain at most 3 characters"),
        ({"Type": "Number"}, "many", "Parameter 'P' must be a number"),
        ({"Type": "Number", "MinValue": 1}, "0", "Parameter 'P' must be a number not less than 1"),
        ({"Type": "Number", "MaxValue": 9}, "10", "Parameter 'P' must be a number not greater than 9"),
        (
            {"Type": "CommaDelimitedList", "AllowedValues": ["a", "b"]},
            "a, c",
            "Parameter 'P' must be one of AllowedValues",
        ),
        (
            {"Type": "String", "AllowedPattern": "[a-z]+", "ConstraintDescription": "small letters"},
            "A",
            "Parameter P failed to satisfy constraint: small letters",
        ),
    ],
)
def test_constraints(declaration, value, message):
    with pytest.raises(TemplateError) as error:
        chosen(declaration, **({} if value is None else {"P": value}))
    assert str(error.value) == message


def test_a_parameter_that_is_not_declared_is_refused():
    with pytest.raises(TemplateError, match=r"Parameters: \[Q\] do not exist in the template"):
        chosen({"Type": "String"}, P="x", Q="y")


def test_lists_are_lists_and_numbers_stay_text():
    assert parameters.typed({"Type": "CommaDelimitedList"}, "a, b") == ["a", "b"]
    assert parameters.typed({"Type": "List<AWS::EC2::Subnet::Id>"}, "subnet-1,subnet-2") == ["subnet-1", "subnet-2"]
    assert parameters.typed({"Type": "Number"}, "7") == "7"
    assert parameters.typed({"Type": "AWS::SSM::Parameter::Value<List<String>>"}, "x,y") == ["x", "y"]
    assert parameters.typed({"Type": "CommaDelimitedList"}, "") == []
    assert parameters.is_stored({"Type": "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>"})
    assert not parameters.is_stored({"Type": "AWS::SSM::Parameter::Name"})


# --- dynamic references ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("{{resolve:ssm:/acme/days}}", StoredParameter("/acme/days")),
        ("{{resolve:ssm:/acme/days:3}}", StoredParameter("/acme/days", "3")),
        ("{{resolve:ssm-secure:/acme/key:1}}", StoredParameter("/acme/key", "1", secure=True)),
        ("{{resolve:secretsmanager:acme}}", StoredSecret("acme")),
        ("{{resolve:secretsmanager:acme:SecretString:name}}", StoredSecret("acme", "name")),
        ("{{resolve:secretsmanager:acme:SecretString:name:AWSPREVIOUS}}", StoredSecret("acme", "name", "AWSPREVIOUS")),
        (
            "{{resolve:secretsmanager:arn:aws:secretsmanager:eu-west-1:111111111111:secret:a-AbCdEf:SecretString:k}}",
            StoredSecret("arn:aws:secretsmanager:eu-west-1:111111111111:secret:a-AbCdEf", "k"),
        ),
    ],
)
def test_dynamic_references_are_read(text, reference):
    seen = []
    value = {"A": [f"before {text} after"], "B": 1}
    found = dynamic.replaced(value, lambda each: seen.append(each) or "value")
    assert seen == [reference]
    assert found == {"A": ["before value after"], "B": 1}
    assert dynamic.contains(value)
    assert not dynamic.contains(found)


def test_a_dynamic_reference_with_a_strange_part_is_refused():
    with pytest.raises(TemplateError, match="Incorrect format is used in the following dynamic reference"):
        dynamic.replaced("{{resolve:secretsmanager:acme:SecretBinary:x}}", lambda _: "")


# --- differences -----------------------------------------------------------------------------------------------


def test_differences_leaf_by_leaf():
    before = {"Days": 7, "Tags": [{"Key": "a", "Value": "1"}], "Gone": True, "Same": "14"}
    after = {"Days": "30", "Tags": [{"Key": "a", "Value": "2"}, {"Key": "b", "Value": "3"}], "New": {}, "Same": 14}
    assert differences(before, after) == [
        Difference(("Days",), "Modify", 7, "30"),
        Difference(("Gone",), "Remove", True, None),
        Difference(("New",), "Add", None, {}),
        Difference(("Tags", "0", "Value"), "Modify", "1", "2"),
        Difference(("Tags", "1"), "Add", None, {"Key": "b", "Value": "3"}),
    ]
    assert [each.pointer for each in differences(before, after)][3] == "/Tags/0/Value"


def test_numbers_and_booleans_equal_their_text():
    assert differences({"A": True, "B": 1.0, "C": {"D": "5"}}, {"A": "true", "B": "1", "C": {"D": 5}}) == []
    assert [each.name for each in differences({"A": None}, {"A": "None"})] == ["A"]
