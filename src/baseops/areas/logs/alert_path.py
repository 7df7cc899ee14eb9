"""Asks whether an alert would arrive: the topic, who may publish to it, its key, its subscribers.

A service that the topic's policy or the key's shuts out is dropped without a word, so both are evaluated as the
service would come: CloudWatch tells its account and alarm, EventBridge tells neither.
https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from baseops.areas.logs import names
from baseops.aws.errors import translated
from baseops.contract.drill import DrillContext, Evidence, inconclusive, proven, refuted
from baseops.errors import AccessError, NotFoundError
from baseops.semantics.policies import Context, Policies, Policy, Principal, Request, evaluate

if TYPE_CHECKING:
    from baseops.areas.logs.spec import Section

# Any: botocore's clients and answers.

TARGET = "logs/alerts"
KEY_ACTIONS = ("kms:GenerateDataKey", "kms:Decrypt")


def arrives(section: Section, ctx: DrillContext) -> Iterator[Evidence]:
    """The topic's publishers get through policy and key; each declared subscriber is subscribed and has confirmed."""
    topic = ctx.value(ctx.refs.topic())
    try:
        attributes = topic_attributes(ctx, topic)
    except NotFoundError:
        yield refuted(TARGET, "there is no alert topic")
        return
    yield from _publishers(section, ctx, topic, attributes)
    yield from _subscribers(ctx, topic)


def topic_attributes(ctx: DrillContext, topic: str) -> Mapping[str, Any]:
    """The attributes of a topic."""
    with translated("cannot read the alert topic"):
        found: Mapping[str, Any] = ctx.clients.client("sns", ctx.site.region).get_topic_attributes(TopicArn=topic)
    return dict(found["Attributes"])


def _publishers(section: Section, ctx: DrillContext, topic: str, attributes: Mapping[str, Any]) -> Iterator[Evidence]:
    policy = Policy.parse(json.loads(attributes["Policy"]), "topic")
    key = str(attributes.get("KmsMasterKeyId") or "")
    key_arn, key_policy, unknown = _key(ctx, key)
    if key and unknown:
        yield inconclusive(f"{TARGET}/key", unknown)
        return
    for service, context in _services(section, ctx).items():
        target = f"{TARGET}/{service}"
        if not _allows(policy, service, "sns:Publish", topic, context):
            yield refuted(target, f"the topic's policy does not let {service} publish", method="evaluated")
        elif key and (key_policy is None or not _opens(key_policy, service, key_arn, context)):
            yield refuted(target, f"the topic's key does not let {service} encrypt", method="evaluated")
        else:
            yield proven(target, f"{service} gets through the policies of topic and key", method="evaluated")


def _services(section: Section, ctx: DrillContext) -> dict[str, dict[str, str]]:
    """Who publishes, and what each tells of itself."""
    arn = f"arn:aws:cloudwatch:{ctx.site.region}:{ctx.account}:alarm:{names.alarm_name(ctx.site, 'any', 'alarm')}"
    found = {"cloudwatch.amazonaws.com": {"aws:SourceAccount": ctx.account, "aws:SourceArn": arn}}
    if any(alarm.remedy for entry in section.managed.values() for alarm in entry.alarms.values()):
        found["events.amazonaws.com"] = {}
    return found


def _allows(policy: Policy, service: str, action: str, resource: str, context: Mapping[str, str]) -> bool:
    told = Context({"aws:SecureTransport": "true", **context})
    request = Request(Principal.parse(service), action, resource, told)
    return evaluate(request, Policies(resource=policy)).allowed


def _opens(policy: Policy, service: str, key: str, context: Mapping[str, str]) -> bool:
    return all(_allows(policy, service, action, key, context) for action in KEY_ACTIONS)


def _key(ctx: DrillContext, key: str) -> tuple[str, Policy | None, str]:
    """A key's ARN, its policy (None for a key that lets no service in, or is off), or why neither is known."""
    if not key or key.rpartition("alias/")[2].startswith("aws/"):
        return key, None, ""
    kms = ctx.clients.client("kms", ctx.site.region)
    try:
        with translated("cannot read the key of the alert topic"):
            described = kms.describe_key(KeyId=key)["KeyMetadata"]
            document = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
    except NotFoundError:
        return key, None, ""
    except AccessError as error:
        if key.split(":")[4:5] == [ctx.account] or ":" not in key:
            raise
        return key, None, f"the topic's key is another account's, and its policy cannot be read: {error.why}"
    policy = Policy.parse(json.loads(document), "key") if described.get("KeyState", "Enabled") == "Enabled" else None
    return str(described["Arn"]), policy, ""


def _subscribers(ctx: DrillContext, topic: str) -> Iterator[Evidence]:
    if not ctx.site.notify:
        said = "nobody is told of alarms; name somebody under notify"
        yield inconclusive(f"{TARGET}/subscribers", said)
        return
    sns = ctx.clients.client("sns", ctx.site.region)
    with translated("cannot list the subscribers of the alert topic"):
        pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
        live = {(each["Protocol"], each["Endpoint"]): each for page in pages for each in page["Subscriptions"]}
    for number, each in enumerate(ctx.site.notify, start=1):
        who = ctx.alias(each.endpoint) if "@" in each.endpoint else f"{each.protocol} {number}"
        why = _subscription_fault(sns, live.get((each.protocol, each.endpoint)))
        target = f"{TARGET}/subscriber-{number}"
        yield refuted(target, f"{who} {why}") if why else proven(target, f"{who} is subscribed and has confirmed")


def _subscription_fault(sns: Any, found: Mapping[str, Any] | None) -> str:
    if found is None:
        return "is not subscribed to the alert topic"
    if found["SubscriptionArn"] == "PendingConfirmation":
        return "has not confirmed the subscription, and gets nothing"
    if not str(found["SubscriptionArn"]).startswith("arn:"):
        return "has left the topic"
    with translated("cannot read a subscription of the alert topic"):
        attributes = sns.get_subscription_attributes(SubscriptionArn=found["SubscriptionArn"])["Attributes"]
    if str(attributes.get("PendingConfirmation", "false")).lower() == "true":
        return "has not confirmed the subscription, and gets nothing"
    if attributes.get("FilterPolicy") not in (None, "", "{}"):
        return "gets only what a filter policy lets through, and none is declared"
    return ""
