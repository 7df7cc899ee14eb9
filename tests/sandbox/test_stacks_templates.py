"""ValidateTemplate and GetTemplateSummary; parameters of AWS's own types; faults inside a handler."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from baseops.sandbox.faults import Fault

GROUP = {"Type": "AWS::Logs::LogGroup"}
TEMPLATE = {
    "AWSTemplateFormatVersion": "2010-09-09",
    "Description": "logs of acme",
    "Parameters": {
        "Days": {"Type": "Number", "Default": 7, "AllowedValues": [7, 14], "Description": "how long"},
        "Key": {"Type": "String", "NoEcho": True},
    },
    "Resources": {
        "Group": {**GROUP, "Properties": {"RetentionInDays": {"Ref": "Days"}, "KmsKeyId": {"Ref": "Key"}}},
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "x", "AssumeRolePolicyDocument": {}}},
    },
}


def test_a_valid_template_says_its_parameters_and_capabilities(stacks):
    answer = stacks.client.validate_template(TemplateBody=json.dumps(TEMPLATE))
    assert answer["Description"] == "logs of acme"
    assert answer["Capabilities"] == ["CAPABILITY_NAMED_IAM"]
    assert answer["CapabilitiesReason"] == "The following resource(s) require capabilities: [AWS::IAM::Role]"
    assert answer["Parameters"] == [
        {"ParameterKey": "Days", "DefaultValue": "7", "NoEcho": False, "Description": "how long"},
        {"ParameterKey": "Key", "NoEcho": True},
    ]


def test_a_summary_says_types_and_constraints(stacks):
    answer = stacks.client.get_template_summary(TemplateBody=json.dumps(TEMPLATE))
    assert answer["ResourceTypes"] == ["AWS::IAM::Role", "AWS::Logs::LogGroup"]
    assert answer["Version"] == "2010-09-09"
    assert answer["Parameters"][0]["ParameterConstraints"] == {"AllowedValues": ["7", "14"]}


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ({"Resources": {"A": {"Type": "AWS::Nope::Nope"}}}, r"Unrecognized resource types: \[AWS::Nope::Nope\]"),
        (
            {"Resources": {"A": {**GROUP, "DependsOn": "B"}, "B": {**GROUP, "DependsOn": "A"}}},
            r"Circular dependency between resources: \[A, B\]",
        ),
        ({"Resources": {"A": {**GROUP, "DeletionPolicy": "Snapshot"}}}, "does not support Snapshot DeletionPolicy"),
    ],
)
def test_a_template_that_is_wrong_is_refused(stacks, template, words):
    with pytest.raises(ClientError, match=words) as error:
        stacks.client.validate_template(TemplateBody=json.dumps(template))
    assert error.value.response["Error"]["Code"] == "ValidationError"


def test_a_hidden_parameter_is_never_shown(stacks):
    body = {
        "Parameters": {"Name": {"Type": "String", "NoEcho": True}},
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Ref": "Name"}}}},
    }
    values = [{"ParameterKey": "Name", "ParameterValue": "hidden"}]
    made = stacks.change_set("acme", body, Parameters=values)
    assert "hidden" not in json.dumps(made, default=str)
    assert stacks.apply("acme", body, "CREATE", Parameters=values) == "CREATE_COMPLETE"
    assert "hidden" not in json.dumps(stacks.events("acme"), default=str)
    assert stacks.stack("acme")["Parameters"] == [{"ParameterKey": "Name", "ParameterValue": "****"}]


def test_a_subnet_that_does_not_exist_is_refused(stacks, account):
    body = {"Parameters": {"Subnet": {"Type": "AWS::EC2::Subnet::Id"}}, "Resources": {"Group": GROUP}}
    with pytest.raises(ClientError, match="parameter value subnet-1 for parameter name Subnet does not exist"):
        stacks.change_set("acme", body, Parameters=[{"ParameterKey": "Subnet", "ParameterValue": "subnet-1"}])
    ec2 = account.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    made = stacks.change_set("acme", body, Parameters=[{"ParameterKey": "Subnet", "ParameterValue": subnet}])
    assert made["Status"] == "CREATE_COMPLETE"


def test_a_key_policy_that_names_a_role_which_does_not_exist_is_refused(stacks):
    def key(principal: str) -> dict:
        statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "kms:*", "Resource": "*"}
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        return {"Resources": {"Key": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": policy}}}}

    assert stacks.apply("one", key("arn:aws:iam::111111111111:role/nobody")) == "ROLLBACK_COMPLETE"
    reason = stacks.reasons("one")["Key", "CREATE_FAILED"]
    assert "Policy contains a statement with one or more invalid principals" in reason
    assert stacks.apply("two", key("arn:aws:iam::111111111111:root")) == "CREATE_COMPLETE"
    assert stacks.apply("three", key("arn:aws:iam::222222222222:role/elsewhere")) == "CREATE_COMPLETE"


def test_conditions_decide_which_resources_there_are(stacks):
    body = {
        "Parameters": {"Stage": {"Type": "String", "Default": "test"}},
        "Conditions": {"Live": {"Fn::Equals": [{"Ref": "Stage"}, "live"]}},
        "Resources": {"Always": {"Type": "AWS::SNS::Topic"}, "Live": {"Type": "AWS::SNS::Topic", "Condition": "Live"}},
        "Outputs": {"Live": {"Value": {"Ref": "Live"}, "Condition": "Live"}},
    }
    stacks.apply("acme", body)
    assert ([*stacks.physical_ids("acme")], stacks.outputs("acme")) == (["Always"], {})
    stacks.apply("acme", body, Parameters=[{"ParameterKey": "Stage", "ParameterValue": "live"}])
    assert sorted(stacks.physical_ids("acme")) == ["Always", "Live"]
    assert [*stacks.outputs("acme")] == ["Live"]
    stacks.apply("acme", body, Parameters=[{"ParameterKey": "Stage", "ParameterValue": "test"}])
    assert [*stacks.physical_ids("acme")] == ["Always"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"Transform": "AWS::Serverless-2016-10-31"}, "No transform named AWS::Serverless-2016-10-31 found"),
        ({"Rules": {"R": {"Assertions": []}}}, "the sandbox does not know the section Rules"),
        ({"Resources": {"G": {**GROUP, "CreationPolicy": {}}}}, "CreationPolicy is not supported for resource G"),
    ],
)
def test_what_the_sandbox_lacks_is_refused(stacks, more, words):
    with pytest.raises(ClientError, match=words):
        stacks.client.validate_template(TemplateBody=json.dumps({"Resources": {"G": GROUP}, **more}))


def test_throttling_inside_a_handler_is_tried_again(stacks, account):
    account.faults.add(Fault("logs", "CreateLogGroup", error="ThrottlingException", times=3))
    assert stacks.apply("acme", {"Resources": {"Group": GROUP}}) == "CREATE_COMPLETE"


def test_a_missing_permission_inside_a_handler_fails_the_resource(stacks, account):
    said = "User: arn:aws:sts::111111111111:assumed-role/deploy/x is not authorized to perform: logs:CreateLogGroup"
    account.faults.add(Fault("logs", "CreateLogGroup", error="AccessDeniedException", message=said))
    assert stacks.apply("acme", {"Resources": {"Group": GROUP}}) == "ROLLBACK_COMPLETE"
    reason = stacks.reasons("acme")["Group", "CREATE_FAILED"]
    assert said in reason
    assert reason.endswith("HandlerErrorCode: AccessDenied)")
