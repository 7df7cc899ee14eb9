"""Reads topics, subscriptions, queues and the keys that encrypt them; describe calls only, never a message."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from baseops.aws.errors import translated
from baseops.contract.clients import Clients
from baseops.errors import NotFoundError
from baseops.semantics.service_access import Key

# Any: botocore's answers.


def topic_attributes(clients: Clients, arn: str) -> Mapping[str, str] | None:
    """AWS call: sns:GetTopicAttributes; None where there is no such topic."""
    try:
        with translated(f"cannot read the topic {arn.rpartition(':')[2]}"):
            answer: Mapping[str, str] = clients.client("sns", _region(arn)).get_topic_attributes(TopicArn=arn)[
                "Attributes"
            ]
    except NotFoundError:
        return None
    return answer


def subscriptions(clients: Clients, topic_arn: str) -> list[Mapping[str, Any]]:
    """AWS call: sns:ListSubscriptionsByTopic, all pages."""
    with translated(f"cannot list the subscriptions of {topic_arn.rpartition(':')[2]}"):
        sns = clients.client("sns", _region(topic_arn))
        pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic_arn)
        return [each for page in pages for each in page["Subscriptions"]]


def subscription(clients: Clients, arn: str) -> Mapping[str, str]:
    """AWS call: sns:GetSubscriptionAttributes."""
    with translated(f"cannot read a subscription of {arn.split(':')[5]}"):
        sns = clients.client("sns", _region(arn))
        answer: Mapping[str, str] = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    return answer


def queue_attributes(clients: Clients, url: str) -> Mapping[str, str] | None:
    """AWS call: sqs:GetQueueAttributes; None where there is no such queue."""
    names = ["Policy", "KmsMasterKeyId", "QueueArn"]
    try:
        with translated(f"cannot read the queue {url.rpartition('/')[2]}"):
            answer = clients.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)
    except NotFoundError:
        return None
    found: Mapping[str, str] = answer.get("Attributes", {})
    return found


def key_of(clients: Clients, key_id: str, region: str | None = None) -> Key | None:
    """The key that encrypts, None where none does; `region` is for an id that names none.

    AWS calls: kms:DescribeKey and kms:GetKeyPolicy.
    """
    if not key_id:
        return None
    if key_id.rpartition("alias/")[2].startswith("aws/"):
        return Key(key_id, "Enabled", None)
    kms = clients.client("kms", _region(key_id) if key_id.startswith("arn:") else region)
    try:
        with translated(f"cannot read the key {key_id.rpartition('/')[2]}"):
            about = kms.describe_key(KeyId=key_id)["KeyMetadata"]
            if about.get("KeyManager") == "AWS":
                return Key(str(about["Arn"]), str(about["KeyState"]), None)
            text = kms.get_key_policy(KeyId=about["Arn"], PolicyName="default")["Policy"]
    except NotFoundError:
        return Key(key_id, "gone", {"Version": "2012-10-17", "Statement": []})
    return Key(str(about["Arn"]), str(about["KeyState"]), json.loads(text))


def _region(arn: str) -> str:
    return arn.split(":")[3]
