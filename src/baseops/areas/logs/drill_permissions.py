"""What drills of this area may do, by class: look; make a twin of a source and let it ring; write to a live group.

Each action is bound to the resources that it is for, where the service knows them. Drills create, change and delete
only what has a drill's name; the live groups are written to by drills of class disturb alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from baseops.areas.logs.shipping import shipments
from baseops.aws.roles import READ_ACTIONS
from baseops.contract.site import Site
from baseops.contract.types import DrillClass, Json

if TYPE_CHECKING:
    from baseops.areas.logs.spec import Section

# These know no resource: https://docs.aws.amazon.com/service-authorization/latest/reference/
_LOOK = [
    "cloudwatch:GetAlarmMuteRule",
    "cloudwatch:GetMetricData",
    "cloudwatch:ListAlarmMuteRules",
    "cloudwatch:ListMetrics",
    "ec2:DescribeInstances",
    "logs:DescribeLogGroups",
    "logs:TestMetricFilter",
]
_MACHINES = ["ssm:DescribeInstanceInformation", "ssm:ListAssociations"]
# GetLogEvents asks a stream that seems silent for one event; whether there is one is all that is looked at.
_SOURCE = [
    "logs:DescribeLogStreams",
    "logs:DescribeMetricFilters",
    "logs:DescribeSubscriptionFilters",
    "logs:GetLogEvents",
]
_ALERTS = ["sns:GetSubscriptionAttributes", "sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic"]
# Tags and age of what is there are looked at once more before a sweep removes it.
_TWIN_LOGS = [
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:DeleteLogGroup",
    "logs:ListTagsLogGroup",
    "logs:PutLogEvents",
    "logs:PutMetricFilter",
    "logs:PutRetentionPolicy",
    "logs:TagResource",
]
_TWIN_ALARMS = [
    "cloudwatch:DeleteAlarms",
    "cloudwatch:ListTagsForResource",
    "cloudwatch:PutMetricAlarm",
    "cloudwatch:TagResource",
]
_TWIN_TOPICS = [
    "sns:CreateTopic",
    "sns:DeleteTopic",
    "sns:ListTagsForResource",
    "sns:SetTopicAttributes",
    "sns:TagResource",
]
_PROBE_QUEUES = [
    "sqs:CreateQueue",
    "sqs:DeleteMessage",
    "sqs:DeleteQueue",
    "sqs:GetQueueAttributes",
    "sqs:ListQueueTags",
    "sqs:ReceiveMessage",
    "sqs:TagQueue",
]
_TWIN_RULES = [
    "events:DeleteRule",
    "events:ListTagsForResource",
    "events:PutRule",
    "events:PutTargets",
    "events:RemoveTargets",
    "events:TagResource",
]
_TWIN_DOCUMENTS = [
    "ssm:AddTagsToResource",
    "ssm:CreateDocument",
    "ssm:DeleteDocument",
    "ssm:DescribeDocument",
    "ssm:ListTagsForResource",
]
_MOST_GROUPS = 10


def statements(section: Section, site: Site) -> Mapping[DrillClass, tuple[Mapping[str, Json], ...]]:
    """Statements for the drill roles of the classes that this area has drills of."""
    if not section.entries:
        return {}
    found: dict[DrillClass, tuple[Mapping[str, Json], ...]] = {"observe": tuple(_observe(section, site))}
    alarms = [alarm for entry in section.managed.values() for alarm in entry.alarms.values()]
    on_lines = [alarm for alarm in alarms if isinstance(alarm.metric, str)]
    silences = any(entry.heartbeat for entry in section.managed.values())
    remedied = any(alarm.remedy for alarm in on_lines)
    if on_lines or silences:
        found["exercise"] = tuple(_twins(site) + (_remedy(site) if remedied else []))
    if on_lines:
        found["disturb"] = tuple(_disturb(section, site, remedied=remedied))
    return found


def _observe(section: Section, site: Site) -> list[Mapping[str, Json]]:
    groups = _groups(section)
    places = [f"log-group:{each}{end}" for each in groups for end in ("", ":*")]
    found = [
        _in_region(site, _allow("LookAtLogs", _LOOK, "*")),
        _allow("LookAtSources", _SOURCE, [_arn(site, "logs", each) for each in places]),
    ]
    return [*found, *_observe_managed(section, site)] if section.managed else found


def _observe_managed(section: Section, site: Site) -> Iterator[Mapping[str, Json]]:
    entries = section.managed.values()
    alarms = [alarm for entry in entries for alarm in entry.alarms.values()]
    remedied = any(entry.remedies for entry in entries)
    yield _allow("LookAtAlarms", ["cloudwatch:DescribeAlarms"], _arn(site, "cloudwatch", "alarm:*"))
    yield _allow("LookAtAlerts", _ALERTS, _arn(site, "sns", f"{site.prefix}-alerts"))
    yield _key(site)
    if any(alarm.remedy or alarm.query for alarm in alarms) or any(entry.ship for entry in entries):
        yield _roles(site)
    yield from _carriers(section, site)
    if any(alarm.remedy for alarm in alarms):
        rules = _arn(site, "events", f"rule/{_stack(site)}*")
        yield _allow("LookAtRules", ["events:DescribeRule", "events:ListTargetsByRule"], rules)
        yield _in_region(site, _allow("FindRules", ["events:ListRuleNamesByTarget"], "*"))
    if any(entry.agent for entry in entries) or remedied:
        documents = _arn(site, "ssm", f"document/{site.prefix}-logs-*")
        parameters = _arn(site, "ssm", f"parameter/AmazonCloudWatch-{site.prefix}-*")
        yield _allow("ReadDocuments", ["ssm:GetDocument", "ssm:GetParameter"], [documents, parameters])
        yield _in_region(site, _allow("LookAtMachines", _MACHINES, "*"))
    if any(entry.agent for entry in entries):
        yield _agents(site)


def _carriers(section: Section, site: Site) -> Iterator[Mapping[str, Json]]:
    """What carries events to where they are shipped."""
    kinds = {each.kind for entry in section.managed.values() for each in shipments(entry)}
    if kinds & {"opensearch", "opensearch_ingestion"}:
        functions = _arn(site, "lambda", f"function:{_stack(site)}*")
        yield _allow("LookAtFunctions", ["lambda:GetFunctionConfiguration", "lambda:GetPolicy"], functions)
    if kinds & {"http", "s3"}:
        streams = _arn(site, "firehose", f"deliverystream/{site.prefix}-logs-*"[:55])
        yield _allow("LookAtStreams", ["firehose:DescribeDeliveryStream"], streams)


def _agents(site: Site) -> Mapping[str, Json]:
    """What Systems Manager brought onto machines: it asks for the association, its document or the machine."""
    actions = ["ssm:DescribeAssociation", "ssm:DescribeInstanceAssociationsStatus"]
    kinds = ("association/*", f"document/{site.prefix}-logs-*", "managed-instance/*")
    own = [_arn(site, "ssm", each) for each in kinds]
    return _allow("LookAtAgents", actions, [*own, _arn(site, "ec2", "instance/*")])


def _groups(section: Section) -> list[str]:
    """The groups; where there are many what their names begin with, for a role holds 10,240 characters of policy."""
    groups = sorted({entry.group.name for entry in section.entries.values()})
    if len(groups) <= _MOST_GROUPS:
        return groups
    return sorted({f"{each.rpartition('/')[0] or each}*" for each in groups})[: 2 * _MOST_GROUPS]


def _key(site: Site) -> Mapping[str, Json]:
    """The key of the alert topic: ours by its alias, or an existing one."""
    actions = ["kms:DescribeKey", "kms:GetKeyPolicy"]
    existing = site.keys.get(("logs", site.region))
    if existing:
        return _allow("LookAtAlertKey", actions, existing)
    condition: Json = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": [f"alias/{site.prefix}-logs"]}}
    return {**_allow("LookAtAlertKey", actions, _arn(site, "kms", "key/*")), "Condition": condition}


def _roles(site: Site) -> Mapping[str, Json]:
    """The roles of the area's own services, by whatever policies somebody has attached to them."""
    policies = "arn:${AWS::Partition}:iam::*:policy/*"
    return _allow("ReadRolesOfLogs", list(READ_ACTIONS), [_role_arn(site), {"Fn::Sub": policies}])


