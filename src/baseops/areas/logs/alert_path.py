"""Asks whether an alert would arrive: the topic, who may publish to it, its key, its subscribers.

CloudWatch tells its account and alarm, EventBridge tells neither, and what is shut out is dropped without a word.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from baseops.areas.logs import names
from baseops.aws.deliveries import key_of, subscription, subscriptions, topic_attributes
from baseops.contract.clients import Clients
from baseops.contract.drill import DrillContext, Evidence, inconclusive, proven, refuted
from baseops.errors import AccessError
from baseops.semantics.partitions import partition_of
from baseops.semantics.service_access import Sender, refusal

if TYPE_CHECKING:
    from baseops.areas.logs.spec import Section

TARGET = "logs/alerts"


def arrives(section: Section, ctx: DrillContext) -> Iterator[Evidence]:
    """The topic's publishers get through policy and key; each declared subscriber is subscribed and has confirmed."""
    topic = ctx.value(ctx.refs.topic())
    attributes = topic_attributes(ctx.clients, topic)
    if attributes is None:
        yield refuted(TARGET, "there is no alert topic")
        return
    yield from _publishers(section, ctx, topic, attributes)
    yield from _subscribers(ctx, topic)


def _publishers(section: Section, ctx: DrillContext, topic: str, attributes: Mapping[str, str]) -> Iterator[Evidence]:
    key_id = attributes.get("KmsMasterKeyId", "")
    try:
        key = key_of(ctx.clients, key_id, ctx.site.region)
    except AccessError as error:
        if ":" not in key_id or key_id.split(":")[4] == ctx.account:
            raise
        said = f"the topic's key is another account's, and its policy cannot be read: {error.why}"
        yield inconclusive(f"{TARGET}/key", said)
        return
    for sender in _senders(section, ctx):
        service = f"{sender.service}.amazonaws.com"
        refused = refusal(sender, "sns:Publish", topic, attributes.get("Policy", ""), key)
        if refused:
            yield refuted(f"{TARGET}/{service}", f"the alert topic: {refused}", method="evaluated")
        else:
            said = f"{service} gets through the policies of topic and key"
            yield proven(f"{TARGET}/{service}", said, method="evaluated")


def _senders(section: Section, ctx: DrillContext) -> Iterator[Sender]:
    """Who publishes, and what each tells of itself."""
    region = ctx.site.region
    alarms = names.alarm_name(ctx.site, "*", "*")
    yield Sender("cloudwatch", f"arn:{partition_of(region)}:cloudwatch:{region}:{ctx.account}:alarm:{alarms}")
    if any(alarm.remedy for entry in section.managed.values() for alarm in entry.alarms.values()):
        yield Sender("events")


def _subscribers(ctx: DrillContext, topic: str) -> Iterator[Evidence]:
    if not ctx.site.notify:
        said = "nobody is told of alarms; name somebody under notify"
        yield inconclusive(f"{TARGET}/subscribers", said)
        return
    live = {(each["Protocol"], each["Endpoint"]): each["SubscriptionArn"] for each in subscriptions(ctx.clients, topic)}
    for number, each in enumerate(ctx.site.notify, start=1):
        who = ctx.alias(each.endpoint) if "@" in each.endpoint else f"{each.protocol} {number}"
        why = _subscription_fault(ctx.clients, live.get((each.protocol, each.endpoint)))
        target = f"{TARGET}/subscriber-{number}"
        yield refuted(target, f"{who} {why}") if why else proven(target, f"{who} is subscribed and has confirmed")


def _subscription_fault(clients: Clients, arn: str | None) -> str:
    if arn is None:
        return "is not subscribed to the alert topic"
    if arn == "PendingConfirmation":
        return "has not confirmed the subscription, and gets nothing"
    if not arn.startswith("arn:"):
        return "has left the topic"
    attributes = subscription(clients, arn)
    if attributes.get("PendingConfirmation", "false").lower() == "true":
        return "has not confirmed the subscription, and gets nothing"
    if attributes.get("FilterPolicy") not in (None, "", "{}"):
        return "gets only what a filter policy lets through, and none is declared"
    return ""
