"""Looks up what an ARN or name stands for in the account: its policy, its tags, its key. Changes nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from moto.iam.models import iam_backends

from baseops.sandbox.access.demand import Place
from baseops.sandbox.access.identities import parsed
from baseops.sandbox.moto_services import moto_backend
from baseops.sandbox.service import backend_class
from baseops.semantics.policies import Grant, Policy

# Any throughout: the backends of moto carry no types.


def secret(place: Place, name_or_arn: str) -> Any:
    """The secret of a name or ARN; None when there is none."""
    there = at(name_or_arn, place)
    for found in _secrets(there):
        if name_or_arn in (found.name, found.arn, found.arn[:-7]):
            return found
    return None


def key(place: Place, key_id: str) -> Any:
    """The KMS key of an id, ARN, alias or alias ARN; None when there is none."""
    there = at(key_id, place)
    kms = moto_backend("kms", there.account, there.region)
    name = key_id.rpartition(":")[2] if key_id.startswith("arn:") else key_id
    if name.startswith("alias/"):
        return next((each for each in kms.keys.values() if name in each.aliases), None)
    return kms.keys.get(name.rpartition("/")[2])


def aliases_of(found: Any) -> list[str]:
    """The aliases of a key."""
    return sorted(found.aliases)


def grants_of(found: Any) -> list[Grant]:
    """A key's grants as the evaluation knows them."""
    return [
        Grant(
            grantee=grant.grantee_principal,
            operations=frozenset(grant.operations),
            context_equals=(grant.constraints or {}).get("EncryptionContextEquals"),
            context_subset=(grant.constraints or {}).get("EncryptionContextSubset") or {},
            id=grant.id,
        )
        for grant in found.grants.values()
    ]


def parameter(place: Place, name: str) -> Any:
    """The newest version of a parameter; None when there is none."""
    there = at(name, place)
    kept = moto_backend("ssm", there.account, there.region)._parameters
    plain = plain_parameter(name)
    if plain.startswith("/aws/") or plain not in kept:
        return None
    return kept[plain][-1]


def plain_parameter(name: str) -> str:
    """A parameter's name without ARN, version or label."""
    text = name.partition(":parameter")[2] if name.startswith("arn:") else name
    if name.startswith("arn:") and text.count("/") == 1:
        text = text.removeprefix("/")
    return text.partition(":")[0]


def image(place: Place, image_id: str) -> Any:
    """The AMI of an id, whoever owns it; None when there is none."""
    return moto_backend("ec2", place.account, place.region).amis.get(image_id)


def bucket(name: str) -> Any:
    """The bucket of a name, in whichever account; None when there is none."""
    from moto.s3.models import s3_backends

    _, account_id = s3_backends.bucket_accounts.get(name, ("aws", ""))
    return s3_backends[account_id]["aws"].buckets.get(name) if account_id else None


def has_object(bucket_name: str, name: str) -> bool:
    """Whether the bucket has an object of that key."""
    found = bucket(bucket_name)
    return found is not None and found.keys.get(name) is not None


def queue(arn: str) -> Any:
    """The queue of an ARN."""
    place = at(arn)
    return moto_backend("sqs", place.account, place.region).queues.get(arn.rpartition(":")[2])


def topic(arn: str) -> Any:
    """The topic of an ARN."""
    place = at(arn)
    return moto_backend("sns", place.account, place.region).topics.get(arn)


def role(account_id: str, name: str) -> Any:
    """The role of a name."""
    return next((each for each in iam_backends[account_id]["aws"].roles.values() if each.name == name), None)


def at(arn: str, default: Place | None = None) -> Place:
    """The account and region that an ARN names; `default` for what it leaves out, and for names."""
    parts = arn.split(":", 5) if arn.startswith("arn:") else [""] * 6
    fallback = default or Place("", "")
    return Place(parts[4] or fallback.account, parts[3] or fallback.region)


def resource_policy(arn: str) -> Policy | None:
    """The policy that a resource has of its own, in a type that has such policies."""
    kind = arn.split(":")[2] if arn.startswith("arn:") else ""
    document = _DOCUMENTS[kind](arn) if kind in _DOCUMENTS else None
    if not document:
        return None
    text = document if isinstance(document, str) else json.dumps(document)
    return parsed(text, f"of {arn}")


def _secret_document(arn: str) -> Any:
    return getattr(secret(at(arn), arn), "policy", None)


def _key_document(arn: str) -> Any:
    return getattr(key(at(arn), arn), "policy", None)


def _bucket_document(arn: str) -> Any:
    found = bucket(arn.split(":", 5)[5].partition("/")[0])
    document = found.policy if found is not None else None
    return document.decode() if isinstance(document, bytes) else document


def _queue_document(arn: str) -> Any:
    return getattr(queue(arn), "policy", None)


def _topic_document(arn: str) -> Any:
    return getattr(topic(arn), "policy", None)


