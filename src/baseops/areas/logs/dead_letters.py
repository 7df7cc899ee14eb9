"""Queues for what could not be delivered, each with an alarm: an event in one is a remedy or a line that is missing."""

from __future__ import annotations

from typing import Any

from troposphere import GetAtt, Ref, cloudwatch, sqs

from baseops.areas.logs import names
from baseops.cloudformation.builder import StackBuilder
from baseops.cloudformation.parts import alarm, refuse_plain_http
from baseops.cloudformation.resources import logical_id
from baseops.contract.refs import Refs

# Any: troposphere takes a text or a helper such as Ref for every property.

KEEP_SECONDS = 14 * 86400
"""The longest that a queue keeps anything.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
"""


def add_queue(stack: StackBuilder, name: str, purpose: str, refs: Refs, meaning: str) -> sqs.Queue:
    """An encrypted queue with the alarm that it is not empty."""
    queue = stack.add(
        sqs.Queue(
            logical_id(name, purpose, "DeadLetters"),
            KmsMasterKeyId=stack.use(refs.key("logs")),
            MessageRetentionPeriod=KEEP_SECONDS,
        )
    )
    stack.add(
        alarm(
            logical_id(name, purpose, "DeadLettersAlarm"),
            name=names.alarm_name(stack.site, name, f"{purpose}-dead-letters"),
            topic=stack.use(refs.topic()),
            AlarmDescription=f"Logs {name}: {meaning}",
            Namespace="AWS/SQS",
            MetricName="ApproximateNumberOfMessagesVisible",
            Dimensions=[cloudwatch.MetricDimension(Name="QueueName", Value=GetAtt(queue, "QueueName"))],
            Statistic="Maximum",
        )
    )
    return queue


def let_in(queue: sqs.Queue, service: str, sources: list[Any]) -> sqs.QueuePolicy:
    """The queue's policy: the service may send on behalf of the sources; nobody without TLS."""
    allow = {
        "Sid": f"{service.capitalize()}Sends",
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": GetAtt(queue, "Arn"),
        "Condition": {"ArnEquals": {"aws:SourceArn": sources}},
    }
    return _policy(queue, [allow, refuse_plain_http("sqs:*", GetAtt(queue, "Arn"))])


def closed(queue: sqs.Queue) -> sqs.QueuePolicy:
    """The policy of a queue into which only roles of this account write: nobody without TLS."""
    return _policy(queue, [refuse_plain_http("sqs:*", GetAtt(queue, "Arn"))])


def _policy(queue: sqs.Queue, statements: list[Any]) -> sqs.QueuePolicy:
    return sqs.QueuePolicy(
        f"{queue.title}Policy",
        Queues=[Ref(queue)],
        PolicyDocument={"Version": "2012-10-17", "Statement": statements},
    )
