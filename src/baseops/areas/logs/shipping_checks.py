"""What can be said against declared shipments: loops, limits of Firehose, places that cannot be reached."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from baseops.areas.logs.findings import Path, error, warning
from baseops.contract.finding import Finding
from baseops.contract.site import Site

if TYPE_CHECKING:
    from baseops.areas.logs.spec import Bucket, Entry, HttpEndpoint, OpenSearchIngestion, Section

MAX_SUBSCRIPTIONS = 2
_LONGEST_BUFFER = timedelta(minutes=15)
_LONGEST_RETRY = timedelta(hours=2)


def check(section: Section, site: Site) -> Iterator[Finding]:
    """All shipments of managed entries."""
    for name, entry in section.managed.items():
        if entry.ship:
            yield from _of_entry(("logs", name), entry, site)


def _of_entry(path: Path, entry: Entry, site: Site) -> Iterator[Finding]:
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
    if len(entry.ship) > MAX_SUBSCRIPTIONS:
        yield error(
            "too-many-subscriptions",
            (*path, "ship"),
            f"a log group takes {MAX_SUBSCRIPTIONS} subscription filters, not {len(entry.ship)}",
            "Ship to one place and from there on",
        )
    if entry.group.name.startswith(f"/baseops/{site.name}/logs/"):
        yield error(
            "shipping-loop",
            (*path, "ship"),
            "this is where carriers log what they ship, and it would be shipped and logged again, for ever",
            "Leave ship out",
        )
    for number, ship in enumerate(entry.ship):
        place = (*path, "ship", number)
        if ship.http:
            yield from _of_http((*place, "http"), ship.http)
        if ship.s3:
            yield from _of_s3((*place, "s3"), ship.s3)
        if ship.opensearch_ingestion:
            yield from _of_ingestion((*place, "opensearch_ingestion"), ship.opensearch_ingestion, site)
        if ship.opensearch:
            labels = ship.opensearch.endpoint.split(".")
            region = labels[2] if labels[1] == "aos" else labels[1]
            yield from _of_region((*place, "opensearch", "endpoint"), region, site)


def _of_http(path: Path, declared: HttpEndpoint) -> Iterator[Finding]:
    # https://docs.aws.amazon.com/firehose/latest/APIReference/API_HttpEndpointBufferingHints.html
    if declared.buffer > _LONGEST_BUFFER:
        yield error("buffer", (*path, "buffer"), "Firehose collects for at most 15 minutes", "Write buffer: 15m")
    if declared.retry > _LONGEST_RETRY:
        yield error("retry", (*path, "retry"), "Firehose repeats for at most 2 hours", "Write retry: 2h")
    if re.search(r"[A-Za-z0-9+=_-]{40,}", declared.url.partition("://")[2].partition("/")[2]):
        yield warning(
            "token-in-url",
            (*path, "url"),
            "the URL seems to hold a token, which whoever reads the declaration or the stream's settings can use",
            "Use an access key in access_key_secret where the partner takes one",
        )


def _of_s3(path: Path, declared: Bucket) -> Iterator[Finding]:
    # https://docs.aws.amazon.com/firehose/latest/APIReference/API_BufferingHints.html
    if declared.buffer > _LONGEST_BUFFER:
        yield error("buffer", (*path, "buffer"), "Firehose collects for at most 15 minutes", "Write buffer: 15m")
    if declared.bucket and declared.retain:
        yield error(
            "retain-of-another",
            (*path, "retain"),
            f"{declared.bucket} is not made here, so its lifecycle is not ours",
            "Leave retain out, or bucket",
        )
    if declared.key and not declared.bucket:
        yield error(
            "key-of-own-bucket",
            (*path, "key"),
            "a bucket that is made here is encrypted with the logs key",
            "Leave key out, or name the bucket",
        )


def _of_ingestion(path: Path, declared: OpenSearchIngestion, site: Site) -> Iterator[Finding]:
    yield from _of_region((*path, "pipeline"), declared.pipeline.split(":")[3], site)
    name = declared.pipeline.rpartition("/")[2]
    if not declared.endpoint.startswith(f"{name}-"):
        yield error(
            "other-endpoint",
            (*path, "endpoint"),
            f"an endpoint of the pipeline {name} begins with {name}-",
            f"Run: aws osis get-pipeline --pipeline-name {name} --query Pipeline.IngestEndpointUrls",
        )


def _of_region(path: Path, region: str, site: Site) -> Iterator[Finding]:
    if region != site.region:
        yield error(
            "other-region",
            path,
            f"it is in {region}, and the group in {site.region}",
            f"Name one in {site.region}",
        )