def _role_arn(site: Site) -> Json:
    return {"Fn::Sub": f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role{site.iam.path}{_stack(site)}*"}


def _stack(site: Site) -> str:
    """What CloudFormation's names of roles, rules and functions begin with: 24 characters of the stack's, or more."""
    return f"{site.prefix}-logs"[:24]


def _twins(site: Site) -> list[Mapping[str, Json]]:
    name = f"{site.prefix}-drill-*"
    return [
        _allow("TwinOfASource", _TWIN_LOGS, _arn(site, "logs", f"log-group:/baseops/{site.name}/drill/*")),
        _allow("TwinOfAnAlarm", _TWIN_ALARMS, _arn(site, "cloudwatch", f"alarm:{name}")),
        _allow("TopicOfATwin", _TWIN_TOPICS, _arn(site, "sns", name)),
        _subscribe(site, "ListenToATwin", name),
        _allow("QueueOfATwin", _PROBE_QUEUES, _arn(site, "sqs", name)),
    ]


def _remedy(site: Site) -> list[Mapping[str, Json]]:
    name = f"{site.prefix}-drill-*"
    started = [_arn(site, "ssm", f"automation-definition/{name}"), _arn(site, "ssm", "automation-execution/*")]
    passed: Json = {"StringEquals": {"iam:PassedToService": "ssm.amazonaws.com"}}
    return [
        _allow("RuleOfATwin", _TWIN_RULES, _arn(site, "events", f"rule/{name}")),
        _allow("RemedyOfATwin", _TWIN_DOCUMENTS, _arn(site, "ssm", f"document/{name}")),
        _allow("StartTheTwin", ["ssm:GetAutomationExecution", "ssm:StartAutomationExecution"], started),
        {**_allow("TwinRunsByItsRole", ["iam:PassRole"], _role_arn(site)), "Condition": passed},
        _in_region(site, _allow("SeeTheTwinsCommand", ["ssm:ListCommands"], "*")),
    ]


def _disturb(section: Section, site: Site, *, remedied: bool) -> list[Mapping[str, Json]]:
    name = f"{site.prefix}-drill-*"
    streams = [_arn(site, "logs", f"log-group:{each}:log-stream:{name}") for each in _groups(section)]
    lines = ["logs:CreateLogStream", "logs:DeleteLogStream", "logs:PutLogEvents"]
    found = [
        _allow("LinesInLiveGroups", lines, streams),
        _subscribe(site, "ListenToAlerts", f"{site.prefix}-alerts"),
        _allow("ListenNoMore", ["sns:Unsubscribe"], _arn(site, "sns", f"{site.prefix}-alerts")),
        _allow("QueueThatListens", _PROBE_QUEUES, _arn(site, "sqs", name)),
    ]
    if remedied:
        follow = ["ssm:DescribeAutomationExecutions", "ssm:ListCommands"]
        found.append(_in_region(site, _allow("FollowRemedies", follow, "*")))
    return found


def _subscribe(site: Site, sid: str, topic: str) -> Mapping[str, Json]:
    """Only a drill's own queue hears of a topic: nobody is told by mail, and no other account.

    https://docs.aws.amazon.com/sns/latest/dg/sns-using-identity-based-policies.html#sns-policy-keys
    """
    condition: Json = {
        "StringEquals": {"sns:Protocol": "sqs"},
        "StringLike": {"sns:Endpoint": _arn(site, "sqs", f"{site.prefix}-drill-*")},
    }
    return {**_allow(sid, ["sns:Subscribe"], _arn(site, "sns", topic)), "Condition": condition}


def _in_region(site: Site, statement: Mapping[str, Json]) -> Mapping[str, Json]:
    return {**statement, "Condition": {"StringEquals": {"aws:RequestedRegion": site.region}}}


def _allow(sid: str, actions: Sequence[str], resource: Json) -> Mapping[str, Json]:
    return {"Sid": sid, "Effect": "Allow", "Action": [*actions], "Resource": resource}


def _arn(site: Site, service: str, resource: str) -> Json:
    return {"Fn::Sub": f"arn:${{AWS::Partition}}:{service}:{site.region}:${{AWS::AccountId}}:{resource}"}
