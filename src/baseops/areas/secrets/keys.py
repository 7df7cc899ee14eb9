"""The KMS keys that values are under: their policies and grants, read once for each key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from baseops.aws.errors import translated
from baseops.aws.principals import as_document
from baseops.contract.clients import Clients
from baseops.semantics.policies import Grant, Policy

# Any: botocore's answers.


@dataclass(frozen=True)
class Key:
    """A KMS key with its policy and grants."""

    arn: str
    policy: Policy
    grants: tuple[Grant, ...] = ()


class KeyReader:
    """Reads keys of one region, each once."""

    def __init__(self, clients: Clients, region: str) -> None:
        self._kms = clients.client("kms", region)
        self._known: dict[str, Key] = {}

    def read(self, key_id: str) -> Key:
        """The key, by id, ARN or alias. AWS calls: kms:DescribeKey, GetKeyPolicy, ListGrants."""
        if key_id not in self._known:
            with translated(f"cannot read the key {key_id}, its policy and its grants"):
                self._known[key_id] = self._read(key_id)
        return self._known[key_id]

    def _read(self, key_id: str) -> Key:
        arn = str(self._kms.describe_key(KeyId=key_id)["KeyMetadata"]["Arn"])
        text = self._kms.get_key_policy(KeyId=arn, PolicyName="default")["Policy"]
        pages = self._kms.get_paginator("list_grants").paginate(KeyId=arn)
        grants = tuple(_grant(each) for page in pages for each in page.get("Grants", []))
        return Key(arn, Policy.parse(as_document(text), "key policy"), grants)


def _grant(grant: Mapping[str, Any]) -> Grant:
    constraints = grant.get("Constraints", {})
    return Grant(
        # A service may be the grantee; then ListGrants names the service apart.
        grantee=str(grant.get("GranteePrincipal") or grant.get("GranteeServicePrincipal") or ""),
        operations=frozenset(grant["Operations"]),
        context_equals=constraints.get("EncryptionContextEquals"),
        context_subset=constraints.get("EncryptionContextSubset", {}),
        id=str(grant["GrantId"]),
    )
