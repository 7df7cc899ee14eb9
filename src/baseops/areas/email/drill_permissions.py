"""What the drills of email may do, as IAM statements by class; nothing that reads a message of the live queues."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from baseops.areas.email.identities import identities
from baseops.contract.site import Site
from baseops.contract.types import DrillClass, Json

if TYPE_CHECKING:
    from baseops.areas.email.spec import Section

Statement = dict[str, Json]


def statements(section: Section, site: Site) -> Mapping[DrillClass, tuple[Mapping[str, Json], ...]]:
    """Statements of the declared identities; none without any."""
    if not section.entries:
        return {}
    observe = [_settings(site)]
    if identities(section, managed_only=True):
        observe += [*_feedback(site), _alarms()]
    return {"observe": tuple(observe)}


def _settings(site: Site) -> Statement:
    """Reading SES; GetAccount and what is like it have no resource to bound them by.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonses.html
    """
    return {
        "Sid": "EmailReadSettings",
        "Effect": "Allow",
        "Action": [
            "ses:DescribeActiveReceiptRuleSet",
            "ses:GetAccount",
            "ses:GetConfigurationSet",
            "ses:GetConfigurationSetEventDestinations",
            "ses:GetEmailIdentity",
            "ses:GetEmailIdentityPolicies",
        ],
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:RequestedRegion": site.region}},
    }


def _feedback(site: Site) -> list[Statement]:
    """The topics and queues of our stacks, and the policies of the keys that they may be encrypted with."""
    names = f"{site.prefix}-*"
    return [
        {
            "Sid": "EmailReadTopics",
            "Effect": "Allow",
            "Action": ["sns:GetSubscriptionAttributes", "sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic"],
            "Resource": _arn("sns", names, site),
        },
        {
            "Sid": "EmailReadQueues",
            "Effect": "Allow",
            "Action": "sqs:GetQueueAttributes",
            "Resource": _arn("sqs", names, site),
        },
        {
            "Sid": "EmailReadKeys",
            "Effect": "Allow",
            "Action": ["kms:DescribeKey", "kms:GetKeyPolicy"],
            "Resource": _arn("kms", "key/*", site),
        },
    ]


def _alarms() -> Statement:
    """Alarms by name, and what came into a queue; neither call has a resource to bound it by."""
    return {
        "Sid": "EmailReadAlarms",
        "Effect": "Allow",
        "Action": ["cloudwatch:DescribeAlarms", "cloudwatch:GetMetricStatistics"],
        "Resource": "*",
    }


def _arn(service: str, name: str, site: Site) -> Json:
    return {"Fn::Sub": f"arn:${{AWS::Partition}}:{service}:{site.region}:${{AWS::AccountId}}:{name}"}
