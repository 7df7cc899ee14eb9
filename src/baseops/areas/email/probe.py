"""A twin of the way of events: own configuration set, topic and queue, so that no live queue is ever received from.

The topic and queue are made like those of the stack, with the same key and the same statements; the queue takes only
what carries the drill's message tag. The journal removes them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from baseops.areas.email.simulated import Event, Sent
from baseops.aws.errors import settled, translated
from baseops.contract.drill import DrillContext
from baseops.errors import AwsError
from baseops.evidence import resources
from baseops.semantics.partitions import partition_of

# Any: botocore's clients and answers.
TAG = "baseops-drill"
"""The message tag of drills' mails, ASCII letters, digits, hyphens: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_MessageTag.html."""
EVENT_TYPES = ("SEND", "REJECT", "BOUNCE", "COMPLAINT", "DELIVERY")
SETTLES = timedelta(minutes=2)
"""How long a new topic's policy may take to count everywhere."""
HIDDEN = timedelta(seconds=31)
"""A message that was received and not deleted is seen again after that: the queue's timeout is the default."""
PAUSE = 5.0
BATCH = 10


class RefusedTopicError(AwsError):
    """SES tried the topic and could not publish to it, so that it takes no destination of it."""


@dataclass(frozen=True)
class Probe:
    """What was made: the set through which to send, the queue in which events arrive, the tag's value."""

    set_name: str
    queue_url: str
    label: str


def make(ctx: DrillContext, word: str, key: str, options: Mapping[str, Any]) -> Probe:
    """Make the twin; `key` encrypts topic and queue unless it is empty, `options` are the configuration set's own.

    Raises `RefusedTopicError` where SES cannot publish to a topic that is made as the stack's is.
    """
    label = ctx.journal.name(word)
    partition = partition_of(ctx.site.region)
    encrypted = {"KmsMasterKeyId": key} if key else {}
    topic_arn = f"arn:{partition}:sns:{ctx.site.region}:{ctx.account}:{label}"
    queue_arn = f"arn:{partition}:sqs:{ctx.site.region}:{ctx.account}:{label}"
    set_arn = f"arn:{partition}:ses:{ctx.site.region}:{ctx.account}:configuration-set/{label}"
    _topic(ctx, label, {**encrypted, "Policy": json.dumps(topic_policy(topic_arn, set_arn, ctx.account))})
    url = _queue(ctx, label, {**encrypted, "Policy": json.dumps(queue_policy(queue_arn, topic_arn))})
    _subscribe(ctx, topic_arn, queue_arn, label)
    _configuration_set(ctx, label, options)
    _destination(ctx, label, topic_arn)
    ctx.steps.add("made a configuration set, a topic and a queue of its own")
    return Probe(label, url, label)


def topic_policy(topic: str, set_arn: str, account: str) -> dict[str, Any]:
    """As the stack's: SES may publish for the set, and for nobody else's."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "SesPublishes",
                "Effect": "Allow",
                "Principal": {"Service": "ses.amazonaws.com"},
                "Action": "sns:Publish",
                "Resource": topic,
                "Condition": {"StringEquals": {"aws:SourceAccount": account}, "ArnEquals": {"aws:SourceArn": set_arn}},
            }
        ],
    }


def queue_policy(queue: str, topic: str) -> dict[str, Any]:
    """As the stack's: the topic may deliver."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "TopicDelivers",
                "Effect": "Allow",
                "Principal": {"Service": "sns.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": queue,
                "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
            }
        ],
    }


def send(ctx: DrillContext, probe: Probe, sender: str, to: str) -> tuple[str, datetime]:
    """Send one mail to the simulator; gives its message id and when it was sent."""
    text = {"Data": "A drill of baseops: SES's mailbox simulator answers this mail."}
    with translated("cannot send to the mailbox simulator"):
        answer = ctx.clients.client("sesv2").send_email(
            FromEmailAddress=sender,
            Destination={"ToAddresses": [to]},
            Content={"Simple": {"Subject": {"Data": "baseops drill"}, "Body": {"Text": text}}},
            ConfigurationSetName=probe.set_name,
            EmailTags=[{"Name": TAG, "Value": probe.label}],
        )
    return str(answer["MessageId"]), ctx.clock.now()


