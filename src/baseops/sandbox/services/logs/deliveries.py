"""What subscription filters deliver: matching events, packed as AWS packs them, to functions and delivery streams.

A function is called soon and asynchronously; a stream gets the batch at once. Streams of Kinesis and destinations
of other accounts get nothing here.
"""

from __future__ import annotations

import base64
import gzip
import json
from importlib import import_module
from typing import TYPE_CHECKING, Any

from moto.moto_api._internal import mock_random

from baseops.sandbox.moto_services import moto_backend
from baseops.sandbox.service import follow, opened
from baseops.sandbox.services.logs.subscription_filters import subscriptions_of
from baseops.semantics import filters

if TYPE_CHECKING:
    from baseops.sandbox.answer import Answer
    from baseops.sandbox.call import Call

# Any: moto's backends are untyped, members have AWS's shapes.


def deliver(call: Call, answer: Answer) -> None:
    """After PutLogEvents: each subscription gets the events that its pattern matches."""
    given = call.parameters
    group = call.backend.groups.get(given["logGroupName"])
    for subscription in subscriptions_of(group).values() if group else ():
        pattern = filters.compile(subscription["filterPattern"])
        events = [each for each in given["logEvents"] if pattern.matches(each["message"])]
        if events:
            _send(call, subscription, events)


def packed(call: Call, subscription: dict[str, Any], events: list[dict[str, Any]]) -> bytes:
    """A batch, gzipped."""
    batch = {
        "messageType": "DATA_MESSAGE",
        "owner": call.account_id,
        "logGroup": call.parameters["logGroupName"],
        "logStream": call.parameters["logStreamName"],
        "subscriptionFilters": [subscription["filterName"]],
        "logEvents": [
            {"id": _event_id(), "timestamp": int(each["timestamp"]), "message": each["message"]} for each in events
        ],
    }
    return gzip.compress(json.dumps(batch).encode(), mtime=0)


def _event_id() -> str:
    return str(int(mock_random.get_random_hex(44), 16)).zfill(56)[:56]


def _send(call: Call, subscription: dict[str, Any], events: list[dict[str, Any]]) -> None:
    destination = subscription["destinationArn"]
    service, region = destination.split(":")[2:4]
    data = packed(call, subscription, events)
    if service == "lambda":
        # The folder is called as the service is, and a statement cannot name it: `lambda` is a word of Python.
        invocations = import_module("baseops.sandbox.services.lambda.invocations")
        function = moto_backend("lambda", call.account_id, region).get_function(destination)
        invocations.invoke_later(function, {"awslogs": {"data": base64.b64encode(data).decode()}})
    elif service == "firehose":
        name = destination.rpartition("/")[2]
        opened().client("firehose", region).put_record(DeliveryStreamName=name, Record={"Data": data})


follow("logs", "PutLogEvents", deliver)
