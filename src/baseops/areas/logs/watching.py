"""Adds the alarms of an entry: on metrics, on scheduled queries, on other alarms, and on silence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from troposphere import GetAtt, Ref, Sub, cloudwatch, iam, logs

from baseops.areas.logs import names
from baseops.cloudformation.builder import StackBuilder
from baseops.cloudformation.parts import service_role
from baseops.cloudformation.resources import lacking, logical_id, raw
from baseops.contract.refs import Refs
from baseops.contract.site import Site
from baseops.semantics import alarms

if TYPE_CHECKING:
    from baseops.areas.logs.spec import Alarm, Entry, Heartbeat, Query, Section

# Any: troposphere takes a text or a helper such as Ref for every property.

_MINUTE = 60
_DAY_MINUTES = 24 * 60
_NEW_SOURCE_MINUTES = 30
_LONGEST_WARM_UP_MINUTES = 2 * 24 * 60
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-warm-up.html"""


def add_alarms(stack: StackBuilder, name: str, entry: Entry, section: Section, refs: Refs) -> None:
    """Every declared alarm; a composite one after those that it watches."""
    if entry.heartbeat:
        stack.add(_heartbeat(stack, name, entry, entry.heartbeat, refs))
    for role in query_roles(name, entry):
        stack.add(role)
    for alarm_name, alarm in entry.alarms.items():
        if alarm.rule is not None:
            stack.add(_composite(stack, name, alarm_name, alarm, alarm.rule, section, refs))
        elif alarm.query is not None:
            stack.add(_on_query(stack, name, alarm_name, alarm, alarm.query, refs))
        else:
            stack.add(_on_metric(stack, name, alarm_name, alarm, refs))


def _common(stack: StackBuilder, name: str, alarm_name: str, alarm: Alarm, refs: Refs) -> dict[str, Any]:
    topic = stack.use(refs.topic())
    return {
        "AlarmName": names.alarm_name(stack.site, name, alarm_name),
        "AlarmActions": [topic],
        **({"OKActions": [topic]} if alarm.notify_ok else {}),
        **({"AlarmDescription": alarm.description} if alarm.description else {}),
    }


def _on_metric(stack: StackBuilder, name: str, alarm_name: str, alarm: Alarm, refs: Refs) -> cloudwatch.Alarm:
    percentile = alarm.statistic.startswith("p")
    return cloudwatch.Alarm(
        logical_id(name, alarm_name, "Alarm"),
        **_common(stack, name, alarm_name, alarm, refs),
        **_metric(stack, name, alarm),
        **({"ExtendedStatistic": alarm.statistic} if percentile else {"Statistic": alarm.statistic}),
        Period=alarm.period,
        Threshold=alarm.threshold,
        ComparisonOperator=alarm.comparison,
        EvaluationPeriods=alarm.evaluation_periods,
        DatapointsToAlarm=alarm.datapoints_to_alarm or alarm.evaluation_periods,
        TreatMissingData=alarm.treat_missing_data,
    )


def _metric(stack: StackBuilder, name: str, alarm: Alarm) -> dict[str, Any]:
    if isinstance(alarm.metric, str):
        return {"Namespace": names.namespace(stack.site), "MetricName": names.metric_name(name, alarm.metric)}
    if alarm.metric is None:
        return {}
    return {
        "Namespace": alarm.metric.namespace,
        "MetricName": alarm.metric.name,
        **({"Dimensions": _dimensions(alarm.metric.dimensions)} if alarm.metric.dimensions else {}),
    }


def _dimensions(dimensions: Mapping[str, str]) -> list[cloudwatch.MetricDimension]:
    return [cloudwatch.MetricDimension(Name=key, Value=value) for key, value in dimensions.items()]


def _heartbeat(stack: StackBuilder, name: str, entry: Entry, heartbeat: Heartbeat, refs: Refs) -> cloudwatch.Alarm:
    # A group without events publishes no IncomingLogEvents at all, and CloudWatch looks further back than the
    # evaluation periods for real points: minutes are zero where there is none, or an old event passes for a new one.
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch-Logs-Monitoring-CloudWatch-Metrics.html
    minutes = int(heartbeat.silent_for.total_seconds()) // _MINUTE
    period, periods = _periods(minutes)
    topic = stack.use(refs.topic())
    return cloudwatch.Alarm(
        logical_id(name, "HeartbeatAlarm"),
        AlarmName=names.alarm_name(stack.site, name, names.HEARTBEAT),
        AlarmDescription=f"No event has come into {entry.group.name} for {minutes} minutes.",
        AlarmActions=[topic],
        OKActions=[topic],
        Metrics=_filled(entry.group.name, period),
        EvaluationPeriods=periods,
        DatapointsToAlarm=periods,
        Threshold=1,
        ComparisonOperator="LessThanThreshold",
        TreatMissingData="breaching",
        # A new source needs time to begin.
        WarmUpConfiguration=cloudwatch.WarmUpConfiguration(
            WarmUpPeriodDurationInMinutes=min(max(minutes, _NEW_SOURCE_MINUTES), _LONGEST_WARM_UP_MINUTES)
        ),
    )


def _filled(group: str, period: int) -> list[cloudwatch.MetricDataQuery]:
    metric = cloudwatch.Metric(
        Namespace="AWS/Logs", MetricName="IncomingLogEvents", Dimensions=_dimensions({"LogGroupName": group})
    )
    return [
        cloudwatch.MetricDataQuery(
            Id="events",
            ReturnData=False,
            MetricStat=cloudwatch.MetricStat(Metric=metric, Period=period, Stat="Sum"),
        ),
        cloudwatch.MetricDataQuery(
            Id="filled", Expression="FILL(events, 0)", Label="events that came", ReturnData=True
        ),
    ]


