"""What drills create, as data that says how to find and remove it. Each is given to `Journal.create`.

Kinds that AWS names are found by the mark in their tag; the others get a name from `Journal.name`. Each says where
its creation time is found, but those that have none: `ages.AGELESS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from baseops.contract.drill import DRILL_TAG, Call, Look, Resource
from baseops.contract.site import Site
from baseops.contract.types import Json
from baseops.errors import UsageError
from baseops.evidence.calls import as_json
from baseops.semantics.partitions import domain_of, partition_of


def _marked() -> list[Json]:
    return [{"Name": f"tag:{DRILL_TAG}", "Values": ["$mark"]}]


def _ec2(kind: str, region: str, noun: str, path: str, ids: str, *, created: str = "") -> Resource:
    """A kind of Amazon EC2 that `describe_…` filters by tag."""
    describe = f"describe_{noun}"
    itself = Call(describe, {ids: ["$id"]})
    singular = ids.removesuffix("s")
    return Resource(
        kind=kind,
        service="ec2",
        region=region,
        remove=(Call(f"delete_{noun.removesuffix('s')}", {singular: "$id"}),),
        find=Look(Call(describe, {"Filters": _marked()}), f"{path}.{singular}"),
        tags=Look(itself, f"{path}.Tags[]"),
        created=Look(itself, f"{path}.{created}") if created else None,
    )


def volume(region: str) -> Resource:
    """An EBS volume."""
    return _ec2("AWS::EC2::Volume", region, "volumes", "Volumes[]", "VolumeIds", created="CreateTime")


def security_group(region: str) -> Resource:
    """A security group; goes after the instances in it."""
    return _ec2("AWS::EC2::SecurityGroup", region, "security_groups", "SecurityGroups[]", "GroupIds")


def instance(region: str) -> Resource:
    """An instance; terminated ones count as gone."""
    alive: Json = ["pending", "running", "shutting-down", "stopping", "stopped"]
    filters = [*_marked(), {"Name": "instance-state-name", "Values": alive}]
    itself = Call(
        "describe_instances",
        {"InstanceIds": ["$id"], "Filters": [{"Name": "instance-state-name", "Values": alive}]},
    )
    path = "Reservations[].Instances[]"
    return Resource(
        kind="AWS::EC2::Instance",
        service="ec2",
        region=region,
        remove=(Call("terminate_instances", {"InstanceIds": ["$id"]}),),
        find=Look(Call("describe_instances", {"Filters": filters}), f"{path}.InstanceId"),
        tags=Look(itself, f"{path}.Tags[]"),
        created=Look(itself, f"{path}.LaunchTime"),
    )


def log_group(region: str, name: str) -> Resource:
    """A log group with its metric filters and subscriptions; `name` from `Journal.path`."""
    described = Call("describe_log_groups", {"logGroupNamePrefix": "$id"})
    return Resource(
        kind="AWS::Logs::LogGroup",
        service="logs",
        region=region,
        name=name,
        remove=(Call("delete_log_group", {"logGroupName": "$id"}),),
        tags=Look(Call("list_tags_log_group", {"logGroupName": "$id"}), "tags"),
        created=Look(described, "logGroups[?logGroupName=='$id'].creationTime"),
    )


def alarm(region: str, name: str, account: str) -> Resource:
    """A metric alarm. Of its times AWS keeps that of the last change, and drills do not change theirs."""
    described = Call("describe_alarms", {"AlarmNames": ["$id"], "AlarmTypes": ["MetricAlarm"]})
    return Resource(
        kind="AWS::CloudWatch::Alarm",
        service="cloudwatch",
        region=region,
        name=name,
        remove=(Call("delete_alarms", {"AlarmNames": ["$id"]}),),
        tags=Look(
            Call("list_tags_for_resource", {"ResourceARN": _arn("cloudwatch", region, account, "alarm:$id")}), "Tags[]"
        ),
        created=Look(described, "MetricAlarms[].AlarmConfigurationUpdatedTimestamp"),
    )


def topic(region: str, name: str, account: str) -> Resource:
    """An SNS topic with its subscriptions; its identifier is its name."""
    arn = _arn("sns", region, account, "$id")
    return Resource(
        kind="AWS::SNS::Topic",
        service="sns",
        region=region,
        name=name,
        remove=(Call("delete_topic", {"TopicArn": arn}),),
        tags=Look(Call("list_tags_for_resource", {"ResourceArn": arn}), "Tags[]"),
    )


def subscription(region: str, topic_arn: str, endpoint: str) -> Resource:
    """A subscription of a topic that is not the drill's own; it carries no tag, but a drill's own endpoint."""
    subscribed = Call("list_subscriptions_by_topic", {"TopicArn": topic_arn})
    return Resource(
        kind="AWS::SNS::Subscription",
        service="sns",
        region=region,
        remove=(Call("unsubscribe", {"SubscriptionArn": "$id"}),),
        find=Look(subscribed, f"Subscriptions[?Endpoint=='{endpoint}'].SubscriptionArn"),
    )


def queue(region: str, name: str, account: str) -> Resource:
    """An SQS queue; its identifier is its name."""
    url = f"https://sqs.{region}.{domain_of(region)}/{account}/$id"
    described = Call("get_queue_attributes", {"QueueUrl": url, "AttributeNames": ["CreatedTimestamp"]})
    return Resource(
        kind="AWS::SQS::Queue",
        service="sqs",
        region=region,
        name=name,
        remove=(Call("delete_queue", {"QueueUrl": url}),),
        tags=Look(Call("list_queue_tags", {"QueueUrl": url}), "Tags"),
        created=Look(described, "Attributes.CreatedTimestamp"),
    )


def configuration_set(region: str, name: str, account: str) -> Resource:
    """An SES configuration set with its event destinations."""
    arn = _arn("ses", region, account, "configuration-set/$id")
    return Resource(
        kind="AWS::SES::ConfigurationSet",
        service="sesv2",
        region=region,
        name=name,
        remove=(Call("delete_configuration_set", {"ConfigurationSetName": "$id"}),),
        tags=Look(Call("list_tags_for_resource", {"ResourceArn": arn}), "Tags[]"),
    )


def suppressed_address(region: str, name: str) -> Resource:
    """An address of SES's mailbox simulator on the account's suppression list; `name` is the label that it carries."""
    address: dict[str, Json] = {"EmailAddress": "success+$id$simulator"}
    return Resource(
        kind="AWS::SES::SuppressedDestination",
        service="sesv2",
        region=region,
        name=name,
        remove=(Call("delete_suppressed_destination", address),),
        created=Look(Call("get_suppressed_destination", address), "SuppressedDestination.LastUpdateTime"),
    )


def log_stream(region: str, group: str, name: str) -> Resource:
    """A log stream in a group that is not the drill's own; it carries no tag, but a drill's name."""
    described = Call("describe_log_streams", {"logGroupName": group, "logStreamNamePrefix": "$id"})
    return Resource(
        kind="AWS::Logs::LogStream",
        service="logs",
        region=region,
        name=name,
        remove=(Call("delete_log_stream", {"logGroupName": group, "logStreamName": "$id"}),),
        created=Look(described, "logStreams[?logStreamName=='$id'].creationTime"),
    )


def rule(region: str, name: str, account: str) -> Resource:
    """An EventBridge rule of the default bus with one target, `probe`."""
    arn = _arn("events", region, account, "rule/$id")
    return Resource(
        kind="AWS::Events::Rule",
        service="events",
        region=region,
        name=name,
        remove=(Call("remove_targets", {"Rule": "$id", "Ids": ["probe"]}), Call("delete_rule", {"Name": "$id"})),
        tags=Look(Call("list_tags_for_resource", {"ResourceARN": arn}), "Tags[]"),
    )


def document(region: str, name: str) -> Resource:
    """A document of Systems Manager."""
    itself = Call("list_tags_for_resource", {"ResourceType": "Document", "ResourceId": "$id"})
    return Resource(
        kind="AWS::SSM::Document",
        service="ssm",
        region=region,
        name=name,
        remove=(Call("delete_document", {"Name": "$id"}),),
        tags=Look(itself, "TagList[]"),
        created=Look(Call("describe_document", {"Name": "$id"}), "Document.CreatedDate"),
    )


def _arn(service: str, region: str, account: str, resource: str) -> str:
    return f"arn:{partition_of(region)}:{service}:{region}:{account}:{resource}"


def is_own_name(name: str, site: Site) -> bool:
    """Whether a name is one that drills of this declaration give."""
    return name.startswith((f"{site.prefix}-drill-", f"/baseops/{site.name}/drill/"))


def require_known(resource: Resource, account: str, site: Site) -> None:
    """Raise `UsageError` for what is not described as this module would: who can write a journal commands nothing."""
    described = _DESCRIBED.get(resource.kind)
    if described and as_json(described(resource, account)) == as_json(resource):
        listener = _listener(resource)
        if all(is_own_name(each, site) for each in (resource.name, listener) if each):
            return
    raise UsageError(
        f"the journal describes {resource.kind} {resource.name} as no drill of this declaration and version does",
        "a sweep follows no other description",
        "Look at what is left, and remove it by hand.",
    )


def _listener(resource: Resource) -> str:
    """The name of the queue that a subscription leads to; empty for other kinds."""
    return _endpoint(resource).rpartition(":")[2] if resource.kind == "AWS::SNS::Subscription" else ""


def _endpoint(resource: Resource) -> str:
    found = re.search(r"Endpoint=='([^']*)'", resource.find.path if resource.find else "")
    return found[1] if found else ""


def _parameter(resource: Resource, name: str) -> str:
    """A parameter of the calls that cannot be known from the resource's name."""
    calls = (*resource.remove, *((resource.find.call,) if resource.find else ()))
    return next((str(each.parameters[name]) for each in calls if name in each.parameters), "")


