"""CloudWatch Logs in the sandbox: classes of groups, filters by AWS's grammar, subscriptions that deliver."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

FILTER = {"filterName": "errors", "filterPattern": "ERROR"}
COUNT = [{"metricName": "Errors", "metricNamespace": "Example", "metricValue": "1"}]


@pytest.fixture
def logs(account):
    client = account.client("logs")
    client.create_log_group(logGroupName="/web")
    client.create_log_group(logGroupName="/archive", logGroupClass="INFREQUENT_ACCESS")
    return client


def refused(call, **arguments) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_group_keeps_its_class(logs):
    found = logs.describe_log_groups()["logGroups"]
    assert {each["logGroupName"]: each["logGroupClass"] for each in found} == {
        "/archive": "INFREQUENT_ACCESS",
        "/web": "STANDARD",
    }
    (one,) = logs.describe_log_groups(logGroupClass="INFREQUENT_ACCESS")["logGroups"]
    assert one["logGroupName"] == "/archive"


def test_an_infrequent_access_group_takes_no_filters(logs):
    place = {"logGroupName": "/archive", **FILTER}
    said = refused(logs.put_metric_filter, **place, metricTransformations=COUNT)
    assert said == (
        "InvalidOperationException",
        "Metric filters are not supported for log groups with log class INFREQUENT_ACCESS",
    )
    destination = "arn:aws:lambda:eu-west-1:111111111111:function:ship"
    code, message = refused(logs.put_subscription_filter, **place, destinationArn=destination)
    assert (code, message.split(" ")[0]) == ("InvalidOperationException", "Subscription")


def test_a_filter_of_the_same_name_is_overwritten(logs):
    for pattern in ("ERROR", "FATAL"):
        logs.put_metric_filter(
            logGroupName="/web", filterName="errors", filterPattern=pattern, metricTransformations=COUNT
        )
    (found,) = logs.describe_metric_filters(logGroupName="/web")["metricFilters"]
    assert found["filterPattern"] == "FATAL"
    assert logs.describe_log_groups(logGroupNamePrefix="/web")["logGroups"][0]["metricFilterCount"] == 1


def test_a_pattern_that_cannot_be_read_is_refused(logs):
    code, message = refused(
        logs.put_metric_filter,
        logGroupName="/web",
        filterName="errors",
        filterPattern="{ $.status >= }",
        metricTransformations=COUNT,
    )
    assert code == "InvalidParameterException"
    assert message.startswith("Invalid filter pattern")


def test_lines_are_tried_on_a_pattern(logs):
    lines = ['{"status": 500, "host": "a"}', '{"status": 200, "host": "b"}']
    (found,) = logs.test_metric_filter(filterPattern="{ $.status >= 500 }", logEventMessages=lines)["matches"]
    assert (found["eventNumber"], found["eventMessage"]) == (1, lines[0])
    assert found["extractedValues"] == {"$.status": "500"}


def test_a_saved_query_is_found_by_its_name_and_overwritten_by_its_id(logs):
    made = logs.put_query_definition(name="web/slow", queryString="fields @message")["queryDefinitionId"]
    logs.put_query_definition(name="other", queryString="fields @message")
    logs.put_query_definition(queryDefinitionId=made, name="web/slow", queryString="fields @timestamp")
    (found,) = logs.describe_query_definitions(queryDefinitionNamePrefix="web/")["queryDefinitions"]
    assert (found["queryDefinitionId"], found["queryString"]) == (made, "fields @timestamp")
    assert logs.delete_query_definition(queryDefinitionId=made)["success"] is True
    assert logs.describe_query_definitions(queryDefinitionNamePrefix="web/")["queryDefinitions"] == []


def test_a_subscription_wants_a_destination_that_lets_it_in(logs):
    destination = "arn:aws:firehose:eu-west-1:111111111111:deliverystream/none"
    place = {"logGroupName": "/web", **FILTER, "destinationArn": destination}
    assert refused(logs.put_subscription_filter, **place) == (
        "InvalidParameterException",
        "roleArn is required for a destination of this type",
    )
    said = refused(logs.put_subscription_filter, **place, roleArn="arn:aws:iam::111111111111:role/none")
    assert said[1] == "Could not assume the given role: it does not exist"


@pytest.fixture
def stream(account):
    """A delivery stream into a bucket, and a role by which CloudWatch Logs puts into it, and it into the bucket."""
    services = ["logs.amazonaws.com", "firehose.amazonaws.com"]
    trust = {"Effect": "Allow", "Principal": {"Service": services}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = account.client("iam").create_role(RoleName="logs", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    account.client("s3").create_bucket(
        Bucket="shipped", CreateBucketConfiguration={"LocationConstraint": account.region}
    )
    arn = account.client("firehose").create_delivery_stream(
        DeliveryStreamName="ship",
        ExtendedS3DestinationConfiguration={"BucketARN": "arn:aws:s3:::shipped", "RoleARN": role},
    )["DeliveryStreamARN"]
    return {"destinationArn": arn, "roleArn": role}


def test_a_group_takes_two_subscriptions(logs, stream):
    for name in ("one", "two", "two"):
        logs.put_subscription_filter(logGroupName="/web", filterName=name, filterPattern="", **stream)
    code, _ = refused(logs.put_subscription_filter, logGroupName="/web", filterName="three", filterPattern="", **stream)
    assert code == "LimitExceededException"


def test_matching_events_are_delivered_and_others_are_not(account, logs, stream):
    logs.put_subscription_filter(logGroupName="/web", **FILTER, **stream)
    logs.create_log_stream(logGroupName="/web", logStreamName="i-1")
    now = int(account.clock.now().timestamp() * 1000)
    lines = ["ERROR one", "fine"]
    logs.put_log_events(
        logGroupName="/web",
        logStreamName="i-1",
        logEvents=[{"timestamp": now, "message": line} for line in lines],
    )
    account.clock.advance(by=600)
    objects = account.client("s3").list_objects_v2(Bucket="shipped")["Contents"]
    assert len(objects) == 1
