"""Delivers events to the buckets of trails that log, in gzipped files every five minutes; GetTrailStatus says how.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-examples.html
Digest files, topics and log groups of trails are not written.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from botocore.exceptions import ClientError
from moto.cloudtrail.models import cloudtrail_backends

from baseops.sandbox.access.enforcement import service_may
from baseops.sandbox.service import Members, Sandbox, extend
from baseops.sandbox.services.cloudtrail import naming
from baseops.sandbox.services.cloudtrail.events import Record

INTERVAL = timedelta(minutes=5)
SERVICE = "cloudtrail.amazonaws.com"
# Every object is the bucket owner's: the policy that AWS gives for the bucket asks for it.
# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
ACL = "bucket-owner-full-control"


# Any: moto's trails carry no types.
class Delivery:
    """What waits to be delivered, by trail and region."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._waiting: dict[tuple[str, str], list[Record]] = {}

    def take(self, records: list[Record]) -> None:
        """Put records into the next file of every trail that wants them."""
        for record in records:
            for trail in _logging(record["recipientAccountId"]):
                if wants(trail, record):
                    self._put(trail, record)

    def _put(self, trail: Any, record: Record) -> None:
        place = (trail.arn, record["awsRegion"])
        if place not in self._waiting:
            self._waiting[place] = []
            action = f"delivery of {trail.trail_name}"
            self._sandbox.clock.ticker.after(INTERVAL, lambda: self._deliver(trail, record["awsRegion"]), action)
        self._waiting[place].append(record)

    def _deliver(self, trail: Any, region: str) -> None:
        records = self._waiting.pop((trail.arn, region))
        key = self._key(trail, region)
        arn = f"arn:aws:s3:::{trail.bucket_name}/{key}"
        now = self._sandbox.clock.now()
        trail.status.sandbox_delivery = {"LatestDeliveryTime": now}
        owner, acl = trail.account_id, {"s3:x-amz-acl": ACL}
        if not service_may(SERVICE, "s3:PutObject", arn, source_arn=trail.arn, account_id=owner, more=acl):
            trail.status.sandbox_delivery = {"LatestDeliveryError": "AccessDenied"}
            return
        s3 = self._sandbox.clients_of(trail.account_id).client("s3", trail.region_name)
        body = gzip.compress(json.dumps({"Records": records}).encode(), mtime=int(now.timestamp()))
        try:
            s3.put_object(Bucket=trail.bucket_name, Key=key, Body=body, ContentType="application/json")
        except ClientError as error:
            trail.status.sandbox_delivery = {"LatestDeliveryError": error.response["Error"]["Code"]}

    def _key(self, trail: Any, region: str) -> str:
        now, account = self._sandbox.clock.now(), trail.account_id
        prefix = f"{trail.s3_key_prefix.rstrip('/')}/" if trail.s3_key_prefix else ""
        folder = f"{prefix}AWSLogs/{account}/CloudTrail/{region}/{now:%Y/%m/%d}"
        return f"{folder}/{account}_CloudTrail_{region}_{now:%Y%m%dT%H%MZ}_{now:%S%f}{trail.trail_name[:8]}.json.gz"


_TESTS: Mapping[str, Callable[[str, str], bool]] = {
    "Equals": lambda value, one: value == one,
    "StartsWith": lambda value, one: value.startswith(one),
    "EndsWith": lambda value, one: value.endswith(one),
}


def wants(trail: Any, record: Record) -> bool:
    """Whether a trail gets a record: by region, and by what it selects."""
    is_here = trail.is_multi_region or record["awsRegion"] == trail.region_name
    is_global = record["eventSource"].partition(".")[0] in naming.GLOBAL_SERVICES
    if not is_here and not (is_global and trail.include_global_service_events):
        return False
    return _selects(trail, record)


def _selects(trail: Any, record: Record) -> bool:
    if not trail.event_selectors and not trail.advanced_event_selectors:
        return bool(record["managementEvent"])
    return any(_matches(each, record) for each in trail.event_selectors) or any(
        _matches_fields(each["FieldSelectors"], record) for each in trail.advanced_event_selectors
    )


def _matches(selector: Any, record: Record) -> bool:
    wanted = selector.get("ReadWriteType", "All")
    if wanted != "All" and (wanted == "ReadOnly") != record["readOnly"]:
        return False
    if record["managementEvent"]:
        return bool(selector.get("IncludeManagementEvents", True))
    kind, resources = data_type(record), _arns(record)
    return any(
        each["Type"] == kind and any(arn.startswith(value) for value in each.get("Values", []) for arn in resources)
        for each in selector.get("DataResources", [])
    )


def _matches_fields(fields: list[Any], record: Record) -> bool:
    known = {
        "eventCategory": [record["eventCategory"]],
        "eventName": [record["eventName"]],
        "eventSource": [record["eventSource"]],
        "readOnly": [str(record["readOnly"]).lower()],
        "resources.type": [data_type(record)],
        "resources.ARN": _arns(record),
    }
    return all(_matches_field(each, known.get(each["Field"], [])) for each in fields)


def _matches_field(field: Any, values: list[str]) -> bool:
    for name, test in _TESTS.items():
        if name in field and not any(test(value, one) for value in values for one in field[name]):
            return False
        if f"Not{name}" in field and any(test(value, one) for value in values for one in field[f"Not{name}"]):
            return False
    return True


def data_type(record: Record) -> str:
    """The type of resource that a data event is selected by."""
    source, name = record["eventSource"].partition(".")[0], record["eventName"]
    for (service, operation), kind in naming.DATA_EVENTS.items():
        if naming.source_of(service).startswith(f"{source}.") and naming.name_of(service, operation) == name:
            return kind
    return ""


def _arns(record: Record) -> list[str]:
    asked = record.get("requestParameters") or {}
    found = [str(each["ARN"]) for each in record.get("resources", [])]
    if "bucketName" in asked:
        found.append(f"arn:aws:s3:::{asked['bucketName']}/{asked.get('key', '')}")
    if "snapshotId" in asked:
        found.append(f"arn:aws:ec2:{record['awsRegion']}::snapshot/{asked['snapshotId']}")
    return found


def _logging(account_id: str) -> Iterator[Any]:
    for backend in list(cloudtrail_backends[account_id].values()):
        yield from (trail for trail in backend.trails.values() if trail.status.is_logging)


def get_trail_status(backend: Any, name: str) -> Members:
    """Answer GetTrailStatus: whether it logs, and how the last delivery went."""
    status = backend.get_trail_status(name)
    times = {"StartLoggingTime": status.started, "StopLoggingTime": status.stopped}
    return {
        "IsLogging": status.is_logging,
        **{key: value for key, value in times.items() if value},
        **getattr(status, "sandbox_delivery", {}),
    }


def get_event_selectors(backend: Any, trail_name: str) -> Members:
    """Answer GetEventSelectors: what was put, or what every trail begins with.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-additional-cli-commands.html
    """
    arn, basic, advanced = backend.get_event_selectors(trail_name)
    if advanced:
        return {"TrailARN": arn, "AdvancedEventSelectors": advanced}
    every = {
        "ReadWriteType": "All",
        "IncludeManagementEvents": True,
        "DataResources": [],
        "ExcludeManagementEventSources": [],
    }
    return {"TrailARN": arn, "EventSelectors": basic or [every]}


def on_open(sandbox: Sandbox) -> None:
    """Listen to what is recorded."""
    sandbox.trail.listeners.append(Delivery(sandbox).take)


extend("cloudtrail", "GetEventSelectors", get_event_selectors)
extend("cloudtrail", "GetTrailStatus", get_trail_status)
