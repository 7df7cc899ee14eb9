"""Who makes a request, and how the Principal element of a policy names them.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
How closely a policy names somebody decides what else limits the permission, so a match says how it was made.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Kind = Literal["user", "role", "session", "federated", "root", "service", "anonymous"]


class Named(StrEnum):
    """How a policy names a principal, closest first."""

    ITSELF = "itself"
    """By its own ARN (a user, a role session, a service), or as everybody with `*`."""
    ROLE = "role"
    """By the ARN of the role whose session it is."""
    ACCOUNT = "account"
    """By its account, which leaves the decision to that account's IAM."""


_IAM_ARN = re.compile(r"arn:[\w-]+:(iam|sts)::(\d{12}):(root|[a-z-]+/.+)")


@dataclass(frozen=True)
class Principal:
    """One who makes requests. `arn` is that of a user, role, role session, federated user or account root.

    A role stands for any session of it. A service has its name (`sns.amazonaws.com`) and no account. `unique_id`
    (AIDA…, AROA…) is what a policy shows that named a user or role before it was deleted.
    """

    kind: Kind
    arn: str
    account: str = ""
    role_arn: str = ""
    unique_id: str = ""

    @classmethod
    def parse(cls, text: str, *, role_path: str = "/", unique_id: str = "") -> Principal:
        """From an ARN, a service's name, or `*` for somebody without credentials.

        A session's ARN holds no path, so that of its role has to be given: `role_path`.
        """
        if text == "*":
            return cls("anonymous", text)
        found = _IAM_ARN.fullmatch(text)
        if not found:
            if re.fullmatch(r"[a-z0-9.-]+\.amazonaws\.com(\.cn)?", text):
                return cls("service", text)
            raise ValueError(f"{text} is neither the ARN of a principal nor the name of a service")
        account, rest = found[2], found[3]
        kind = _KINDS.get(rest.partition("/")[0])
        if kind is None:
            raise ValueError(f"{text} is not the ARN of a principal")
        role_arn = text if kind == "role" else ""
        if kind == "session":
            _, partition, *_ = text.split(":")
            role_arn = f"arn:{partition}:iam::{account}:role{role_path}{rest.split('/')[1]}"
        return cls(kind, text, account, role_arn, unique_id)

    @property
    def chain(self) -> tuple[str, ...]:
        """Every ARN under which a policy may name this principal, its own first, its account last."""
        partition = self.arn.split(":")[1] if self.account else ""
        account = f"arn:{partition}:iam::{self.account}:root" if self.account else ""
        return tuple(dict.fromkeys(name for name in (self.arn, self.role_arn, account) if name))

    @property
    def context(self) -> dict[str, str]:
        """The condition keys that follow from who asks.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principal-properties
        """
        if self.kind == "service":
            return {"aws:PrincipalIsAWSService": "true", "aws:PrincipalServiceName": self.arn}
        if self.kind == "anonymous":
            return {"aws:PrincipalIsAWSService": "false", "aws:PrincipalType": "Anonymous"}
        keys = {
            "aws:PrincipalIsAWSService": "false",
            "aws:PrincipalArn": self.role_arn or self.arn,
            "aws:PrincipalAccount": self.account,
            "aws:PrincipalType": _TYPES[self.kind],
        }
        return {**keys, "aws:username": self.arn.rpartition("/")[2]} if self.kind == "user" else keys


_KINDS: Mapping[str, Kind] = {
    "root": "root",
    "user": "user",
    "role": "role",
    "assumed-role": "session",
    "federated-user": "federated",
}
_TYPES: Mapping[str, str] = {
    "root": "Account",
    "user": "User",
    "role": "AssumedRole",
    "session": "AssumedRole",
    "federated": "FederatedUser",
}


def named_by(element: Mapping[str, Sequence[str]], principal: Principal) -> Named | None:
    """How a Principal element names the principal, at its closest; None when it does not.

    `element` maps `AWS`, `Service`, `Federated`, `CanonicalUser` to names; `*` alone is `{"AWS": ["*"]}`.
    """
    if principal.kind == "service":
        is_named = principal.arn in element.get("Service", ()) or "*" in element.get("AWS", ())
        return Named.ITSELF if is_named else None
    found = {named for name in element.get("AWS", ()) if (named := _named(name, principal))}
    return next((named for named in Named if named in found), None)


def is_exempt(element: Mapping[str, Sequence[str]], principal: Principal) -> bool:
    """Whether a NotPrincipal element leaves the principal out: its account, role and session must all be named.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
    """
    if principal.kind == "service":
        return principal.arn in element.get("Service", ())
    names = {_account_arn(name, principal) for name in element.get("AWS", ())}
    return "*" in names or set(principal.chain) <= names


def _named(name: str, principal: Principal) -> Named | None:
    if name == "*" or (principal.kind != "role" and name == principal.arn):
        return Named.ITSELF
    if name and name in {principal.role_arn, principal.unique_id}:
        return Named.ROLE if principal.kind in {"role", "session"} else Named.ITSELF
    if principal.account and _account_arn(name, principal) == principal.chain[-1]:
        return Named.ITSELF if principal.kind == "root" else Named.ACCOUNT
    return None


def _account_arn(name: str, principal: Principal) -> str:
    """The twelve digits of the principal's account as the ARN of its root, which means the same."""
    return principal.chain[-1] if name and name == principal.account else name
