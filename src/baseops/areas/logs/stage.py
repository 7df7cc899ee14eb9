"""The stage on which an alarm's twin plays: a topic like the alert topic with a probe queue, groups, filters, alarms.

Everything is copied from what is live, so that a live thing that is wrong is wrong here too, and has a name and a
journal entry of the drill's own. Nothing here reaches whoever is told of real alarms.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from baseops.areas.logs import names
from baseops.areas.logs.canary import Lots, batches
from baseops.areas.logs.course import Course
from baseops.aws.deliveries import topic_attributes
from baseops.aws.errors import settled, translated
from baseops.contract.drill import DRILL_TAG, DrillContext, Mark
from baseops.errors import InconclusiveError
from baseops.evidence import resources

# Any: botocore's clients and answers, and policies and documents, which are JSON.

_COPIED = (
    "AlarmDescription",
    "ActionsEnabled",
    "MetricName",
    "Namespace",
    "Statistic",
    "ExtendedStatistic",
    "Dimensions",
    "Period",
    "Unit",
    "EvaluationPeriods",
    "DatapointsToAlarm",
    "Threshold",
    "ComparisonOperator",
    "TreatMissingData",
    "EvaluateLowSampleCountPercentile",
    "Metrics",
)
"""What of a metric alarm is copied: not its warm-up, which would only make the drill wait."""


@dataclass(frozen=True)
class Stage:
    """The drill's own topic and probe queue. `label` keeps the stages of a run apart."""

    ctx: DrillContext
    label: str
    alerts: str
    topic: str
    queue_url: str
    queue_arn: str

    @property
    def place(self) -> tuple[str, str, str]:
        """Partition, region and account, as in ARNs."""
        parts = self.topic.split(":")
        return parts[1], parts[3], parts[4]

    def arn(self, service: str, resource: str) -> str:
        """The ARN of something here."""
        partition, region, account = self.place
        return f"arn:{partition}:{service}:{region}:{account}:{resource}"


def set_stage(ctx: DrillContext, label: str, rules: Sequence[str] = ()) -> Stage:
    """Make topic and queue; `rules` are the names of rules that may send into the queue too."""
    alerts = ctx.value(ctx.refs.topic())
    attributes = topic_attributes(ctx.clients, alerts)
    if attributes is None:
        raise InconclusiveError("the drill's topic cannot be like the alert topic", "there is no alert topic")
    name = ctx.journal.name(f"{label}-alerts")
    topic = _topic(ctx, name, alerts, attributes)
    queue = ctx.journal.name(f"{label}-probe")
    arn = alerts.replace(":sns:", ":sqs:").rpartition(":")[0] + f":{queue}"
    place = alerts.replace(":sns:", ":events:").rpartition(":")[0]
    url = _queue(ctx, queue, arn, topic, [f"{place}:rule/{each}" for each in rules])
    with translated("cannot subscribe the probe queue"):
        ctx.clients.client("sns", ctx.site.region).subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return Stage(ctx, label, alerts, topic, url, arn)


def _topic(ctx: DrillContext, name: str, alerts: str, attributes: Mapping[str, Any]) -> str:
    sns = ctx.clients.client("sns", ctx.site.region)
    arn = alerts.rpartition(":")[0] + f":{name}"
    key = attributes.get("KmsMasterKeyId")

    def make(mark: Mark) -> str:
        with translated("cannot make the drill's topic"):
            sns.create_topic(Name=name, Attributes={"KmsMasterKeyId": key} if key else {}, Tags=mark.tag_list)
        return name

    ctx.journal.create(resources.topic(ctx.site.region, name, ctx.account), make)
    with translated("cannot give the drill's topic the alert topic's policy"):
        policy = attributes["Policy"].replace(json.dumps(alerts), json.dumps(arn))
        sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy)
    return arn


def _queue(ctx: DrillContext, name: str, arn: str, topic: str, rules: Sequence[str]) -> str:
    sqs = ctx.clients.client("sqs", ctx.site.region)
    statements = [_sends("sns", arn, [topic])] + ([_sends("events", arn, rules)] if rules else [])
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    urls: list[str] = []

    def make(mark: Mark) -> str:
        with translated("cannot make the probe queue"):
            attributes = {"Policy": policy, "MessageRetentionPeriod": "3600"}
            urls.append(sqs.create_queue(QueueName=name, Attributes=attributes, tags=mark.tags)["QueueUrl"])
        return name

    ctx.journal.create(resources.queue(ctx.site.region, name, ctx.account), make)
    return urls[0]


def probe_queue(ctx: DrillContext, label: str, topic: str) -> tuple[str, str]:
    """A queue of the drill's own that a topic may send into: its URL and ARN."""
    name = ctx.journal.name(f"{label}-probe")
    arn = topic.replace(":sns:", ":sqs:").rpartition(":")[0] + f":{name}"
    return _queue(ctx, name, arn, topic, []), arn


def _sends(service: str, queue: str, sources: Sequence[str]) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
        "Condition": {"ArnEquals": {"aws:SourceArn": list(sources)}},
    }


@dataclass(frozen=True)
class TwinGroup:
    """A log group of the drill's own with one stream."""

    name: str
    stream: str


def twin_group(stage: Stage, label: str, key: str | None) -> TwinGroup:
    """A group under the live group's key."""
    ctx, logs = stage.ctx, stage.ctx.clients.client("logs", stage.ctx.site.region)
    group = TwinGroup(ctx.journal.path(f"{stage.label}-{label}"), "canary")

    def make(mark: Mark) -> str:
        with translated("cannot make the twin of a log group"):
            logs.create_log_group(logGroupName=group.name, tags=mark.tags, **({"kmsKeyId": key} if key else {}))
        return group.name

    ctx.journal.create(resources.log_group(ctx.site.region, group.name), make)
    with translated("cannot prepare the twin of a log group"):
        logs.put_retention_policy(logGroupName=group.name, retentionInDays=1)
    open_stream(ctx, group)
    return group


