"""The configurations of a bucket, each between CloudFormation's members and those of its S3 operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from baseops.sandbox.kinds.kind import HandlerError
from baseops.sandbox.kinds.shapes import as_bool, fit, only

# Any: configurations are JSON of the shapes that the S3 model says.

_ABSENT = ("NoSuch", "NotFound", "NotConfigured")


def same(value: Any) -> Any:
    """Both sides write it alike."""
    return value


@dataclass(frozen=True)
class Configuration:
    """One configuration: S3's word in the names of its operations, the member that holds it, and how to convert.

    `nothing` is what is put when the template has none any more; None means that there is an operation to delete it.
    """

    word: str
    member: str
    to_api: Callable[[Any], Any] = same
    from_api: Callable[[Any], Any] = same
    answer_member: str | None = None
    nothing: Any = None
    delete_word: str | None = None

    def write(self, client: Any, bucket: str, value: Any) -> None:
        """Put the configuration, or take it away."""
        if value is None and self.nothing is None:
            getattr(client, f"delete_{self.delete_word or self.word}")(Bucket=bucket)
            return
        operation = f"put_{self.word}"
        model = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation])
        content = self.nothing if value is None else self.to_api(value)
        getattr(client, operation)(Bucket=bucket, **{self.member: fit(model.input_shape.members[self.member], content)})

    def read(self, client: Any, bucket: str) -> Any:
        """The configuration in the template's words, None when there is none."""
        answer = absent_as_none(lambda: getattr(client, f"get_{self.word}")(Bucket=bucket))
        if answer is None:
            return None
        member = self.member if self.answer_member is None else self.answer_member
        content = answer.get(member) if member else {k: v for k, v in answer.items() if k != "ResponseMetadata"}
        return self.from_api(content) if content else None


def absent_as_none(read: Callable[[], Any]) -> Any:
    """What a read gives; None where S3 says that nothing is configured."""
    try:
        return read()
    except ClientError as error:
        if any(word in error.response["Error"]["Code"] for word in _ABSENT):
            return None
        raise


# --- encryption, logging -------------------------------------------------------------------------------------


def _encryption(value: Any) -> Any:
    rules = []
    for each in value["ServerSideEncryptionConfiguration"]:
        rule = only(each, ("BucketKeyEnabled", "BlockedEncryptionTypes"))
        if "ServerSideEncryptionByDefault" in each:
            rule["ApplyServerSideEncryptionByDefault"] = each["ServerSideEncryptionByDefault"]
        rules.append(rule)
    return {"Rules": rules}


def _encryption_back(value: Any) -> Any:
    rules = [{_UNAPPLIED.get(name, name): each for name, each in rule.items()} for rule in value["Rules"]]
    for rule in rules:
        if "BucketKeyEnabled" in rule:
            rule["BucketKeyEnabled"] = as_bool(rule["BucketKeyEnabled"])
    return {"ServerSideEncryptionConfiguration": rules}


_UNAPPLIED = {"ApplyServerSideEncryptionByDefault": "ServerSideEncryptionByDefault"}


def _logging(value: Any) -> Any:
    target = {"TargetBucket": value["DestinationBucketName"], "TargetPrefix": value.get("LogFilePrefix", "")}
    return {"LoggingEnabled": target}


def _logging_back(value: Any) -> Any:
    return {"DestinationBucketName": value["TargetBucket"], "LogFilePrefix": value.get("TargetPrefix", "")}


# --- lifecycle -----------------------------------------------------------------------------------------------

_DAYS = {"TransitionInDays": "Days", "TransitionDate": "Date", "StorageClass": "StorageClass"}
_NONCURRENT_DAYS = {**_DAYS, "TransitionInDays": "NoncurrentDays"}
_EXPIRATION = {
    "ExpirationInDays": "Days",
    "ExpirationDate": "Date",
    "ExpiredObjectDeleteMarker": "ExpiredObjectDeleteMarker",
}
_AS_THEY_ARE = ("Status", "AbortIncompleteMultipartUpload", "NoncurrentVersionExpiration")


def _renamed(value: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(name, name): each for name, each in value.items()}