def _function_document(arn: str) -> Any:
    place, name = at(arn), arn.split(":")[6:7]
    try:
        found = moto_backend("lambda", place.account, place.region).get_function(name[0] if name else "")
        statements = found.policy.statements if found and found.policy else []
    except Exception:  # noqa: BLE001  # moto's error for a function that is not there has no type of its own
        return None
    return {"Version": "2012-10-17", "Statement": statements} if statements else None


_DOCUMENTS = {
    "secretsmanager": _secret_document,
    "kms": _key_document,
    "s3": _bucket_document,
    "sqs": _queue_document,
    "sns": _topic_document,
    "lambda": _function_document,
}


def tags_of(arn: str, place: Place) -> Mapping[str, str]:
    """The tags of a resource, where they are known without asking an API."""
    if not arn.startswith("arn:") or arn.endswith("*"):
        return {}
    there, service, rest = at(arn, place), arn.split(":")[2], arn.split(":", 5)[5]
    look = _TAGS.get(service)
    return look(there, arn, rest) if look else {}


def _ec2_tags(place: Place, _arn: str, rest: str) -> Mapping[str, str]:
    return dict(moto_backend("ec2", place.account, place.region).tags.get(rest.partition("/")[2], {}))


def _secret_tags(place: Place, arn: str, _rest: str) -> Mapping[str, str]:
    found = secret(place, arn)
    return dict(found.tags) if found else {}


def _parameter_tags(place: Place, _arn: str, rest: str) -> Mapping[str, str]:
    if not rest.startswith("parameter"):
        return {}
    kept = moto_backend("ssm", place.account, place.region)._resource_tags["Parameter"]
    name = rest.removeprefix("parameter")
    return dict(kept.get(name) or kept.get(name.removeprefix("/")) or {})


def _role_tags(place: Place, _arn: str, rest: str) -> Mapping[str, str]:
    found = role(place.account, rest.rpartition("/")[2]) if rest.startswith("role/") else None
    tags = getattr(found, "tags", None) or []
    listed = tags.values() if isinstance(tags, dict) else tags
    return {tag["Key"]: tag["Value"] for tag in listed}


def _kept_by_tagger(service: str) -> Any:
    def look(place: Place, arn: str, _rest: str) -> Mapping[str, str]:
        backend = moto_backend(service, place.account, place.region)
        tagger = getattr(backend, "tagger", None)
        plain = re.sub(r":\*$", "", arn)
        return dict(tagger.get_tag_dict_for_resource(plain)) if tagger else {}

    return look


def _topic_tags(place: Place, arn: str, _rest: str) -> Mapping[str, str]:
    return dict(getattr(topic(arn), "_tags", {}) or {})


def _queue_tags(place: Place, arn: str, _rest: str) -> Mapping[str, str]:
    return dict(getattr(queue(arn), "tags", {}) or {})


def _key_tags(place: Place, arn: str, rest: str) -> Mapping[str, str]:
    tagger = moto_backend("kms", place.account, place.region).tagger
    return dict(tagger.get_tag_dict_for_resource(rest.rpartition("/")[2]))


_TAGS: Mapping[str, Any] = {
    "ec2": _ec2_tags,
    "secretsmanager": _secret_tags,
    "ssm": _parameter_tags,
    "iam": _role_tags,
    "kms": _key_tags,
    "sns": _topic_tags,
    "sqs": _queue_tags,
    "logs": _kept_by_tagger("logs"),
    "events": _kept_by_tagger("events"),
    "s3": _kept_by_tagger("s3"),
}


def _secrets(place: Place) -> list[Any]:
    owner: Any = backend_class("secretsmanager")
    return list(owner.of(place.account, place.region).secrets.values()) if owner else []


def mail_identities(place: Place) -> frozenset[str]:
    """The identities that SES knows here."""
    owner: Any = backend_class("sesv2")
    return frozenset(owner.of(place.account, place.region).identities) if owner else frozenset()


def profile_roles(place: Place, name: str) -> list[str]:
    """The ARNs of the roles in an instance profile."""
    profiles = iam_backends[place.account]["aws"].instance_profiles.values()
    return [each.arn for profile in profiles if profile.name == name for each in profile.roles]


def instances(place: Place, targets: Iterable[Mapping[str, Any]]) -> list[str]:
    """The running instances that fit every target by tag (`tag:Role` with its values)."""
    backend = moto_backend("ec2", place.account, place.region)
    wanted = [(str(each["Key"]).removeprefix("tag:"), set(each["Values"])) for each in targets]
    return [
        instance.id
        for reservation in backend.reservations.values()
        for instance in reservation.instances
        if instance.state == "running"
        and all(
            tags_of(place.arn("ec2", f"instance/{instance.id}"), place).get(key) in values for key, values in wanted
        )
    ]


def automation_roles(place: Place, document: str) -> list[str]:
    """The role that an automation document names by its ARN, if it does."""
    kept = moto_backend("ssm", place.account, place.region)._documents.get(document.rpartition("/")[2])
    version = kept.get_default_version() if kept else None
    if version is None or version.document_format != "JSON":
        return []
    found = str(json.loads(version.content).get("assumeRole", ""))
    return [found] if found.startswith("arn:") else []