def open_stream(ctx: DrillContext, group: TwinGroup) -> None:
    """Make the drill's own stream."""
    logs = ctx.clients.client("logs", ctx.site.region)
    with settled("ResourceAlreadyExistsException"), translated(f"cannot make a stream in {group.name}"):
        logs.create_log_stream(logGroupName=group.name, logStreamName=group.stream)


def write(ctx: DrillContext, group: TwinGroup, lines: tuple[str, ...]) -> None:
    """Write lines into a group, now."""
    logs, when = ctx.clients.client("logs", ctx.site.region), int(ctx.clock.now().timestamp() * 1000)
    with translated(f"cannot write lines into {group.name}"):
        for events in batches(lines, when):
            logs.put_log_events(logGroupName=group.name, logStreamName=group.stream, logEvents=events)


def write_lot(ctx: DrillContext, group: TwinGroup, lots: Lots, course: Course) -> None:
    """The next lines of a canary, where it is time for them; the way begins with the first line."""
    now = ctx.clock.now()
    if course.rang or not lots.is_due(now):
        return
    if not course.wrote:
        course.begin, course.wrote = now, True
    write(ctx, group, lots.canary.lines)
    course.slow = not lots.wrote(now, ctx.clock.now()) or course.slow
    course.end = max(now, course.end)
    ctx.steps.add(f"{len(lots.canary.lines)} derived lines are written to {group.name}")


def twin_namespace(ctx: DrillContext) -> str:
    """The namespace of the twins' metrics, which stay for as long as CloudWatch keeps metrics."""
    return f"{names.namespace(ctx.site)}/drill"


def twin_filter(stage: Stage, group: TwinGroup, live: Mapping[str, Any]) -> dict[str, str]:
    """A filter like the live one, into a metric of the twin's own; gives that metric by the live one's name."""
    logs = stage.ctx.clients.client("logs", stage.ctx.site.region)
    renamed = {each["metricName"]: f"{group.name}/{each['metricName']}" for each in live["metricTransformations"]}
    transformations = [
        {**each, "metricNamespace": twin_namespace(stage.ctx), "metricName": renamed[each["metricName"]]}
        for each in live["metricTransformations"]
    ]
    with translated("cannot make the twin of a metric filter"):
        logs.put_metric_filter(
            logGroupName=group.name,
            filterName=live["filterName"],
            filterPattern=live["filterPattern"],
            metricTransformations=transformations,
        )
    return renamed


def twin_alarm(stage: Stage, label: str, live: Mapping[str, Any], changes: Mapping[str, Any]) -> str:
    """An alarm like the live one with some properties changed; it tells the drill's topic what that tells the real."""
    ctx, cloudwatch = stage.ctx, stage.ctx.clients.client("cloudwatch", stage.ctx.site.region)
    name = ctx.journal.name(f"{stage.label}-{label}")
    copied = {key: live[key] for key in _COPIED if key in live and not (key == "Dimensions" and not live[key])}
    told = {key: [stage.topic] for key in ("AlarmActions", "OKActions") if stage.alerts in (live.get(key) or ())}

    def make(mark: Mark) -> str:
        with translated("cannot make the twin of an alarm"):
            cloudwatch.put_metric_alarm(**{**copied, **changes, **told, "AlarmName": name, "Tags": mark.tag_list})
        return name

    return ctx.journal.create(resources.alarm(ctx.site.region, name, ctx.account), make)


def twin_rule(stage: Stage, name: str, live: Mapping[str, Any], renamed: Mapping[str, str]) -> None:
    """A rule like the live one, for the twins of its alarms (by ARN); its events go into the probe queue."""
    ctx, events = stage.ctx, stage.ctx.clients.client("events", stage.ctx.site.region)
    pattern = str(live["EventPattern"])
    for arn, twin in renamed.items():
        pattern = pattern.replace(json.dumps(arn), json.dumps(twin))

    def make(mark: Mark) -> str:
        with translated("cannot make the twin of a rule"):
            events.put_rule(Name=name, EventPattern=pattern, State=live["State"], Tags=mark.tag_list)
        return name

    ctx.journal.create(resources.rule(ctx.site.region, name, ctx.account), make)
    with translated("cannot give the twin of a rule its target"):
        more = {"InputTransformer": live["Target"]["InputTransformer"]} if "InputTransformer" in live["Target"] else {}
        events.put_targets(Rule=name, Targets=[{"Id": "probe", "Arn": stage.queue_arn, **more}])


def twin_document(stage: Stage, label: str, live: Mapping[str, Any]) -> str:
    """An automation like the live one whose command is for instances with the drill's mark: there are none."""
    ctx, ssm = stage.ctx, stage.ctx.clients.client("ssm", stage.ctx.site.region)
    name = ctx.journal.name(f"{stage.label}-{label}")

    def make(mark: Mark) -> str:
        content = json.loads(json.dumps(live))
        for step in content["mainSteps"]:
            inputs = step["inputs"]
            if "Targets" in inputs:
                inputs["Targets"] = [{"Key": f"tag:{DRILL_TAG}", "Values": [mark.value]}]
            if "InputPayload" in inputs:
                inputs["InputPayload"]["document"] = name
        with translated("cannot make the twin of a remedy's document"):
            ssm.create_document(
                Name=name,
                Content=json.dumps(content),
                DocumentType="Automation",
                DocumentFormat="JSON",
                Tags=mark.tag_list,
            )
        return name

    return ctx.journal.create(resources.document(ctx.site.region, name), make)