def _periods(minutes: int) -> tuple[int, int]:
    """A silence as periods: as few as divide it, five at most; hours beyond a day, where CloudWatch wants them."""
    if minutes > _DAY_MINUTES:
        return 60 * _MINUTE, minutes // 60
    count = next(count for count in (5, 4, 3, 2, 1) if minutes % count == 0)
    return minutes // count * _MINUTE, count


def _composite(
    stack: StackBuilder, name: str, alarm_name: str, alarm: Alarm, rule: str, section: Section, refs: Refs
) -> cloudwatch.CompositeAlarm:
    suppressor: dict[str, Any] = {}
    if alarm.actions_suppressor is not None:
        # CloudWatch wants both periods with a suppressor.
        suppressor = {
            "ActionsSuppressor": _named(alarm.actions_suppressor, section, stack.site),
            "ActionsSuppressorWaitPeriod": alarm.actions_suppressor_wait_period,
            "ActionsSuppressorExtensionPeriod": alarm.actions_suppressor_extension_period,
        }
    return cloudwatch.CompositeAlarm(
        logical_id(name, alarm_name, "Alarm"),
        **_common(stack, name, alarm_name, alarm, refs),
        AlarmRule=_rule(rule, section, stack.site),
        **suppressor,
    )


def _rule(text: str, section: Section, site: Site) -> Any:
    """The rule with our alarms as references, so that they come first, in whichever stack."""
    rule = alarms.parse_rule(text)
    known, titles = names.alarm_names(section, site), names.alarm_titles(section, site)
    full = {mentioned: next(iter(known.get(mentioned, {mentioned}))) for mentioned in rule.names}
    renamed = {mentioned: f"${{{titles[each]}}}" if each in titles else each for mentioned, each in full.items()}
    written = str(rule.renamed(renamed))
    return Sub(written) if any(each in titles for each in full.values()) else written


def _named(mentioned: str, section: Section, site: Site) -> Any:
    full = next(iter(names.alarm_names(section, site).get(mentioned, {mentioned})))
    title = names.alarm_titles(section, site).get(full)
    return Ref(title) if title else full


def _on_query(stack: StackBuilder, name: str, alarm_name: str, alarm: Alarm, query: Query, refs: Refs) -> Any:
    every = int(query.every.total_seconds()) if query.every else alarm.period
    minutes = max(every // _MINUTE, 1)
    lines: dict[str, Any] = {}
    if alarm.log_lines:
        lines = {
            "ActionLogLineCount": alarm.log_lines,
            "ActionLogLineRoleArn": GetAtt(logical_id(name, "LogLineRole"), "Arn"),
        }
    return raw(
        "AWS::CloudWatch::LogAlarm",
        logical_id(name, alarm_name, "Alarm"),
        {
            **_common(stack, name, alarm_name, alarm, refs),
            **lines,
            "ComparisonOperator": alarm.comparison,
            "Threshold": alarm.threshold,
            "QueryResultsToEvaluate": alarm.evaluation_periods,
            "QueryResultsToAlarm": alarm.datapoints_to_alarm or alarm.evaluation_periods,
            "TreatMissingData": alarm.treat_missing_data,
            "ScheduledQueryConfiguration": {
                "QueryString": query.query,
                "AggregationExpression": query.aggregate,
                "LogGroupIdentifiers": list(query.groups) or [Ref(names.group_title(name))],
                "ScheduledQueryRoleARN": GetAtt(logical_id(name, "QueryRole"), "Arn"),
                "ScheduleConfiguration": {
                    "ScheduleExpression": f"rate({minutes} minute{'s' if minutes > 1 else ''})",
                    "StartTimeOffset": alarm.period,
                },
            },
        },
        taggable=True,
    )


def query_roles(name: str, entry: Entry) -> Iterator[iam.Role]:
    """The role by which CloudWatch Logs runs the queries, and that by which CloudWatch puts lines into notifications.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-log.html
    """
    queried = [(alarm, alarm.query) for alarm in entry.alarms.values() if alarm.query]
    if not queried:
        return
    groups = {group for _, query in queried for group in query.groups or (entry.group.name,)}
    run = [_on_groups("RunTheQueries", ["logs:GetQueryResults", "logs:StartQuery"], groups), _ON_NO_GROUP]
    yield service_role(logical_id(name, "QueryRole"), "logs", run)
    shown = {group for alarm, query in queried if alarm.log_lines for group in query.groups or (entry.group.name,)}
    if shown:
        read = ["logs:GetQueryResults"]
        yield service_role(logical_id(name, "LogLineRole"), "cloudwatch", [_on_groups("ReadTheLines", read, shown)])


# These know no log group: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html
_ON_NO_GROUP: dict[str, Any] = {
    "Sid": "FindGroupsAndStop",
    "Effect": "Allow",
    "Action": ["logs:DescribeLogGroups", "logs:StopQuery"],
    "Resource": "*",
}


def _on_groups(sid: str, actions: list[str], groups: Iterable[str]) -> dict[str, Any]:
    place = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group"
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Action": actions,
        "Resource": [Sub(f"{place}:{group}:*") for group in sorted(groups)],
    }


def add_queries(stack: StackBuilder, name: str, entry: Entry) -> None:
    """The saved queries."""
    for query_name, query in entry.queries.items():
        # A query in SQL names its groups itself.
        groups = {} if query.language == "SQL" else {"LogGroupNames": list(query.groups or (entry.group.name,))}
        language = {} if query.language == "CWLI" else {"QueryLanguage": query.language}
        stack.add(
            lacking(
                logs.QueryDefinition(
                    logical_id(name, query_name, "Query"),
                    Name=f"baseops/{stack.site.name}/{name}/{query_name}",
                    QueryString=query.query,
                    **groups,
                ),
                **language,
            )
        )