def collect(ctx: DrillContext, probe: Probe, mails: Sequence[Sent]) -> None:
    """Take what has come into the probe's queue, and give each mail its own events."""
    by_id = {each.message_id: each for each in mails}
    while events := _receive(ctx, probe):
        for event in events:
            sent = by_id.get(event.message_id)
            if sent is not None and probe.label in event.tags.get(TAG, ()):
                sent.events.append(event)
                ctx.steps.add(f"{event.name} of the {sent.outcome} mail came home")


def collect_rest(ctx: DrillContext, probe: Probe, mails: Sequence[Sent]) -> None:
    """Once more when the time is over: what came in time may lie there, hidden for a while by an answer that was lost.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
    """
    ctx.clock.sleep(HIDDEN.total_seconds())
    collect(ctx, probe, mails)


def _receive(ctx: DrillContext, probe: Probe) -> list[Event]:
    sqs = ctx.clients.client("sqs")
    with translated("cannot receive from the drill's own queue"):
        found = sqs.receive_message(
            QueueUrl=probe.queue_url, MaxNumberOfMessages=BATCH, AttributeNames=["SentTimestamp"]
        ).get("Messages", [])
        if found:
            entries = [{"Id": str(n), "ReceiptHandle": each["ReceiptHandle"]} for n, each in enumerate(found)]
            sqs.delete_message_batch(QueueUrl=probe.queue_url, Entries=entries)
    return [event for each in found if (event := _event(each))]


def _event(message: Mapping[str, Any]) -> Event | None:
    """An event; SES's word that it has tried the topic is none."""
    arrived = datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC)
    try:
        found = json.loads(message["Body"])
    except ValueError:
        return None
    return Event.read(found, arrived) if isinstance(found, Mapping) else None


def _topic(ctx: DrillContext, name: str, attributes: Mapping[str, str]) -> None:
    def create(mark: Any) -> str:
        with translated("cannot make the drill's topic"):
            ctx.clients.client("sns").create_topic(Name=name, Attributes=attributes, Tags=mark.tag_list)
        return name

    ctx.journal.create(resources.topic(ctx.site.region, name, ctx.account), create)


def _queue(ctx: DrillContext, name: str, attributes: Mapping[str, str]) -> str:
    sqs = ctx.clients.client("sqs")

    def create(mark: Any) -> str:
        with translated("cannot make the drill's queue"):
            sqs.create_queue(QueueName=name, Attributes=attributes, tags=mark.tags)
        return name

    ctx.journal.create(resources.queue(ctx.site.region, name, ctx.account), create)
    with translated("cannot find the drill's queue"):
        return str(sqs.get_queue_url(QueueName=name)["QueueUrl"])


def _subscribe(ctx: DrillContext, topic: str, queue: str, label: str) -> None:
    """Goes with the topic."""
    attributes = {
        "RawMessageDelivery": "true",
        "FilterPolicyScope": "MessageBody",
        "FilterPolicy": json.dumps({"mail": {"tags": {TAG: [label]}}}),
    }
    with translated("cannot subscribe the drill's queue"):
        ctx.clients.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes=attributes)


def _configuration_set(ctx: DrillContext, name: str, options: Mapping[str, Any]) -> None:
    def create(mark: Any) -> str:
        with translated("cannot make the drill's configuration set"):
            ctx.clients.client("sesv2").create_configuration_set(
                ConfigurationSetName=name, Tags=mark.tag_list, **options
            )
        return name

    ctx.journal.create(resources.configuration_set(ctx.site.region, name, ctx.account), create)


def _destination(ctx: DrillContext, name: str, topic: str) -> None:
    """SES tries the topic; for a while that may be because its policy is new."""
    end = ctx.clock.now() + SETTLES
    destination = {"Enabled": True, "MatchingEventTypes": list(EVENT_TYPES), "SnsDestination": {"TopicArn": topic}}
    while True:
        try:
            with settled("AlreadyExistsException"), translated("SES takes no event destination"):
                ctx.clients.client("sesv2").create_configuration_set_event_destination(
                    ConfigurationSetName=name, EventDestinationName="probe", EventDestination=destination
                )
        except AwsError as error:
            if error.code != "BadRequestException":
                raise
            if ctx.clock.now() >= end:
                raise RefusedTopicError(error.what, error.why, error.remedy, code=error.code) from error
        else:
            return
        ctx.clock.sleep(PAUSE)
