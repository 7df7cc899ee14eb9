"""Templates read, held against the format, and put in order; messages are CloudFormation's."""

from __future__ import annotations

import json

import pytest

from baseops.semantics.templates import capabilities, validation
from baseops.semantics.templates.errors import TemplateError
from baseops.semantics.templates.parse import parse
from baseops.semantics.templates.references import Reference, dependencies, order, references

GROUP = {"Type": "AWS::Logs::LogGroup"}


def refused(template) -> str:
    """What CloudFormation says of a template."""
    with pytest.raises(TemplateError) as error:
        validation.check(template)
    return str(error.value)


# --- reading ---------------------------------------------------------------------------------------------------


def test_json_and_yaml_say_the_same():
    text = "Resources:\n  Group:\n    Type: AWS::Logs::LogGroup\n    Properties: {RetentionInDays: 7}\n"
    resources = {"Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 7}}}
    assert parse(text) == parse(json.dumps({"Resources": resources})) == {"Resources": resources}


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("!Ref Group", {"Ref": "Group"}),
        ("!GetAtt Group.Arn", {"Fn::GetAtt": ["Group", "Arn"]}),
        ("!GetAtt Stack.Outputs.Name", {"Fn::GetAtt": ["Stack", "Outputs.Name"]}),
        ("!GetAtt [Group, Arn]", {"Fn::GetAtt": ["Group", "Arn"]}),
        ("!Sub '${A}-b'", {"Fn::Sub": "${A}-b"}),
        ("!Join ['-', [a, !Ref B]]", {"Fn::Join": ["-", ["a", {"Ref": "B"}]]}),
        ("!If [Live, 1, !Ref AWS::NoValue]", {"Fn::If": ["Live", 1, {"Ref": "AWS::NoValue"}]}),
        ("!Condition Live", {"Condition": "Live"}),
        ("!FindInMap [M, a, b]", {"Fn::FindInMap": ["M", "a", "b"]}),
        ("!Base64 text", {"Fn::Base64": "text"}),
        ("!Transform {Name: x}", {"Fn::Transform": {"Name": "x"}}),
    ],
)
def test_short_forms_of_functions(short, full):
    assert parse(f"Value: {short}\n") == {"Value": full}


def test_dates_stay_text_as_policy_versions_have_to():
    assert parse("Version: 2012-10-17\nFormat: 2010-09-09\n") == {"Version": "2012-10-17", "Format": "2010-09-09"}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"Resources": }', "Template format error: JSON not well-formed. (line 1, column 15)"),
        ("Resources:\n  a: [1\n", "Template format error: YAML not well-formed. (line 3, column 1)"),
        ("just words", "Template format error: unsupported structure."),
        ("", "Template format error: unsupported structure."),
    ],
)
def test_a_body_that_cannot_be_read(body, message):
    with pytest.raises(TemplateError) as error:
        parse(body)
    assert str(error.value) == message


# --- the format ------------------------------------------------------------------------------------------------


def test_a_plain_template_passes():
    validation.check({"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"Group": GROUP}})


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ({}, "Template format error: At least one Resources member must be defined."),
        ({"Resources": {}}, "Template format error: At least one Resources member must be defined."),
        ({"Resources": {"G": GROUP}, "Extra": 1, "More": 2}, "Invalid template property or properties [Extra, More]"),
        (
            {"Resources": {"G": GROUP}, "AWSTemplateFormatVersion": "2020-01-01"},
            "Template format error: 2020-01-01 is not a supported value for AWSTemplateFormatVersion.",
        ),
        (
            {"Resources": {"G": GROUP}, "Outputs": []},
            None,
        ),
        ({"Resources": {"my-group": GROUP}}, "Template format error: Resource name my-group is non alphanumeric."),
        (
            {"Resources": {"G": {}}},
            "Template format error: [/Resources/G] Every Resources object must contain a Type member.",
        ),
        ({"Resources": {"G": {**GROUP, "Tags": []}}}, "Invalid template resource property 'Tags'"),
        (
            {"Resources": {"G": {**GROUP, "Properties": [1]}}},
            "Template format error: Any Properties member must be a JSON object.",
        ),
        (
            {"Resources": {"G": {**GROUP, "DeletionPolicy": "Keep"}}},
            "Template error: DeletionPolicy Keep for resource G is not supported.",
        ),
        (
            {"Resources": {"G": GROUP}, "Parameters": {"P": {"Type": "Text"}}},
            "Template format error: Unrecognized parameter type: Text",
        ),
        (
            {"Resources": {"G": GROUP}, "Parameters": {"P": {"Type": "String", "Values": []}}},
            "Invalid template parameter property 'Values'",
        ),
        (
            {"Resources": {"G": GROUP}, "Outputs": {"O": {"Description": "x"}}},
            "Template format error: Every Outputs member must contain a Value object. [/Outputs/O]",
        ),
    ],
)
def test_what_the_format_refuses(template, message):
    if message is None:
        validation.check(template)
    else:
        assert refused(template) == message


