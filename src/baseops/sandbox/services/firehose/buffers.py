"""PutRecord and PutRecordBatch: records are buffered, unpacked as the stream says, and written by its role.

Nothing leaves the machine: an HTTP endpoint takes records where the account knows of somebody who does. What is not
taken goes, when the time to try is over, to the bucket for such records.
https://docs.aws.amazon.com/firehose/latest/dev/basic-deliver.html
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError
from moto.moto_api._internal import mock_random

from baseops.sandbox.service import Members, ServiceError, extend, opened
from baseops.sandbox.service_access import AccessError, Sender, role_session
from baseops.sandbox.services.cloudwatch.series import record

# Any: moto's backend is untyped, destinations are members of AWS's shapes.

_RETRY_SECONDS = 60.0
_LONGEST = timedelta(hours=24)
_TIMESTAMP = re.compile(r"!\{timestamp:([^}]*)\}")
_JAVA = (("yyyy", "%Y"), ("MM", "%m"), ("dd", "%d"), ("HH", "%H"), ("mm", "%M"), ("ss", "%S"))
_PLACES = ("ExtendedS3", "S3", "HttpEndpoint")


@dataclass
class Buffer:
    """What waits in one stream, since when."""

    records: list[bytes] = field(default_factory=list)
    since: datetime | None = None


def put_record(backend: Any, delivery_stream_name: str, record: Mapping[str, Any]) -> Members:
    """Take one record."""
    _take(backend, delivery_stream_name, [record])
    return {"RecordId": str(mock_random.uuid4()), "Encrypted": False}


def put_record_batch(backend: Any, delivery_stream_name: str, records: list[Mapping[str, Any]]) -> Members:
    """Take up to 500 records."""
    if not 1 <= len(records) <= 500:
        raise ServiceError("A batch has 1 to 500 records", code="InvalidArgumentException", status=400)
    _take(backend, delivery_stream_name, records)
    ids = [{"RecordId": str(mock_random.uuid4())} for _ in records]
    return {"FailedPutCount": 0, "Encrypted": False, "RequestResponses": ids}


def _take(backend: Any, name: str, records: list[Mapping[str, Any]]) -> None:
    if name not in backend.delivery_streams:
        raise ServiceError(
            f"Firehose {name} under account {backend.account_id} not found.",
            code="ResourceNotFoundException",
            status=400,
        )
    buffer = _buffers(backend).setdefault(name, Buffer())
    buffer.records += [bytes(each["Data"]) for each in records]
    if buffer.since is None:
        buffer.since = opened().clock.now()
        _, destination = _destination(backend, name)
        interval = (destination.get("BufferingHints") or {}).get("IntervalInSeconds", 300)
        opened().clock.ticker.after(float(interval), lambda: _flush(backend, name), f"delivery of {name}")


def _flush(backend: Any, name: str) -> None:
    buffer = _buffers(backend).get(name)
    if name not in backend.delivery_streams or buffer is None or buffer.since is None:
        return
    kind, destination = _destination(backend, name)
    age = opened().clock.now() - buffer.since
    metric = "DeliveryToHttpEndpoint" if kind == "HttpEndpoint" else "DeliveryToS3"
    _count(backend, name, f"{metric}.DataFreshness", age.total_seconds(), "Seconds")
    if _write(backend, name, kind, destination, buffer, age):
        buffer.records, buffer.since = [], None
    elif age < _LONGEST:
        opened().clock.ticker.after(_RETRY_SECONDS, lambda: _flush(backend, name), f"delivery of {name}")
    else:
        _count(backend, name, f"{metric}.DataLoss", float(len(buffer.records)), "Count")
        buffer.records, buffer.since = [], None


def _write(backend: Any, name: str, kind: str, destination: Mapping[str, Any], buffer: Buffer, age: timedelta) -> bool:
    bucket = destination
    if kind == "HttpEndpoint":
        if _posted(backend, name, destination):
            return True
        retry = timedelta(seconds=int((destination.get("RetryOptions") or {}).get("DurationInSeconds", 300)))
        hints = destination.get("BufferingHints") or {}
        if age < retry + timedelta(seconds=int(hints.get("IntervalInSeconds", 300))):
            return False
        bucket = destination.get("S3DestinationDescription") or destination.get("S3Configuration") or {}
    body = b"".join(_processed(buffer.records, destination))
    packed = bucket.get("CompressionFormat") == "GZIP"
    arn = f"arn:aws:firehose:{backend.region_name}:{backend.account_id}:deliverystream/{name}"
    try:
        session = role_session(Sender("firehose", backend.account_id, arn), str(bucket["RoleARN"]))
        session.client("s3", backend.region_name).put_object(
            Bucket=str(bucket["BucketARN"]).rpartition(":")[2],
            Key=_key(str(bucket.get("Prefix") or ""), name, packed=packed),
            Body=gzip.compress(body, mtime=0) if packed else body,
        )
    except (AccessError, ClientError):
        _count(backend, name, "DeliveryToS3.Success", 0.0, "Count")
        return False
    _count(backend, name, "DeliveryToS3.Success", 1.0, "Count")
    return True


def _posted(backend: Any, name: str, destination: Mapping[str, Any]) -> bool:
    """Whether the endpoint takes the records."""
    host = urlsplit(str(destination["EndpointConfiguration"]["Url"])).hostname or ""
    taken = opened().receivers.get(host) == 200
    _count(backend, name, "DeliveryToHttpEndpoint.Success", float(taken), "Count")
    return taken


def _processed(records: list[bytes], destination: Mapping[str, Any]) -> Iterator[bytes]:
    """The records after the stream's processors."""
    configuration = destination.get("ProcessingConfiguration") or {}
    processors = {
        each["Type"]: {one["ParameterName"]: one["ParameterValue"] for one in each.get("Parameters", ())}
        for each in (configuration.get("Processors", ()) if configuration.get("Enabled") else ())
    }
    end = b"\n" if "AppendDelimiterToRecord" in processors else b""
    extracts = processors.get("CloudWatchLogProcessing", {}).get("DataMessageExtraction") == "true"
    for each in records:
        data = gzip.decompress(each) if "Decompression" in processors and each[:2] == b"\x1f\x8b" else each
        if extracts:
            yield from (event["message"].encode() + end for event in json.loads(data).get("logEvents", ()))
        else:
            yield data + end


