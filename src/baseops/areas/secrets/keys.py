"""Who may decrypt with the key that a value is under: its policy and grants, evaluated for one principal at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from baseops.areas.secrets.principals import Somebody, as_document
from baseops.aws.errors import translated
from baseops.contract.clients import Clients
from baseops.semantics.policies import Context, Grant, Policy, Request, evaluate_key

# Any: botocore's answers.


@dataclass(frozen=True)
class Key:
    """A KMS key with its policy and grants, and the context in which a service decrypts a value with it."""

    arn: str
    policy: Policy
    grants: tuple[Grant, ...]
    context: Context

    def opens_for(self, who: Somebody) -> bool:
        """Whether somebody may decrypt the value."""
        request = Request(who.principal, "kms:Decrypt", self.arn, self.context)
        return evaluate_key(request, who.policies, self.policy, self.grants).allowed


def read_key(clients: Clients, region: str, key_id: str, service: str, encryption: Mapping[str, str]) -> Key:
    """The key, by id, ARN or alias. AWS calls: kms:DescribeKey, GetKeyPolicy, ListGrants."""
    kms = clients.client("kms", region)
    with translated(f"cannot read the key {key_id} and its policy"):
        arn = str(kms.describe_key(KeyId=key_id)["KeyMetadata"]["Arn"])
        text = kms.get_key_policy(KeyId=arn, PolicyName="default")["Policy"]
        pages = list(kms.get_paginator("list_grants").paginate(KeyId=arn))
    account = arn.split(":")[4]
    context = {f"kms:EncryptionContext:{name}": value for name, value in encryption.items()}
    context |= {"kms:ViaService": f"{service}.{region}.amazonaws.com", "kms:CallerAccount": account}
    grants = tuple(_grant(each) for page in pages for each in page.get("Grants", []))
    return Key(arn, Policy.parse(as_document(text), "key policy"), grants, Context(context))


def _grant(grant: Mapping[str, Any]) -> Grant:
    constraints = grant.get("Constraints", {})
    return Grant(
        grantee=str(grant["GranteePrincipal"]),
        operations=frozenset(grant["Operations"]),
        context_equals=constraints.get("EncryptionContextEquals"),
        context_subset=constraints.get("EncryptionContextSubset", {}),
        id=str(grant["GrantId"]),
    )
