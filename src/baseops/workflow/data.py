"""Deletes what destroy keeps, when that is asked for in so many words; never without the declaration's name typed.

Deletions that AWS can undo are chosen where there is a choice: a key waits 30 days, a secret its recovery window.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from baseops.aws.buckets import empty_bucket
from baseops.aws.errors import translated
from baseops.contract.clients import Clients
from baseops.errors import NotFoundError
from baseops.workflow.destroy import Kept

# Any: botocore's clients.

KEY_WAIT_DAYS = 30


@dataclass(frozen=True)
class _Deleter:
    service: str
    delete: Callable[[Any, str], None]
    effect: str


def _key(client: Any, name: str) -> None:
    client.schedule_key_deletion(KeyId=name, PendingWindowInDays=KEY_WAIT_DAYS)


def _deleting(operation: str, argument: str) -> Callable[[Any, str], None]:
    def delete(client: Any, name: str) -> None:
        getattr(client, operation)(**{argument: name})

    return delete


def _rule(client: Any, name: str) -> None:
    client.delete_rule(Identifier=name.rpartition("/")[2])


_DELETERS: Mapping[str, _Deleter] = {
    "AWS::Logs::LogGroup": _Deleter("logs", _deleting("delete_log_group", "logGroupName"), "its events are gone"),
    "AWS::S3::Bucket": _Deleter("s3", _deleting("delete_bucket", "Bucket"), "every version in it is gone"),
    "AWS::SecretsManager::Secret": _Deleter(
        "secretsmanager",
        _deleting("delete_secret", "SecretId"),
        "its value can be restored for 30 days, and its name is blocked so long",
    ),
    "AWS::SSM::Parameter": _Deleter("ssm", _deleting("delete_parameter", "Name"), "its value is gone"),
    "AWS::SES::EmailIdentity": _Deleter(
        "sesv2", _deleting("delete_email_identity", "EmailIdentity"), "mail can no longer be sent as it"
    ),
    "AWS::SES::ConfigurationSet": _Deleter(
        "sesv2", _deleting("delete_configuration_set", "ConfigurationSetName"), "its settings are gone"
    ),
    "AWS::SQS::Queue": _Deleter("sqs", _deleting("delete_queue", "QueueUrl"), "its messages are gone"),
    "AWS::Rbin::Rule": _Deleter(
        "rbin", _rule, "deleted snapshots and images can no longer be taken back; what is in the bin stays its time"
    ),
    "AWS::ImageBuilder::ImageRecipe": _Deleter(
        "imagebuilder",
        _deleting("delete_image_recipe", "imageRecipeArn"),
        "how its images were built is no longer on record",
    ),
    "AWS::ImageBuilder::Component": _Deleter(
        "imagebuilder",
        _deleting("delete_component", "componentBuildVersionArn"),
        "how its images were built is no longer on record",
    ),
    "AWS::KMS::Key": _Deleter(
        "kms",
        _key,
        f"after {KEY_WAIT_DAYS} days all that it encrypts (logs, images, snapshots, evidence) is unreadable",
    ),
}


def effects(kept: Sequence[Kept]) -> list[tuple[Kept, str]]:
    """What deleting each kept resource would mean; an empty text where this command cannot delete it."""
    return [(each, _DELETERS[each.type].effect if each.type in _DELETERS else "") for each in kept]


def delete_data(clients: Clients, kept: Sequence[Kept]) -> list[Kept]:
    """Delete kept resources, what others use after them, keys last; gone ones are passed over. What was deleted."""
    order = list(_DELETERS)
    ordered = sorted((each for each in kept if each.type in _DELETERS), key=lambda each: order.index(each.type))
    return [each for each in ordered if _delete(clients, each)]


def _delete(clients: Clients, kept: Kept) -> bool:
    deleter = _DELETERS[kept.type]
    if kept.type == "AWS::S3::Bucket":
        empty_bucket(clients, kept.physical_id, kept.region)
    try:
        with translated(f"cannot delete {kept.type} {kept.physical_id} in {kept.region}"):
            deleter.delete(clients.client(deleter.service, kept.region), kept.physical_id)
    except NotFoundError:
        return False
    return True
