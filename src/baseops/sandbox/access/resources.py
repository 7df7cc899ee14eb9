"""The ARNs that a call is authorised on, read from its parsed request. Decides nothing.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
One table for each service: which member names which resource. An operation that names none is authorised on `*`,
as AWS does for what lists or describes everything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from baseops.sandbox.access import state
from baseops.sandbox.access.demand import Place
from baseops.sandbox.access.ec2_resources import ec2_resources

# Members of requests are AWS's shapes, which only the botocore model knows: Any throughout.
Members = Mapping[str, Any]
Maker = Callable[[Place, str, Members], str]


def resources_of(service: str, operation: str, members: Members, place: Place) -> tuple[str, ...]:
    """Every resource; `*` where the request names none."""
    special = _SPECIAL.get((service, operation)) or (_EC2 if service == "ec2" else None)
    found = special(place, operation, members) if special else _by_members(service, members, place)
    return tuple(dict.fromkeys(found)) or ("*",)


def is_known(service: str) -> bool:
    """Whether there is a table for the service; of others only members that are ARNs are understood."""
    return service in _MEMBERS or service == "ec2" or service in _WITHOUT_RESOURCES


def _by_members(service: str, members: Members, place: Place) -> Iterator[str]:
    table = _MEMBERS.get(service, {})
    named = [(maker, members[member]) for member, maker in table.items() if members.get(member)]
    if not named and service not in _MEMBERS:
        yield from (str(value) for name, value in members.items() if _is_arn_member(name, value))
    for maker, value in named[:1]:
        for one in value if isinstance(value, list) else [value]:
            yield maker(place, str(one), members)


def _is_arn_member(name: str, value: Any) -> bool:
    return name.lower().endswith("arn") and isinstance(value, str) and value.startswith("arn:")


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
    return place.arn("ssm", f"parameter/{value.partition(':')[0].removeprefix('/')}")


def _key(place: Place, value: str, _members: Members) -> str:
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


def _all_log_groups(place: Place, _operation: str, members: Members) -> Iterator[str]:
    yield place.arn("logs", "log-group::log-stream:")


def _object(place: Place, value: str, members: Members) -> str:
    return f"arn:aws:s3:::{members['Bucket']}/{value}"


def _bucket(_place: Place, value: str, _members: Members) -> str:
    return value if value.startswith("arn:") else f"arn:aws:s3:::{value}"


def _deleted_objects(place: Place, _operation: str, members: Members) -> Iterator[str]:
    for each in members.get("Delete", {}).get("Objects", []):
        yield _object(place, each["Key"], members)


def _bucket_of_object_list(place: Place, _operation: str, members: Members) -> Iterator[str]:
    yield _bucket(place, members["Bucket"], members)


def _role(place: Place, value: str, _members: Members) -> str:
    found = state.role(place.account, value)
    return str(found.arn) if found is not None else place.everywhere("iam", f"role/{value}")


def _new_role(place: Place, _operation: str, members: Members) -> Iterator[str]:
    yield place.everywhere("iam", f"role{members.get('Path') or '/'}{members['RoleName']}")


def _new_policy(place: Place, _operation: str, members: Members) -> Iterator[str]:
    yield place.everywhere("iam", f"policy{members.get('Path') or '/'}{members['PolicyName']}")


def _rule(place: Place, value: str, members: Members) -> str:
    bus = str(members.get("EventBusName") or "default").rpartition("/")[2]
    return place.arn("events", f"rule/{value}" if bus == "default" else f"rule/{bus}/{value}")


def _buses(place: Place, _operation: str, members: Members) -> Iterator[str]:
    for each in members.get("Entries", []):
        yield named("events", "event-bus/{}")(place, each.get("EventBusName") or "default", members)


def _function(place: Place, value: str, members: Members) -> str:
    before, _, name = value.rpartition(":function:")
    plain, _, qualifier = name.partition(":")
    qualifier = members.get("Qualifier") or qualifier
    arn = f"{before}:function:{plain}" if before.startswith("arn:") else place.arn("lambda", f"function:{plain}")
    return f"{arn}:{qualifier}" if qualifier else arn


def _stack(place: Place, value: str, _members: Members) -> str:
    return value if value.startswith("arn:") else place.arn("cloudformation", f"stack/{value}/*")


def _zone(_place: Place, value: str, _members: Members) -> str:
    return f"arn:aws:route53:::hostedzone/{value.rpartition('/')[2]}"


def _snapshot(place: Place, value: str, _members: Members) -> str:
    return place.public("ec2", f"snapshot/{value}")


def _senders(place: Place, _operation: str, members: Members) -> Iterator[str]:
    """SES authorises a mail on the verified identity that it is sent from, and on its configuration set."""
    sender = str(members.get("FromEmailAddress") or members.get("Source") or "")
    address = sender.rpartition("<")[2].rstrip(">").strip().lower()
    arn = members.get("FromEmailAddressIdentityArn") or members.get("SourceArn")
    yield str(arn or place.arn("ses", f"identity/{_identity_of(place, address)}"))
    if members.get("ConfigurationSetName"):
        yield place.arn("ses", f"configuration-set/{members['ConfigurationSetName']}")


def _identity_of(place: Place, address: str) -> str:
    """The closest identity that is there: the address, its domain, a domain above it."""
    known = state.mail_identities(place)
    domain = address.rpartition("@")[2].split(".")
    domains = [".".join(domain[count:]) for count in range(len(domain) - 1)]
    return next((each for each in (address, *domains) if each in known), domains[0] if domains else address)


def _commanded(place: Place, _operation: str, members: Members) -> Iterator[str]:
    """Run Command is authorised on its document and on each instance; targets by tag on all of them."""
    yield _document(place, str(members["DocumentName"]), members)
    instances = list(members.get("InstanceIds") or [])
    for target in members.get("Targets") or []:
        if target.get("Key", "").lower() == "instanceids":
            instances += target.get("Values", [])
    for each in instances or ["*"]:
        yield place.arn("ec2", f"instance/{each}")


def _document(place: Place, value: str, _members: Members) -> str:
    if value.startswith("arn:"):
        return value
    owned_by_aws = re.match(r"(AWS|Amazon)[A-Za-z]*-", value)
    return place.public("ssm", f"document/{value}") if owned_by_aws else place.arn("ssm", f"document/{value}")


def _automation(place: Place, _operation: str, members: Members) -> Iterator[str]:
    name, version = members["DocumentName"], members.get("DocumentVersion") or "$DEFAULT"
    form = f"automation-definition/{str(name).rpartition('/')[2]}:{version}"
    yield place.public("ssm", form) if re.match(r"AWS[A-Za-z]*-", str(name)) else place.arn("ssm", form)


def _ssm_document_operation(place: Place, _operation: str, members: Members) -> Iterator[str]:
    yield _document(place, str(members["Name"]), members)


def _ssm_tagged(place: Place, _operation: str, members: Members) -> Iterator[str]:
    form = {"Parameter": "parameter/{}", "Document": "document/{}", "Association": "association/{}"}
    name = str(members["ResourceId"]).removeprefix("/")
    yield place.arn("ssm", form.get(members["ResourceType"], "{}").format(name))


def _new_image_part(kind: str) -> Callable[[Place, str, Members], Iterator[str]]:
    def make(place: Place, _operation: str, members: Members) -> Iterator[str]:
        version = members.get("semanticVersion")
        name = re.sub(r"[^a-z0-9-]", "-", str(members["name"]).lower())
        yield place.arn("imagebuilder", f"{kind}/{name}/{version}" if version else f"{kind}/{name}")

    return make


def _passed_arns(_place: Place, _operation: str, members: Members) -> Iterator[str]:
    yield from (str(value) for name, value in members.items() if _is_arn_member(name, value))


def _alias(place: Place, _operation: str, members: Members) -> Iterator[str]:
    """Aliases are authorised on the alias and on the key."""
    yield place.arn("kms", str(members["AliasName"]))
    target = members.get("TargetKeyId") or members["AliasName"]
    yield _key(place, str(target), members)


def _alarms(place: Place, _operation: str, members: Members) -> Iterator[str]:
    for each in members.get("AlarmNames") or ["*"]:
        yield place.arn("cloudwatch", f"alarm:{each}")


def _stacks_described(place: Place, _operation: str, members: Members) -> Iterator[str]:
    yield _stack(place, str(members.get("StackName") or "*"), members)


_EC2 = ec2_resources

# The member that names the resource; the first one of a table that the request has decides.
_MEMBERS: Mapping[str, Mapping[str, Maker]] = {
    "secretsmanager": {"SecretId": _secret, "Name": _new_secret},
    "ssm": {
        "Path": parameter_arn,
        "Name": parameter_arn,
        "Names": parameter_arn,
        "AssociationId": named("ssm", "association/{}"),
        "AutomationExecutionId": named("ssm", "automation-execution/{}"),
        "InstanceId": named("ec2", "instance/{}"),
    },
    "kms": {"KeyId": _key},
    "s3": {"Key": _object, "Bucket": _bucket},
    "s3control": {"Bucket": _bucket},
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
        "StackName": _stack,
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

# Services whose actions that we call know no resources.
_WITHOUT_RESOURCES = {"autoscaling", "pricing", "service-quotas", "organizations", "elbv2", "tag", "accessanalyzer"}

_SPECIAL: Mapping[tuple[str, str], Callable[[Place, str, Members], Iterator[str]]] = {
    ("logs", "DescribeLogGroups"): _all_log_groups,
    ("s3", "DeleteObjects"): _deleted_objects,
    ("s3", "ListObjectsV2"): _bucket_of_object_list,
    ("s3", "ListObjects"): _bucket_of_object_list,
    ("iam", "CreateRole"): _new_role,
    ("iam", "CreatePolicy"): _new_policy,
    ("events", "PutEvents"): _buses,
    ("sesv2", "SendEmail"): _senders,
    ("sesv2", "SendBulkEmail"): _senders,
    ("ses", "SendEmail"): _senders,
    ("ses", "SendRawEmail"): _senders,
    ("ssm", "SendCommand"): _commanded,
    ("ssm", "StartAutomationExecution"): _automation,
    **{
        ("ssm", operation): _ssm_document_operation
        for operation in (
            "CreateDocument",
            "DeleteDocument",
            "DescribeDocument",
            "DescribeDocumentPermission",
            "GetDocument",
            "ModifyDocumentPermission",
            "UpdateDocument",
            "UpdateDocumentDefaultVersion",
            "CreateAssociation",
        )
    },
    ("ssm", "AddTagsToResource"): _ssm_tagged,
    ("ssm", "ListTagsForResource"): _ssm_tagged,
    ("ssm", "RemoveTagsFromResource"): _ssm_tagged,
    ("imagebuilder", "CreateComponent"): _new_image_part("component"),
    ("imagebuilder", "CreateImageRecipe"): _new_image_part("image-recipe"),
    ("imagebuilder", "CreateImagePipeline"): _new_image_part("image-pipeline"),
    ("imagebuilder", "CreateInfrastructureConfiguration"): _new_image_part("infrastructure-configuration"),
    ("imagebuilder", "CreateDistributionConfiguration"): _new_image_part("distribution-configuration"),
    ("imagebuilder", "CreateLifecyclePolicy"): _new_image_part("lifecycle-policy"),
    ("kms", "CreateAlias"): _alias,
    ("kms", "DeleteAlias"): _alias,
    ("kms", "UpdateAlias"): _alias,
    ("cloudwatch", "DescribeAlarms"): _alarms,
    ("cloudformation", "DescribeStacks"): _stacks_described,
}
