"""Reads CloudTrail: who read a secret or parameter, by LookupEvents, and which trails log. It judges nothing.

LookupEvents knows management events of 90 days, some minutes late, and answers twice a second in an account and
region; others use it too, so it is asked slowly and patiently.
https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from baseops.aws.errors import translated
from baseops.contract.clients import Clients
from baseops.contract.clock import Clock
from baseops.errors import ThrottledError
from baseops.semantics.trail import Read, Target, key_reads, reads, with_versions

PAUSE = 0.5
THROTTLED_PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0)
LAG = timedelta(minutes=20)
"""After this long an event that is not there will not come any more."""
_LOOK_AGAIN = 60.0

# Any: events are JSON of CloudTrail's own shape.
Event = dict[str, Any]


@dataclass(frozen=True)
class Trail:
    """A trail as DescribeTrails and GetTrailStatus have it."""

    name: str
    arn: str
    bucket: str
    is_multi_region: bool
    is_validated: bool
    is_logging: bool
    delivery_error: str = ""
    digest_error: str = ""
    delivered: datetime | None = None
    home: str = ""
    is_of_organisation: bool = False


def events(
    clients: Clients, clock: Clock, name: str, since: datetime, until: datetime | None = None, *, region: str = ""
) -> Iterator[Event]:
    """Records of one event name, newest first, a page at a time and at most two pages a second."""
    client = clients.client("cloudtrail", region or None)
    arguments: dict[str, Any] = {
        "LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": name}],
        "StartTime": since,
        **({"EndTime": until} if until else {}),
    }
    while True:
        page = _page(client, clock, arguments, name)
        for each in page.get("Events", []):
            yield json.loads(each["CloudTrailEvent"])
        if not page.get("NextToken"):
            return
        arguments["NextToken"] = page["NextToken"]


def who_read(
    clients: Clients, clock: Clock, target: Target, since: datetime, until: datetime | None = None
) -> list[Read]:
    """Every read of a secret or parameter since then, oldest first; refused ones too. Asks in the target's region.

    Calls LookupEvents once or more for each API that gives its value, and for KMS's Decrypt, which tells versions.
    """
    region = target.arn.split(":")[3]
    found = [
        read
        for name in target.events
        for read in reads(events(clients, clock, name, since, until, region=region))
        if read.is_of(target)
    ]
    if target.kind == "secret" and any(not read.is_refused and not read.version for read in found):
        decryptions = list(key_reads(events(clients, clock, "Decrypt", since, until, region=region)))
        found = list(with_versions(found, decryptions))
    return sorted(found, key=lambda read: (read.when, read.event_id))


def await_reads(
    clients: Clients,
    clock: Clock,
    target: Target,
    since: datetime,
    is_enough: Callable[[Sequence[Read]], bool],
    *,
    patience: timedelta = LAG,
) -> list[Read]:
    """The reads as soon as they are enough, looking once a minute; after `patience` whatever there is."""
    deadline = clock.now() + patience
    while True:
        found = who_read(clients, clock, target, since)
        if is_enough(found) or clock.now() >= deadline:
            return found
        clock.sleep(_LOOK_AGAIN)


def trails(clients: Clients, region: str = "") -> list[Trail]:
    """The trails that cover a region, those of other home regions included."""
    client = clients.client("cloudtrail", region or None)
    with translated("cannot list the trails"):
        listed = client.describe_trails(includeShadowTrails=True)["trailList"]
    return [_trail(clients, each) for each in listed]


def _trail(clients: Clients, listed: Any) -> Trail:
    with translated(f"cannot read the trail {listed['Name']}"):
        client = clients.client("cloudtrail", listed.get("HomeRegion") or None)
        status = client.get_trail_status(Name=listed["TrailARN"])
    return Trail(
        name=listed["Name"],
        arn=listed["TrailARN"],
        bucket=listed.get("S3BucketName", ""),
        is_multi_region=bool(listed.get("IsMultiRegionTrail")),
        is_validated=bool(listed.get("LogFileValidationEnabled")),
        is_logging=bool(status.get("IsLogging")),
        delivery_error=str(status.get("LatestDeliveryError") or ""),
        digest_error=str(status.get("LatestDigestDeliveryError") or ""),
        delivered=status.get("LatestDeliveryTime"),
        home=str(listed.get("HomeRegion") or ""),
        is_of_organisation=bool(listed.get("IsOrganizationTrail")),
    )


def selectors(clients: Clients, trail: Trail) -> Mapping[str, Any]:
    """Which events a trail keeps. AWS call: cloudtrail:GetEventSelectors, in its home region."""
    with translated(f"cannot read which events the trail {trail.name} keeps"):
        found: Mapping[str, Any] = clients.client("cloudtrail", trail.home or None).get_event_selectors(
            TrailName=trail.arn
        )
    return found


def _page(client: Any, clock: Clock, arguments: dict[str, Any], name: str) -> Any:
    """One page; the rate is shared with whoever else looks, so being throttled means to wait longer."""
    for pause in THROTTLED_PAUSES:
        clock.sleep(PAUSE)
        try:
            with translated(f"cannot look up {name} in CloudTrail"):
                return client.lookup_events(**arguments)
        except ThrottledError:
            clock.sleep(pause)
    with translated(f"cannot look up {name} in CloudTrail"):
        return client.lookup_events(**arguments)
