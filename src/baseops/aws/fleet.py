"""All volumes and recent snapshots of a region, in as few calls and as little CPU time as it takes.

Where the session has credentials, answers are read without botocore's XML parser, which takes most of the time of
ten thousand items (`bench/coverage.py`). AWS calls: ec2:DescribeVolumes, ec2:DescribeSnapshots.
"""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from urllib.parse import urlencode, urlsplit
from xml.etree.ElementTree import Element, ParseError, fromstring

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError
from botocore.httpsession import get_cert_path

from baseops.aws.block_connection import TIMEOUT_SECONDS
from baseops.aws.block_requests import is_proxied
from baseops.aws.describing import MOST_DAYS, SNAPSHOTS_PER_PAGE, VOLUMES_PER_PAGE, days_between
from baseops.aws.ebs import patiently
from baseops.aws.errors import translated
from baseops.aws.spending import Spending
from baseops.contract.clients import Clients
from baseops.contract.clock import Clock
from baseops.errors import AwsError

VERSION = "2016-11-15"


@dataclass(frozen=True, slots=True)
class FleetVolume:
    """A volume: what coverage needs of it."""

    volume_id: str
    created: datetime
    size_gib: int
    state: str
    tags: Mapping[str, str]
    instances: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FleetSnapshot:
    """A completed snapshot."""

    snapshot_id: str
    volume_id: str
    started: datetime


class Fleet:
    """Reads one region; `requests` counts the calls."""

    def __init__(self, clients: Clients, region: str, clock: Clock) -> None:
        """Make no call yet."""
        self._clients = clients
        self._region = region
        self._clock = clock
        self._spending = Spending()
        client = clients.client("ec2", region)
        credentials = getattr(clients, "credentials", None)
        self._query = (
            None
            if credentials is None or is_proxied(client.meta.endpoint_url)
            else SignedQuery(client.meta.endpoint_url, region, credentials)
        )

    def __enter__(self) -> Self:
        """Nothing to begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        if self._query is not None:
            self._query.close()

    @property
    def requests(self) -> int:
        """How many calls were made."""
        return self._spending.list_requests

    def volumes(self) -> list[FleetVolume]:
        """Every volume of the region."""
        if self._query is None:
            return [_volume(each) for each in self._described("describe_volumes", "Volumes", VOLUMES_PER_PAGE)]
        parameters = {"MaxResults": str(VOLUMES_PER_PAGE)}
        return [_parsed_volume(each) for each in self._items("DescribeVolumes", "volumeSet", parameters)]

    def snapshots_since(self, since: datetime) -> list[FleetSnapshot]:
        """The account's completed snapshots that were begun since, as far as days can tell: a few may be older."""
        days = days_between(since, self._clock.now())
        filters: list[tuple[str, Sequence[str]]] = [("status", ["completed"])]
        if len(days) <= MOST_DAYS:
            filters.append(("start-time", days))
        if self._query is None:
            named = [{"Name": name, "Values": list(values)} for name, values in filters]
            found = self._described(
                "describe_snapshots", "Snapshots", SNAPSHOTS_PER_PAGE, OwnerIds=["self"], Filters=named
            )
            return [FleetSnapshot(each["SnapshotId"], each["VolumeId"], each["StartTime"]) for each in found]
        parameters = {"MaxResults": str(SNAPSHOTS_PER_PAGE), "Owner.1": "self", **_filters(filters)}
        return [_parsed_snapshot(each) for each in self._items("DescribeSnapshots", "snapshotSet", parameters)]

    # Any: what botocore answers.
    def _described(self, operation: str, member: str, size: int, **arguments: Any) -> Iterator[Mapping[str, Any]]:
        with translated(f"cannot look at the fleet of {self._region}: {operation}"):
            pages = self._clients.client("ec2", self._region).get_paginator(operation)
            for page in pages.paginate(PaginationConfig={"PageSize": size}, **arguments):
                self._spending.listed()
                yield from page[member]

    def _items(self, action: str, member: str, parameters: Mapping[str, str]) -> Iterator[Element]:
        query, token = self._query, ""
        if query is None:
            return
        what = f"cannot look at the fleet of {self._region}: {action}"
        while True:
            asked = {"Action": action, "Version": VERSION, **parameters, **({"NextToken": token} if token else {})}

            def ask(asked: Mapping[str, str] = asked) -> Element:
                self._spending.listed()
                return query.ask(asked)

            answer = patiently(ask, what, self._clock, self._spending)
            yield from answer.iterfind(f"{{*}}{member}/{{*}}item")
            token = answer.findtext("{*}nextToken") or ""
            if not token:
                return


