"""Amazon SNS: topics, their policies, subscriptions."""

from __future__ import annotations

from typing import Any

from baseops.sandbox.kinds.kind import Attributes, Context, Example, HandlerError, Kind, Props
from baseops.sandbox.kinds.shapes import as_bool, as_text, document, only, tag_changes, tag_list

_TOPIC_ATTRIBUTES = frozenset(
    {
        "ArchivePolicy",
        "ContentBasedDeduplication",
        "DisplayName",
        "FifoThroughputScope",
        "KmsMasterKeyId",
        "SignatureVersion",
        "TracingConfig",
    }
)
_SUBSCRIPTION_ATTRIBUTES = frozenset(
    {
        "DeliveryPolicy",
        "FilterPolicy",
        "FilterPolicyScope",
        "RawMessageDelivery",
        "RedrivePolicy",
        "SubscriptionRoleArn",
    }
)


class Topic(Kind):
    """A topic; its subscriptions may be written into it."""

    type = "AWS::SNS::Topic"
    service = "sns"
    properties = _TOPIC_ATTRIBUTES | {"FifoTopic", "Subscription", "Tags", "TopicName"}
    create_only = frozenset({"FifoTopic", "TopicName"})
    attributes = frozenset({"TopicArn", "TopicName"})
    identifier = ("TopicArn",)
    name_property = "TopicName"
    name_limit = 256
    seconds = 6.0
    tags = "list"

    def create(self, ctx: Context, props: Props, name: str) -> str:
        client = ctx.client("sns")
        attributes = {key: as_text(value) for key, value in only(props, _TOPIC_ATTRIBUTES).items()}
        if as_bool(props.get("FifoTopic", False)):
            attributes["FifoTopic"] = "true"
        name = as_text(props.get("TopicName", name))
        arn = client.create_topic(Name=name, Attributes=attributes, Tags=list(props.get("Tags", ())))["TopicArn"]
        for each in props.get("Subscription", ()):
            client.subscribe(TopicArn=arn, **each)
        return str(arn)

    def named(self, ctx: Context, props: Props) -> str | None:
        return ctx.arn("sns", as_text(props["TopicName"])) if "TopicName" in props else None

    def get(self, ctx: Context, physical_id: str, props: Props) -> Attributes:
        return {"TopicArn": physical_id, "TopicName": physical_id.rpartition(":")[2]}

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        client = ctx.client("sns")
        live = topic_attributes(client, physical_id)
        if live is None:
            return None
        tags = client.list_tags_for_resource(ResourceArn=physical_id)["Tags"]
        found = {**only(live, _TOPIC_ATTRIBUTES), "TopicName": physical_id.rpartition(":")[2], "Tags": tags}
        if "FifoTopic" in live:
            found["FifoTopic"] = live["FifoTopic"]
        if "Subscription" in props:
            found["Subscription"] = [
                only(each, ("Protocol", "Endpoint")) for each in subscriptions(client, physical_id)
            ]
        return found

    def update(self, ctx: Context, physical_id: str, old: Props, new: Props) -> None:
        client = ctx.client("sns")
        for name in sorted(_TOPIC_ATTRIBUTES):
            if old.get(name) != new.get(name):
                value = as_text(new.get(name, ""))
                client.set_topic_attributes(TopicArn=physical_id, AttributeName=name, AttributeValue=value)
        _subscribe(client, physical_id, old.get("Subscription", ()), new.get("Subscription", ()))
        changed, removed = tag_changes(old, new)
        if changed:
            client.tag_resource(ResourceArn=physical_id, Tags=tag_list(changed))
        if removed:
            client.untag_resource(ResourceArn=physical_id, TagKeys=removed)

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        ctx.client("sns").delete_topic(TopicArn=physical_id)

    def example(self) -> Example:
        properties = {"TopicName": "alerts", "DisplayName": "Alerts"}
        return Example(
            properties,
            changed={**properties, "DisplayName": "Alarms", "Tags": [{"Key": "owner", "Value": "platform"}]},
            replaced={**properties, "TopicName": "alarms"},
        )


