"""Adds the alarms of an entry: on metrics, on scheduled queries, on other alarms, and on silence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from troposphere import GetAtt, Sub, cloudwatch, logs

from baseops.areas.logs import names
from baseops.cloudformation.builder import StackBuilder
from baseops.cloudformation.parts import service_role
from baseops.cloudformation.resources import logical_id, raw
from baseops.contract.refs import Refs
from baseops.semantics import alarms

if TYPE_CHECKING:
    from baseops.areas.logs.spec import Alarm, Entry, Query, Section

# Any: troposphere takes a text or a helper such as Ref for every property.

_MINUTE = 60


def add_alarms(stack: StackBuilder, name: str, entry: Entry, section: Section, refs: Refs) -> None:
    """Every declared alarm; a composite one after those that it watches."""
    if entry.heartbeat:
        stack.add(_heartbeat(stack, name, entry, refs))
    if any(alarm.query for alarm in entry.alarms.values()):
        stack.add(_query_role(name, entry))
    for alarm_name, alarm in entry.alarms.items():
        if alarm.rule is not None:
            stack.add(_composite(stack, name, alarm_name, alarm, section, refs))
        elif alarm.query is not None:
            stack.add(_on_query(stack, name, alarm_name, alarm, alarm.query, entry, refs))
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


def _heartbeat(stack: StackBuilder, name: str, entry: Entry, refs: Refs) -> cloudwatch.Alarm:
    # A group without events publishes no IncomingLogEvents at all, so missing data has to be the breach.
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch-Logs-Monitoring-CloudWatch-Metrics.html
    silent_for = entry.heartbeat.silent_for if entry.heartbeat else None
    minutes = int(silent_for.total_seconds()) // _MINUTE if silent_for else 1
    period, periods = _periods(minutes)
    topic = stack.use(refs.topic())
    return cloudwatch.Alarm(
        logical_id(name, "HeartbeatAlarm"),
        AlarmName=names.alarm_name(stack.site, name, "heartbeat"),
        AlarmDescription=f"No event has come into {entry.group.name} for {minutes} minutes.",
        AlarmActions=[topic],
        OKActions=[topic],
        Namespace="AWS/Logs",
        MetricName="IncomingLogEvents",
        Dimensions=_dimensions({"LogGroupName": entry.group.name}),
        Statistic="Sum",
        Period=period,
        EvaluationPeriods=periods,
        DatapointsToAlarm=periods,
        Threshold=1,
        ComparisonOperator="LessThanThreshold",
        TreatMissingData="breaching",
    )


def _periods(minutes: int) -> tuple[int, int]:
    """A silence as periods: as few as divide it, at most five, so that one late batch ends the alarm soon."""
    count = next(count for count in (5, 4, 3, 2, 1) if minutes % count == 0)
    return minutes // count * _MINUTE, count


def _composite(
    stack: StackBuilder, name: str, alarm_name: str, alarm: Alarm, section: Section, refs: Refs
) -> cloudwatch.CompositeAlarm:
    rule = alarms.parse_rule(alarm.rule or "")
    known = names.alarm_names(section, stack.site)
    full = {mentioned: next(iter(known[mentioned])) for mentioned in rule.names if mentioned in known}
    own = {
        names.alarm_name(stack.site, entry_name, each): logical_id(entry_name, each, "Alarm")
        for entry_name, entry in section.entries.items()
        for each in entry.alarms
        if entry.managed
    }
    watched = sorted(own[mentioned] for mentioned in full.values() if mentioned in own)
    return cloudwatch.CompositeAlarm(
        logical_id(name, alarm_name, "Alarm"),
        **_common(stack, name, alarm_name, alarm, refs),
        AlarmRule=str(rule.renamed(full)),
        **({"DependsOn": watched} if watched else {}),
    )


def _on_query(
    stack: StackBuilder, name: str, alarm_name: str, alarm: Alarm, query: Query, entry: Entry, refs: Refs
) -> Any:
    every = int(query.every.total_seconds()) if query.every else alarm.period
    minutes = max(every // _MINUTE, 1)
    role = GetAtt(_query_role_title(name), "Arn")
    lines = {"ActionLogLineCount": alarm.log_lines, "ActionLogLineRoleArn": role} if alarm.log_lines else {}
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
                "LogGroupIdentifiers": list(query.groups or (entry.group.name,)),
                "ScheduledQueryRoleARN": role,
                "ScheduleConfiguration": {
                    "ScheduleExpression": f"rate({minutes} minute{'s' if minutes > 1 else ''})",
                    "StartTimeOffset": alarm.period,
                },
            },
        },
        taggable=True,
    )


def _query_role_title(name: str) -> str:
    return logical_id(name, "QueryRole")


def _query_role(name: str, entry: Entry) -> Any:
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutLogAlarm.html
    groups = {entry.group.name}
    for alarm in entry.alarms.values():
        groups |= set(alarm.query.groups) if alarm.query else set()
    arns = [
        Sub(f"arn:${{AWS::Partition}}:logs:${{AWS::Region}}:${{AWS::AccountId}}:log-group:{each}:*")
        for each in sorted(groups)
    ]
    statement: dict[str, Any] = {
        "Sid": "ReadTheQueriedGroups",
        "Effect": "Allow",
        "Action": ["logs:StartQuery", "logs:GetLogEvents", "logs:FilterLogEvents"],
        "Resource": arns,
    }
    results: dict[str, Any] = {
        "Sid": "ReadResults",
        "Effect": "Allow",
        "Action": ["logs:GetQueryResults", "logs:StopQuery"],
        "Resource": "*",
    }
    return service_role(_query_role_title(name), "cloudwatch", [statement, results])


def add_queries(stack: StackBuilder, name: str, entry: Entry) -> None:
    """The saved queries."""
    for query_name, query in entry.queries.items():
        stack.add(
            logs.QueryDefinition(
                logical_id(name, query_name, "Query"),
                Name=f"baseops/{stack.site.name}/{name}/{query_name}",
                QueryString=query.query,
                LogGroupNames=list(query.groups or (entry.group.name,)),
            )
        )