class SignedQuery:
    """EC2's query protocol over one kept connection; answers as XML elements. Raises botocore's `ClientError`."""

    def __init__(self, endpoint_url: str, region: str, credentials: Any) -> None:
        """Ready for an endpoint; `credentials` are botocore's (no types)."""
        address = urlsplit(endpoint_url)
        self._url = f"{address.scheme}://{address.netloc}/"
        self._region = region
        self._credentials = credentials
        host, port = address.hostname or "", address.port
        if address.scheme == "https":
            context = ssl.create_default_context(cafile=get_cert_path(True))
            self._connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                host, port, timeout=TIMEOUT_SECONDS, context=context
            )
        else:
            self._connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def ask(self, parameters: Mapping[str, str]) -> Element:
        """One request."""
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        request = AWSRequest("POST", self._url, data=urlencode(parameters), headers=headers)
        SigV4Auth(self._credentials.get_frozen_credentials(), "ec2", self._region).add_auth(request)
        try:
            self._connection.request("POST", "/", body=request.data, headers=dict(request.headers.items()))
            response = self._connection.getresponse()
            body = response.read()
        except BaseException:
            self._connection.close()
            raise
        try:
            answer = fromstring(body)  # noqa: S314  # AWS's own answer; expat bounds expansion
        except ParseError as error:
            raise AwsError(f"{parameters['Action']} answered what is no XML", str(error)) from error
        if response.status != 200:
            raise _refusal(answer, response.status, parameters["Action"])
        return answer


def _refusal(answer: Element, status: int, action: str) -> ClientError:
    code = answer.findtext(".//{*}Code") or str(status)
    message = answer.findtext(".//{*}Message") or ""
    details = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(details, action)


def _filters(filters: Sequence[tuple[str, Sequence[str]]]) -> dict[str, str]:
    found = {}
    for number, (name, values) in enumerate(filters, start=1):
        found[f"Filter.{number}.Name"] = name
        for place, value in enumerate(values, start=1):
            found[f"Filter.{number}.Value.{place}"] = value
    return found


def _volume(described: Mapping[str, Any]) -> FleetVolume:
    return FleetVolume(
        volume_id=described["VolumeId"],
        created=described["CreateTime"],
        size_gib=described["Size"],
        state=described["State"],
        tags={each["Key"]: each["Value"] for each in described.get("Tags", ())},
        instances=tuple(each["InstanceId"] for each in described.get("Attachments", ()) if each.get("InstanceId")),
    )


def _parsed_volume(item: Element) -> FleetVolume:
    texts = _texts(item)
    tags, instances = item.find("{*}tagSet"), item.find("{*}attachmentSet")
    found = [_texts(each) for each in tags] if tags is not None else []
    attached = [_texts(each).get("instanceId", "") for each in instances] if instances is not None else []
    return FleetVolume(
        volume_id=texts["volumeId"],
        created=datetime.fromisoformat(texts["createTime"]),
        size_gib=int(texts["size"]),
        state=texts["status"],
        tags={each["key"]: each.get("value", "") for each in found},
        instances=tuple(each for each in attached if each),
    )


def _parsed_snapshot(item: Element) -> FleetSnapshot:
    texts = _texts(item)
    return FleetSnapshot(texts["snapshotId"], texts.get("volumeId", ""), datetime.fromisoformat(texts["startTime"]))


def _texts(item: Element) -> dict[str, str]:
    return {each.tag.rpartition("}")[2]: each.text or "" for each in item}