def topic_attributes(client: Any, arn: str) -> Props | None:
    """A topic's attributes, None when there is no such topic."""
    try:
        attributes: Props = client.get_topic_attributes(TopicArn=arn)["Attributes"]
    except client.exceptions.NotFoundException:
        return None
    return attributes


def subscriptions(client: Any, topic: str) -> list[dict[str, str]]:
    """Every subscription of a topic."""
    pages = client.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    return [each for page in pages for each in page["Subscriptions"]]


def _subscribe(client: Any, topic: str, old: Any, new: Any) -> None:
    for each in new:
        if each not in old:
            client.subscribe(TopicArn=topic, **each)
    gone = [each for each in old if each not in new]
    for each in subscriptions(client, topic) if gone else ():
        is_gone = only(each, ("Protocol", "Endpoint")) in gone
        if is_gone and each["SubscriptionArn"].startswith("arn:"):
            client.unsubscribe(SubscriptionArn=each["SubscriptionArn"])


class TopicPolicy(Kind):
    """A policy put on one or more topics; deleting it gives each its default back."""

    type = "AWS::SNS::TopicPolicy"
    service = "sns"
    properties = frozenset({"PolicyDocument", "Topics"})
    required = properties
    attributes = frozenset({"Id"})
    identifier = ("Id",)
    importable = False
    drift = False

    def create(self, ctx: Context, props: Props, name: str) -> str:
        for topic in props["Topics"]:
            put_topic_policy(ctx.client("sns"), topic, props["PolicyDocument"])
        return name

    def get(self, ctx: Context, physical_id: str, props: Props) -> Attributes:
        return {"Id": physical_id}

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        live = [topic_attributes(ctx.client("sns"), topic) for topic in props["Topics"]]
        found = [each for each in live if each is not None]
        if not found:
            return None
        return {"Topics": [each["TopicArn"] for each in found], "PolicyDocument": document(found[0]["Policy"])}

    def update(self, ctx: Context, physical_id: str, old: Props, new: Props) -> None:
        gone = [topic for topic in old["Topics"] if topic not in new["Topics"]]
        for topic in gone:
            _reset_policy(ctx, topic)
        for topic in new["Topics"]:
            put_topic_policy(ctx.client("sns"), topic, new["PolicyDocument"])

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        for topic in props["Topics"]:
            _reset_policy(ctx, topic)

    def example(self) -> Example:
        return _policy_example({"Topics": [{"Ref": "Topic"}]})


class TopicInlinePolicy(Kind):
    """The policy of one topic."""

    type = "AWS::SNS::TopicInlinePolicy"
    service = "sns"
    properties = frozenset({"PolicyDocument", "TopicArn"})
    required = properties
    create_only = frozenset({"TopicArn"})
    identifier = ("TopicArn",)

    def create(self, ctx: Context, props: Props, name: str) -> str:
        put_topic_policy(ctx.client("sns"), props["TopicArn"], props["PolicyDocument"])
        return str(props["TopicArn"])

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        live = topic_attributes(ctx.client("sns"), physical_id)
        return {"TopicArn": physical_id, "PolicyDocument": document(live["Policy"])} if live else None

    def update(self, ctx: Context, physical_id: str, old: Props, new: Props) -> None:
        put_topic_policy(ctx.client("sns"), physical_id, new["PolicyDocument"])

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        _reset_policy(ctx, physical_id)

    def example(self) -> Example:
        return _policy_example({"TopicArn": {"Ref": "Topic"}})


def put_topic_policy(client: Any, topic: str, policy: Any) -> None:
    """Set the policy of a topic."""
    client.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=as_text(policy))


