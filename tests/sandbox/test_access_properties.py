"""Enforcement alone changes nothing; each statement that goes takes exactly its own calls with it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from baseops.sandbox.account import Account, open_account

START = datetime(2025, 1, 6, 9, 0, tzinfo=UTC)
ACCOUNT = "111111111111"
GROUP = f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group"

# A call, and the statement that covers it: nothing else does.
CALLS: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    ("logs", "create_log_group", {"logGroupName": "/a"},
     {"Action": "logs:CreateLogGroup", "Resource": f"{GROUP}:/a:*"}),
    ("logs", "describe_log_groups", {}, {"Action": "logs:DescribeLogGroups", "Resource": "*"}),
    ("ssm", "put_parameter", {"Name": "/p", "Value": "v", "Type": "String", "Overwrite": True},
     {"Action": "ssm:PutParameter", "Resource": f"arn:aws:ssm:*:{ACCOUNT}:parameter/p"}),
    ("ssm", "get_parameter", {"Name": "/p"}, {"Action": "ssm:GetParameter", "Resource": "arn:aws:ssm:*:*:parameter/p"}),
    ("secretsmanager", "get_secret_value", {"SecretId": "s"},
     {"Action": "secretsmanager:GetSecretValue", "Resource": "arn:aws:secretsmanager:*:*:secret:s-??????"}),
    ("secretsmanager", "list_secrets", {}, {"Action": "secretsmanager:ListSecrets", "Resource": "*"}),
    ("s3", "put_object", {"Bucket": "data", "Key": "k", "Body": b"x"},
     {"Action": "s3:PutObject", "Resource": "arn:aws:s3:::data/*"}),
    ("s3", "list_objects_v2", {"Bucket": "data"}, {"Action": "s3:ListBucket", "Resource": "arn:aws:s3:::data"}),
    ("sqs", "get_queue_url", {"QueueName": "q"},
     {"Action": "sqs:GetQueueUrl", "Resource": f"arn:aws:sqs:*:{ACCOUNT}:q"}),
    ("sns", "create_topic", {"Name": "t"}, {"Action": "sns:CreateTopic", "Resource": f"arn:aws:sns:*:{ACCOUNT}:t"}),
    ("ec2", "describe_volumes", {}, {"Action": "ec2:DescribeVolumes", "Resource": "*"}),
    ("ec2", "delete_volume", {"VolumeId": "vol-00000000"},
     {"Action": "ec2:DeleteVolume", "Resource": f"arn:aws:ec2:*:{ACCOUNT}:volume/vol-00000000"}),
    ("kms", "list_keys", {}, {"Action": "kms:ListKeys", "Resource": "*"}),
    ("sesv2", "get_account", {}, {"Action": "ses:GetAccount", "Resource": "*"}),
    ("iam", "get_role", {"RoleName": "caller"},
     {"Action": "iam:GetRole", "Resource": f"arn:aws:iam::{ACCOUNT}:role/caller"}),
    ("cloudwatch", "describe_alarms", {"AlarmNames": ["a"]},
     {"Action": "cloudwatch:DescribeAlarms", "Resource": f"arn:aws:cloudwatch:*:{ACCOUNT}:alarm:a"}),
    ("dlm", "get_lifecycle_policies", {}, {"Action": "dlm:GetLifecyclePolicies", "Resource": "*"}),
]  # fmt: skip
DENIED = {"AccessDeniedException", "AccessDenied", "UnauthorizedOperation", "AuthorizationError", "403"}
some_calls = st.lists(st.sampled_from(range(len(CALLS))), min_size=1, max_size=12)


def answers(numbers: list[int], statements: list[dict[str, Any]], *, enforce: bool) -> list[Any]:
    """What a role is answered, in a fresh account."""
    with open_account(start=START, retries=False) as account:
        prepare(account)
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]}
        make_role(account, policy)
        if enforce:
            account.enforce()
        clients = account.session_as(f"arn:aws:iam::{ACCOUNT}:role/caller")
        return [answer_of(clients, number) for number in numbers]


def prepare(account: Account) -> None:
    account.client("s3").create_bucket(Bucket="data", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    account.client("secretsmanager").create_secret(
        Name="s", SecretString="pw", ClientRequestToken="11111111-2222-3333-4444-555555555555"
    )
    account.client("sqs").create_queue(QueueName="q")


def make_role(account: Account, policy: dict[str, Any]) -> None:
    iam = account.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
    iam.create_role(
        RoleName="caller", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": trust})
    )
    iam.put_role_policy(RoleName="caller", PolicyName="own", PolicyDocument=json.dumps(policy))


def answer_of(clients: Any, number: int) -> Any:
    service, operation, arguments, _ = CALLS[number]
    try:
        answer = getattr(clients.client(service), operation)(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    answer.pop("ResponseMetadata")
    return json.dumps(answer, default=str, sort_keys=True)


@settings(max_examples=5, deadline=None)
@given(some_calls)
def test_enforcement_with_all_rights_changes_no_answer(numbers):
    everything = [{"Action": "*", "Resource": "*"}]
    assert answers(numbers, everything, enforce=True) == answers(numbers, everything, enforce=False)


def test_each_statement_suffices_for_its_call():
    numbers = list(range(len(CALLS)))
    assert not DENIED & set(answers(numbers, [CALLS[each][3] for each in numbers], enforce=True))


@settings(max_examples=5, deadline=None)
@given(st.sampled_from(range(len(CALLS))))
def test_a_removed_statement_refuses_exactly_what_it_covered(removed):
    numbers = list(range(len(CALLS)))
    left = [CALLS[each][3] for each in numbers if each != removed]
    found = answers(numbers, left, enforce=True)
    assert [number for number in numbers if found[number] in DENIED] == [removed]
