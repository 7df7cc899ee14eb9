"""Publishes events to the destinations of a configuration set; what SES may not reach is dropped without a word.

SES needs the topic's policy, and the policy of the key that the topic is encrypted with, to name it
(https://docs.aws.amazon.com/ses/latest/dg/event-publishing-add-event-destination-sns.html).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from baseops.contract.types import Json
from baseops.sandbox.moto_services import moto_backend
from baseops.sandbox.service import opened
from baseops.sandbox.service_access import Sender, may_publish
from baseops.sandbox.services.cloudwatch.series import record
from baseops.sandbox.services.events.bus import put_event
from baseops.sandbox.services.sesv2.state import ConfigurationSet
from baseops.semantics.mail.events import DETAIL_TYPES, EventType

# Any throughout: moto's backends are untyped, and destinations are members of AWS's shapes.


class Publisher:
    """Publishes for one account and region."""

    def __init__(self, account_id: str, region: str) -> None:
        self.account_id = account_id
        self.region = region

    def publish(self, found: ConfigurationSet, kind: EventType, event: Mapping[str, Json], when: datetime) -> None:
        """To every destination of the set that wants events of this type."""
        for destination in found.destinations.values():
            if not destination["Enabled"] or kind not in destination["MatchingEventTypes"]:
                continue
            if destination.get("SnsDestination"):
                self._to_topic(destination["SnsDestination"]["TopicArn"], found.name, event)
            if destination.get("EventBridgeDestination"):
                self._to_bus(kind, event)
            if destination.get("CloudWatchDestination"):
                self._count(kind, destination["CloudWatchDestination"]["DimensionConfigurations"], event, when)
            if destination.get("KinesisFirehoseDestination"):
                self._to_stream(destination["KinesisFirehoseDestination"]["DeliveryStreamArn"], event)

    def may_publish(self, arn: str, set_name: str) -> bool:
        """Whether the topic's policy and its key's let SES publish for the set."""
        source = f"arn:aws:ses:{self.region}:{self.account_id}:configuration-set/{set_name}"
        return may_publish(Sender("ses", self.account_id, source), arn)

    def try_topic(self, arn: str, set_name: str) -> bool:
        """Publish SES's word that it has tried the topic, where it may."""
        if not self.may_publish(arn, set_name):
            return False
        topic = moto_backend("sns", self.account_id, self.region).topics[arn]
        topic.publish("Successfully validated SNS topic for Amazon SES event publishing.")
        return True

    def _to_topic(self, arn: str, set_name: str, event: Mapping[str, Json]) -> None:
        if self.may_publish(arn, set_name):
            topic = moto_backend("sns", self.account_id, self.region).topics[arn]
            topic.publish(json.dumps(event), subject="Amazon SES Email Event Notification")

    def _to_bus(self, kind: EventType, event: Mapping[str, Json]) -> None:
        put_event(self.account_id, self.region, source="aws.ses", detail_type=DETAIL_TYPES[kind], detail=event)

    def _count(self, kind: EventType, dimensions: list[Any], event: Mapping[str, Any], when: datetime) -> None:
        tags = event["mail"]["tags"]
        named = [
            {
                "Name": each["DimensionName"],
                "Value": tags.get(each["DimensionName"], [each["DefaultDimensionValue"]])[0],
            }
            for each in dimensions
        ]
        put_metric(self.account_id, self.region, kind.replace("_", " ").title().replace(" ", ""), 1.0, named, when)

    def _to_stream(self, arn: str, event: Mapping[str, Json]) -> None:
        firehose = opened().clients_of(self.account_id).client("firehose", self.region)
        name = arn.rpartition("/")[2]
        firehose.put_record(DeliveryStreamName=name, Record={"Data": json.dumps(event).encode()})


def put_metric(
    account_id: str, region: str, name: str, value: float, dimensions: list[dict[str, str]], when: datetime
) -> None:
    """One data point in AWS/SES."""
    named = {each["Name"]: each["Value"] for each in dimensions}
    record(account_id, region, "AWS/SES", name, value, dimensions=named, when=when)
