"""What becomes of the events of a configuration set: a topic, a queue with dead letters, and other destinations.

Topic and queues are encrypted with the logs key, whose policy lets SES publish and the topic deliver; without that
both would fail without a word.
"""

from __future__ import annotations

from typing import Any

from troposphere import GetAtt, Ref, Sub, ses, sns, sqs

from baseops.areas.email.identities import Stream, shared_stream
from baseops.areas.email.sending import set_title
from baseops.cloudformation.builder import StackBuilder
from baseops.cloudformation.parts import refuse_plain_http, service_role
from baseops.contract.refs import Refs
from baseops.contract.types import Json

# Any: troposphere takes a text or a helper such as Ref for every property.

KEEP_SECONDS = 14 * 86400
"""The longest that a queue keeps anything.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
"""
VISIBILITY_SECONDS = 120

EVENT_TYPES = {
    "SEND": "send",
    "REJECT": "reject",
    "BOUNCE": "bounce",
    "COMPLAINT": "complaint",
    "DELIVERY": "delivery",
    "OPEN": "open",
    "CLICK": "click",
    "RENDERING_FAILURE": "renderingFailure",
    "DELIVERY_DELAY": "deliveryDelay",
    "SUBSCRIPTION": "subscription",
}
"""The API's words and CloudFormation's."""


def topic_title(stream: Stream) -> str:
    """The logical id of a stream's topic."""
    return stream.logical_id("EventTopic")


def queue_title(stream: Stream) -> str:
    """The logical id of a stream's queue."""
    return stream.logical_id("EventQueue")


def dead_letters_title(stream: Stream) -> str:
    """The logical id of a stream's queue of dead letters."""
    return stream.logical_id("DeadLetterQueue")


def add_feedback(stack: StackBuilder, stream: Stream, siblings: list[Stream], refs: Refs) -> None:
    """Topic, queues and destinations of a stream; `siblings` are all streams of its identity."""
    if stream.has_topic:
        publishers = [each for each in siblings if each is stream or shared_stream(each, siblings) is stream]
        _topic(stack, stream, publishers, refs)
    if stream.has_queue:
        _queues(stack, stream, refs)
    _destinations(stack, stream, siblings)


def _topic(stack: StackBuilder, stream: Stream, publishers: list[Stream], refs: Refs) -> None:
    topic = stack.add(
        sns.Topic(
            topic_title(stream),
            DisplayName=f"Mail events of {stream.identity.name}",
            KmsMasterKeyId=stack.use(refs.key("logs")),
        )
    )
    arns = [_set_arn(each) for each in publishers]
    stack.add(
        sns.TopicPolicy(
            f"{topic.title}Policy",
            Topics=[Ref(topic)],
            PolicyDocument=_document(
                {
                    "Sid": "SesPublishes",
                    "Effect": "Allow",
                    "Principal": {"Service": "ses.amazonaws.com"},
                    "Action": "sns:Publish",
                    "Resource": Ref(topic),
                    "Condition": {
                        "StringEquals": {"aws:SourceAccount": Ref("AWS::AccountId")},
                        "ArnEquals": {"aws:SourceArn": arns},
                    },
                },
                refuse_plain_http("sns:Publish", Ref(topic)),
            ),
        )
    )
    stack.output(f"{topic.title}Arn", Ref(topic))


