"""What IAM tells about an account: everybody in pages, simulations, and when a role was last used."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

TRUST = json.dumps({"Statement": {"Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": "sts:AssumeRole"}})


def document(action: str, resource: str = "*", effect: str = "Allow") -> str:
    statement = {"Effect": effect, "Action": action, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture
def iam(account) -> Any:
    return account.client("iam")


def make_role(iam, name: str = "web", policy: str = "", **more: Any) -> str:
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST, **more)["Role"]["Arn"]
    if policy:
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy)
    return str(arn)


def test_everybody_comes_in_pages(iam):
    for number in range(7):
        make_role(iam, f"role-{number}")
    iam.create_user(UserName="somebody")
    first = iam.get_account_authorization_details(MaxItems=5)
    assert first["IsTruncated"] is True
    assert len(first["UserDetailList"]) + len(first["RoleDetailList"]) == 5
    pages = iam.get_paginator("get_account_authorization_details").paginate(PaginationConfig={"PageSize": 3})
    names = [role["RoleName"] for page in pages for role in page["RoleDetailList"]]
    assert sorted(names) == [f"role-{number}" for number in range(7)]


def test_a_role_comes_with_all_that_decides_about_it(iam):
    boundary = iam.create_policy(PolicyName="b", PolicyDocument=document("s3:*"))["Policy"]["Arn"]
    make_role(iam, policy=document("s3:Get*"), PermissionsBoundary=boundary, Tags=[{"Key": "a", "Value": "b"}])
    iam.attach_role_policy(RoleName="web", PolicyArn="arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore")
    answer = iam.get_account_authorization_details()
    [role] = answer["RoleDetailList"]
    assert role["RolePolicyList"] == [{"PolicyName": "own", "PolicyDocument": json.loads(document("s3:Get*"))}]
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == boundary
    assert role["AssumeRolePolicyDocument"] == json.loads(TRUST)
    assert role["Tags"] == [{"Key": "a", "Value": "b"}]
    assert {policy["PolicyName"] for policy in answer["Policies"]} == {"b", "AmazonSSMManagedInstanceCore"}
    filtered = iam.get_account_authorization_details(Filter=["LocalManagedPolicy"])
    assert (filtered["RoleDetailList"], [each["PolicyName"] for each in filtered["Policies"]]) == ([], ["b"])


def test_a_simulation_says_what_would_be(iam):
    arn = make_role(iam, policy=document("s3:GetObject", "arn:aws:s3:::a/*"))
    answer = iam.simulate_principal_policy(
        PolicySourceArn=arn,
        ActionNames=["s3:GetObject", "s3:PutObject"],
        ResourceArns=["arn:aws:s3:::a/k", "arn:aws:s3:::b/k"],
    )
    decisions = [(each["EvalActionName"], each["EvalDecision"]) for each in answer["EvaluationResults"]]
    assert decisions == [
        ("s3:GetObject", "allowed"),
        ("s3:GetObject", "implicitDeny"),
        ("s3:PutObject", "implicitDeny"),
        ("s3:PutObject", "implicitDeny"),
    ]


def test_a_simulation_of_a_role_takes_no_resource_policy(iam):
    arn = make_role(iam)
    with pytest.raises(ClientError, match="InvalidInput"):
        iam.simulate_principal_policy(
            PolicySourceArn=arn, ActionNames=["s3:GetObject"], ResourcePolicy=document("s3:*")
        )


def test_a_simulation_of_policies_alone(iam):
    answer = iam.simulate_custom_policy(
        PolicyInputList=[document("*"), document("s3:*", effect="Deny")],
        ActionNames=["s3:GetObject", "ec2:RunInstances"],
    )
    assert [each["EvalDecision"] for each in answer["EvaluationResults"]] == ["explicitDeny", "allowed"]


def test_a_role_says_when_it_was_last_used(account, iam):
    arn = make_role(iam)
    assert iam.get_role(RoleName="web")["Role"]["RoleLastUsed"] == {}
    account.clock.sleep(3600)
    account.session_as(arn).client("ssm", "us-east-1").describe_parameters()
    used = iam.get_account_authorization_details()["RoleDetailList"][0]["RoleLastUsed"]
    assert used["Region"] == "us-east-1"
    assert used["LastUsedDate"] == account.clock.now()
    assert account.clock.now() - used["LastUsedDate"] == timedelta(0)


def test_whose_key_it_is(account):
    answer = account.client("sts").get_access_key_info(AccessKeyId=account.access_key)
    assert answer["Account"] == "111111111111"