def _rule(value: Mapping[str, Any]) -> dict[str, Any]:
    rule = {**only(value, _AS_THEY_ARE), "Filter": {"Prefix": value.get("Prefix", "")}}
    if "Id" in value:
        rule["ID"] = value["Id"]
    expiration = _renamed(only(value, _EXPIRATION), _EXPIRATION)
    if expiration:
        rule["Expiration"] = expiration
    if "NoncurrentVersionExpirationInDays" in value:
        rule["NoncurrentVersionExpiration"] = {"NoncurrentDays": value["NoncurrentVersionExpirationInDays"]}
    if "Transitions" in value:
        rule["Transitions"] = [_renamed(each, _DAYS) for each in value["Transitions"]]
    if "NoncurrentVersionTransitions" in value:
        rule["NoncurrentVersionTransitions"] = [
            _renamed(each, _NONCURRENT_DAYS) for each in value["NoncurrentVersionTransitions"]
        ]
    return rule


def _rule_back(value: Mapping[str, Any]) -> dict[str, Any]:
    rule = only(value, _AS_THEY_ARE)
    if "ID" in value:
        rule["Id"] = value["ID"]
    prefix = value.get("Filter", {}).get("Prefix", "")
    if prefix:
        rule["Prefix"] = prefix
    rule |= _renamed(value.get("Expiration", {}), {there: here for here, there in _EXPIRATION.items()})
    for name, names in (("Transitions", _DAYS), ("NoncurrentVersionTransitions", _NONCURRENT_DAYS)):
        if value.get(name):
            rule[name] = [_renamed(each, {there: here for here, there in names.items()}) for each in value[name]]
    return rule


# --- notifications -------------------------------------------------------------------------------------------

_TARGETS = (
    ("LambdaConfigurations", "LambdaFunctionConfigurations", {"Function": "LambdaFunctionArn"}),
    ("QueueConfigurations", "QueueConfigurations", {"Queue": "QueueArn"}),
    ("TopicConfigurations", "TopicConfigurations", {"Topic": "TopicArn"}),
)


def _notification(value: Any) -> dict[str, Any]:
    unknown = sorted({*value} - {here for here, _, _ in _TARGETS})
    if unknown:
        raise HandlerError(f"#/NotificationConfiguration: extraneous key [{unknown[0]}] is not permitted")
    return {there: [_target(each, names) for each in value[here]] for here, there, names in _TARGETS if here in value}


def _target(value: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    target = {names[name]: value[name] for name in names} | {"Events": [value["Event"]]}
    rules = value.get("Filter", {}).get("S3Key", {}).get("Rules")
    return {**target, "Filter": {"Key": {"FilterRules": rules}}} if rules else target


def _notification_back(value: Any) -> Any:
    found = {here: value.get(there) for here, there, _ in _TARGETS}
    named = {here: names for here, _, names in _TARGETS}
    return {here: [_target_back(each, named[here]) for each in targets] for here, targets in found.items() if targets}


def _target_back(value: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    target = {here: value[there] for here, there in names.items()} | {"Event": value["Events"][0]}
    rules = value.get("Filter", {}).get("Key", {}).get("FilterRules")
    return {**target, "Filter": {"S3Key": {"Rules": rules}}} if rules else target


CONFIGURATIONS: Mapping[str, Configuration] = {
    "BucketEncryption": Configuration(
        "bucket_encryption", "ServerSideEncryptionConfiguration", _encryption, _encryption_back
    ),
    "LifecycleConfiguration": Configuration(
        "bucket_lifecycle_configuration",
        "LifecycleConfiguration",
        lambda value: {"Rules": [_rule(each) for each in value["Rules"]]},
        lambda value: {"Rules": [_rule_back(each) for each in value]},
        answer_member="Rules",
        delete_word="bucket_lifecycle",
    ),
    "LoggingConfiguration": Configuration(
        "bucket_logging", "BucketLoggingStatus", _logging, _logging_back, answer_member="LoggingEnabled", nothing={}
    ),
    "NotificationConfiguration": Configuration(
        "bucket_notification_configuration",
        "NotificationConfiguration",
        _notification,
        _notification_back,
        answer_member="",
        nothing={},
    ),
    "ObjectLockConfiguration": Configuration(
        "object_lock_configuration",
        "ObjectLockConfiguration",
        nothing={"ObjectLockEnabled": "Enabled"},
    ),
    "OwnershipControls": Configuration("bucket_ownership_controls", "OwnershipControls"),
    "PublicAccessBlockConfiguration": Configuration("public_access_block", "PublicAccessBlockConfiguration"),
    "VersioningConfiguration": Configuration(
        "bucket_versioning",
        "VersioningConfiguration",
        from_api=lambda value: {"Status": value},
        answer_member="Status",
        nothing={"Status": "Suspended"},
    ),
}
