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
from baseops.sandbox.services.sesv2.state import ConfigurationSet
from baseops.semantics.mail.events import DETAIL_TYPES, EventType
from baseops.semantics.policies import Context, MalformedPolicyError, Policies, Policy, Principal, Request, evaluate

# Any throughout: moto's backends are untyped, and destinations are members of AWS's shapes.
SES = Principal.parse("ses.amazonaws.com")
KEY_ACTIONS = ("kms:GenerateDataKey", "kms:Decrypt")


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
        topic = moto_backend("sns", self.account_id, self.region).topics.get(arn)
        if topic is None or not self._allows(topic.policy, "sns:Publish", arn, set_name):
            return False
        key = self._key(getattr(topic, "kms_master_key_id", None))
        if key is None:
            return True
        return all(self._allows(key.policy, action, key.arn, set_name) for action in KEY_ACTIONS)

    def _to_topic(self, arn: str, set_name: str, event: Mapping[str, Json]) -> None:
        if self.may_publish(arn, set_name):
            topic = moto_backend("sns", self.account_id, self.region).topics[arn]
            topic.publish(json.dumps(event), subject="Amazon SES Email Event Notification")

    def _to_bus(self, kind: EventType, event: Mapping[str, Json]) -> None:
        entry = {"Source": "aws.ses", "DetailType": DETAIL_TYPES[kind], "Detail": json.dumps(event)}
        moto_backend("events", self.account_id, self.region).put_events([entry])

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
        firehose = moto_backend("firehose", self.account_id, self.region)
        firehose.put_record(arn.rpartition("/")[2], {"Data": json.dumps(event).encode()})

    def _key(self, key_id: str | None) -> Any:
        if not key_id or key_id.endswith("alias/aws/sns"):
            return None
        kms = moto_backend("kms", self.account_id, self.region)
        return kms.keys.get(kms.any_id_to_key_id(key_id))

    def _allows(self, document: Any, action: str, resource: str, set_name: str) -> bool:
        source = f"arn:aws:ses:{self.region}:{self.account_id}:configuration-set/{set_name}"
        context = Context(
            {
                "aws:SourceAccount": self.account_id,
                "aws:SourceArn": source,
                "aws:SourceOwner": self.account_id,
                "aws:SecureTransport": "true",
            }
        )
        try:
            policy = Policy.parse(json.loads(document) if isinstance(document, str) else document, "resource")
        except (MalformedPolicyError, TypeError, ValueError):
            return False
        return evaluate(Request(SES, action, resource, context), Policies(resource=policy)).allowed


def put_metric(
    account_id: str, region: str, name: str, value: float, dimensions: list[dict[str, str]], when: datetime
) -> None:
    """One data point in AWS/SES."""
    point = {"MetricName": name, "Value": value, "Timestamp": when, "Dimensions": dimensions}
    moto_backend("cloudwatch", account_id, region).put_metric_data("AWS/SES", [point])
