"""Amazon SQS: queues and their policies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from baseops.sandbox.kinds.kind import Attributes, Context, Example, Kind, Props
from baseops.sandbox.kinds.shapes import as_text, document, only, tag_changes, tag_list, tag_map

_ATTRIBUTES = frozenset(
    {
        "ContentBasedDeduplication",
        "DeduplicationScope",
        "DelaySeconds",
        "FifoQueue",
        "FifoThroughputLimit",
        "KmsDataKeyReusePeriodSeconds",
        "KmsMasterKeyId",
        "MaximumMessageSize",
        "MessageRetentionPeriod",
        "ReceiveMessageWaitTimeSeconds",
        "RedriveAllowPolicy",
        "RedrivePolicy",
        "SqsManagedSseEnabled",
        "VisibilityTimeout",
    }
)
_DOCUMENTS = frozenset({"RedriveAllowPolicy", "RedrivePolicy"})


class Queue(Kind):
    """A queue; Ref gives its URL."""

    type = "AWS::SQS::Queue"
    service = "sqs"
    properties = _ATTRIBUTES | {"QueueName", "Tags"}
    create_only = frozenset({"FifoQueue", "QueueName"})
    attributes = frozenset({"Arn", "QueueName", "QueueUrl"})
    identifier = ("QueueUrl",)
    name_property = "QueueName"
    name_limit = 80
    seconds = 60.0
    delete_seconds = 60.0
    tags = "list"

    def create(self, ctx: Context, props: Props, name: str) -> str:
        made = ctx.client("sqs").create_queue(
            QueueName=as_text(props.get("QueueName", name)),
            Attributes=_attributes(props),
            tags=tag_map(props.get("Tags", ())),
        )
        return str(made["QueueUrl"])

    def named(self, ctx: Context, props: Props) -> str | None:
        """The URL of the queue of that name; None also when there is no such queue."""
        if "QueueName" not in props:
            return None
        client = ctx.client("sqs")
        answer = _absent_as_none(lambda: client.get_queue_url(QueueName=as_text(props["QueueName"])))
        return str(answer["QueueUrl"]) if answer else None

    def get(self, ctx: Context, physical_id: str, props: Props) -> Attributes:
        name = physical_id.rpartition("/")[2]
        return {"Arn": ctx.arn("sqs", name), "QueueName": name, "QueueUrl": physical_id}

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        client = ctx.client("sqs")
        live = queue_attributes(client, physical_id)
        if live is None:
            return None
        found = {name: document(value) if name in _DOCUMENTS else value for name, value in live.items()}
        tags = tag_list(client.list_queue_tags(QueueUrl=physical_id).get("Tags", {}))
        return {**only(found, self.properties), "QueueName": physical_id.rpartition("/")[2], "Tags": tags}

    def update(self, ctx: Context, physical_id: str, old: Props, new: Props) -> None:
        client = ctx.client("sqs")
        before, after = _attributes(old), _attributes(new)
        changed = {name: value for name, value in after.items() if before.get(name) != value}
        changed |= {name: _DEFAULTS.get(name, "") for name in before if name not in after}
        if changed:
            client.set_queue_attributes(QueueUrl=physical_id, Attributes=changed)
        tags, removed = tag_changes(old, new)
        if tags:
            client.tag_queue(QueueUrl=physical_id, Tags=tags)
        if removed:
            client.untag_queue(QueueUrl=physical_id, TagKeys=removed)

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        ctx.client("sqs").delete_queue(QueueUrl=physical_id)

    def example(self) -> Example:
        dead = {"deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}, "maxReceiveCount": 3}
        properties = {"QueueName": "events", "VisibilityTimeout": 30}
        return Example(
            properties,
            changed={**properties, "VisibilityTimeout": 90, "RedrivePolicy": dead},
            replaced={**properties, "QueueName": "incidents"},
            beside={"Dead": {"Type": "AWS::SQS::Queue"}},
        )


_DEFAULTS = {
    "DelaySeconds": "0",
    "KmsDataKeyReusePeriodSeconds": "300",
    "MaximumMessageSize": "262144",
    "MessageRetentionPeriod": "345600",
    "ReceiveMessageWaitTimeSeconds": "0",
    "VisibilityTimeout": "30",
}


def _attributes(props: Props) -> dict[str, str]:
    return {name: as_text(value) for name, value in only(props, sorted(_ATTRIBUTES)).items()}


def queue_attributes(client: Any, url: str) -> Props | None:
    """A queue's attributes, None when there is no such queue."""
    answer = _absent_as_none(lambda: client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"]))
    return answer["Attributes"] if answer else None


def _absent_as_none(read: Callable[[], Any]) -> Any:
    """What a read gives; None where the queue does not exist (its error has one code as JSON and one as query)."""
    try:
        return read()
    except ClientError as error:
        if error.response["Error"]["Code"].endswith(("NonExistentQueue", "QueueDoesNotExist")):
            return None
        raise


class QueuePolicy(Kind):
    """A policy put on one or more queues."""

    type = "AWS::SQS::QueuePolicy"
    service = "sqs"
    properties = frozenset({"PolicyDocument", "Queues"})
    required = properties
    attributes = frozenset({"Id"})
    identifier = ("Id",)
    importable = False
    drift = False

    def create(self, ctx: Context, props: Props, name: str) -> str:
        _put(ctx, props["Queues"], as_text(props["PolicyDocument"]))
        return name

    def get(self, ctx: Context, physical_id: str, props: Props) -> Attributes:
        return {"Id": physical_id}

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        live = {url: queue_attributes(ctx.client("sqs"), url) for url in props["Queues"]}
        found = {url: each["Policy"] for url, each in live.items() if each and each.get("Policy")}
        if not found:
            return None
        return {"Queues": list(found), "PolicyDocument": document(next(iter(found.values())))}

    def update(self, ctx: Context, physical_id: str, old: Props, new: Props) -> None:
        _put(ctx, [url for url in old["Queues"] if url not in new["Queues"]], "")
        _put(ctx, new["Queues"], as_text(new["PolicyDocument"]))

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        _put(ctx, [url for url in props["Queues"] if queue_attributes(ctx.client("sqs"), url)], "")

    def example(self) -> Example:
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": {"Fn::GetAtt": ["Queue", "Arn"]},
        }
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        other = {**policy, "Statement": [{**statement, "Sid": "Topic"}]}
        return Example(
            {"Queues": [{"Ref": "Queue"}], "PolicyDocument": policy},
            changed={"Queues": [{"Ref": "Queue"}], "PolicyDocument": other},
            beside={"Queue": {"Type": "AWS::SQS::Queue"}},
        )


def _put(ctx: Context, urls: list[str], policy: str) -> None:
    for url in urls:
        ctx.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})


KINDS = (Queue(), QueuePolicy())
