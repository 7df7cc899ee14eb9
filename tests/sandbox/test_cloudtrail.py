"""What was called is found by LookupEvents, late and without secrets, and in the files of a trail."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from baseops.sandbox.account import open_account
from baseops.sandbox.service import backend_class

REAL = Path(__file__).parents[3] / "shared/data/cloudtrail-invictus/CloudTrail"
LAG = 15 * 60
HERE = {"LocationConstraint": "eu-west-1"}


def found(account, region: str | None = None, **more: Any) -> list[dict[str, Any]]:
    """The records that LookupEvents gives, newest first."""
    records, token = [], {}
    while True:
        account.clock.sleep(1)
        answer = account.client("cloudtrail", region).lookup_events(**more, **token)
        records += [json.loads(each["CloudTrailEvent"]) for each in answer["Events"]]
        if "NextToken" not in answer:
            return records
        token = {"NextToken": answer["NextToken"]}


def named(account, name: str, **more: Any) -> list[dict[str, Any]]:
    attribute = {"AttributeKey": "EventName", "AttributeValue": name}
    return found(account, LookupAttributes=[attribute], **more)


def make_role(account, name: str, *actions: str) -> str:
    trust = {"Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": "sts:AssumeRole"}
    allowed = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    iam = account.client("iam")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": trust}))["Role"]["Arn"]
    if actions:
        document = json.dumps({"Version": "2012-10-17", "Statement": allowed})
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document)
    return str(arn)


def test_a_read_shows_after_five_to_fifteen_minutes(account):
    account.client("secretsmanager").create_secret(Name="a", SecretString="hidden-value")
    account.client("secretsmanager").get_secret_value(SecretId="a")
    account.clock.sleep(290)
    assert named(account, "GetSecretValue") == []
    account.clock.sleep(LAG - 290)
    [record] = named(account, "GetSecretValue")
    assert record["eventTime"] == "2025-01-06T09:00:00Z"
    assert record["eventSource"] == "secretsmanager.amazonaws.com"
    assert record["requestParameters"] == {"secretId": "a"}
    assert record["responseElements"] is None
    assert record["readOnly"] is True
    assert record["userIdentity"]["userName"] == "operator"


def test_no_record_holds_a_secret(account):
    secrets, ssm = account.client("secretsmanager"), account.client("ssm")
    secrets.create_secret(Name="a", SecretString="hidden-1")
    secrets.put_secret_value(SecretId="a", SecretBinary=b"hidden-2")
    ssm.put_parameter(Name="/p", Value="hidden-3", Type="SecureString")
    ssm.get_parameter(Name="/p", WithDecryption=True)
    secrets.get_secret_value(SecretId="a")
    key = account.client("kms").create_key()["KeyMetadata"]["KeyId"]
    account.client("kms").encrypt(KeyId=key, Plaintext=b"hidden-4")
    account.client("sns").create_topic(Name="t")
    account.clock.sleep(LAG)
    text = json.dumps(found(account))
    assert "hidden-" not in text
    assert "aGlkZGVu" not in text
    [put] = named(account, "PutParameter")
    assert put["requestParameters"]["value"] == "HIDDEN_DUE_TO_SECURITY_REASONS"


def test_a_role_s_read_names_the_role_and_the_version_by_its_key(account):
    made = account.client("secretsmanager").create_secret(Name="a", SecretString="x")
    clients = account.session_as(make_role(account, "reader"), "i-0a1")
    clients.client("secretsmanager").get_secret_value(SecretId="a")
    account.clock.sleep(LAG)
    [read] = named(account, "GetSecretValue")
    who = read["userIdentity"]
    assert who["type"] == "AssumedRole"
    assert who["arn"] == "arn:aws:sts::111111111111:assumed-role/reader/i-0a1"
    assert who["sessionContext"]["sessionIssuer"]["arn"] == "arn:aws:iam::111111111111:role/reader"
    [decrypt] = named(account, "Decrypt")
    assert decrypt["userIdentity"]["arn"] == who["arn"]
    assert decrypt["userIdentity"]["invokedBy"] == "secretsmanager.amazonaws.com"
    assert decrypt["sourceIPAddress"] == "secretsmanager.amazonaws.com"
    assert decrypt["requestParameters"]["encryptionContext"] == {
        "SecretARN": made["ARN"],
        "SecretVersionId": made["VersionId"],
    }


def test_a_batch_leaves_a_read_for_each_secret(account):
    for name in ("a", "b"):
        account.client("secretsmanager").create_secret(Name=name, SecretString="x")
    account.client("secretsmanager").batch_get_secret_value(SecretIdList=["a", "b"])
    account.clock.sleep(LAG)
    assert sorted(each["requestParameters"]["secretId"] for each in named(account, "GetSecretValue")) == ["a", "b"]
    assert len(named(account, "BatchGetSecretValue")) == 1


def test_a_parameter_s_read_names_its_arn(account):
    ssm = account.client("ssm")
    ssm.put_parameter(Name="/app/p", Value="v", Type="SecureString")
    ssm.get_parameters(Names=["/app/p"], WithDecryption=True)
    account.clock.sleep(LAG)
    arn = "arn:aws:ssm:eu-west-1:111111111111:parameter/app/p"
    [read] = named(account, "GetParameters")
    assert read["requestParameters"] == {"names": ["/app/p"], "withDecryption": True}
    assert read["resources"] == [{"accountId": "111111111111", "ARN": arn}]
    [decrypt] = named(account, "Decrypt")
    assert decrypt["requestParameters"]["encryptionContext"] == {"PARAMETER_ARN": arn}
    assert decrypt["userIdentity"]["invokedBy"] == "AWS Internal"


def test_a_refusal_is_recorded_without_its_parameters(account):
    arn = make_role(account, "stranger")
    account.client("secretsmanager").create_secret(Name="a", SecretString="x")
    account.enforce()
    clients = account.session_as(arn)
    for call in (lambda: clients.client("secretsmanager").get_secret_value(SecretId="a"),
                 lambda: clients.client("ec2").delete_volume(VolumeId="vol-00000000")):  # fmt: skip
        with pytest.raises(ClientError):
            call()
    account.clock.sleep(LAG)
    [read] = named(account, "GetSecretValue")
    assert read["errorCode"] == "AccessDenied"
    assert "is not authorized to perform: secretsmanager:GetSecretValue on resource: arn:" in read["errorMessage"]
    assert read["requestParameters"] is None
    [delete] = named(account, "DeleteVolume")
    assert delete["errorCode"] == "Client.UnauthorizedOperation"
    assert delete["requestParameters"] == {"volumeId": "vol-00000000"}


def test_what_secrets_manager_does_by_itself_is_an_event_of_the_service(account):
    arn = account.client("secretsmanager").create_secret(Name="a", SecretString="x")["ARN"]
    secrets: Any = backend_class("secretsmanager")
    secrets.of("111111111111", "eu-west-1").announce("RotationSucceeded", {"SecretId": arn})
    account.clock.sleep(LAG)
    [event] = named(account, "RotationSucceeded")
    assert event["eventType"] == "AwsServiceEvent"
    assert event["additionalEventData"] == {"SecretId": arn}
    assert event["userIdentity"] == {"accountId": "111111111111", "invokedBy": "secretsmanager.amazonaws.com"}


def test_iam_reports_to_us_east_1(account):
    make_role(account, "a")
    account.clock.sleep(LAG)
    assert named(account, "CreateRole") == []
    [made] = named(account, "CreateRole", region="us-east-1")
    assert made["requestParameters"]["roleName"] == "a"
    assert made["responseElements"]["role"]["arn"] == "arn:aws:iam::111111111111:role/a"


def test_fifty_a_page_newest_first(account):
    for number in range(60):
        account.client("ssm").put_parameter(Name=f"/p/{number}", Value="v", Type="String")
        account.clock.sleep(1)
    account.clock.sleep(LAG)
    attribute = {"AttributeKey": "EventName", "AttributeValue": "PutParameter"}
    answer = account.client("cloudtrail").lookup_events(LookupAttributes=[attribute])
    assert len(answer["Events"]) == 50
    names = [each["requestParameters"]["name"] for each in named(account, "PutParameter")]
    assert names == [f"/p/{number}" for number in reversed(range(60))]


def test_the_third_call_in_a_second_is_throttled():
    with open_account(retries=False) as account:
        look = account.client("cloudtrail").lookup_events
        look(), look()
        with pytest.raises(ClientError, match="ThrottlingException"):
            look()
        account.clock.sleep(1)
        look()


def test_events_older_than_ninety_days_are_gone(account):
    account.client("ssm").describe_parameters()
    account.clock.sleep(timedelta(days=89).total_seconds())
    assert len(named(account, "DescribeParameters")) == 1
    account.clock.sleep(timedelta(days=1, seconds=10).total_seconds())
    assert named(account, "DescribeParameters") == []


def test_a_time_range_and_wrong_questions(account):
    account.client("ssm").describe_parameters()
    account.clock.sleep(LAG)
    now = account.clock.now()
    assert named(account, "DescribeParameters", StartTime=now - timedelta(minutes=5)) == []
    assert len(named(account, "DescribeParameters", EndTime=now - timedelta(minutes=5))) == 1
    with pytest.raises(ClientError, match="InvalidTimeRangeException"):
        account.client("cloudtrail").lookup_events(StartTime=now, EndTime=now - timedelta(hours=1))


def test_data_events_are_no_management_events(account):
    s3 = account.client("s3")
    s3.create_bucket(Bucket="data", CreateBucketConfiguration=HERE)
    s3.put_object(Bucket="data", Key="k", Body=b"x")
    account.clock.sleep(LAG)
    assert named(account, "PutObject") == []
    [made] = named(account, "CreateBucket")
    assert made["requestParameters"]["bucketName"] == "data"


# --- trails ---------------------------------------------------------------------------------------------------


def make_trail(account, *, may_write: bool = True, **selectors: Any) -> str:
    s3, trails = account.client("s3"), account.client("cloudtrail")
    s3.create_bucket(Bucket="audit", CreateBucketConfiguration=HERE)
    if may_write:
        write = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": "s3:PutObject"}
        s3.put_bucket_policy(
            Bucket="audit",
            Policy=json.dumps(
                {"Version": "2012-10-17", "Statement": {**write, "Resource": "arn:aws:s3:::audit/AWSLogs/*"}}
            ),
        )
    trails.create_trail(Name="all-of-it", S3BucketName="audit", IsMultiRegionTrail=True, EnableLogFileValidation=True)
    if selectors:
        trails.put_event_selectors(TrailName="all-of-it", **selectors)
    trails.start_logging(Name="all-of-it")
    return "all-of-it"


def delivered(account) -> list[dict[str, Any]]:
    s3 = account.client("s3")
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket="audit").get("Contents", [])]
    files = [gzip.decompress(s3.get_object(Bucket="audit", Key=key)["Body"].read()) for key in keys]
    return [record for file in files for record in json.loads(file)["Records"]]


def test_a_trail_that_logs_gets_files(account):
    make_trail(account)
    account.client("ssm").describe_parameters()
    account.client("ssm", "us-east-1").describe_parameters()
    account.clock.sleep(300)
    records = [each for each in delivered(account) if each["eventName"] == "DescribeParameters"]
    assert sorted(each["awsRegion"] for each in records) == ["eu-west-1", "us-east-1"]
    [key, *_] = [each["Key"] for each in account.client("s3").list_objects_v2(Bucket="audit")["Contents"]]
    assert key.startswith("AWSLogs/111111111111/CloudTrail/eu-west-1/2025/01/06/111111111111_CloudTrail_eu-west-1_")
    status = account.client("cloudtrail").get_trail_status(Name="all-of-it")
    assert status["IsLogging"] is True
    assert status["LatestDeliveryTime"] == account.clock.now()


def test_a_trail_that_stopped_gets_nothing(account):
    name = make_trail(account)
    account.client("cloudtrail").stop_logging(Name=name)
    account.clock.sleep(300)
    before = len(delivered(account))
    account.client("ssm").describe_parameters()
    account.clock.sleep(300)
    assert len(delivered(account)) == before
    assert account.client("cloudtrail").get_trail_status(Name=name)["IsLogging"] is False


def test_a_bucket_that_keeps_the_trail_out_shows_in_its_status(account):
    name = make_trail(account, may_write=False)
    account.client("ssm").describe_parameters()
    account.clock.sleep(300)
    assert account.client("cloudtrail").get_trail_status(Name=name)["LatestDeliveryError"] == "AccessDenied"
    assert delivered(account) == []


def test_data_events_are_delivered_where_selected(account):
    fields = [
        {"Field": "eventCategory", "Equals": ["Data"]},
        {"Field": "resources.type", "Equals": ["AWS::S3::Object"]},
        {"Field": "resources.ARN", "StartsWith": ["arn:aws:s3:::data/"]},
    ]
    make_trail(account, AdvancedEventSelectors=[{"Name": "objects", "FieldSelectors": fields}])
    s3 = account.client("s3")
    s3.create_bucket(Bucket="data", CreateBucketConfiguration=HERE)
    s3.put_object(Bucket="data", Key="k", Body=b"x")
    account.clock.sleep(300)
    assert [each["eventName"] for each in delivered(account)] == ["PutObject"]


# --- held against real events ---------------------------------------------------------------------------------


@pytest.mark.skipif(not REAL.is_dir(), reason="the recorded CloudTrail events are not on this machine")
def test_our_records_have_the_fields_of_real_ones(account):
    real = [each for path in sorted(REAL.glob("*.json")) for each in json.loads(path.read_text())["Records"]]
    account.client("secretsmanager").create_secret(Name="a", SecretString="x")
    account.client("secretsmanager").get_secret_value(SecretId="a")
    account.client("ssm").put_parameter(Name="/p", Value="v", Type="SecureString")
    account.client("ssm").get_parameter(Name="/p", WithDecryption=True)
    account.client("ssm").get_parameters(Names=["/p"], WithDecryption=True)
    account.clock.sleep(LAG)
    for name in ("GetSecretValue", "GetParameter", "GetParameters", "Decrypt", "CreateSecret", "PutParameter"):
        theirs = next(each for each in real if each["eventName"] == name and "errorCode" not in each)
        ours = named(account, name)[0]
        # What depends on the network, and what came later.
        ignored = {"tlsDetails", "vpcEndpointId"}
        assert set(ours) == set(theirs) - ignored, name
        assert ours["readOnly"] == theirs["readOnly"]
        assert ours["eventSource"] == theirs["eventSource"]
        assert ours["eventType"] == theirs["eventType"]
        required = {"secretId", "name", "names", "withDecryption", "encryptionContext", "value"}
        assert required & set(ours["requestParameters"]) == required & set(theirs["requestParameters"]), name


@pytest.mark.skipif(not REAL.is_dir(), reason="the recorded CloudTrail events are not on this machine")
def test_what_real_events_call_reading_we_call_reading():
    from baseops.sandbox.services.cloudtrail import naming

    real = [each for path in sorted(REAL.glob("*.json")) for each in json.loads(path.read_text())["Records"]]
    calls = {
        (each["eventSource"].partition(".")[0], each["eventName"].partition("20150331")[0]): each["readOnly"]
        for each in real
        if each["eventType"] == "AwsApiCall" and each["eventSource"] != "signin.amazonaws.com"
    }
    assert {call for call, read in calls.items() if naming.is_reading(*call) != read} == set()


def test_a_trail_delivers_into_a_bucket_that_asks_for_its_owners_control(account):
    cloudtrail, s3 = account.client("cloudtrail"), account.client("s3")
    s3.create_bucket(Bucket="audit", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudtrail.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::audit/AWSLogs/{account.account_id}/*",
        "Condition": {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}},
    }
    s3.put_bucket_policy(Bucket="audit", Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    cloudtrail.create_trail(Name="company", S3BucketName="audit")
    cloudtrail.start_logging(Name="company")
    account.client("iam").list_roles()
    account.clock.sleep(600)
    assert "LatestDeliveryError" not in cloudtrail.get_trail_status(Name="company")
    assert cloudtrail.get_event_selectors(TrailName="company")["EventSelectors"] == [
        {
            "ReadWriteType": "All",
            "IncludeManagementEvents": True,
            "DataResources": [],
            "ExcludeManagementEventSources": [],
        }
    ]
