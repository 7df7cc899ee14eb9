"""The ARNs that names in requests stand for: which member of a request names which resource, service by service.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from baseops.sandbox.access import state
from baseops.sandbox.access.demand import Place

# Members of requests are AWS's shapes, which only the botocore model knows: Any throughout.
Members = Mapping[str, Any]
Maker = Callable[[Place, str, Members], str]


def named(service: str, form: str, *, region: bool = True) -> Maker:
    """A maker of ARNs `arn:aws:SERVICE:REGION:ACCOUNT:FORM`, `{}` being the name; ARNs stay as they are."""

    def make(place: Place, value: str, _members: Members) -> str:
        if value.startswith("arn:"):
            return value
        text = form.format(value)
        return place.arn(service, text) if region else place.everywhere(service, text)

    return make


def _secret(place: Place, value: str, _members: Members) -> str:
    """The full ARN of a secret; what does not exist is authorised on what was asked for."""
    found = state.secret(place, value)
    if found:
        return str(found.arn)
    return value if value.startswith("arn:") else place.arn("secretsmanager", f"secret:{value}")


def _new_secret(place: Place, value: str, _members: Members) -> str:
    return place.arn("secretsmanager", f"secret:{value}-AbCdEf")


def parameter_arn(place: Place, value: str, _members: Members | None = None) -> str:
    """The ARN of a parameter or path, without version and label."""
    if value.startswith("arn:"):
        return ":".join(value.split(":")[:6])
    name = value.partition(":")[0].removeprefix("/")
    if name.startswith("aws/service/"):
        # Public parameters are nobody's:
        # https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-public-parameters.html
        return f"arn:aws:ssm:{place.region}::parameter/{name}"
    return place.arn("ssm", f"parameter/{name}")


def key_arn(place: Place, value: str, _members: Members) -> str:
    """The ARN of a key; what does not exist is authorised on what was asked for."""
    found = state.key(place, value)
    if found is not None:
        return str(found.arn)
    return value if value.startswith("arn:") else place.arn("kms", f"key/{value}")


def _queue(place: Place, value: str, _members: Members) -> str:
    parts = value.rstrip("/").split("/")
    account = parts[-2] if len(parts) > 1 and re.fullmatch(r"\d{12}", parts[-2]) else place.account
    return Place(account, place.region).arn("sqs", parts[-1])


def _topic_of_subscription(_place: Place, value: str, _members: Members) -> str:
    return value.rpartition(":")[0] if value.count(":") > 5 else value


def _log_group(place: Place, value: str, members: Members) -> str:
    """Logs authorises on `log-group:NAME:*`, and on a stream where the request names one."""
    arn = value if value.startswith("arn:") else place.arn("logs", f"log-group:{value}")
    stream = members.get("logStreamName")
    return f"{arn.removesuffix(':*')}:log-stream:{stream}" if stream else f"{arn.removesuffix(':*')}:*"


def _log_tags(place: Place, value: str, _members: Members) -> str:
    return value.removesuffix(":*")


def object_arn(place: Place, value: str, members: Members) -> str:
    """The ARN of an object in the request's bucket."""
    return f"arn:aws:s3:::{members['Bucket']}/{value}"


def bucket_arn(_place: Place, value: str, _members: Members) -> str:
    """The ARN of a bucket."""
    return value if value.startswith("arn:") else f"arn:aws:s3:::{value}"


def _role(place: Place, value: str, _members: Members) -> str:
    found = state.role(place.account, value)
    return str(found.arn) if found is not None else place.everywhere("iam", f"role/{value}")


def _rule(place: Place, value: str, members: Members) -> str:
    bus = str(members.get("EventBusName") or "default").rpartition("/")[2]
    return place.arn("events", f"rule/{value}" if bus == "default" else f"rule/{bus}/{value}")


def _function(place: Place, value: str, members: Members) -> str:
    before, _, name = value.rpartition(":function:")
    plain, _, qualifier = name.partition(":")
    qualifier = members.get("Qualifier") or qualifier
    arn = f"{before}:function:{plain}" if before.startswith("arn:") else place.arn("lambda", f"function:{plain}")
    return f"{arn}:{qualifier}" if qualifier else arn


def stack_arn(place: Place, value: str, _members: Members) -> str:
    """The ARN of a stack, its id left open."""
    return value if value.startswith("arn:") else place.arn("cloudformation", f"stack/{value}/*")


def _zone(_place: Place, value: str, _members: Members) -> str:
    return f"arn:aws:route53:::hostedzone/{value.rpartition('/')[2]}"


def _snapshot(place: Place, value: str, _members: Members) -> str:
    return place.public("ec2", f"snapshot/{value}")


def document_arn(place: Place, value: str, _members: Members) -> str:
    """The ARN of an SSM document; those of AWS have no account."""
    if value.startswith("arn:"):
        return value
    owned_by_aws = re.match(r"(AWS|Amazon)[A-Za-z]*-", value)
    return place.public("ssm", f"document/{value}") if owned_by_aws else place.arn("ssm", f"document/{value}")