def _reset_policy(ctx: Context, topic: str) -> None:
    """Give a topic the policy that SNS gives a new one: the owner may use it."""
    client = ctx.client("sns")
    if topic_attributes(client, topic) is None:
        return
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [f"SNS:{action}" for action in ("GetTopicAttributes", "Publish", "SetTopicAttributes", "Subscribe")],
        "Resource": topic,
        "Condition": {"StringEquals": {"AWS:SourceOwner": ctx.account_id}},
    }
    put_topic_policy(client, topic, {"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]})


def _policy_example(target: Props) -> Example:
    statement = {
        "Sid": "Alarms",
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": {"Ref": "Topic"},
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    return Example(
        {**target, "PolicyDocument": policy},
        changed={**target, "PolicyDocument": {**policy, "Statement": [{**statement, "Sid": "AlarmsAndMore"}]}},
        beside={"Topic": {"Type": "AWS::SNS::Topic"}},
    )


class Subscription(Kind):
    """A subscription; one by email stays pending until somebody confirms it, and the stack does not wait."""

    type = "AWS::SNS::Subscription"
    service = "sns"
    properties = _SUBSCRIPTION_ATTRIBUTES | {"Endpoint", "Protocol", "Region", "TopicArn"}
    required = frozenset({"Protocol", "TopicArn"})
    create_only = frozenset({"Endpoint", "Protocol", "TopicArn"})
    conditional = frozenset({"Region"})
    write_only = frozenset({"Region"})
    attributes = frozenset({"Arn"})
    identifier = ("Arn",)

    def create(self, ctx: Context, props: Props, name: str) -> str:
        client = ctx.client("sns", props.get("Region"))
        if topic_attributes(client, props["TopicArn"]) is None:
            raise HandlerError("Topic does not exist", "NotFound")
        attributes = {key: as_text(value) for key, value in only(props, _SUBSCRIPTION_ATTRIBUTES).items()}
        made = client.subscribe(
            TopicArn=props["TopicArn"],
            Protocol=props["Protocol"],
            Attributes=attributes,
            ReturnSubscriptionArn=True,
            **({"Endpoint": props["Endpoint"]} if "Endpoint" in props else {}),
        )
        return str(made["SubscriptionArn"])

    def get(self, ctx: Context, physical_id: str, props: Props) -> Attributes:
        return {"Arn": physical_id}

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        client = ctx.client("sns", props.get("Region"))
        try:
            live = client.get_subscription_attributes(SubscriptionArn=physical_id)["Attributes"]
        except client.exceptions.NotFoundException:
            return None
        found = only(live, self.properties)
        for name in ("DeliveryPolicy", "FilterPolicy", "RedrivePolicy"):
            if name in found:
                found[name] = document(found[name])
        return found

    def update(self, ctx: Context, physical_id: str, old: Props, new: Props) -> None:
        client = ctx.client("sns", new.get("Region"))
        for name in sorted(_SUBSCRIPTION_ATTRIBUTES):
            if old.get(name) != new.get(name):
                value = as_text(new.get(name, _NO_VALUE.get(name, "")))
                client.set_subscription_attributes(
                    SubscriptionArn=physical_id, AttributeName=name, AttributeValue=value
                )

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        ctx.client("sns", props.get("Region")).unsubscribe(SubscriptionArn=physical_id)

    def example(self) -> Example:
        properties = {
            "TopicArn": {"Ref": "Topic"},
            "Protocol": "sqs",
            "Endpoint": {"Fn::GetAtt": ["Queue", "Arn"]},
            "RawMessageDelivery": True,
        }
        return Example(
            properties,
            changed={**properties, "RawMessageDelivery": False, "FilterPolicy": {"kind": ["alarm"]}},
            replaced={**properties, "Endpoint": {"Fn::GetAtt": ["Other", "Arn"]}},
            beside={
                "Topic": {"Type": "AWS::SNS::Topic"},
                "Queue": {"Type": "AWS::SQS::Queue"},
                "Other": {"Type": "AWS::SQS::Queue"},
            },
        )


_NO_VALUE = {"FilterPolicy": "{}", "FilterPolicyScope": "MessageAttributes", "RawMessageDelivery": "false"}

KINDS = (Topic(), TopicPolicy(), TopicInlinePolicy(), Subscription())
