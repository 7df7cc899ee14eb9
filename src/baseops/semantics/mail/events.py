"""The records that SES publishes of a message: event publishing's shape, as topics, queues and streams get it.

https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from baseops.contract.types import Json

EventType = Literal["SEND", "REJECT", "BOUNCE", "COMPLAINT", "DELIVERY", "RENDERING_FAILURE", "DELIVERY_DELAY"]

NAMES: dict[EventType, str] = {
    "SEND": "Send",
    "REJECT": "Reject",
    "BOUNCE": "Bounce",
    "COMPLAINT": "Complaint",
    "DELIVERY": "Delivery",
    "RENDERING_FAILURE": "Rendering Failure",
    "DELIVERY_DELAY": "DeliveryDelay",
}
"""What `eventType` says for each of the API's types."""

DETAIL_TYPES: dict[EventType, str] = {
    "SEND": "Email Sent",
    "REJECT": "Email Rejected",
    "BOUNCE": "Email Bounced",
    "COMPLAINT": "Email Complaint Received",
    "DELIVERY": "Email Delivered",
    "RENDERING_FAILURE": "Email Rendering Failed",
    "DELIVERY_DELAY": "Email Delivery Delayed",
}
"""EventBridge's `detail-type`. https://docs.aws.amazon.com/ses/latest/dg/monitoring-eventbridge.html"""


@dataclass(frozen=True)
class Mail:
    """A message as its events describe it."""

    message_id: str
    source: str
    source_arn: str
    account_id: str
    recipients: tuple[str, ...]
    subject: str
    sent: datetime
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Bounce:
    """Why a message came back."""

    kind: str
    sub_kind: str
    status: str = ""
    diagnostic: str = ""


USER_UNKNOWN = Bounce("Permanent", "General", "5.1.1", "smtp; 550 5.1.1 user unknown")
NO_MAIL_THERE = Bounce("Permanent", "General", "5.1.10", "smtp; 550 5.1.10 the domain accepts no mail")
ON_GLOBAL_LIST = Bounce("Permanent", "Suppressed", "5.1.1", "Amazon SES has suppressed sending to this address")
ON_ACCOUNT_LIST = Bounce("Permanent", "OnAccountSuppressionList", "5.1.1", "Amazon SES did not send the message")
OUT_OF_OFFICE = Bounce("Transient", "General")


def send(mail: Mail) -> dict[str, Json]:
    """SES has accepted the message."""
    return _event("SEND", mail, "send", {})


def delivery(mail: Mail, recipient: str, when: datetime) -> dict[str, Json]:
    """The receiver has taken the message."""
    milliseconds = int((when - mail.sent).total_seconds() * 1000)
    details: dict[str, Json] = {
        "timestamp": stamp(when),
        "processingTimeMillis": milliseconds,
        "recipients": [recipient],
        "smtpResponse": "250 2.6.0 Message received",
        "reportingMTA": "a1-2.smtp-out.amazonses.com",
    }
    return _event("DELIVERY", mail, "delivery", details)


def bounce(mail: Mail, recipient: str, why: Bounce, when: datetime, feedback_id: str) -> dict[str, Json]:
    """The message has come back, or was never sent because the address is suppressed."""
    bounced: dict[str, Json] = {"emailAddress": recipient}
    if why.status:
        bounced |= {"action": "failed", "status": why.status, "diagnosticCode": why.diagnostic}
    details: dict[str, Json] = {
        "bounceType": why.kind,
        "bounceSubType": why.sub_kind,
        "bouncedRecipients": [bounced],
        "timestamp": stamp(when),
        "feedbackId": feedback_id,
        "reportingMTA": "dns; a1-2.smtp-out.amazonses.com",
    }
    return _event("BOUNCE", mail, "bounce", details)


def complaint(mail: Mail, recipient: str, when: datetime, feedback_id: str) -> dict[str, Json]:
    """A recipient has called the message spam."""
    details: dict[str, Json] = {
        "complainedRecipients": [{"emailAddress": recipient}],
        "timestamp": stamp(when),
        "feedbackId": feedback_id,
        "complaintFeedbackType": "abuse",
        "userAgent": "Amazon SES Mailbox Simulator",
    }
    return _event("COMPLAINT", mail, "complaint", details)


def reject(mail: Mail) -> dict[str, Json]:
    """SES has found a virus in the message and keeps it."""
    return _event("REJECT", mail, "reject", {"reason": "Bad content"})


def stamp(when: datetime) -> str:
    """A time as SES writes it: UTC, milliseconds, Z."""
    return when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}Z"


def _event(kind: EventType, mail: Mail, name: str, details: dict[str, Json]) -> dict[str, Json]:
    return {"eventType": NAMES[kind], name: details, "mail": _mail(mail)}


def _mail(mail: Mail) -> dict[str, Json]:
    common: dict[str, Json] = {
        "from": [mail.source],
        "to": _list(mail.recipients),
        "messageId": mail.message_id,
        "subject": mail.subject,
    }
    headers: list[Json] = [
        {"name": "From", "value": mail.source},
        {"name": "To", "value": ", ".join(mail.recipients)},
        {"name": "Subject", "value": mail.subject},
    ]
    return {
        "timestamp": stamp(mail.sent),
        "source": mail.source,
        "sourceArn": mail.source_arn,
        "sendingAccountId": mail.account_id,
        "messageId": mail.message_id,
        "destination": _list(mail.recipients),
        "headersTruncated": False,
        "headers": headers,
        "commonHeaders": common,
        "tags": {name: [value] for name, value in mail.tags},
    }


def _list(values: Sequence[str]) -> list[Json]:
    return [*values]
