"""Sends matching events to the destinations of subscription filters, as the service does: gzipped, by permission.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from baseops.sandbox.service import opened
from baseops.sandbox.service_access import AccessError, Sender, role_session
from baseops.sandbox.services.cloudwatch.series import record
from baseops.sandbox.services.events import functions
from baseops.sandbox.services.logs.subscription_filters import subscriptions_of
from baseops.semantics import filters

# Any: moto's backend is untyped, filters are members of AWS's shapes.

SECONDS = 2.0


def subscribe(backend: Any, group: str, stream: str, events: Sequence[Mapping[str, Any]]) -> None:
    """Send soon, to every destination, the events that its filter lets through."""
    for each in list(subscriptions_of(backend.groups[group]).values()):
        pattern = filters.compile(each["filterPattern"])
        matching = [event for event in events if pattern.matches(event["message"])]
        if matching:
            payload = _payload(backend, each, stream, matching)
            name = f"subscription {each['filterName']} of {group}"
            opened().clock.ticker.after(SECONDS, _sending(backend, each, payload, len(matching)), name)


def _sending(backend: Any, made: Mapping[str, Any], payload: bytes, count: int) -> Any:
    return lambda: _send(backend, made, payload, count)


def _send(backend: Any, made: Mapping[str, Any], payload: bytes, count: int) -> None:
    place = f"arn:aws:logs:{backend.region_name}:{backend.account_id}:log-group:{made['logGroupName']}:*"
    sender, destination = Sender("logs", backend.account_id, place), str(made["destinationArn"])
    metric = "ForwardedLogEvents"
    try:
        if destination.split(":")[2] == "lambda":
            data = {"awslogs": {"data": base64.b64encode(payload).decode()}}
            error = functions.invoke_later(sender, destination, data)
            metric = "DeliveryErrors" if error else metric
        else:
            _put_record(sender, backend.region_name, made, payload)
    except (AccessError, ClientError):
        metric = "DeliveryErrors"
    kind = "Lambda" if ":lambda:" in destination else "Firehose"
    dimensions = {
        "LogGroupName": made["logGroupName"],
        "DestinationType": kind,
        "FilterName": made["filterName"],
    }
    record(backend.account_id, backend.region_name, "AWS/Logs", metric, float(count), dimensions=dimensions)


def _put_record(sender: Sender, region: str, made: Mapping[str, Any], payload: bytes) -> None:
    session = role_session(sender, str(made["roleArn"]))
    stream = str(made["destinationArn"]).rpartition("/")[2]
    session.client("firehose", region).put_record(DeliveryStreamName=stream, Record={"Data": payload})


def _payload(backend: Any, made: Mapping[str, Any], stream: str, events: Sequence[Mapping[str, Any]]) -> bytes:
    message = {
        "messageType": "DATA_MESSAGE",
        "owner": backend.account_id,
        "logGroup": made["logGroupName"],
        "logStream": stream,
        "subscriptionFilters": [made["filterName"]],
        "logEvents": [
            {
                "id": f"{event['timestamp']:032d}{number:024d}",
                "timestamp": event["timestamp"],
                "message": event["message"],
            }
            for number, event in enumerate(events)
        ],
    }
    return gzip.compress(json.dumps(message).encode(), mtime=0)
