"""Request and answer members as CloudTrail writes them: names with a small first letter, nothing secret in them.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any

HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"

# Left out altogether: values, code, answers that hold keys.
_OMITTED = {
    ("secretsmanager", "SecretString"),
    ("secretsmanager", "SecretBinary"),
    ("secretsmanager", "RotationToken"),
    ("kms", "Plaintext"),
    ("kms", "CiphertextBlob"),
    ("kms", "Message"),
    ("lambda", "ZipFile"),
    ("lambda", "Variables"),
    ("iam", "Password"),
    ("iam", "SecretAccessKey"),
    ("sts", "SecretAccessKey"),
    ("cloudformation", "TemplateBody"),
    ("cloudformation", "ParameterValue"),
    ("s3", "Body"),
    ("ec2", "PasswordData"),
}
_HIDDEN = {
    ("ssm", "Value"),
    ("ssm", "Parameters"),
    ("sns", "Message"),
    ("sqs", "MessageBody"),
    ("ses", "Content"),
    ("sesv2", "Content"),
    ("ec2", "UserData"),
}
_S3_NAMES = {"Bucket": "bucketName"}
_EC2_SETS = {"Filters": "filterSet", "TagSpecifications": "tagSpecificationSet", "Resources": "resourcesSet"}


def written(service: str, members: Mapping[str, Any], shape: Any) -> dict[str, Any] | None:
    """The members of a structure; None when there are none. `shape` is botocore's, which is untyped."""
    found = {
        _name(service, name): _value(service, name, value, shape.members.get(name) if shape else None)
        for name, value in members.items()
        if name != "ResponseMetadata" and (service, name) not in _OMITTED and not hasattr(value, "read")
    }
    return found or None


def _name(service: str, name: str) -> str:
    if service == "s3" and name in _S3_NAMES:
        return _S3_NAMES[name]
    if service == "ec2" and name in _EC2_SETS:
        return _EC2_SETS[name]
    if service == "ec2" and name.endswith("Ids"):
        return f"{name[0].lower()}{name[1:-3]}sSet"
    return name[:1].lower() + name[1:]


def _value(service: str, name: str, value: Any, shape: Any) -> Any:
    if (service, name) in _HIDDEN or (shape is not None and shape.metadata.get("sensitive")):
        return HIDDEN
    if isinstance(value, Mapping):
        return _mapping(service, value, shape)
    if isinstance(value, list):
        return _listed(service, name, value, getattr(shape, "member", None))
    if isinstance(value, bytes):
        return base64.b64encode(value[:64]).decode()
    return f"{value:%b %-d, %Y, %-I:%M:%S %p}" if isinstance(value, datetime) else value


def _mapping(service: str, value: Mapping[str, Any], shape: Any) -> Any:
    if getattr(shape, "type_name", "structure") == "map":
        return {key: _value(service, "", one, shape.value) for key, one in value.items()}
    return written(service, value, shape) or {}


def _listed(service: str, name: str, values: list[Any], member: Any) -> Any:
    """EC2's lists are sets of items; an id in one is a member of its own."""
    if service != "ec2":
        return [_value(service, "", one, member) for one in values]
    single = {"Values": "value", "Resources": "resourceId"}.get(name, f"{name[:1].lower()}{name[1:-1]}")
    return {
        "items": [
            _value(service, "", one, member) if isinstance(one, Mapping) else {single: _value(service, "", one, member)}
            for one in values
        ]
    }
