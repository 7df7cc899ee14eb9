"""Small resources that several areas need alike: a service's role, an alarm, a rule that tells the alert topic.

Factories only: the caller adds what they return to its stack. What a resource is for is the area's to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from troposphere import Ref, cloudwatch, events, iam

from baseops.contract.types import Json

# Any: troposphere takes a text or a helper such as Ref for every property.


def service_role(
    title: str, service: str, statements: Iterable[Mapping[str, Json]], *, source_account: bool = True
) -> iam.Role:
    """A role that one AWS service assumes, with an inline policy.

    `service` is the principal without `.amazonaws.com`. `source_account` bounds it to callers of this account where
    the service says whose account it works for
    (https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html); Lambda and EC2 do not.
    """
    trust: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    if source_account:
        trust["Condition"] = {"StringEquals": {"aws:SourceAccount": Ref("AWS::AccountId")}}
    document = {"Version": "2012-10-17", "Statement": [dict(statement) for statement in statements]}
    return iam.Role(
        title,
        AssumeRolePolicyDocument={"Version": "2012-10-17", "Statement": [trust]},
        Policies=[iam.Policy(PolicyName="work", PolicyDocument=document)] if document["Statement"] else [],
    )


def alarm(title: str, *, name: str, topic: Any, **properties: Any) -> cloudwatch.Alarm:
    """An alarm that tells the topic when it rings and when it stops; `properties` are the resource's own.

    Unless they say otherwise, one period of five minutes breaches by one or more, and missing data is no breach.
    """
    usual: dict[str, Any] = {
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "EvaluationPeriods": 1,
        "Period": 300,
        "Statistic": "Sum",
        "Threshold": 1,
        "TreatMissingData": "notBreaching",
    }
    return cloudwatch.Alarm(title, AlarmName=name, AlarmActions=[topic], OKActions=[topic], **{**usual, **properties})


def rule_to_topic(title: str, *, description: str, pattern: Mapping[str, Any], topic: Any) -> events.Rule:
    """An EventBridge rule that sends matching events to the topic (the area needs the publisher `events`)."""
    return events.Rule(
        title,
        Description=description,
        EventPattern=dict(pattern),
        Targets=[events.Target(Id="alerts", Arn=topic)],
    )
