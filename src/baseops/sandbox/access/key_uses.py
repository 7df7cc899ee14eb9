"""What a service does with a KMS key in its caller's name when it answers a call; what no key protects needs nothing.

The caller needs the permission as if it called KMS itself, and KMS sees through which service it came
(https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from baseops.sandbox.access import resources, state
from baseops.sandbox.access.demand import ContextKeys, Demand, Place
from baseops.sandbox.access.named_resources import parameter_arn
from baseops.sandbox.moto_services import moto_backend

# Any: members of AWS's shapes, and moto's untyped state.
Members = Mapping[str, Any]
_SEALED = ("kms:GenerateDataKey", "kms:Decrypt")


@dataclass(frozen=True)
class KeyUse:
    """One use of a key. `key` is empty for the one that AWS manages for the service: everybody here may use it."""

    action: str
    key: str
    via: str
    context: Mapping[str, str] = field(default_factory=dict)
    is_for_grant: bool = False

    def demand(self, place: Place) -> Demand:
        """The same as what the caller needs."""
        keys: dict[str, str | Sequence[str]] = {
            "kms:CallerAccount": place.account,
            **({"kms:ViaService": f"{self.via}.{place.region}.amazonaws.com"} if self.via else {}),
            **context_keys(self.context),
        }
        if self.is_for_grant:
            keys["kms:GrantIsForAWSResource"] = "true"
        return Demand(self.action, self.key, context=keys, is_key=True)


def context_keys(context: Mapping[str, str]) -> ContextKeys:
    """The condition keys of an encryption context."""
    keys: dict[str, str | list[str]] = {f"kms:EncryptionContext:{name}": value for name, value in context.items()}
    return {**keys, "kms:EncryptionContextKeys": list(context)} if context else keys


def key_uses(service: str, operation: str, members: Members, place: Place) -> tuple[KeyUse, ...]:
    """Every use that a call makes of a key."""
    uses = _USES.get(service)
    return tuple(uses(operation, members, place)) if uses else ()


def _secrets(operation: str, members: Members, place: Place) -> Iterator[KeyUse]:
    found = state.secret(place, str(members.get("SecretId") or members.get("Name") or ""))
    has_value = "SecretString" in members or "SecretBinary" in members
    if operation == "GetSecretValue" and found is not None:
        version = _version(found, members)
        key = _key_arn(place, getattr(version, "key", None))
        context = {"SecretARN": found.arn, "SecretVersionId": getattr(version, "id", "")}
        yield KeyUse("kms:Decrypt", key, "secretsmanager", context)
    elif operation in {"PutSecretValue", "CreateSecret", "UpdateSecret"} and has_value:
        key_id = members.get("KmsKeyId") or getattr(found, "key", None)
        arn = found.arn if found is not None else place.arn("secretsmanager", f"secret:{members.get('Name', '')}")
        context = {"SecretARN": str(arn), "SecretVersionId": str(members.get("ClientRequestToken") or "")}
        for action in _SEALED if operation != "CreateSecret" else _SEALED[:1]:
            yield KeyUse(action, _key_arn(place, key_id), "secretsmanager", context)


def _version(found: Any, members: Members) -> Any:
    if members.get("VersionId"):
        return found.versions.get(members["VersionId"])
    return found.labelled(members.get("VersionStage") or "AWSCURRENT")


def _parameters(operation: str, members: Members, place: Place) -> Iterator[KeyUse]:
    if operation == "PutParameter":
        if members.get("Type") == "SecureString" or _is_secure(state.parameter(place, members["Name"])):
            known = state.parameter(place, members["Name"])
            key = members.get("KeyId") or getattr(known, "keyid", None)
            yield _parameter_use("kms:Encrypt", members["Name"], key, place)
        return
    if not members.get("WithDecryption"):
        return
    for name, found in _read_parameters(operation, members, place):
        if _is_secure(found):
            yield _parameter_use("kms:Decrypt", name, found.keyid, place)


def _read_parameters(operation: str, members: Members, place: Place) -> Iterator[tuple[str, Any]]:
    names = members.get("Names") or ([members["Name"]] if members.get("Name") else [])
    if operation == "GetParametersByPath":
        path = str(members["Path"]).rstrip("/") + "/"
        kept = moto_backend("ssm", place.account, place.region)._parameters
        below = [name for name in (f"/{name.removeprefix('/')}" for name in kept) if name.startswith(path)]
        names = below if members.get("Recursive") else [name for name in below if "/" not in name[len(path) :]]
    for name in names:
        yield str(name), state.parameter(place, str(name))


def _is_secure(found: Any) -> bool:
    return getattr(found, "parameter_type", "") == "SecureString"


def _parameter_use(action: str, name: str, key: str | None, place: Place) -> KeyUse:
    arn = parameter_arn(place, name)
    return KeyUse(action, _key_arn(place, key), "ssm", {"PARAMETER_ARN": arn})


def _objects(operation: str, members: Members, place: Place) -> Iterator[KeyUse]:
    bucket = state.bucket(str(members.get("Bucket", "")))
    if bucket is None or "Key" not in members:
        return
    arn = f"arn:aws:s3:::{bucket.name}/{members['Key']}"
    if operation in {"GetObject", "HeadObject"}:
        found = bucket.keys.get(members["Key"])
        if getattr(found, "encryption", None) == "aws:kms":
            yield KeyUse("kms:Decrypt", _key_arn(place, found.kms_key_id), "s3", {"aws:s3:arn": arn})
    elif operation in {"PutObject", "CopyObject", "CreateMultipartUpload"}:
        key = _object_key(bucket, members)
        if key is not None:
            yield KeyUse("kms:GenerateDataKey", _key_arn(place, key), "s3", {"aws:s3:arn": arn})


def _object_key(bucket: Any, members: Members) -> str | None:
    """The key of a new object; empty for AWS's own key, None where no key of KMS is used."""
    if members.get("ServerSideEncryption"):
        return str(members.get("SSEKMSKeyId") or "") if members["ServerSideEncryption"] == "aws:kms" else None
    rule = (bucket.encryption or {}).get("Rule") or {}
    listed = rule if isinstance(rule, dict) else rule[0]
    default = listed.get("ApplyServerSideEncryptionByDefault") or {}
    return str(default.get("KMSMasterKeyID") or "") if default.get("SSEAlgorithm") == "aws:kms" else None