def _queues(stack: StackBuilder, stream: Stream, refs: Refs) -> None:
    key = stack.use(refs.key("logs"))
    usual = {"KmsMasterKeyId": key, "MessageRetentionPeriod": KEEP_SECONDS}
    dead = stack.add(sqs.Queue(dead_letters_title(stream), **usual))
    letters = sqs.RedrivePolicy(
        deadLetterTargetArn=GetAtt(dead, "Arn"), maxReceiveCount=stream.events.max_receive_count
    )
    queue = stack.add(
        sqs.Queue(queue_title(stream), **usual, VisibilityTimeout=VISIBILITY_SECONDS, RedrivePolicy=letters)
    )
    topic = Ref(topic_title(stream))
    for each in (queue, dead):
        # The topic itself puts what it cannot deliver among the dead letters.
        stack.add(_queue_policy(each, topic))
    stack.add(
        sns.SubscriptionResource(
            stream.logical_id("EventSubscription"),
            TopicArn=topic,
            Protocol="sqs",
            Endpoint=GetAtt(queue, "Arn"),
            RawMessageDelivery=True,
            RedrivePolicy={"deadLetterTargetArn": GetAtt(dead, "Arn")},
            DependsOn=[f"{queue.title}Policy", f"{dead.title}Policy"],
        )
    )
    stack.output(f"{queue.title}Url", Ref(queue))


def _queue_policy(queue: sqs.Queue, topic: Ref) -> sqs.QueuePolicy:
    arn = GetAtt(queue, "Arn")
    allow = {
        "Sid": "TopicDelivers",
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    return sqs.QueuePolicy(
        f"{queue.title}Policy",
        Queues=[Ref(queue)],
        PolicyDocument=_document(allow, refuse_plain_http("sqs:SendMessage", arn)),
    )


def _destinations(stack: StackBuilder, stream: Stream, siblings: list[Stream]) -> None:
    source = shared_stream(stream, siblings)
    if source.has_topic:
        # SES tries the topic when the destination is made, so its policy comes first.
        snstopic = ses.SnsDestination(TopicARN=Ref(topic_title(source)))
        _destination(stack, stream, "topic", SnsDestination=snstopic, depends_on=f"{topic_title(source)}Policy")
    if stream.publishes_to("eventbridge"):
        bus = Sub("arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus/default")
        _destination(stack, stream, "eventbridge", EventBridgeDestination=ses.EventBridgeDestination(EventBusArn=bus))
    if stream.publishes_to("cloudwatch"):
        _destination(stack, stream, "cloudwatch", CloudWatchDestination=_metrics())
    for number, firehose in enumerate(stream.firehoses, 1):
        _firehose(stack, stream, f"firehose-{number}", firehose.firehose)


def _destination(stack: StackBuilder, stream: Stream, name: str, *, depends_on: str = "", **place: Any) -> None:
    made = ses.ConfigurationSetEventDestination(
        stream.logical_id(name, "Destination"),
        ConfigurationSetName=Ref(set_title(stream)),
        EventDestination=ses.EventDestination(
            Name=name,
            Enabled=True,
            MatchingEventTypes=[EVENT_TYPES[each] for each in dict.fromkeys(stream.events.types)],
            **place,
        ),
    )
    if depends_on:
        made.resource["DependsOn"] = [depends_on]
    stack.add(made)


def _metrics() -> ses.CloudWatchDestination:
    """Counts by configuration set and From domain, which SES puts on every message by itself."""
    dimensions = ("ses:configuration-set", "ses:from-domain")
    return ses.CloudWatchDestination(
        DimensionConfigurations=[
            ses.DimensionConfiguration(
                DimensionName=name, DimensionValueSource="messageTag", DefaultDimensionValue="none"
            )
            for name in dimensions
        ]
    )


def _firehose(stack: StackBuilder, stream: Stream, name: str, arn: str) -> None:
    put: dict[str, Json] = {
        "Sid": "PutEvents",
        "Effect": "Allow",
        "Action": ["firehose:PutRecordBatch", "firehose:PutRecord"],
        "Resource": arn,
    }
    role = stack.add(service_role(stream.logical_id(name, "Role"), "ses", [put]))
    place = ses.KinesisFirehoseDestination(DeliveryStreamARN=arn, IAMRoleARN=GetAtt(role, "Arn"))
    _destination(stack, stream, name, KinesisFirehoseDestination=place)


def _set_arn(stream: Stream) -> Sub:
    text = "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:configuration-set/"
    return Sub(f"{text}{stream.name}")


def _document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}
