"""Subscription filters: at most two for a group, to destinations that exist and let CloudWatch Logs in.

They are kept beside moto's groups: moto would deliver by patterns that it does not understand.
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutSubscriptionFilter.html
"""

from __future__ import annotations

import json
from typing import Any

from baseops.sandbox.service import Members, ServiceError, calling, extend, opened
from baseops.sandbox.services.logs.groups import group_of, refuse_infrequent
from baseops.sandbox.services.logs.metric_filters import read_pattern

# Any: moto's backend is untyped, members have AWS's shapes.

MAX_FILTERS = 2


def put_subscription_filter(backend: Any, **_: Any) -> Members:
    """Make a filter, or overwrite the one of its name."""
    given = dict(calling().parameters)
    group = group_of(backend, given["logGroupName"])
    refuse_infrequent(group, "Subscription")
    read_pattern(given["filterPattern"])
    kept = subscriptions_of(group)
    if given["filterName"] not in kept and len(kept) >= MAX_FILTERS:
        raise ServiceError("Resource limit exceeded.", code="LimitExceededException", status=400)
    _refuse_destination(given["destinationArn"], given.get("roleArn"))
    arn = f"arn:aws:logs:{calling().region}:{calling().account_id}:log-group:{group.name}:*"
    _refuse_shut_out(given["destinationArn"], arn)
    made = int(opened().clock.now().timestamp() * 1000)
    kept[given["filterName"]] = {"distribution": "ByLogStream", **given, "creationTime": made}
    return {}


def describe_subscription_filters(
    backend: Any, log_group_name: str, filter_name_prefix: str = "", limit: int = 50, next_token: str | None = None
) -> Members:
    """The filters of a group; never more than a page."""
    kept = subscriptions_of(group_of(backend, log_group_name))
    return {"subscriptionFilters": [each for name, each in sorted(kept.items()) if name.startswith(filter_name_prefix)]}


def delete_subscription_filter(backend: Any, log_group_name: str, filter_name: str) -> Members:
    """Delete a filter; an unknown one is an error."""
    kept = subscriptions_of(group_of(backend, log_group_name))
    if filter_name not in kept:
        raise ServiceError(
            "The specified subscription filter does not exist.", code="ResourceNotFoundException", status=400
        )
    del kept[filter_name]
    return {}


def subscriptions_of(group: Any) -> dict[str, dict[str, Any]]:
    """The subscription filters of a group by name."""
    if not hasattr(group, "sandbox_subscriptions"):
        group.sandbox_subscriptions = {}
    found: dict[str, dict[str, Any]] = group.sandbox_subscriptions
    return found


def _refuse_destination(destination: str, role: str | None) -> None:
    service = destination.split(":")[2]
    if service == "lambda":
        return
    if service not in ("firehose", "kinesis", "logs"):
        raise _invalid("destinationArn is not the ARN of a stream, a delivery stream, a function or a destination")
    if service != "logs" and not role:
        raise _invalid("roleArn is required for a destination of this type")
    _refuse_role(role)
    name = destination.rpartition("/")[2]
    if service == "firehose" and not _is_active(name):
        raise _invalid(
            "Could not deliver test message to specified Firehose stream. Check if the given Firehose stream is in "
            "ACTIVE state."
        )
    if service == "kinesis" and name not in opened().client("kinesis").list_streams()["StreamNames"]:
        raise _invalid("Could not deliver test message to specified Kinesis stream. Check if the stream exists.")


def _is_active(name: str) -> bool:
    client = opened().client("firehose", calling().region)
    try:
        found = client.describe_delivery_stream(DeliveryStreamName=name)
    except client.exceptions.ResourceNotFoundException:
        return False
    return bool(found["DeliveryStreamDescription"]["DeliveryStreamStatus"] == "ACTIVE")


def _refuse_role(role: str | None) -> None:
    if role is None:
        return
    iam = opened().client("iam")
    try:
        found = iam.get_role(RoleName=role.rpartition("/")[2])["Role"]
    except iam.exceptions.NoSuchEntityException as error:
        raise _invalid("Could not assume the given role: it does not exist") from error
    if "logs." not in json.dumps(found["AssumeRolePolicyDocument"]):
        raise _invalid(
            "Could not deliver test message to specified destination. Check if CloudWatch Logs may assume the role."
        )


def _refuse_shut_out(destination: str, group_arn: str) -> None:
    if destination.split(":")[2] != "lambda":
        return
    client = opened().client("lambda", calling().region)
    try:
        policy = json.loads(client.get_policy(FunctionName=destination)["Policy"])
    except client.exceptions.ResourceNotFoundException:
        policy = {"Statement": []}
    if not any(_lets_logs_in(statement) for statement in policy["Statement"]):
        raise _invalid(
            "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to execute "
            "your function."
        )


def _lets_logs_in(statement: dict[str, Any]) -> bool:
    service = str(statement.get("Principal", {}).get("Service", ""))
    return service.startswith("logs.") and service.endswith("amazonaws.com")


def _invalid(message: str) -> ServiceError:
    return ServiceError(message, code="InvalidParameterException", status=400)


extend("logs", "DeleteSubscriptionFilter", delete_subscription_filter)
extend("logs", "DescribeSubscriptionFilters", describe_subscription_filters)
extend("logs", "PutSubscriptionFilter", put_subscription_filter)