@pytest.mark.parametrize(
    ("section", "entry", "count", "most"),
    [
        ("Resources", GROUP, 501, 500),
        ("Parameters", {"Type": "String"}, 201, 200),
        ("Outputs", {"Value": "x"}, 201, 200),
        ("Mappings", {"a": {"b": "c"}}, 201, 200),
    ],
)
def test_limits_on_the_number_of_things(section, entry, count, most):
    template = {"Resources": {"G": GROUP}, section: {f"N{number}": entry for number in range(count)}}
    assert refused(template) == (
        f"Template format error: Number of {section.lower()}, {count}, is greater than maximum allowed, {most}"
    )
    del template[section]["N0"]
    validation.check(template)


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        (
            {"Name": {"Ref": "Nope"}},
            "Template format error: Unresolved resource dependencies [Nope] in the Resources block of the template",
        ),
        (
            {"Name": {"Fn::Sub": "${Nope}-${Other}-${AWS::Region}"}},
            (
                "Template format error: Unresolved resource dependencies [Nope, Other] in the Resources block of the "
                "template"
            ),
        ),
        (
            {"Name": {"Fn::GetAtt": ["Nope", "Arn"]}},
            "Template error: instance of Fn::GetAtt references undefined resource Nope",
        ),
        (
            {"Name": {"Fn::GetAtt": ["Name", ""]}},
            (
                "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the "
                "resource attribute"
            ),
        ),
        ({"Name": {"Ref": ["A"]}}, "Template format error: All Ref values must be strings."),
        (
            {"Name": {"Fn::Sub": "${a b}"}},
            (
                "Template error: variable names in Fn::Sub syntax must contain only alphanumeric characters, "
                "underscores, periods, and colons"
            ),
        ),
        (
            {"Name": {"Fn::If": ["Nope", 1, 2]}},
            "Template format error: Unresolved condition dependency Nope in the Resources block of the template",
        ),
    ],
)
def test_names_that_lead_nowhere(properties, message):
    assert refused({"Resources": {"G": {**GROUP, "Properties": properties}}}) == message


def test_depends_on_and_condition_have_to_lead_somewhere():
    assert "Unresolved resource dependencies [Nope]" in refused({"Resources": {"G": {**GROUP, "DependsOn": "Nope"}}})
    assert "Unresolved condition dependency Nope in the Resources" in refused(
        {"Resources": {"G": {**GROUP, "Condition": "Nope"}}}
    )
    assert "in the Outputs block" in refused({"Resources": {"G": GROUP}, "Outputs": {"O": {"Value": {"Ref": "X"}}}})


def test_conditions_see_parameters_and_no_resources():
    template = {"Resources": {"G": GROUP}, "Conditions": {"C": {"Fn::Equals": [{"Ref": "G"}, "x"]}}}
    assert "Cannot reference resources in the Conditions block" in refused(template)


def test_a_condition_in_a_policy_statement_is_no_reference():
    statement = {"Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    validation.check({"Resources": {"G": {**GROUP, "Properties": {"Policy": {"Statement": [statement]}}}}})


# --- references and order --------------------------------------------------------------------------------------


def test_references_by_every_function():
    value = {
        "A": {"Ref": "One"},
        "B": [{"Fn::GetAtt": ["Two", "Arn"]}, {"Fn::GetAtt": "Three.Endpoint.Address"}],
        "C": {"Fn::Sub": ["${Four}-${Five.Arn}-${Own}-${!Literal}", {"Own": {"Ref": "Six"}}]},
    }
    assert references(value) == [
        Reference("One"),
        Reference("Two", "Arn"),
        Reference("Three", "Endpoint.Address"),
        Reference("Four"),
        Reference("Five", "Arn"),
        Reference("Six"),
    ]


def test_order_puts_what_is_needed_first():
    resources = {
        "Alarm": {**GROUP, "Properties": {"Actions": [{"Ref": "Topic"}]}},
        "Topic": {**GROUP, "Properties": {"Key": {"Fn::GetAtt": ["Key", "Arn"]}}},
        "Key": GROUP,
        "Rule": {**GROUP, "DependsOn": ["Alarm", "Key"]},
    }
    assert dependencies(resources)["Rule"] == {"Alarm", "Key"}
    assert order(dependencies(resources)) == ["Key", "Topic", "Alarm", "Rule"]


def test_a_circle_is_named_without_what_only_leads_to_it():
    needs = {"A": {"B"}, "B": {"C"}, "C": {"A"}, "Before": set(), "After": {"A", "Before"}}
    with pytest.raises(TemplateError) as error:
        order(needs)
    assert str(error.value) == "Circular dependency between resources: [A, B, C]"


# --- capabilities ----------------------------------------------------------------------------------------------


def test_capabilities_by_type_and_custom_name():
    role, named = {"Type": "AWS::IAM::Role"}, {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "x"}}
    assert capabilities.needed({"Resources": {"G": GROUP}}) == []
    assert capabilities.needed({"Resources": {"R": role}}) == ["CAPABILITY_IAM"]
    assert capabilities.needed({"Resources": {"R": role, "N": named}}) == ["CAPABILITY_NAMED_IAM"]
    assert capabilities.lacking({"Resources": {"R": role}}, ["CAPABILITY_NAMED_IAM"]) == []
    assert capabilities.lacking({"Resources": {"N": named}}, ["CAPABILITY_IAM"]) == ["CAPABILITY_NAMED_IAM"]
