"""Shipping: how the events of a group get elsewhere, each way with its alarms. Firehose or a function carries them.

Firehose cannot deliver CloudWatch Logs to OpenSearch, since a record holds many events, so a function does. The
groups of carriers are never subscribed: what they log would be shipped and logged again, for ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from troposphere import GetAtt, Ref, Sub, logs

from baseops.areas.logs import carriers, deliveries
from baseops.cloudformation.builder import StackBuilder
from baseops.cloudformation.parts import service_role
from baseops.cloudformation.resources import logical_id
from baseops.contract.refs import Refs

if TYPE_CHECKING:
    from baseops.areas.logs.spec import Entry, Section, Ship

# Any: troposphere takes a text or a helper such as Ref for every property.

_KINDS = ("opensearch", "opensearch_ingestion", "http", "s3")


@dataclass(frozen=True)
class Shipment:
    """One shipment of an entry under the name that its resources have."""

    name: str
    ship: Ship

    @property
    def kind(self) -> str:
        """Which of the places is declared."""
        return next(kind for kind in _KINDS if getattr(self.ship, kind) is not None)


def shipments(entry: Entry) -> Iterator[Shipment]:
    """The entry's shipments: named by where they go, a second one to the same kind of place by a number too."""
    seen: dict[str, int] = {}
    for ship in entry.ship:
        kind = next(kind for kind in _KINDS if getattr(ship, kind) is not None)
        seen[kind] = seen.get(kind, 0) + 1
        name = kind.replace("_", "-")
        yield Shipment(name if seen[kind] == 1 else f"{name}-{seen[kind]}", ship)


def receiver(ship: Ship) -> str:
    """The host that takes what is shipped; none where that is a bucket."""
    if ship.http is not None:
        return urlsplit(ship.http.url).hostname or ""
    place = ship.opensearch or ship.opensearch_ingestion
    return place.endpoint if place else ""


def needs_function(section: Section) -> bool:
    """Whether any managed entry is shipped by the function."""
    kinds = {each.kind for entry in section.entries.values() if entry.managed for each in shipments(entry)}
    return bool(kinds & {"opensearch", "opensearch_ingestion"})


def add_shipments(stack: StackBuilder, name: str, entry: Entry, group: logs.LogGroup, refs: Refs) -> None:
    """Each shipment with its carrier, its subscription, and alarms on what is not delivered."""
    for each in shipments(entry):
        ship = each.ship
        if ship.opensearch is not None:
            receiver = carriers.domain(ship.opensearch)
            function, permission = carriers.add_function(stack, name, each.name, receiver, group, refs)
            stack.add(_to_function(name, each, group, function, permission))
        elif ship.opensearch_ingestion is not None:
            receiver = carriers.pipeline(ship.opensearch_ingestion)
            function, permission = carriers.add_function(stack, name, each.name, receiver, group, refs)
            stack.add(_to_function(name, each, group, function, permission))
        elif ship.http is not None:
            _to_stream(stack, name, each, group, deliveries.add_http(stack, name, each.name, ship.http, refs))
        elif ship.s3 is not None:
            _to_stream(stack, name, each, group, deliveries.add_s3(stack, name, each.name, ship.s3, refs))


def _to_function(
    name: str, shipment: Shipment, group: logs.LogGroup, function: Any, permission: Any
) -> logs.SubscriptionFilter:
    return logs.SubscriptionFilter(
        logical_id(name, shipment.name, "Subscription"),
        FilterName=shipment.name,
        FilterPattern=shipment.ship.pattern,
        LogGroupName=Ref(group),
        DestinationArn=GetAtt(function, "Arn"),
        # CloudWatch Logs tries the function when the filter is made.
        DependsOn=permission.title,
    )


def _to_stream(stack: StackBuilder, name: str, shipment: Shipment, group: logs.LogGroup, stream: Any) -> None:
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html#FirehoseExample
    role = service_role(
        logical_id(name, shipment.name, "SubscriptionRole"),
        "logs",
        [
            {
                "Sid": "PutIntoTheStream",
                "Effect": "Allow",
                "Action": ["firehose:PutRecord", "firehose:PutRecordBatch"],
                "Resource": GetAtt(stream, "Arn"),
            }
        ],
    )
    (trust,) = role.AssumeRolePolicyDocument["Statement"]
    trust["Condition"]["ArnLike"] = {
        "aws:SourceArn": Sub("arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:*")
    }
    stack.add(role)
    stack.add(
        logs.SubscriptionFilter(
            logical_id(name, shipment.name, "Subscription"),
            FilterName=shipment.name,
            FilterPattern=shipment.ship.pattern,
            LogGroupName=Ref(group),
            DestinationArn=GetAtt(stream, "Arn"),
            RoleArn=GetAtt(role, "Arn"),
        )
    )
