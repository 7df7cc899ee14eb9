"""The ARNs of operations whose resources do not follow from one member of the request. Decides nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from baseops.sandbox.access import state
from baseops.sandbox.access.demand import Place
from baseops.sandbox.access.mail import sender_of
from baseops.sandbox.access.named_resources import (
    Members,
    bucket_arn,
    document_arn,
    key_arn,
    named,
    object_arn,
    stack_arn,
)

Finder = Callable[[Place, str, Members], Iterator[str]]


def _all_log_groups(place: Place, _operation: str, members: Members) -> Iterator[str]:
    yield place.arn("logs", "log-group::log-stream:")


def _deleted_objects(place: Place, _operation: str, members: Members) -> Iterator[str]:
    for each in members.get("Delete", {}).get("Objects", []):
        yield object_arn(place, each["Key"], members)


def _bucket_of_object_list(place: Place, _operation: str, members: Members) -> Iterator[str]:
    yield bucket_arn(place, members["Bucket"], members)


def _new_role(place: Place, _operation: str, members: Members) -> Iterator[str]:
    yield place.everywhere("iam", f"role{members.get('Path') or '/'}{members['RoleName']}")


def _new_policy(place: Place, _operation: str, members: Members) -> Iterator[str]:
    yield place.everywhere("iam", f"policy{members.get('Path') or '/'}{members['PolicyName']}")


def _buses(place: Place, _operation: str, members: Members) -> Iterator[str]:
    for each in members.get("Entries", []):
        yield named("events", "event-bus/{}")(place, each.get("EventBusName") or "default", members)


def _senders(place: Place, _operation: str, members: Members) -> Iterator[str]:
    """SES authorises a mail on the verified identity that it is sent from, and on its configuration set."""
    address = sender_of(members)[1].lower()
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
    """Run Command is authorised on its document and on each instance; targets by tag on those that have the tags.

    In AWS an instance that is meant by its tags and not allowed has an invocation that ends with AccessDenied; here the
    command is refused. https://docs.aws.amazon.com/systems-manager/latest/userguide/monitor-commands.html
    """
    yield document_arn(place, str(members["DocumentName"]), members)
    targets = members.get("Targets") or []
    named = [target.get("Values", []) for target in targets if target.get("Key", "").lower() == "instanceids"]
    instances = [*(members.get("InstanceIds") or []), *(each for values in named for each in values)]
    by_tag = [target for target in targets if str(target.get("Key", "")).startswith("tag:")]
    instances += state.instances(place, by_tag) if by_tag else []
    for each in instances:
        yield place.arn("ec2", f"instance/{each}")


def _automation(place: Place, _operation: str, members: Members) -> Iterator[str]:
    name, version = members["DocumentName"], members.get("DocumentVersion") or "$DEFAULT"
    form = f"automation-definition/{str(name).rpartition('/')[2]}:{version}"
    yield place.public("ssm", form) if re.match(r"AWS[A-Za-z]*-", str(name)) else place.arn("ssm", form)


def _ssm_document_operation(place: Place, _operation: str, members: Members) -> Iterator[str]:
    yield document_arn(place, str(members["Name"]), members)


def _ssm_tagged(place: Place, _operation: str, members: Members) -> Iterator[str]:
    form = {"Parameter": "parameter/{}", "Document": "document/{}", "Association": "association/{}"}
    name = str(members["ResourceId"]).removeprefix("/")
    yield place.arn("ssm", form.get(members["ResourceType"], "{}").format(name))


def _new_image_part(kind: str) -> Finder:
    def make(place: Place, _operation: str, members: Members) -> Iterator[str]:
        version = members.get("semanticVersion")
        name = re.sub(r"[^a-z0-9-]", "-", str(members["name"]).lower())
        yield place.arn("imagebuilder", f"{kind}/{name}/{version}" if version else f"{kind}/{name}")

    return make


def _alias(place: Place, _operation: str, members: Members) -> Iterator[str]:
    """Aliases are authorised on the alias and on the key."""
    yield place.arn("kms", str(members["AliasName"]))
    target = members.get("TargetKeyId") or members["AliasName"]
    yield key_arn(place, str(target), members)


def _new(service: str, kind: str) -> Finder:
    """What gets its id only when it is made."""

    def make(place: Place, _operation: str, _members: Members) -> Iterator[str]:
        yield place.arn(service, f"{kind}/*")

    return make


def _alarms(place: Place, _operation: str, members: Members) -> Iterator[str]:
    for each in members.get("AlarmNames") or ["*"]:
        yield place.arn("cloudwatch", f"alarm:{each}")


def _stacks_described(place: Place, _operation: str, members: Members) -> Iterator[str]:
    yield stack_arn(place, str(members.get("StackName") or "*"), members)


SPECIAL: Mapping[tuple[str, str], Finder] = {
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
    ("dlm", "CreateLifecyclePolicy"): _new("dlm", "policy"),
    ("rbin", "CreateRule"): _new("rbin", "rule"),
    ("kms", "CreateAlias"): _alias,
    ("kms", "DeleteAlias"): _alias,
    ("kms", "UpdateAlias"): _alias,
    ("cloudwatch", "DescribeAlarms"): _alarms,
    ("cloudformation", "DescribeStacks"): _stacks_described,
}
