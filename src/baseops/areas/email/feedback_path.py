"""The drill of events: from a configuration set through destination and topic into the queue, by policies and keys.

Nothing is received from the live queue, which belongs to its readers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from baseops.areas.email.feedback import queue_title, topic_title
from baseops.areas.email.identities import Identity, Stream, shared_stream, streams
from baseops.areas.email.naming import aliased, target_of
from baseops.areas.email.reading import event_destinations, identity_state
from baseops.aws.deliveries import key_of, queue_attributes, subscription, subscriptions, topic_attributes
from baseops.aws.errors import translated
from baseops.contract.drill import DrillContext, Evidence, Verdict, inconclusive, proven, refuted
from baseops.contract.template import Output
from baseops.errors import InconclusiveError
from baseops.semantics.partitions import partition_of
from baseops.semantics.service_access import Sender, doubt, is_open, refusal

# Any: botocore's answers.
TROUBLE = {"BOUNCE", "COMPLAINT"}
WATCHED = timedelta(days=14)
"""How far back it is counted what has come into a queue, which keeps nothing longer."""


def follow_events(found: list[Identity], ctx: DrillContext) -> Iterator[Evidence]:
    """Every stream of every identity; of one that is not managed, whether trouble is told anywhere."""
    managed = [each for each in found if each.entry.managed]
    for identity in found:
        target = target_of(identity, ctx)
        if not identity.entry.managed:
            with aliased(identity, ctx):
                yield _unmanaged(target, identity, ctx)
            continue
        own = streams(identity, ctx.site.prefix, managed)
        for stream in own:
            yield from _stream(f"{target}/{stream.name}", stream, own, ctx)
        if not own:
            yield proven(f"{target}/events", "its mail goes through the configuration set of its domain")


def _unmanaged(target: str, identity: Identity, ctx: DrillContext) -> Evidence:
    place = f"{target}/events"
    state = identity_state(ctx.clients, identity)
    if state is None:
        return refuted(place, "SES has no such identity")
    name = str(state.get("ConfigurationSetName", ""))
    live = (event_destinations(ctx.clients, name) or []) if name else []
    told = {kind for each in live if each.get("Enabled", False) for kind in each.get("MatchingEventTypes", [])}
    if told >= TROUBLE:
        return proven(place, f"bounces and complaints are published by {name}")
    if state.get("FeedbackForwardingStatus", False):
        return proven(place, "bounces and complaints are mailed to who sent the message")
    return inconclusive(place, "bounces and complaints go to topics of the identity itself, which are not followed")


def _stream(target: str, stream: Stream, siblings: list[Stream], ctx: DrillContext) -> Iterator[Evidence]:
    live = event_destinations(ctx.clients, stream.name)
    if live is None:
        yield refuted(f"{target}/destinations", "there is no such configuration set")
        return
    source = shared_stream(stream, siblings)
    problems = list(_destination_problems(stream, source, live))
    place = f"{target}/destinations"
    yield refuted(place, "; ".join(problems)) if problems else proven(place, measures={"destinations": len(live)})
    if source.has_topic:
        yield from _topic(target, stream, source, live, ctx)


def _destination_problems(stream: Stream, source: Stream, live: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Every declared place gets every declared type of event from a destination that is enabled."""
    wanted = set(stream.events.types)
    for name, key, arn in _places(stream, source):
        here = [each for each in live if each.get(key) and arn in str(each[key])]
        told = {kind for each in here if each.get("Enabled", False) for kind in each.get("MatchingEventTypes", [])}
        if not here:
            yield f"no event destination leads to {name}"
        elif not any(each.get("Enabled", False) for each in here):
            yield f"the event destination to {name} is disabled"
        elif wanted - told:
            yield f"{' and '.join(sorted(wanted - told))} events are not published to {name}"


def _places(stream: Stream, source: Stream) -> Iterator[tuple[str, str, str]]:
    """What a destination leads to, the member of SES's answer that says so, and what stands in it."""
    if source.has_topic:
        yield "the topic", "SnsDestination", ""
    if stream.publishes_to("eventbridge"):
        yield "EventBridge", "EventBridgeDestination", ""
    if stream.publishes_to("cloudwatch"):
        yield "CloudWatch", "CloudWatchDestination", ""
    for each in stream.firehoses:
        yield "Firehose", "KinesisFirehoseDestination", each.firehose


