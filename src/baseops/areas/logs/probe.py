"""Reads a drill's own probe queue: notifications of alarms, and what a rule hands on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from baseops.aws.errors import translated
from baseops.contract.drill import DrillContext

# Any: botocore's client, and messages, which are JSON.


@dataclass(frozen=True)
class Notified:
    """An alarm's notification: which state, since when, and when the topic sent it on."""

    alarm: str
    state: str
    changed: datetime
    sent: datetime


@dataclass(frozen=True)
class Started:
    """What a rule would start a remedy with."""

    alarm: str
    heard: datetime


def receive(ctx: DrillContext, queue_url: str) -> list[Notified | Started]:
    """All that waits in the queue, which is then gone from it."""
    sqs = ctx.clients.client("sqs", ctx.site.region)
    found: list[Notified | Started] = []
    while True:
        with translated("cannot read the probe queue"):
            messages = sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10).get("Messages", [])
            for each in messages:
                sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=each["ReceiptHandle"])
        found += [one for each in messages if (one := _read(each["Body"], ctx.clock.now()))]
        if not messages:
            return found


def _read(body: str, now: datetime) -> Notified | Started | None:
    try:
        outer = json.loads(body)
        if "Message" not in outer:
            return Started(str(outer["AlarmName"][0]), now)
        inner: Any = json.loads(outer["Message"])
        return Notified(
            str(inner["AlarmName"]),
            str(inner["NewStateValue"]),
            _time(inner["StateChangeTime"]),
            _time(outer["Timestamp"]),
        )
    except (KeyError, IndexError, TypeError, ValueError):
        return None


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