# The member that names the resource; the first one of a table that the request has decides.
MEMBERS: Mapping[str, Mapping[str, Maker]] = {
    "secretsmanager": {"SecretId": _secret, "Name": _new_secret},
    "ssm": {
        "Path": parameter_arn,
        "Name": parameter_arn,
        "Names": parameter_arn,
        "AssociationId": named("ssm", "association/{}"),
        "AutomationExecutionId": named("ssm", "automation-execution/{}"),
        "InstanceId": named("ec2", "instance/{}"),
    },
    "kms": {"KeyId": key_arn},
    "s3": {"Key": object_arn, "Bucket": bucket_arn},
    "s3control": {"Bucket": bucket_arn},
    "sns": {
        "TopicArn": named("sns", "{}"),
        "TargetArn": named("sns", "{}"),
        "ResourceArn": named("sns", "{}"),
        "SubscriptionArn": _topic_of_subscription,
        "Name": named("sns", "{}"),
    },
    "sqs": {"QueueUrl": _queue, "QueueName": _queue},
    "logs": {
        "logGroupName": _log_group,
        "logGroupIdentifier": _log_group,
        "logGroupNames": _log_group,
        "logGroupIdentifiers": _log_group,
        "logGroupArn": _log_group,
        "resourceArn": _log_tags,
        "resourceIdentifier": _log_tags,
        "destinationName": named("logs", "destination:{}"),
    },
    "cloudwatch": {
        "AlarmName": named("cloudwatch", "alarm:{}"),
        "AlarmNames": named("cloudwatch", "alarm:{}"),
        "AlarmMuteRuleName": named("cloudwatch", "alarm-mute-rule:{}"),
        "DashboardName": named("cloudwatch", "dashboard/{}"),
        "ResourceARN": named("cloudwatch", "{}"),
    },
    "events": {
        "Rule": _rule,
        "Name": _rule,
        "ResourceARN": named("events", "{}"),
        "EventBusName": named("events", "event-bus/{}"),
    },
    "dlm": {
        "PolicyId": named("dlm", "policy/{}"),
        "ResourceArn": named("dlm", "{}"),
    },
    "sesv2": {
        "EmailIdentity": named("ses", "identity/{}"),
        "ConfigurationSetName": named("ses", "configuration-set/{}"),
        "TemplateName": named("ses", "template/{}"),
        "ResourceArn": named("ses", "{}"),
    },
    "ses": {
        "ConfigurationSetName": named("ses", "configuration-set/{}"),
        "Identity": named("ses", "identity/{}"),
        "Identities": named("ses", "identity/{}"),
    },
    "iam": {
        "RoleName": _role,
        "UserName": named("iam", "user/{}", region=False),
        "GroupName": named("iam", "group/{}", region=False),
        "InstanceProfileName": named("iam", "instance-profile/{}", region=False),
        "PolicyArn": named("iam", "policy/{}", region=False),
        "PolicySourceArn": named("iam", "{}", region=False),
    },
    "sts": {"RoleArn": named("iam", "role/{}", region=False)},
    "lambda": {
        "FunctionName": _function,
        "UUID": named("lambda", "event-source-mapping:{}"),
        "LayerName": named("lambda", "layer:{}"),
        "Resource": named("lambda", "{}"),
    },
    "cloudformation": {
        "StackName": stack_arn,
        "StackSetName": named("cloudformation", "stackset/{}:*"),
        "ChangeSetName": named("cloudformation", "changeSet/{}"),
    },
    "ebs": {"SnapshotId": _snapshot, "SecondSnapshotId": _snapshot, "FirstSnapshotId": _snapshot},
    "rbin": {"Identifier": named("rbin", "rule/{}"), "ResourceArn": named("rbin", "{}")},
    "route53": {"HostedZoneId": _zone, "Id": _zone},
    "firehose": {"DeliveryStreamName": named("firehose", "deliverystream/{}")},
    "kinesis": {"StreamName": named("kinesis", "stream/{}"), "StreamARN": named("kinesis", "{}")},
    "cloudtrail": {
        "Name": named("cloudtrail", "trail/{}"),
        "TrailName": named("cloudtrail", "trail/{}"),
        "ResourceId": named("cloudtrail", "{}"),
    },
    "opensearch": {"DomainName": named("es", "domain/{}"), "ARN": named("es", "{}")},
    "backup": {"BackupVaultName": named("backup", "backup-vault:{}")},
    "imagebuilder": {
        member: named("imagebuilder", "{}")
        for member in (
            "componentBuildVersionArn",
            "componentVersionArn",
            "componentArn",
            "imageBuildVersionArn",
            "imageVersionArn",
            "imagePipelineArn",
            "imageRecipeArn",
            "infrastructureConfigurationArn",
            "distributionConfigurationArn",
            "lifecyclePolicyArn",
            "lifecycleExecutionId",
            "resourceArn",
        )
    },
    "stepfunctions": {
        "stateMachineArn": named("states", "{}"),
        "executionArn": named("states", "{}"),
        "name": named("states", "stateMachine:{}"),
    },
}
