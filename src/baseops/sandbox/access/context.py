"""The condition keys of a call: AWS's global ones and those of the services, from the parsed request. Decides nothing.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from baseops.sandbox.access import state
from baseops.sandbox.access.demand import ContextKeys, Place
from baseops.sandbox.access.key_uses import context_keys
from baseops.sandbox.access.mail import sender_of

# Any: members of AWS's shapes.
Members = Mapping[str, Any]
Keys = dict[str, str | Sequence[str]]

# Prefixes of the keys that services have for tags beside `aws:ResourceTag`.
_TAG_KEYS = {
    "ec2": "ec2:ResourceTag",
    "secretsmanager": "secretsmanager:ResourceTag",
    "ssm": "ssm:resourceTag",
    "iam": "iam:ResourceTag",
    "logs": "logs:ResourceTag",
    "ebs": "ec2:ResourceTag",
}


def global_keys(now: datetime, region: str, source: str, user_agent: str) -> Keys:
    """What holds for every call."""
    return {
        "aws:CurrentTime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:EpochTime": str(int(now.timestamp())),
        "aws:RequestedRegion": region,
        "aws:SecureTransport": "true",
        "aws:SourceIp": source,
        "aws:UserAgent": user_agent,
        "aws:ViaAWSService": "false",
    }


def principal_keys(user_id: str, tags: Mapping[str, str]) -> Keys:
    """What follows from who calls, beyond what the evaluation adds itself."""
    return {"aws:userid": user_id, **{f"aws:PrincipalTag/{name}": value for name, value in tags.items()}}


def tag_keys(members: Members) -> Keys:
    """The tags that a request brings."""
    tags = dict(request_tags(members))
    keys: Keys = {f"aws:RequestTag/{name}": value for name, value in tags.items()}
    named = list(tags) + [str(name) for name in members.get("TagKeys") or []]
    return {**keys, "aws:TagKeys": named} if named else keys


def request_tags(members: Members) -> Iterator[tuple[str, str]]:
    """Tags in whichever form a service takes them."""
    for each in members.get("TagSpecifications") or members.get("TagSpecification") or []:
        yield from _pairs(each.get("Tags") or [])
    for name in ("Tags", "tags", "TagList", "TagsToAdd"):
        yield from _pairs(members.get(name) or [])


def _pairs(tags: Any) -> Iterator[tuple[str, str]]:
    if isinstance(tags, Mapping):
        yield from ((str(name), str(value)) for name, value in tags.items())
        return
    for tag in tags:
        if isinstance(tag, Mapping):
            name = tag.get("Key", tag.get("key", tag.get("TagKey")))
            yield str(name), str(tag.get("Value", tag.get("value", tag.get("TagValue", ""))) or "")


def resource_keys(arn: str, place: Place) -> Keys:
    """The tags of the resource, under AWS's key and under the service's own."""
    tags = state.tags_of(arn, place)
    service = arn.split(":")[2] if arn.startswith("arn:") else ""
    prefixes = ["aws:ResourceTag", *([_TAG_KEYS[service]] if service in _TAG_KEYS else [])]
    if ":instance/" in arn:
        # Systems Manager asks for an instance's tags under its own name.
        prefixes.append(_TAG_KEYS["ssm"])
    found: Keys = {f"{prefix}/{name}": value for name, value in tags.items() for prefix in prefixes}
    return {**found, **_image_keys(arn, place)} if ":image/" in arn else found


def _image_keys(arn: str, place: Place) -> Keys:
    """https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html (image)."""
    image = state.image(place, arn.rpartition("/")[2])
    return {"ec2:Owner": str(image.owner_alias or image.owner_id)} if image is not None else {}


def service_keys(service: str, operation: str, members: Members, place: Place) -> ContextKeys:
    """The keys that only one service has."""
    make = _SERVICES.get(service)
    found = make(operation, members, place) if make else {}
    return {key: value for key, value in found.items() if value not in ("", [])}


def _secrets(operation: str, members: Members, place: Place) -> Keys:
    return {
        "secretsmanager:SecretId": str(members.get("SecretId") or ""),
        "secretsmanager:Name": str(members.get("Name") or ""),
        "secretsmanager:KmsKeyId": str(members.get("KmsKeyId") or ""),
        "secretsmanager:VersionId": str(members.get("VersionId") or ""),
        "secretsmanager:VersionStage": _stage(operation, members),
        "secretsmanager:ForceDeleteWithoutRecovery": _flag(members, "ForceDeleteWithoutRecovery"),
        "secretsmanager:RotationLambdaARN": str(members.get("RotationLambdaARN") or ""),
    }


def _stage(operation: str, members: Members) -> str:
    if operation == "GetSecretValue" and not members.get("VersionId"):
        return str(members.get("VersionStage") or "AWSCURRENT")
    return str(members.get("VersionStage") or "")


def _flag(members: Members, name: str) -> str:
    return str(bool(members[name])).lower() if name in members else ""


def _parameters(operation: str, members: Members, place: Place) -> Keys:
    recursive = str(bool(members.get("Recursive"))).lower() if operation == "GetParametersByPath" else ""
    return {
        "ssm:Recursive": recursive,
        "ssm:Overwrite": _flag(members, "Overwrite"),
        "ssm:DocumentType": str(members.get("DocumentType") or ""),
    }


def _keys(operation: str, members: Members, place: Place) -> Keys:
    key_id = str(members.get("KeyId") or members.get("TargetKeyId") or "")
    found = state.key(place, key_id) if key_id else None
    return {
        "kms:CallerAccount": place.account,
        **context_keys(members.get("EncryptionContext") or {}),
        "kms:RequestAlias": key_id if key_id.startswith("alias/") else "",
        "kms:ResourceAliases": state.aliases_of(found) if found is not None else [],
        "kms:GrantOperations": list(members.get("Operations") or []),
        "kms:GranteePrincipal": str(members.get("GranteePrincipal") or ""),
        **({"kms:GrantIsForAWSResource": "false"} if operation == "CreateGrant" else {}),
        "kms:MacAlgorithm": str(members.get("MacAlgorithm") or ""),
        "kms:SigningAlgorithm": str(members.get("SigningAlgorithm") or ""),
    }


def _mail(operation: str, members: Members, place: Place) -> Keys:
    display, address = sender_of(members)
    to = members.get("Destination") or {}
    recipients = [str(each) for name in ("ToAddresses", "CcAddresses", "BccAddresses") for each in to.get(name) or []]
    return {
        "ses:FromAddress": address,
        "ses:FromDisplayName": display,
        "ses:Recipients": recipients or [str(each) for each in members.get("Destinations") or []],
        "ses:FeedbackAddress": str(members.get("FeedbackForwardingEmailAddress") or members.get("ReturnPath") or ""),
        "ses:ApiVersion": "2" if "FromEmailAddress" in members else "",
    }


def _objects(operation: str, members: Members, place: Place) -> Keys:
    return {
        "s3:prefix": str(members.get("Prefix") or ""),
        "s3:delimiter": str(members.get("Delimiter") or ""),
        "s3:max-keys": str(members.get("MaxKeys") or ""),
        "s3:VersionId": str(members.get("VersionId") or ""),
        "s3:x-amz-acl": str(members.get("ACL") or ""),
        "s3:x-amz-server-side-encryption": str(members.get("ServerSideEncryption") or ""),
        "s3:x-amz-server-side-encryption-aws-kms-key-id": str(members.get("SSEKMSKeyId") or ""),
        "s3:x-amz-storage-class": str(members.get("StorageClass") or ""),
        "s3:if-none-match": str(members.get("IfNoneMatch") or ""),
        "s3:object-lock-mode": str(members.get("ObjectLockMode") or ""),
    }


def _machines(operation: str, members: Members, place: Place) -> Keys:
    return {
        "ec2:Region": place.region,
        "ec2:InstanceType": str(members.get("InstanceType") or ""),
        "ec2:Encrypted": _flag(members, "Encrypted"),
        "ec2:VolumeType": str(members.get("VolumeType") or ""),
        "ec2:ParentSnapshot": _arn_of_snapshot(members, place),
        "ec2:Attribute": str(members.get("Attribute") or ""),
        "ec2:Add/userId": [str(one["UserId"]) for one in _added(members) if "UserId" in one],
        "ec2:Add/group": [str(one["Group"]) for one in _added(members) if "Group" in one],
    }


def _arn_of_snapshot(members: Members, place: Place) -> str:
    return (
        place.public("ec2", f"snapshot/{members['SnapshotId']}") if isinstance(members.get("SnapshotId"), str) else ""
    )


def _added(members: Members) -> Iterable[Members]:
    changes = members.get("LaunchPermission") or members.get("CreateVolumePermission") or {}
    return changes.get("Add") or []


def _iam(operation: str, members: Members, place: Place) -> Keys:
    return {
        "iam:PolicyARN": str(members.get("PolicyArn") or ""),
        "iam:PermissionsBoundary": str(members.get("PermissionsBoundary") or ""),
        "iam:AWSServiceName": str(members.get("AWSServiceName") or ""),
    }


def _sessions(operation: str, members: Members, place: Place) -> Keys:
    return {
        "sts:ExternalId": str(members.get("ExternalId") or ""),
        "sts:RoleSessionName": str(members.get("RoleSessionName") or ""),
        "sts:DurationSeconds": str(members.get("DurationSeconds") or ""),
    }


def _topics(operation: str, members: Members, place: Place) -> Keys:
    return {"sns:Protocol": str(members.get("Protocol") or ""), "sns:Endpoint": str(members.get("Endpoint") or "")}


def _metrics(operation: str, members: Members, place: Place) -> Keys:
    namespace = str(members.get("Namespace") or "") if operation == "PutMetricData" else ""
    return {"cloudwatch:namespace": namespace, "cloudwatch:AlarmActions": list(members.get("AlarmActions") or [])}


def _functions(operation: str, members: Members, place: Place) -> Keys:
    return {"lambda:Principal": str(members.get("Principal") or "")}


_SERVICES: Mapping[str, Callable[[str, Members, Place], Keys]] = {
    "secretsmanager": _secrets,
    "ssm": _parameters,
    "kms": _keys,
    "sesv2": _mail,
    "ses": _mail,
    "s3": _objects,
    "ec2": _machines,
    "iam": _iam,
    "sts": _sessions,
    "sns": _topics,
    "cloudwatch": _metrics,
    "lambda": _functions,
}
