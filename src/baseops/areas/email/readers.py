"""Who reads the events of a stream: the declared roles, and the policy that lets each empty the queue and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from troposphere import GetAtt

from baseops.areas.email.feedback import queue_title
from baseops.areas.email.identities import Stream
from baseops.semantics.roles import Role, role_of

if TYPE_CHECKING:
    from baseops.contract.site import Site

# Any: troposphere takes a text or a helper such as Ref for every property.

ACTIONS = (
    "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:GetQueueUrl",
    "sqs:ReceiveMessage",
)


def readers(stream: Stream, site: Site) -> list[Role]:
    """The readers of a stream's queue, as they stand in the file."""
    return [role_of(reference, site.accounts) for reference in dict.fromkeys(stream.events.readers)]


def permission(stream: Stream, key: Any, region: str) -> dict[str, Any]:
    """Read and delete what lies in the queue, which is encrypted with the key."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "ReadMailEvents",
                "Effect": "Allow",
                "Action": list(ACTIONS),
                "Resource": GetAtt(queue_title(stream), "Arn"),
            },
            {
                "Sid": "DecryptMailEvents",
                "Effect": "Allow",
                "Action": "kms:Decrypt",
                "Resource": key,
                "Condition": {"StringEquals": {"kms:ViaService": f"sqs.{region}.amazonaws.com"}},
            },
        ],
    }
