"""Finds sources that have gone silent: the group as a whole, and each instance whose agent should ship.

What DescribeLogStreams says of a stream's newest event may be an hour late, so an instance counts as silent only when
its streams were asked for an event and had none. What such an event says is not looked at.
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_LogStream.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from baseops.aws.errors import translated
from baseops.contract.drill import DrillContext, Evidence, proven, refuted
from baseops.errors import NotFoundError

if TYPE_CHECKING:
    from baseops.areas.logs.spec import Entry, Section

# Any: botocore's clients and answers.

BOOT = timedelta(minutes=15)
"""How long an instance may take until its agent is installed, configured and ships."""
INSTANCE_ID = "{instance_id}"
_NAMED = 5


def heard(section: Section, ctx: DrillContext) -> Iterator[Evidence]:
    """Each source with a heartbeat was heard of, and each instance that feeds it."""
    for name, entry in section.entries.items():
        if entry.heartbeat:
            yield _heard(ctx, f"logs.{name}", entry, entry.heartbeat.silent_for)


def _heard(ctx: DrillContext, target: str, entry: Entry, silence: timedelta) -> Evidence:
    client, since = ctx.clients.client("logs", ctx.site.region), ctx.clock.now() - silence
    try:
        recent = _recent_streams(client, entry.group.name, since)
    except NotFoundError:
        return refuted(target, f"there is no log group {entry.group.name}")
    if not recent and not _incoming(ctx, entry.group.name, since):
        return refuted(target, f"nothing has come into {entry.group.name} for {_minutes(silence)} minutes")
    instances, new = _instances(ctx, entry, since - BOOT)
    silent = [each for each in instances if not _ships(client, entry, each, recent, since)]
    measures: dict[str, float] = {"instances": len(instances), "silent": len(silent), "new_instances": new}
    if recent:
        measures["newest_event_age_seconds"] = (ctx.clock.now() - max(recent.values())).total_seconds()
    if silent:
        named = ", ".join(silent[:_NAMED]) + (" and others" if len(silent) > _NAMED else "")
        said = f"{named} shipped nothing for {_minutes(silence)} minutes ({len(silent)} of {len(instances)} instances)"
        return refuted(target, said, measures=measures)
    said = f", from each of {len(instances)} instances" if instances else ""
    return proven(target, f"events came within {_minutes(silence)} minutes{said}", measures=measures)


def _recent_streams(client: Any, group: str, since: datetime) -> dict[str, datetime]:
    """The streams whose newest event is known to be recent, newest first as AWS lists them, and no page more."""
    found: dict[str, datetime] = {}
    with translated(f"cannot list the streams of {group}"):
        pages = client.get_paginator("describe_log_streams").paginate(
            logGroupName=group, orderBy="LastEventTime", descending=True
        )
        for page in pages:
            times = {each["logStreamName"]: _time(each.get("lastEventTimestamp", 0)) for each in page["logStreams"]}
            fresh = {name: when for name, when in times.items() if when >= since}
            found |= fresh
            if len(fresh) < len(times):
                break
    return found


def _incoming(ctx: DrillContext, group: str, since: datetime) -> bool:
    """Whether the group's own metric counted any event."""
    metric = {
        "Namespace": "AWS/Logs",
        "MetricName": "IncomingLogEvents",
        "Dimensions": [{"Name": "LogGroupName", "Value": group}],
    }
    with translated(f"cannot read how many events came into {group}"):
        answer = ctx.clients.client("cloudwatch", ctx.site.region).get_metric_data(
            MetricDataQueries=[{"Id": "events", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}],
            StartTime=since,
            EndTime=ctx.clock.now(),
        )
    return any(value > 0 for each in answer["MetricDataResults"] for value in each["Values"])


def _instances(ctx: DrillContext, entry: Entry, before: datetime) -> tuple[list[str], int]:
    """Running instances that should ship into streams of their own, and how many are too new to tell."""
    if entry.agent is None or not _streams(entry, ""):
        return [], 0
    running = running_instances(ctx, entry.agent.target)
    old = sorted(each["InstanceId"] for each in running if each["LaunchTime"] <= before)
    return old, len(running) - len(old)


def running_instances(ctx: DrillContext, tags: Mapping[str, str]) -> list[Mapping[str, Any]]:
    """The running instances with all of these tags."""
    filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in sorted(tags.items())]
    filters.append({"Name": "instance-state-name", "Values": ["running"]})
    with translated("cannot list the instances whose agents ship"):
        pages = ctx.clients.client("ec2", ctx.site.region).get_paginator("describe_instances").paginate(Filters=filters)
        return [each for page in pages for group in page["Reservations"] for each in group["Instances"]]


def _streams(entry: Entry, instance: str) -> list[str]:
    """The streams of an instance in the entry's own group, where their names tell instances apart."""
    if entry.agent is None:
        return []
    places = [(each.group, each.stream) for each in entry.agent.files]
    places += [(entry.agent.journal.group, entry.agent.journal.stream)] if entry.agent.journal else []
    own = [stream for group, stream in places if (group or entry.group.name) == entry.group.name]
    return [each.replace(INSTANCE_ID, instance) for each in own if INSTANCE_ID in each and each.count("{") == 1]


def _ships(client: Any, entry: Entry, instance: str, recent: Mapping[str, datetime], since: datetime) -> bool:
    streams = _streams(entry, instance)
    return any(each in recent for each in streams) or has_event(client, entry.group.name, streams, since)


def has_event(client: Any, group: str, streams: Sequence[str], since: datetime) -> bool:
    """Whether one of the streams has an event since then. AWS call: logs:GetLogEvents."""
    for stream in streams:
        try:
            with translated(f"cannot ask {group} for events of {stream}"):
                if any(_pages_of(client, group, stream, since)):
                    return True
        except NotFoundError:
            continue
    return False


def _pages_of(client: Any, group: str, stream: str, since: datetime) -> Iterator[Sequence[Any]]:
    """The events since then, newest first: a page may be empty though there are more; the last one has its own token.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html
    """
    wanted = {"logGroupName": group, "logStreamName": stream, "startTime": int(since.timestamp() * 1000), "limit": 1}
    token = ""
    while True:
        page = client.get_log_events(**wanted, startFromHead=False, **({"nextToken": token} if token else {}))
        yield page["events"]
        if page.get("nextBackwardToken") in (None, token):
            return
        token = page["nextBackwardToken"]


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _minutes(silence: timedelta) -> int:
    return int(silence.total_seconds()) // 60
