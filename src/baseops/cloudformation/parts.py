"""Small resources that several areas need alike: a service's role, an alarm, a rule that tells the alert topic.

Factories only: the caller adds what they return to its stack. What a resource is for is the area's to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from troposphere import GetAtt, Ref, Sub, cloudwatch, events, iam, s3, ssm

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


_NETWORK_ACTIONS = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
]


def joins_network() -> list[dict[str, Any]]:
    """Statements for the role of a function in a VPC: Lambda makes network interfaces by it, its own code may not.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-best-practice
    """
    return [
        {"Sid": "LambdaJoinsTheNetwork", "Effect": "Allow", "Action": [*_NETWORK_ACTIONS], "Resource": "*"},
        {
            "Sid": "ItsCodeDoesNot",
            "Effect": "Deny",
            "Action": [*_NETWORK_ACTIONS],
            "Resource": "*",
            "Condition": {"Null": {"lambda:SourceFunctionArn": "false"}},
        },
    ]


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


def start_automation(document: ssm.Document, running: iam.Role) -> list[dict[str, Any]]:
    """What a rule's role may do: start this Automation document, which takes the role `running`.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-identity-based.html
    """
    place = "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}"
    return [
        {
            "Sid": "StartTheAutomation",
            "Effect": "Allow",
            "Action": "ssm:StartAutomationExecution",
            "Resource": Sub(f"{place}:automation-definition/${{{document.title}}}:*"),
        },
        {
            "Sid": "ByItsOwnRole",
            "Effect": "Allow",
            "Action": "iam:PassRole",
            "Resource": GetAtt(running, "Arn"),
            "Condition": {"StringEquals": {"iam:PassedToService": "ssm.amazonaws.com"}},
        },
    ]


def automation_target(document: ssm.Document, role: iam.Role, **properties: Any) -> events.Target:
    """The target of a rule that starts an Automation document by a role with `start_automation`."""
    return events.Target(
        Id="automation",
        Arn=Sub(
            "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:automation-definition/"
            f"${{{document.title}}}:$DEFAULT"
        ),
        RoleArn=GetAtt(role, "Arn"),
        **properties,
    )


def failed_automation_rule(title: str, *, description: str, documents: Iterable[str], topic: Any) -> events.Rule:
    """Word to the topic of executions that did not come to their end.

    https://docs.aws.amazon.com/systems-manager/latest/userguide/monitoring-systems-manager-event-examples.html
    """
    return rule_to_topic(
        title,
        description=description,
        pattern={
            "source": ["aws.ssm"],
            "detail-type": ["EC2 Automation Execution Status-change Notification"],
            "detail": {"Definition": list(documents), "Status": ["Failed", "TimedOut", "Cancelled"]},
        },
        topic=topic,
    )


def refuse_plain_http(action: str, *resources: Any) -> dict[str, Any]:
    """The statement of a topic's, queue's or bucket's policy that refuses whoever comes without TLS."""
    return {
        "Sid": "RefusePlainHttp",
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": action,
        "Resource": list(resources) if len(resources) > 1 else resources[0],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def private_bucket(title: str, *, key: Any, rules: Iterable[s3.LifecycleRule] = (), **properties: Any) -> s3.Bucket:
    """A bucket that is kept, encrypted with the key, versioned and closed to the public; the policy is the caller's.

    What is overwritten or half uploaded is forgotten in time; `rules` come on top.
    """
    default = s3.ServerSideEncryptionByDefault(SSEAlgorithm="aws:kms", KMSMasterKeyID=key)
    forget = s3.LifecycleRule(
        Id="forget-former-versions",
        Status="Enabled",
        NoncurrentVersionExpiration=s3.NoncurrentVersionExpiration(NoncurrentDays=90),
        AbortIncompleteMultipartUpload=s3.AbortIncompleteMultipartUpload(DaysAfterInitiation=7),
    )
    usual: dict[str, Any] = {
        "BucketEncryption": s3.BucketEncryption(
            ServerSideEncryptionConfiguration=[
                s3.ServerSideEncryptionRule(BucketKeyEnabled=True, ServerSideEncryptionByDefault=default)
            ]
        ),
        "DeletionPolicy": "Retain",
        "LifecycleConfiguration": s3.LifecycleConfiguration(Rules=[forget, *rules]),
        "Metadata": {
            "checkov": {
                "skip": [
                    {
                        "id": "CKV_AWS_18",
                        "comment": "CloudTrail data events record access; a log bucket would need one of its own",
                    }
                ]
            }
        },
        "OwnershipControls": s3.OwnershipControls(
            Rules=[s3.OwnershipControlsRule(ObjectOwnership="BucketOwnerEnforced")]
        ),
        "PublicAccessBlockConfiguration": s3.PublicAccessBlockConfiguration(
            BlockPublicAcls=True, BlockPublicPolicy=True, IgnorePublicAcls=True, RestrictPublicBuckets=True
        ),
        "UpdateReplacePolicy": "Retain",
        "VersioningConfiguration": s3.VersioningConfiguration(Status="Enabled"),
    }
    return s3.Bucket(title, **{**usual, **properties})
