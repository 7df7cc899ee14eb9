"""What breaks logs, as somebody or some change would: ordinary API calls in a copy of the sandbox account."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from baseops.contract.sandbox_account import SandboxAccount
from baseops.semantics.partitions import partition_of

# Any: botocore's answers, documents and policies, which are JSON.

_PUT = (
    "AlarmName",
    "AlarmDescription",
    "ActionsEnabled",
    "OKActions",
    "AlarmActions",
    "MetricName",
    "Namespace",
    "Statistic",
    "ExtendedStatistic",
    "Dimensions",
    "Period",
    "EvaluationPeriods",
    "DatapointsToAlarm",
    "Threshold",
    "ComparisonOperator",
    "TreatMissingData",
    "Metrics",
)


def cut_retention(region: str, group: str, account: SandboxAccount) -> None:
    """Keep events for a day."""
    account.client("logs", region).put_retention_policy(logGroupName=group, retentionInDays=1)


def misspell_filter(region: str, group: str, name: str, account: SandboxAccount) -> None:
    """Make the pattern one that no line matches."""
    logs = account.client("logs", region)
    live = logs.describe_metric_filters(logGroupName=group, filterNamePrefix=name)["metricFilters"][0]
    logs.put_metric_filter(
        logGroupName=group,
        filterName=name,
        filterPattern='"no line says this"',
        metricTransformations=live["metricTransformations"],
    )


def drop_subscription(region: str, group: str, name: str, account: SandboxAccount) -> None:
    """Delete a subscription filter."""
    account.client("logs", region).delete_subscription_filter(logGroupName=group, filterName=name)


def strip_subscription_role(region: str, group: str, name: str, account: SandboxAccount) -> None:
    """Take the policy of the role by which events are shipped."""
    found = account.client("logs", region).describe_subscription_filters(logGroupName=group)["subscriptionFilters"]
    _strip(account, next(each["roleArn"] for each in found if each["filterName"] == name))


def strip_function_role(region: str, group: str, name: str, account: SandboxAccount) -> None:
    """Take the policy of the role of the function by which events are shipped."""
    found = account.client("logs", region).describe_subscription_filters(logGroupName=group)["subscriptionFilters"]
    function = next(each["destinationArn"] for each in found if each["filterName"] == name)
    _strip(account, account.client("lambda", region).get_function_configuration(FunctionName=function)["Role"])


def close_bucket(region: str, group: str, name: str, account: SandboxAccount) -> None:
    """Let nobody write into the bucket to which events are shipped."""
    found = account.client("logs", region).describe_subscription_filters(logGroupName=group)["subscriptionFilters"]
    stream = next(each["destinationArn"] for each in found if each["filterName"] == name).rpartition("/")[2]
    described = account.client("firehose", region).describe_delivery_stream(DeliveryStreamName=stream)
    (destination,) = described["DeliveryStreamDescription"]["Destinations"]
    bucket = str(destination["ExtendedS3DestinationDescription"]["BucketARN"])
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": f"{bucket}/*"}
    account.client("s3", region).put_bucket_policy(
        Bucket=bucket.rpartition(":")[2], Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    )


def silence_receiver(host: str, account: SandboxAccount) -> None:
    """Let the receiver take nothing any more."""
    account.answer_for(host, 503)


def change_alarm(region: str, name: str, changes: Mapping[str, Any], account: SandboxAccount) -> None:
    """Put a metric alarm anew with some properties changed."""
    cloudwatch = account.client("cloudwatch", region)
    (live,) = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    kept = {key: value for key, value in live.items() if key in _PUT and value not in ([], None)}
    cloudwatch.put_metric_alarm(**{**kept, **changes})


def raise_threshold(region: str, name: str, account: SandboxAccount) -> None:
    """Raise an alarm's threshold a thousandfold."""
    (live,) = account.client("cloudwatch", region).describe_alarms(AlarmNames=[name])["MetricAlarms"]
    change_alarm(region, name, {"Threshold": live["Threshold"] * 1000 + 1000}, account)


def disable_actions(region: str, name: str, account: SandboxAccount) -> None:
    """Disable an alarm's actions."""
    account.client("cloudwatch", region).disable_alarm_actions(AlarmNames=[name])


def mute(region: str, name: str, account: SandboxAccount) -> None:
    """Mute an alarm for a day, every day."""
    account.client("cloudwatch", region).put_alarm_mute_rule(
        Name="maintenance",
        Rule={"Schedule": {"Expression": "cron(0 0 * * *)", "Duration": "PT24H"}},
        MuteTargets={"AlarmNames": [name]},
    )


def empty_composite(region: str, name: str, account: SandboxAccount) -> None:
    """Give a composite alarm a rule that never holds."""
    cloudwatch = account.client("cloudwatch", region)
    (live,) = cloudwatch.describe_alarms(AlarmNames=[name], AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]
    cloudwatch.put_composite_alarm(
        AlarmName=name, AlarmRule="FALSE", AlarmActions=live["AlarmActions"], OKActions=live["OKActions"]
    )


def strip_query_role(region: str, name: str, account: SandboxAccount) -> None:
    """Take the policy of the role by which an alarm's query runs."""
    found = account.client("cloudwatch", region).describe_alarms(AlarmNames=[name], AlarmTypes=["LogAlarm"])
    _strip(account, found["LogAlarms"][0]["ScheduledQueryConfiguration"]["ScheduledQueryRoleARN"])


