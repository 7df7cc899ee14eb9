"""What a topic delivers: to queues whose policy and key let it in. To web addresses nothing: no call leaves here.

https://docs.aws.amazon.com/sns/latest/dg/subscribe-sqs-queue-to-sns-topic.html
"""

from __future__ import annotations

from typing import Any

from moto.sns.models import Subscription

from baseops.sandbox.service import is_opened
from baseops.sandbox.service_access import Sender, may_send
from baseops.sandbox.services.cloudwatch.series import record
from baseops.sandbox.services.sns.confirmations import is_pending

# Any: moto's subscriptions are untyped.
_publish: Any = Subscription.publish


def publish(subscription: Any, *given: Any, **more: Any) -> None:
    """In the place of moto's own."""
    if not is_opened() or is_pending(subscription):
        return
    if subscription.protocol in ("http", "https"):
        _count(subscription, "NumberOfNotificationsFailed")
        return
    sender = Sender("sns", subscription.topic.account_id, subscription.topic.arn)
    if subscription.protocol == "sqs" and not may_send(sender, subscription.endpoint):
        _count(subscription, "NumberOfNotificationsFailed")
        return
    _publish(subscription, *given, **more)
    _count(subscription, "NumberOfNotificationsDelivered")


def _count(subscription: Any, metric: str) -> None:
    """https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html."""
    topic = subscription.topic.arn
    name = {"TopicName": topic.rpartition(":")[2]}
    record(topic.split(":")[4], topic.split(":")[3], "AWS/SNS", metric, 1.0, dimensions=name, unit="Count")


for _name, _ours in (("publish", publish),):
    setattr(Subscription, _name, _ours)
