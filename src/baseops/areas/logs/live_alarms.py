"""Holds live alarms of every kind against the declaration, and asks whether they could ring at all.

An alarm that equals its declaration is silent all the same when its actions are off, a mute rule is active, nobody
emits its metric, or its query's role may not query.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from baseops.areas.logs import names
from baseops.areas.logs.live import declared, differences
from baseops.aws.errors import translated
from baseops.aws.roles import read_role
from baseops.contract.drill import DrillContext, Evidence, inconclusive, proven, refuted
from baseops.errors import NotFoundError
from baseops.semantics import alarms

if TYPE_CHECKING:
    from baseops.areas.logs.spec import Alarm, Entry, Section

# Any: botocore's answers.

KINDS = {
    "AWS::CloudWatch::Alarm": "MetricAlarms",
    "AWS::CloudWatch::CompositeAlarm": "CompositeAlarms",
    "AWS::CloudWatch::LogAlarm": "LogAlarms",
}
_APART = {"Tags", "AlarmActions", "OKActions", "InsufficientDataActions", "WarmUpConfiguration", "AlarmRule"}
"""Properties of an alarm that are looked at by themselves, or that DescribeAlarms does not show."""
_LOOKS_BACK = timedelta(days=14)
"""ListMetrics shows metrics of the last two weeks.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_ListMetrics.html
"""


def held_alarms(section: Section, ctx: DrillContext) -> Iterator[Evidence]:
    """Each declared alarm is live as declared, enabled, tells the topic, is not muted, and could ring."""
    wanted = {each["AlarmName"]: each for kind in KINDS for each in declared(section, ctx.refs, kind)}
    live = live_alarms(ctx, list(wanted))
    topic = ctx.value(ctx.refs.topic())
    muted = active_mute_rules(ctx)
    for name, entry in section.managed.items():
        mine = [alarm for alarm in wanted if alarm.startswith(names.alarm_name(ctx.site, name, ""))]
        rules = _rules(section, name, entry, ctx)
        faults = {each: _fault(ctx, wanted[each], live.get(each), topic, muted, rules.get(each)) for each in mine}
        wrong = {alarm: why for alarm, why in faults.items() if why}
        for alarm, why in wrong.items():
            yield refuted(f"logs.{name}/{alarm}", why)
        if mine and not wrong:
            yield proven(f"logs.{name}", f"{len(mine)} alarms are as declared", measures={"alarms": len(mine)})


def live_alarms(ctx: DrillContext, wanted: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """Alarms of every kind by name."""
    client = ctx.clients.client("cloudwatch", ctx.site.region)
    found: dict[str, Mapping[str, Any]] = {}
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html: 100 names at a time.
    for at in range(0, len(wanted), 100):
        with translated("cannot describe the alarms"):
            answer = client.describe_alarms(
                AlarmNames=list(wanted[at : at + 100]),
                AlarmTypes=["MetricAlarm", "CompositeAlarm", "LogAlarm"],
                MaxRecords=100,
            )
        found |= {each["AlarmName"]: each for kind in KINDS.values() for each in answer.get(kind, ())}
    return found


def active_mute_rules(ctx: DrillContext, alarm: str = "") -> dict[str, str]:
    """Which alarms are muted now, each by which rule."""
    client = ctx.clients.client("cloudwatch", ctx.site.region)
    found: dict[str, str] = {}
    more: dict[str, Any] = {"AlarmName": alarm} if alarm else {}
    while True:
        with translated("cannot list the alarms' mute rules"):
            answer = client.list_alarm_mute_rules(Statuses=["ACTIVE"], **more)
        for each in answer["AlarmMuteRuleSummaries"]:
            rule = str(each["AlarmMuteRuleArn"]).rpartition(":")[2]
            with translated(f"cannot read the mute rule {rule}"):
                targets = client.get_alarm_mute_rule(AlarmMuteRuleName=rule).get("MuteTargets") or {}
            found |= dict.fromkeys(targets.get("AlarmNames", ()), rule)
        if not answer.get("NextToken"):
            return found
        more["NextToken"] = answer["NextToken"]


def _rules(section: Section, name: str, entry: Entry, ctx: DrillContext) -> dict[str, str]:
    """The rules of composite alarms, with full names."""
    known = names.alarm_names(section, ctx.site)
    return {
        names.alarm_name(ctx.site, name, alarm_name): str(
            rule.renamed({each: next(iter(known.get(each, {each}))) for each in rule.names})
        )
        for alarm_name, alarm in entry.alarms.items()
        if alarm.rule is not None
        for rule in [alarms.parse_rule(alarm.rule)]
    }


def _fault(
    ctx: DrillContext,
    wanted: Mapping[str, Any],
    live: Mapping[str, Any] | None,
    topic: str,
    muted: Mapping[str, str],
    rule: str | None,
) -> str:
    """What keeps an alarm from ringing as declared; empty when nothing does."""
    if live is None:
        return "there is no such alarm"
    if _sleeps_on_silence(wanted, live):
        return "missing data counts as no breach, so it would not ring when nothing comes any more"
    wrong = list(differences({name: value for name, value in wanted.items() if name not in _APART}, live))
    if rule is not None and str(alarms.parse_rule(live["AlarmRule"])) != rule:
        wrong.append("AlarmRule")
    if wrong:
        return f"the live alarm differs in {', '.join(wrong)}"
    return _silenced(wanted, live, topic, muted) or _query_fault(ctx, live)


def _silenced(wanted: Mapping[str, Any], live: Mapping[str, Any], topic: str, muted: Mapping[str, str]) -> str:
    """Why nobody would hear of an alarm that rings."""
    if not live["ActionsEnabled"]:
        return "its actions are disabled"
    if topic not in live["AlarmActions"]:
        return "it does not tell the alert topic"
    if wanted.get("OKActions") and topic not in live["OKActions"]:
        return "it does not tell the alert topic when it stops"
    rule = muted.get(live["AlarmName"])
    return f"the mute rule {rule} is active" if rule else ""


def _sleeps_on_silence(wanted: Mapping[str, Any], live: Mapping[str, Any]) -> bool:
    """Whether an alarm that should ring on silence would not: with no data at all its state is not ALARM."""
    if wanted.get("TreatMissingData") != "breaching" or "TreatMissingData" not in live:
        return False
    periods = int(live.get("EvaluationPeriods", live.get("QueryResultsToEvaluate", 1)))
    state = alarms.evaluate(
        [None] * alarms.evaluation_range(periods),
        evaluation_periods=periods,
        datapoints_to_alarm=int(live.get("DatapointsToAlarm") or periods),
        treat_missing=live["TreatMissingData"],
        previous="OK",
    )
    return state != "ALARM"


def _query_fault(ctx: DrillContext, live: Mapping[str, Any]) -> str:
    """Whether the role of an alarm's query may run it."""
    query = live.get("ScheduledQueryConfiguration")
    if query is None:
        return ""
    try:
        role = read_role(ctx.clients, query["ScheduledQueryRoleARN"])
    except NotFoundError:
        return "the role of its query does not exist"
    source = {"aws:SourceAccount": ctx.account, "aws:SourceArn": live["AlarmArn"]}
    if not role.trusts("logs.amazonaws.com", source):
        return "CloudWatch Logs may not assume the role of its query"
    partition = str(live["AlarmArn"]).split(":")[1]
    place = f"arn:{partition}:logs:{ctx.site.region}:{ctx.account}:log-group"
    groups = [each.removesuffix(":*").rpartition(":log-group:")[2] for each in query["LogGroupIdentifiers"]]
    missing = [each for each in groups if not role.may("logs:StartQuery", f"{place}:{each}:*")]
    return f"the role of its query may not query {missing[0]}" if missing else ""


