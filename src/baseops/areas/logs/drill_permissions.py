"""What drills of this area may do, by class: look; make a twin of a source and let it ring; write to a live group.

A log event cannot be deleted, so the live groups are written to by drills of class disturb alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from baseops.contract.site import Site
from baseops.contract.types import DrillClass, Json

if TYPE_CHECKING:
    from baseops.areas.logs.spec import Section

_LOOK = [
    "cloudwatch:DescribeAlarmHistory",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:GetMetricData",
    "cloudwatch:ListAlarmMuteRules",
    "ec2:DescribeInstances",
    "events:DescribeRule",
    "events:ListTargetsByRule",
    "firehose:DescribeDeliveryStream",
    "lambda:GetFunctionConfiguration",
    "logs:DescribeLogGroups",
    "logs:DescribeLogStreams",
    "logs:DescribeMetricFilters",
    "logs:DescribeQueryDefinitions",
    "logs:DescribeSubscriptionFilters",
    "logs:TestMetricFilter",
    "sns:GetTopicAttributes",
    "sns:ListSubscriptionsByTopic",
    "sqs:GetQueueAttributes",
    "ssm:DescribeAutomationExecutions",
    "ssm:DescribeInstanceInformation",
    "ssm:GetDocument",
    "ssm:ListAssociations",
]
_TWIN_LOGS = [
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:DeleteLogGroup",
    "logs:DeleteMetricFilter",
    "logs:PutLogEvents",
    "logs:PutMetricFilter",
    "logs:PutRetentionPolicy",
    "logs:TagResource",
]
_TWIN_ALARMS = ["cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm", "cloudwatch:TagResource"]
_TWIN_TOPICS = ["sns:CreateTopic", "sns:DeleteTopic", "sns:SetTopicAttributes", "sns:Subscribe", "sns:TagResource"]
_TWIN_QUEUES = [
    "sqs:CreateQueue",
    "sqs:DeleteMessage",
    "sqs:DeleteQueue",
    "sqs:ReceiveMessage",
    "sqs:SetQueueAttributes",
    "sqs:TagQueue",
]


def statements(section: Section, site: Site) -> Mapping[DrillClass, tuple[Mapping[str, Json], ...]]:
    """Statements for the drill roles of the classes that this area has drills of."""
    if not section.entries:
        return {}
    look: Mapping[str, Json] = {"Sid": "LookAtLogs", "Effect": "Allow", "Action": [*_LOOK], "Resource": "*"}
    return {"observe": (look,), "exercise": tuple(_twin(site)), "disturb": (_write(section, site),)}


def _twin(site: Site) -> list[Mapping[str, Json]]:
    name = f"{site.prefix}-drill-*"
    return [
        _allow("TwinOfASource", _TWIN_LOGS, _arn(site, "logs", f"log-group:/baseops/{site.name}/drill/*")),
        _allow("TwinOfAnAlarm", _TWIN_ALARMS, _arn(site, "cloudwatch", f"alarm:{name}")),
        _allow("TopicOfATwin", _TWIN_TOPICS, _arn(site, "sns", name)),
        _allow("QueueOfATwin", _TWIN_QUEUES, _arn(site, "sqs", name)),
    ]


def _write(section: Section, site: Site) -> Mapping[str, Json]:
    # The prefixes of the groups rather than each: a role holds 10,240 characters of policy.
    tops = sorted({entry.group.name.rsplit("/", 1)[0] or entry.group.name for entry in section.entries.values()})
    groups: list[Json] = [_arn(site, "logs", f"log-group:{top}*") for top in tops[:20]]
    return {
        "Sid": "LineInALiveGroup",
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": groups,
    }


def _allow(sid: str, actions: list[str], resource: Json) -> Mapping[str, Json]:
    return {"Sid": sid, "Effect": "Allow", "Action": [*actions], "Resource": resource}


def _arn(site: Site, service: str, resource: str) -> Json:
    return {"Fn::Sub": f"arn:${{AWS::Partition}}:{service}:{site.region}:${{AWS::AccountId}}:{resource}"}