def strip_run_role(region: str, document: str, account: SandboxAccount) -> None:
    """Take the policy of the role by which an automation works."""
    _strip(account, _content(region, document, account)["assumeRole"])


def strip_start_role(region: str, document: str, account: SandboxAccount) -> None:
    """Take the policy of the role by which a rule starts an automation."""
    events = account.client("events", region)
    (target,) = events.list_targets_by_rule(Rule=_rule(region, document, account))["Targets"]
    _strip(account, target["RoleArn"])


def disable_rule(region: str, document: str, account: SandboxAccount) -> None:
    """Disable the rule that starts an automation."""
    account.client("events", region).disable_rule(Name=_rule(region, document, account))


def change_document(region: str, document: str, account: SandboxAccount) -> None:
    """Let the remedy run something else."""
    content = _content(region, document, account)
    content["mainSteps"][-1]["inputs"]["Parameters"] = {"commands": ["true"]}
    ssm = account.client("ssm", region)
    made = ssm.update_document(Name=document, Content=json.dumps(content), DocumentVersion="$LATEST")
    version = made["DocumentDescription"]["DocumentVersion"]
    ssm.update_document_default_version(Name=document, DocumentVersion=version)


def change_configuration(region: str, parameter: str, account: SandboxAccount) -> None:
    """Let the agents ship a file that nobody writes."""
    ssm = account.client("ssm", region)
    live = json.loads(ssm.get_parameter(Name=parameter)["Parameter"]["Value"])
    for each in live.get("logs", {}).get("logs_collected", {}).get("files", {}).get("collect_list", ()):
        each["file_path"] = "/var/log/nothing.log"
    live["agent"] = {"debug": True}
    ssm.put_parameter(Name=parameter, Value=json.dumps(live), Type="String", Overwrite=True)


def take_profile(region: str, tags: Mapping[str, str], account: SandboxAccount) -> None:
    """Take the instance profile of one instance with these tags: its agents may do nothing any more."""
    ec2 = account.client("ec2", region)
    filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in tags.items()]
    filters.append({"Name": "instance-state-name", "Values": ["running"]})
    found = ec2.describe_instances(Filters=filters)["Reservations"]
    ids = [each["InstanceId"] for group in found for each in group["Instances"] if each.get("IamInstanceProfile")]
    associations = ec2.describe_iam_instance_profile_associations(
        Filters=[{"Name": "instance-id", "Values": [min(ids)]}]
    )["IamInstanceProfileAssociations"]
    ec2.disassociate_iam_instance_profile(AssociationId=associations[0]["AssociationId"])


def subscribe_anew(region: str, topic: str, protocol: str, endpoint: str, account: SandboxAccount) -> None:
    """Unsubscribe somebody and subscribe them again: they are asked anew."""
    sns, arn = account.client("sns", region), _topic_arn(region, topic, account)
    for each in sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]:
        if each["Endpoint"] == endpoint and each["SubscriptionArn"].startswith("arn:"):
            sns.unsubscribe(SubscriptionArn=each["SubscriptionArn"])
    sns.subscribe(TopicArn=arn, Protocol=protocol, Endpoint=endpoint)


def shut_out_of_key(region: str, topic: str, service: str, account: SandboxAccount) -> None:
    """Take a service out of the policy of the topic's key."""
    _change_key(region, topic, account, lambda statements: [each for each in statements if not _is(each, service)])


def guard_key(region: str, topic: str, account: SandboxAccount) -> None:
    """Bind EventBridge to this account in the policy of the topic's key, as is right for other services."""
    condition = {"StringEquals": {"aws:SourceAccount": account.account_id}}
    _change_key(
        region,
        topic,
        account,
        lambda statements: [{**each, "Condition": condition} if _is(each, "events") else each for each in statements],
    )


def _is(statement: Mapping[str, Any], service: str) -> bool:
    principal = statement["Principal"]
    return isinstance(principal, dict) and principal.get("Service") == f"{service}.amazonaws.com"


def _change_key(region: str, topic: str, account: SandboxAccount, change: Callable[[list[Any]], list[Any]]) -> None:
    arn = _topic_arn(region, topic, account)
    key = account.client("sns", region).get_topic_attributes(TopicArn=arn)["Attributes"]["KmsMasterKeyId"]
    kms = account.client("kms", region)
    policy = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
    policy["Statement"] = change(policy["Statement"])
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(policy))
    account.clock.sleep(timedelta(minutes=5).total_seconds())


def _topic_arn(region: str, topic: str, account: SandboxAccount) -> str:
    pages = account.client("sns", region).get_paginator("list_topics").paginate()
    arns = [str(each["TopicArn"]) for page in pages for each in page["Topics"]]
    return next(arn for arn in arns if arn.rpartition(":")[2] == topic)


def _rule(region: str, document: str, account: SandboxAccount) -> str:
    arn = f"arn:{partition_of(region)}:ssm:{region}:{account.account_id}:automation-definition/{document}:$DEFAULT"
    (name,) = account.client("events", region).list_rule_names_by_target(TargetArn=arn)["RuleNames"]
    return str(name)


def _content(region: str, document: str, account: SandboxAccount) -> Any:
    return json.loads(account.client("ssm", region).get_document(Name=document)["Content"])


def _strip(account: SandboxAccount, arn: str) -> None:
    """Take all policies of a role."""
    iam, name = account.client("iam"), arn.rpartition("/")[2]
    for each in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=each)
