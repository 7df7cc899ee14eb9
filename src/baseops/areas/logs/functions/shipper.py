"""Ships the events of a CloudWatch Logs subscription to OpenSearch, or to an OpenSearch Ingestion pipeline.

It runs in AWS Lambda with Python's library and boto3 alone. An event's own id is the document's, so that what is
sent twice is there once. What the receiver refuses for good goes to the dead letters with its reason; what it
could not take now makes the whole call fail, and Lambda repeats it and then keeps it as a dead letter itself.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
"""

from __future__ import annotations

import base64
import json
import logging
import os
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

# Any: log lines are anybody's JSON, and botocore makes its classes at run time.

CHUNK_BYTES = 4_000_000
LETTER_BYTES = 200_000
ATTEMPTS = 4
_log = logging.getLogger()
_MESSAGE = "DATA_MESSAGE"


class ReceiverError(Exception):
    """The receiver could not take events now; Lambda shall call again."""


@dataclass(frozen=True)
class Document:
    """One log event on its way, and which index it is for."""

    id: str
    index: str
    body: dict[str, Any]


@dataclass(frozen=True)
class Receiver:
    """Where documents go. `kind` is `opensearch` or `ingestion`, `target` the index prefix or the path."""

    kind: str
    endpoint: str
    target: str
    region: str
    parse_json: bool = False

    @property
    def url(self) -> str:
        """Where chunks are posted."""
        return f"{self.endpoint}/_bulk" if self.kind == "opensearch" else f"{self.endpoint}{self.target}"

    @property
    def service(self) -> str:
        """How SigV4 calls it."""
        return "es" if self.kind == "opensearch" else "osis"

    @property
    def content_type(self) -> str:
        """Of a chunk."""
        return "application/x-ndjson" if self.kind == "opensearch" else "application/json"


def handle(event: dict[str, Any], context: object) -> dict[str, int]:  # noqa: ARG001  # as Lambda calls it
    """Ship one batch. Raises `ReceiverError` when it has to come again."""
    receiver = Receiver(
        kind=os.environ["RECEIVER"],
        endpoint=os.environ["ENDPOINT"],
        target=os.environ["TARGET"],
        region=os.environ["AWS_REGION"],
        parse_json=os.environ.get("PARSE_JSON") == "yes",
    )
    session = boto3.session.Session()
    rejected: list[tuple[Document, str]] = []
    batch = decode(event)
    found = documents(batch, receiver)
    for chunk in chunks(found, receiver):
        rejected += ship(chunk, receiver, lambda request: post(request, session, receiver))
    if rejected:
        bury(rejected, session.client("sqs"), os.environ["DEAD_LETTERS"])
    return {"shipped": len(found) - len(rejected), "rejected": len(rejected)}


def decode(event: dict[str, Any]) -> dict[str, Any]:
    """What CloudWatch Logs sent: a batch of one stream's events, in gzip's or zlib's wrapping."""
    packed = base64.b64decode(event["awslogs"]["data"])
    batch: dict[str, Any] = json.loads(zlib.decompress(packed, zlib.MAX_WBITS | 32))
    return batch


def documents(batch: dict[str, Any], receiver: Receiver) -> list[Document]:
    """A document for each event; none for the control messages by which CloudWatch Logs tries the destination."""
    if batch["messageType"] != _MESSAGE:
        return []
    return [_document(each, batch, receiver) for each in batch["logEvents"]]


def _document(event: dict[str, Any], batch: dict[str, Any], receiver: Receiver) -> Document:
    at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
    body: dict[str, Any] = {
        "@timestamp": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "id": event["id"],
        "log_group": batch["logGroup"],
        "log_stream": batch["logStream"],
        "message": event["message"],
        "owner": batch["owner"],
    }
    fields = event.get("extractedFields") or (_fields(event["message"]) if receiver.parse_json else None)
    if fields:
        body["fields"] = fields
    return Document(event["id"], f"{receiver.target}-{at:%Y.%m.%d}", body)


