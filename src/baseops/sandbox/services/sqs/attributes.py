"""A queue's times as SQS gives them: whole seconds, where moto writes fractions.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html
"""

from __future__ import annotations

from typing import Any

from moto.sqs.models import Queue

_TIMES = ("CreatedTimestamp", "LastModifiedTimestamp")
# Any: moto's queues are untyped.
_attributes: Any = Queue.attributes.fget  # type: ignore[attr-defined]  # a property of a class


def attributes(queue: Any) -> dict[str, Any]:
    """In the place of moto's own."""
    found: dict[str, Any] = _attributes(queue)
    return {name: int(value) if name in _TIMES else value for name, value in found.items()}


Queue.attributes = property(attributes)  # type: ignore[assignment,method-assign]  # the class is moto's
