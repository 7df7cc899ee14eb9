"""Alarms on the reputation of the account and its streams, and on events that nobody reads."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from troposphere import GetAtt
from troposphere.cloudwatch import MetricDimension

from baseops.areas.email.feedback import dead_letters_title, queue_title
from baseops.areas.email.identities import Stream
from baseops.areas.email.sending import set_title
from baseops.cloudformation.builder import StackBuilder
from baseops.cloudformation.parts import alarm
from baseops.cloudformation.resources import logical_id
from baseops.contract.refs import Refs

if TYPE_CHECKING:
    from baseops.areas.email.spec import RateAlarms

# Any: troposphere takes a text or a helper such as Ref for every property.

_METRICS = {"bounce-rate": "Reputation.BounceRate", "complaint-rate": "Reputation.ComplaintRate"}


def add_account_alarms(stack: StackBuilder, rates: RateAlarms | None, refs: Refs) -> None:
    """The rates of all mail of the account and region, by which SES judges it."""
    if rates:
        _rates(stack, "account", "Account", rates, refs, {})


def add_stream_alarms(stack: StackBuilder, stream: Stream, refs: Refs) -> None:
    """The rates of one configuration set, and its queues."""
    if stream.settings.alarms and stream.settings.reputation_metrics:
        dimensions = {"Dimensions": [MetricDimension(Name="ses:configuration-set", Value=stream.name)]}
        title = set_title(stream).removesuffix("ConfigurationSet")
        _rates(stack, stream.label, title, stream.settings.alarms, refs, dimensions)
    if stream.has_queue:
        _dead_letters(stack, stream, refs)
        _unread(stack, stream, refs)


def _rates(stack: StackBuilder, label: str, title: str, rates: RateAlarms, refs: Refs, more: dict[str, Any]) -> None:
    # A rate is reported only while mail is sent: without data the state stays what it was.
    # https://docs.aws.amazon.com/ses/latest/dg/reputationdashboard-cloudwatch-alarm.html
    for name, threshold in (("bounce-rate", rates.bounce_rate), ("complaint-rate", rates.complaint_rate)):
        stack.add(
            alarm(
                title + logical_id(name, "Alarm"),
                name=_name(refs, label, name),
                topic=stack.use(refs.topic()),
                AlarmDescription=f"Near the {name} at which SES reviews the account: act before it does.",
                Namespace="AWS/SES",
                MetricName=_METRICS[name],
                Statistic="Average",
                Period=3600,
                Threshold=threshold,
                TreatMissingData="ignore",
                **more,
            )
        )


def _dead_letters(stack: StackBuilder, stream: Stream, refs: Refs) -> None:
    stack.add(
        alarm(
            stream.logical_id("DeadLettersAlarm"),
            name=_name(refs, stream.label, "dead-letters"),
            topic=stack.use(refs.topic()),
            AlarmDescription="Mail events that could not be handled are waiting: read them and send them back.",
            Statistic="Maximum",
            **_queue_metric(dead_letters_title(stream), "ApproximateNumberOfMessagesVisible"),
        )
    )


def _unread(stack: StackBuilder, stream: Stream, refs: Refs) -> None:
    limit: timedelta = stream.events.unread_for
    stack.add(
        alarm(
            stream.logical_id("UnreadAlarm"),
            name=_name(refs, stream.label, "unread"),
            topic=stack.use(refs.topic()),
            AlarmDescription="Nobody has read the mail events for too long; the queue forgets them after 14 days.",
            Statistic="Maximum",
            Threshold=int(limit.total_seconds()),
            **_queue_metric(queue_title(stream), "ApproximateAgeOfOldestMessage"),
        )
    )


def _queue_metric(title: str, metric: str) -> dict[str, Any]:
    return {
        "Namespace": "AWS/SQS",
        "MetricName": metric,
        "Dimensions": [MetricDimension(Name="QueueName", Value=GetAtt(title, "QueueName"))],
    }


def _name(refs: Refs, label: str, name: str) -> str:
    return f"{refs.site.prefix}-email-{label}-{name}"