def _fields(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def chunks(found: list[Document], receiver: Receiver) -> Iterator[list[Document]]:
    """The documents in requests that no receiver refuses for their size."""
    chunk: list[Document] = []
    size = 0
    for document in found:
        own = len(written([document], receiver))
        if chunk and size + own > CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
        chunk.append(document)
        size += own
    if chunk:
        yield chunk


def written(chunk: list[Document], receiver: Receiver) -> bytes:
    """A request's body: an action and a document for each, or an array."""
    if receiver.kind != "opensearch":
        return json.dumps([each.body for each in chunk], separators=(",", ":")).encode()
    lines = (part for each in chunk for part in ({"index": {"_index": each.index, "_id": each.id}}, each.body))
    return "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines).encode()


def ship(
    chunk: list[Document],
    receiver: Receiver,
    send: Callable[[bytes], tuple[int, bytes]],
    wait: Callable[[float], object] = time.sleep,  # noqa: TID251  # in Lambda no clock is ours
) -> list[tuple[Document, str]]:
    """Send a chunk until all of it is in or refused for good; gives what was refused, with reasons."""
    rejected: list[tuple[Document, str]] = []
    left = chunk
    for attempt in range(ATTEMPTS):
        if attempt:
            wait(2.0**attempt)
        left, refused = _outcome(left, receiver, *send(written(left, receiver)))
        rejected += refused
        if not left:
            return rejected
    raise ReceiverError(f"{len(left)} events were not taken after {ATTEMPTS} attempts")


def _outcome(
    chunk: list[Document], receiver: Receiver, status: int, answer: bytes
) -> tuple[list[Document], list[tuple[Document, str]]]:
    """What has to be sent again, and what was refused for good."""
    # 401 and 403 are a role that is not mapped yet: no fault of the events.
    if status in (401, 403, 408, 429) or status >= 500:
        _log.warning("the receiver answered %d", status)
        return chunk, []
    if status >= 300:
        return [], [(each, f"the receiver answered {status}") for each in chunk]
    if receiver.kind != "opensearch":
        return [], []
    return _items(chunk, json.loads(answer))


def _items(chunk: list[Document], answer: dict[str, Any]) -> tuple[list[Document], list[tuple[Document, str]]]:
    again: list[Document] = []
    refused: list[tuple[Document, str]] = []
    if not answer.get("errors"):
        return again, refused
    for document, item in zip(chunk, answer["items"], strict=True):
        (result,) = item.values()
        if result["status"] == 429 or result["status"] >= 500:
            again.append(document)
        elif result["status"] >= 300:
            # The reason quotes the line; its type alone says what is wrong.
            refused.append((document, str(result.get("error", {}).get("type", result["status"]))))
    return again, refused


def post(body: bytes, session: Any, receiver: Receiver) -> tuple[int, bytes]:
    """Sign and send a chunk; the status and the answer. A receiver that cannot be reached answers 503."""
    request = AWSRequest("POST", receiver.url, data=body, headers={"Content-Type": receiver.content_type})
    SigV4Auth(session.get_credentials(), receiver.service, receiver.region).add_auth(request)
    signed = urllib.request.Request(request.url, body, dict(request.headers.items()))  # noqa: S310  # declared address
    try:
        with urllib.request.urlopen(signed, timeout=30) as answer:  # noqa: S310  # as above
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        _log.warning("the receiver cannot be reached: %s", type(error).__name__)
        return 503, b""


def bury(rejected: list[tuple[Document, str]], sqs: Any, queue: str) -> None:
    """Put what was refused for good among the dead letters, several in one."""
    _log.error("%d events were refused: %s", len(rejected), sorted({reason for _, reason in rejected}))
    letter: list[dict[str, Any]] = []
    size = 0
    for document, reason in rejected:
        one = {"reason": reason, "index": document.index, "document": document.body}
        own = len(json.dumps(one))
        if letter and size + own > LETTER_BYTES:
            sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(letter))
            letter, size = [], 0
        letter.append(one)
        size += own
    sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(letter))