def _queues(operation: str, members: Members, place: Place) -> Iterator[KeyUse]:
    if operation not in {"SendMessage", "SendMessageBatch", "ReceiveMessage"}:
        return
    [arn] = resources.resources_of("sqs", operation, members, place)
    key = getattr(state.queue(arn), "kms_master_key_id", None)
    for action in (_SEALED if key else ()) if operation != "ReceiveMessage" else (_SEALED[1:] if key else ()):
        yield KeyUse(action, _key_arn(place, key), "sqs", {"aws:sqs:arn": arn})


def _topics(operation: str, members: Members, place: Place) -> Iterator[KeyUse]:
    arn = str(members.get("TopicArn") or members.get("TargetArn") or "")
    if operation not in {"Publish", "PublishBatch"} or not arn:
        return
    key = getattr(state.topic(arn), "kms_master_key_id", None)
    for action in _SEALED if key else ():
        yield KeyUse(action, _key_arn(place, key), "sns", {"aws:sns:topicArn": arn})


def _blocks(operation: str, members: Members, place: Place) -> Iterator[KeyUse]:
    """https://docs.aws.amazon.com/ebs/latest/userguide/ebsapi-permissions.html."""
    if operation != "GetSnapshotBlock":
        return
    found = _snapshot(place, str(members["SnapshotId"]))
    if found is not None and found.encrypted:
        context = {"aws:ebs:id": str(found.volume.id)}
        yield KeyUse("kms:Decrypt", _key_arn(place, _ebs_key(found)), "", context)


def _volumes(operation: str, members: Members, place: Place) -> Iterator[KeyUse]:
    """A volume that is made needs a data key of its own, and a grant by which EC2 opens that when it is attached.

    https://docs.aws.amazon.com/kms/latest/developerguide/services-ebs.html
    https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html
    """
    if operation == "CreateVolume":
        source = _snapshot(place, str(members.get("SnapshotId") or ""))
        key = members.get("KmsKeyId") or (_ebs_key(source) if source is not None and source.encrypted else None)
        if key:
            yield from _volume(_key_arn(place, key))
    elif operation == "RunInstances":
        image = state.image(place, str(members.get("ImageId") or ""))
        source = getattr(image, "ebs_snapshot", None)
        if source is not None and source.encrypted:
            yield from _volume(_key_arn(place, _ebs_key(source)))
    elif operation == "CopySnapshot" and (members.get("KmsKeyId") or members.get("Encrypted")):
        key = _key_arn(place, members.get("KmsKeyId"))
        yield KeyUse("kms:CreateGrant", key, "ec2", is_for_grant=True)
        yield KeyUse("kms:DescribeKey", key, "ec2")


def _volume(key: str) -> Iterator[KeyUse]:
    yield KeyUse("kms:GenerateDataKeyWithoutPlaintext", key, "ec2")
    yield KeyUse("kms:CreateGrant", key, "ec2", is_for_grant=True)


def _snapshot(place: Place, snapshot_id: str) -> Any:
    return moto_backend("ec2", place.account, place.region).snapshots.get(snapshot_id) if snapshot_id else None


def _ebs_key(snapshot: Any) -> str | None:
    return getattr(snapshot, "kms_key_id", None) or getattr(snapshot.volume, "kms_key_id", None)


def _key_arn(place: Place, key_id: str | None) -> str:
    """The ARN of a key of ours; empty for one that AWS manages."""
    if not key_id or "alias/aws/" in key_id:
        return ""
    found = state.key(place, key_id)
    if found is None:
        return key_id if key_id.startswith("arn:") else place.arn("kms", f"key/{key_id}")
    managed = any(alias.startswith("alias/aws/") for alias in state.aliases_of(found))
    return "" if managed else str(found.arn)


_USES: Mapping[str, Callable[[str, Members, Place], Iterator[KeyUse]]] = {
    "secretsmanager": _secrets,
    "ssm": _parameters,
    "s3": _objects,
    "sqs": _queues,
    "sns": _topics,
    "ebs": _blocks,
    "ec2": _volumes,
}
