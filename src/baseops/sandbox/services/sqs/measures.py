"""A queue's metrics: messages sent at once, how many wait and how long every five minutes while any does.

An empty queue publishes nothing after one last zero, as an inactive one in AWS.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
"""

from __future__ import annotations

from typing import Any

from moto.sqs.models import Queue

from baseops.sandbox.service import is_opened, opened
from baseops.sandbox.services.cloudwatch.series import record

PERIOD_SECONDS = 300.0
# Any: moto's queues are untyped.
_add_message: Any = Queue.add_message


def add_message(queue: Any, message: Any) -> None:
    """In the place of moto's own, which every way into a queue takes."""
    _add_message(queue, message)
    if not is_opened():
        return
    _publish(queue, "NumberOfMessagesSent", 1.0)
    if not getattr(queue, "sandbox_is_measured", False):
        queue.sandbox_is_measured = True
        _later(queue)


def _later(queue: Any) -> None:
    opened().clock.ticker.after(PERIOD_SECONDS, lambda: _measure(queue), f"metrics of queue {queue.name}")


def _measure(queue: Any) -> None:
    now = opened().clock.now().timestamp() * 1000
    waiting = int(queue.approximate_number_of_messages)
    hidden = int(queue.approximate_number_of_messages_not_visible)
    oldest = min(
        (float(each.sent_timestamp) for each in queue._messages if each not in queue.deleted_messages), default=now
    )
    _publish(queue, "ApproximateNumberOfMessagesVisible", float(waiting))
    _publish(queue, "ApproximateNumberOfMessagesNotVisible", float(hidden))
    _publish(queue, "ApproximateAgeOfOldestMessage", max(now - oldest, 0.0) / 1000 if waiting + hidden else 0.0)
    if waiting + hidden:
        _later(queue)
    else:
        queue.sandbox_is_measured = False


def _publish(queue: Any, metric: str, value: float) -> None:
    name = {"QueueName": queue.name}
    unit = "Seconds" if metric == "ApproximateAgeOfOldestMessage" else "Count"
    record(queue.account_id, queue.region, "AWS/SQS", metric, value, dimensions=name, unit=unit)


for _name, _ours in (("add_message", add_message),):
    setattr(Queue, _name, _ours)