_DESCRIBED: Mapping[str, Callable[[Resource, str], Resource]] = {
    "AWS::CloudWatch::Alarm": lambda it, account: alarm(it.region, it.name, account),
    "AWS::EC2::Instance": lambda it, _: instance(it.region),
    "AWS::EC2::SecurityGroup": lambda it, _: security_group(it.region),
    "AWS::EC2::Volume": lambda it, _: volume(it.region),
    "AWS::Events::Rule": lambda it, account: rule(it.region, it.name, account),
    "AWS::Logs::LogGroup": lambda it, _: log_group(it.region, it.name),
    "AWS::Logs::LogStream": lambda it, _: log_stream(it.region, _parameter(it, "logGroupName"), it.name),
    "AWS::SES::ConfigurationSet": lambda it, account: configuration_set(it.region, it.name, account),
    "AWS::SES::SuppressedDestination": lambda it, _: suppressed_address(it.region, it.name),
    "AWS::SNS::Subscription": lambda it, _: subscription(it.region, _parameter(it, "TopicArn"), _endpoint(it)),
    "AWS::SNS::Topic": lambda it, account: topic(it.region, it.name, account),
    "AWS::SQS::Queue": lambda it, account: queue(it.region, it.name, account),
    "AWS::SSM::Document": lambda it, _: document(it.region, it.name),
}
"""How each kind is described, told by the little that a journal may choose."""