def fed_metrics(section: Section, ctx: DrillContext) -> Iterator[Evidence]:
    """Each metric that a declared alarm watches is emitted."""
    for name, entry in section.managed.items():
        for alarm_name, alarm in entry.alarms.items():
            if alarm.metric is not None:
                yield _fed(ctx, f"logs.{name}/{alarm_name}", names.alarm_name(ctx.site, name, alarm_name), entry, alarm)


def _fed(ctx: DrillContext, target: str, full_name: str, entry: Entry, alarm: Alarm) -> Evidence:
    live = live_alarms(ctx, [full_name]).get(full_name)
    if live is None or not live.get("MetricName"):
        return refuted(target, "there is no such alarm on one metric")
    metric, namespace = live["MetricName"], live["Namespace"]
    wanted = {each["Name"]: each["Value"] for each in live.get("Dimensions", ())}
    found = _known(ctx, namespace, metric)
    if wanted in found:
        return proven(target, f"{namespace} {metric} has values of the last {_LOOKS_BACK.days} days")
    if found:
        others = " or ".join(sorted({", ".join(sorted(each)) or "no dimensions" for each in found})[:3])
        return refuted(target, f"{namespace} {metric} has values with {others}, none with the alarm's dimensions")
    if _is_sparse(namespace, entry, alarm):
        said = f"{namespace} {metric} has no values of the last {_LOOKS_BACK.days} days; it has none while all is well"
        return inconclusive(target, said)
    return refuted(target, f"nobody emits {namespace} {metric}: it has no values of the last {_LOOKS_BACK.days} days")


def _is_sparse(namespace: str, entry: Entry, alarm: Alarm) -> bool:
    """Whether a metric may rightly have no value for weeks: lines that seldom match, AWS's own counts of errors."""
    if isinstance(alarm.metric, str):
        return entry.metrics[alarm.metric].default is None
    return namespace.startswith("AWS/")


def _known(ctx: DrillContext, namespace: str, metric: str) -> list[dict[str, str]]:
    """The dimensions under which a metric has had values."""
    with translated(f"cannot look for the metric {namespace} {metric}"):
        pages = ctx.clients.client("cloudwatch", ctx.site.region).get_paginator("list_metrics")
        found = [each for page in pages.paginate(Namespace=namespace, MetricName=metric) for each in page["Metrics"]]
    return [{each["Name"]: each["Value"] for each in one.get("Dimensions", ())} for one in found]
