"""Decides, inside a Systems Manager automation, whether a remedy runs now.

It runs in AWS with Python's library and boto3 alone, by the automation's role. An answer that it cannot get is an
error, which fails the automation and is told: a remedy never runs on a guess.
"""

from __future__ import annotations

import urllib.parse
import urllib.request
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

# Any: botocore makes its classes at run time.


def decide(events: dict[str, Any], context: object) -> dict[str, str]:  # noqa: ARG001  # as it is called
    """`run` is yes or no, `why` a sentence for whoever reads the execution."""
    session = boto3.session.Session()
    muted = active_mute_rule(session, events["alarm"])
    if muted:
        return {"run": "no", "why": f"muted by {muted}"}
    former = ran_before(session.client("ssm"), events, datetime.now(UTC))  # noqa: TID251  # in AWS no clock is ours
    if former:
        return {"run": "no", "why": f"within the cooldown of {former}"}
    return {"run": "yes", "why": events["alarm"]}


def active_mute_rule(session: Any, alarm: str) -> str:
    """The ARN of an active mute rule for the alarm, or nothing."""
    # The boto3 of the automation's runtime may be older than mute rules, so the call is written out.
    query = {
        "Action": "ListAlarmMuteRules",
        "Version": "2010-08-01",
        "AlarmName": alarm,
        "Statuses.member.1": "ACTIVE",
    }
    client = session.client("cloudwatch")
    body = urllib.parse.urlencode(query).encode()
    form = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    request = AWSRequest("POST", f"{client.meta.endpoint_url.rstrip('/')}/", data=body, headers=form)
    SigV4Auth(session.get_credentials(), "monitoring", client.meta.region_name).add_auth(request)
    # The address is CloudWatch's own endpoint.
    signed = urllib.request.Request(request.url, body, dict(request.headers.items()))  # noqa: S310
    with urllib.request.urlopen(signed, timeout=30) as answer:  # noqa: S310
        found = ET.fromstring(answer.read())  # noqa: S314  # CloudWatch wrote it
    arns = (each.text for each in found.iter() if each.tag.rpartition("}")[2] == "AlarmMuteRuleArn")
    return next((arn for arn in arns if arn), "")


def ran_before(ssm: Any, events: dict[str, Any], now: datetime) -> str:
    """The id of an earlier execution that ran within the cooldown, or is about to; or nothing."""
    since = now - timedelta(seconds=events["cooldown_seconds"])
    filters = [
        {"Key": "DocumentNamePrefix", "Values": [events["document"]]},
        {"Key": "StartTimeAfter", "Values": [since.strftime("%Y-%m-%dT%H:%M:%SZ")]},
    ]
    pages = ssm.get_paginator("describe_automation_executions").paginate(Filters=filters)
    listed = [each for page in pages for each in page["AutomationExecutionMetadataList"]]
    found = [each for each in listed if each["DocumentName"] == events["document"]]
    own = next((order(each) for each in found if each["AutomationExecutionId"] == events["execution"]), None)
    earlier = [each for each in found if own is None or order(each) < own]
    ran = [each["AutomationExecutionId"] for each in earlier if not was_skipped(each)]
    return next((each for each in ran if each != events["execution"]), "")


def order(execution: dict[str, Any]) -> tuple[datetime, str]:
    """Of two that began together one has to be the first."""
    return execution["ExecutionStartTime"], execution["AutomationExecutionId"]


def was_skipped(execution: dict[str, Any]) -> bool:
    """Whether an execution decided not to run; one that has not decided yet counts as running."""
    return bool(execution.get("Outputs", {}).get("decide.Run") == ["no"])