def _key(prefix: str, name: str, *, packed: bool) -> str:
    now = opened().clock.now()
    spelled = _TIMESTAMP.sub(lambda found: now.strftime(_python_format(found[1])), prefix)
    if not _TIMESTAMP.search(prefix):
        spelled += f"{now:%Y/%m/%d/%H}/"
    return f"{spelled}{name}-1-{now:%Y-%m-%d-%H-%M-%S}-{mock_random.uuid4()}{'.gz' if packed else ''}"


def _python_format(java: str) -> str:
    for theirs, ours in _JAVA:
        java = java.replace(theirs, ours)
    return java.replace("'", "")


def _destination(backend: Any, name: str) -> tuple[str, Mapping[str, Any]]:
    for destination in backend.delivery_streams[name].destinations:
        for kind in _PLACES:
            if kind in destination:
                return kind, destination[kind]
    raise ServiceError(f"The sandbox does not deliver to the destination of {name}", code="InvalidArgumentException")


def _buffers(backend: Any) -> dict[str, Buffer]:
    if not hasattr(backend, "sandbox_buffers"):
        backend.sandbox_buffers = {}
    found: dict[str, Buffer] = backend.sandbox_buffers
    return found


def _count(backend: Any, name: str, metric: str, value: float, unit: str) -> None:
    """https://docs.aws.amazon.com/firehose/latest/dev/monitoring-with-cloudwatch-metrics.html."""
    stream = {"DeliveryStreamName": name}
    record(backend.account_id, backend.region_name, "AWS/Firehose", metric, value, dimensions=stream, unit=unit)


extend("firehose", "PutRecord", put_record)
extend("firehose", "PutRecordBatch", put_record_batch)
