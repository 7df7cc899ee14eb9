"""AWS KMS in the sandbox: keys with ids that a declaration already names, and the policies of keys that AWS manages.

AWS gives out ids itself. A world is made before apply by ordinary calls, and the declaration says `…:key/1111…`; so the
sandbox gives the id that the tag `sandbox:id` asks for, and does not keep the tag.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from moto.kms.models import KmsBackend

from baseops.sandbox.service import Members, ServiceError, extend

ID_TAG = "sandbox:id"
_THROUGH = ("secretsmanager", "ssm")
"""Services whose managed key opens for whoever in the account comes through them."""

# Any: moto's KMS backend and its keys, which carry no types.


def create_key(  # noqa: PLR0913, PLR0917  # AWS's own members
    backend: Any,
    policy: str | None = None,
    key_usage: str = "ENCRYPT_DECRYPT",
    key_spec: str | None = None,
    customer_master_key_spec: str | None = None,
    description: str = "",
    tags: Sequence[Mapping[str, str]] = (),
    multi_region: bool = False,
    origin: str = "AWS_KMS",
    **_unused: Any,
) -> Members:
    """Answer CreateKey."""
    wanted = next((each["TagValue"] for each in tags if each["TagKey"] == ID_TAG), "")
    kept = [dict(each) for each in tags if each["TagKey"] != ID_TAG]
    if wanted in backend.keys:
        raise ServiceError(f"Key {wanted} already exists", code="AlreadyExistsException", status=400)
    spec = key_spec or customer_master_key_spec
    made = backend.create_key(policy, key_usage, spec, description, kept, multi_region, origin)
    if wanted:
        _rename(backend, made, wanted)
    members: Members = made.to_dict()
    return members


def _rename(backend: Any, made: Any, wanted: str) -> None:
    backend.keys[wanted] = backend.keys.pop(made.id)
    tags = backend.tagger.get_tag_dict_for_resource(made.id)
    backend.tagger.delete_all_tags_for_resource(made.id)
    backend.tagger.tag_resource(wanted, [{"TagKey": key, "TagValue": value} for key, value in tags.items()])
    made.arn = made.arn.replace(made.id, wanted)
    made.id = wanted


def _managed_policy(service: str, account_id: str, region: str) -> str:
    """What AWS writes into the policy of `aws/secretsmanager` and `aws/ssm`.

    https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html#security-encryption-policies
    """
    through = {"kms:CallerAccount": account_id, "kms:ViaService": f"{service}.{region}.amazonaws.com"}
    statements = [
        {
            "Sid": "Allow access through the service for all principals in the account that may use it",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": [
                "kms:Encrypt",
                "kms:Decrypt",
                "kms:ReEncrypt*",
                "kms:GenerateDataKey*",
                "kms:CreateGrant",
                "kms:DescribeKey",
            ],
            "Resource": "*",
            "Condition": {"StringEquals": through},
        },
        {
            "Sid": "Allow direct access to key metadata to the account",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{account_id}:root"},
            "Action": ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"],
            "Resource": "*",
        },
    ]
    return json.dumps({"Version": "2012-10-17", "Id": f"auto-{service}", "Statement": statements})


_generate_default_keys = KmsBackend._generate_default_keys


def _with_managed_policy(backend: Any, alias: str) -> Any:
    """What moto calls when a key that AWS manages is asked for the first time: the key's id."""
    made = _generate_default_keys(backend, alias)
    service = alias.rpartition("/")[2]
    if made and service in _THROUGH:
        backend.keys[made].policy = _managed_policy(service, backend.account_id, backend.region_name)
    return made


for _name, _ours in (("_generate_default_keys", _with_managed_policy),):
    setattr(KmsBackend, _name, _ours)
extend("kms", "CreateKey", create_key)
