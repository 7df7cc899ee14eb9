"""What the drills of email may do, as IAM statements by class; no message of a live queue is read by any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from baseops.areas.email.identities import Identity, identities
from baseops.areas.email.ports import with_instances
from baseops.areas.email.round_trip import sender_of
from baseops.areas.email.sending_rights import declaring
from baseops.areas.email.suppression import suppressing
from baseops.contract.site import Site
from baseops.contract.types import DrillClass, Json
from baseops.semantics.mail.simulator import DOMAIN

if TYPE_CHECKING:
    from baseops.areas.email.spec import Section

Statement = dict[str, Json]


def statements(section: Section, site: Site) -> Mapping[DrillClass, tuple[Mapping[str, Json], ...]]:
    """Statements of the declared identities; none without any."""
    if not section.entries:
        return {}
    observe = [_settings(site)]
    if identities(section, managed_only=True):
        observe += [*_feedback(site), _alarms(), _traffic()]
    if any(each.entry.promise.blocklists.addresses for each in identities(section)):
        observe.append(_dedicated(site))
    if with_instances(identities(section)):
        observe.append(_networks())
    if declaring(identities(section), site):
        observe.append(_who_may_send())
    domains = [each for each in identities(section) if not each.is_address]
    if not domains:
        return {"observe": tuple(observe)}
    exercise = [_send(domains, site), *_probes(site)]
    if suppressing(section, site.prefix, domains):
        exercise.append(_suppress(site))
    if _traffic() not in observe:
        observe.append(_traffic())
    return {"observe": tuple(observe), "exercise": tuple(exercise)}


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
    """Alarms by name; the call has no resource to bound it by."""
    return {"Sid": "EmailReadAlarms", "Effect": "Allow", "Action": "cloudwatch:DescribeAlarms", "Resource": "*"}


def _traffic() -> Statement:
    """What came into a queue, and how much mail is being sent before a drill sends any."""
    return {"Sid": "EmailReadTraffic", "Effect": "Allow", "Action": "cloudwatch:GetMetricStatistics", "Resource": "*"}


def _dedicated(site: Site) -> Statement:
    """The account's dedicated addresses; the call has no resource to bound it by."""
    return {
        "Sid": "EmailReadDedicatedAddresses",
        "Effect": "Allow",
        "Action": "ses:GetDedicatedIps",
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:RequestedRegion": site.region}},
    }


def _networks() -> Statement:
    """What stands between instances and the internet; which prefix lists their groups name is nowhere declared."""
    return {
        "Sid": "EmailReadNetworks",
        "Effect": "Allow",
        "Action": [
            "ec2:DescribeInstances",
            "ec2:DescribeNetworkAcls",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeVpcEndpoints",
            "ec2:GetManagedPrefixListEntries",
        ],
        "Resource": "*",
    }


def _who_may_send() -> Statement:
    """Users, roles and their policies; the call has no resource to bound it by."""
    return {
        "Sid": "EmailWhoMaySend",
        "Effect": "Allow",
        "Action": "iam:GetAccountAuthorizationDetails",
        "Resource": "*",
    }


def _send(domains: Sequence[Identity], site: Site) -> Statement:
    """From the drills' own address, through their own configuration sets, to SES's simulator and to nobody else.

    https://docs.aws.amazon.com/ses/latest/dg/control-user-access.html
    """
    return {
        "Sid": "EmailSendToSimulator",
        "Effect": "Allow",
        "Action": "ses:SendEmail",
        "Resource": [
            *(_arn("ses", f"identity/{each.name}", site) for each in domains),
            _arn("ses", f"configuration-set/{site.prefix}-drill-*", site),
        ],
        "Condition": {
            "StringEquals": {"ses:FromAddress": [sender_of(each) for each in domains]},
            "ForAllValues:StringLike": {"ses:Recipients": f"*@{DOMAIN}"},
            "Null": {"ses:Recipients": "false"},
        },
    }


def _probes(site: Site) -> list[Statement]:
    """What drills make to watch their own mails, by the drills' names alone; tags tell what is theirs to remove."""
    names = f"{site.prefix}-drill-*"
    return [
        {
            "Sid": "EmailMakeConfigurationSets",
            "Effect": "Allow",
            "Action": [
                "ses:CreateConfigurationSet",
                "ses:CreateConfigurationSetEventDestination",
                "ses:DeleteConfigurationSet",
                "ses:ListTagsForResource",
                "ses:TagResource",
            ],
            "Resource": _arn("ses", f"configuration-set/{names}", site),
        },
        {
            "Sid": "EmailMakeTopics",
            "Effect": "Allow",
            "Action": [
                "sns:CreateTopic",
                "sns:DeleteTopic",
                "sns:ListTagsForResource",
                "sns:SetTopicAttributes",
                "sns:Subscribe",
                "sns:TagResource",
            ],
            "Resource": _arn("sns", names, site),
        },
        {
            "Sid": "EmailMakeQueues",
            "Effect": "Allow",
            "Action": [
                "sqs:CreateQueue",
                "sqs:DeleteMessage",
                "sqs:DeleteQueue",
                "sqs:GetQueueAttributes",
                "sqs:GetQueueUrl",
                "sqs:ListQueueTags",
                "sqs:ReceiveMessage",
                "sqs:TagQueue",
            ],
            "Resource": _arn("sqs", names, site),
        },
        {
            "Sid": "EmailReadOwnQueues",
            "Effect": "Allow",
            "Action": "kms:Decrypt",
            "Resource": _arn("kms", "key/*", site),
            "Condition": {"StringEquals": {"kms:ViaService": f"sqs.{site.region}.amazonaws.com"}},
        },
    ]


def _suppress(site: Site) -> Statement:
    """Neither call has a resource or a condition key that would bound it to the simulator's addresses.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsimpleemailservicev2.html
    """
    return {
        "Sid": "EmailSuppressSimulator",
        "Effect": "Allow",
        "Action": [
            "ses:DeleteSuppressedDestination",
            "ses:GetSuppressedDestination",
            "ses:PutSuppressedDestination",
        ],
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:RequestedRegion": site.region}},
    }


def _arn(service: str, name: str, site: Site) -> Json:
    return {"Fn::Sub": f"arn:${{AWS::Partition}}:{service}:{site.region}:${{AWS::AccountId}}:{name}"}