def _topic(
    target: str, stream: Stream, source: Stream, live: Sequence[Mapping[str, Any]], ctx: DrillContext
) -> Iterator[Evidence]:
    arns = [str(each["SnsDestination"]["TopicArn"]) for each in live if each.get("SnsDestination")]
    arn = _output(f"{topic_title(source)}Arn", ctx) or next(iter(arns), "")
    if not arn or arn not in arns:
        yield refuted(f"{target}/topic", "SES publishes to another topic than the stack's")
        return
    place = f"arn:{partition_of(ctx.site.region)}:ses:{ctx.site.region}:{ctx.account}"
    sender = Sender("ses", f"{place}:configuration-set/{stream.name}")
    attributes = topic_attributes(ctx.clients, arn)
    if attributes is None:
        yield refuted(f"{target}/topic", "the topic that SES publishes to does not exist")
        return
    yield _access(f"{target}/topic", sender, "sns:Publish", arn, attributes, ctx)
    if source.has_queue:
        yield from _queue(f"{target}/queue", source, arn, ctx)


def _access(
    place: str, sender: Sender, action: str, arn: str, attributes: Mapping[str, str], ctx: DrillContext
) -> Evidence:
    key = key_of(ctx.clients, attributes.get("KmsMasterKeyId", ""))
    policy = attributes.get("Policy", "")
    refused = refusal(sender, action, arn, policy, key)
    if refused:
        return refuted(place, f"{arn.rpartition(':')[2]}: {refused}", method="evaluated")
    if is_open(sender, action, arn, policy):
        reason = f"its policy lets {sender.service}.amazonaws.com in for every account, not for ours alone"
        return refuted(place, f"{arn.rpartition(':')[2]}: {reason}", method="evaluated")
    doubted = doubt(sender, key)
    if doubted:
        return inconclusive(place, f"{doubted}: run the drill email/roundtrip", method="evaluated")
    return proven(place, f"{sender.service}.amazonaws.com may {action}, and use the key", method="evaluated")


def _queue(place: str, source: Stream, topic_arn: str, ctx: DrillContext) -> Iterator[Evidence]:
    url = _output(f"{queue_title(source)}Url", ctx)
    attributes = queue_attributes(ctx.clients, url) if url else None
    if attributes is None:
        yield refuted(place, "the queue of the stack does not exist")
        return
    arn = attributes["QueueArn"]
    problem = _subscription_problem(topic_arn, arn, ctx)
    if problem:
        yield refuted(place, problem)
        return
    found = _access(place, Sender("sns", topic_arn), "sqs:SendMessage", arn, attributes, ctx)
    yield _with_traffic(found, _messages_sent(arn.rpartition(":")[2], ctx))


def _with_traffic(found: Evidence, sent: float) -> Evidence:
    """What really came; in a fortnight without trouble that may be nothing, so that it proves but never refutes."""
    if found.verdict is not Verdict.PROVEN:
        return replace(found, measures={"messages_sent": sent})
    came = f"{sent:.0f} events have come" if sent else "no event has come"
    return replace(found, reason=f"{found.reason}; {came} in {WATCHED.days} days", measures={"messages_sent": sent})


def _subscription_problem(topic_arn: str, queue_arn: str, ctx: DrillContext) -> str:
    own = [each for each in subscriptions(ctx.clients, topic_arn) if each.get("Endpoint") == queue_arn]
    if not own:
        return "the queue is not subscribed to the topic"
    arn = str(own[0].get("SubscriptionArn", ""))
    if not arn.startswith("arn:"):
        return "the queue's subscription waits for its confirmation"
    attributes = subscription(ctx.clients, arn)
    if attributes.get("PendingConfirmation", "false") == "true":
        return "the queue's subscription waits for its confirmation"
    if attributes.get("RawMessageDelivery", "false") != "true":
        return "the queue gets no raw messages: its readers do not find the events in them"
    if attributes.get("FilterPolicy", "{}") not in ("", "{}"):
        return "a filter keeps events from the queue"
    return ""


def _messages_sent(queue: str, ctx: DrillContext) -> float:
    end = ctx.clock.now()
    with translated(f"cannot read how many messages came into {queue}"):
        answer = ctx.clients.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/SQS",
            MetricName="NumberOfMessagesSent",
            Dimensions=[{"Name": "QueueName", "Value": queue}],
            StartTime=end - WATCHED,
            EndTime=end,
            Period=86400,
            Statistics=["Sum"],
        )
    return sum(float(each["Sum"]) for each in answer.get("Datapoints", []))


def _output(name: str, ctx: DrillContext) -> str:
    """An output of the stack; empty where no stack of ours has it."""
    try:
        return ctx.value(Output("email", ctx.site.region, name))
    except InconclusiveError:
        return ""
