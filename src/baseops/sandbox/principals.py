"""Who signs with an access key: the account's operator, a user or an assumed role. Decides nothing about rights."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

OPERATOR_KEY = re.compile(r"AKIA(\d{12})OPER")
ACCOUNT_KEY = re.compile(r"\d{12}")


@dataclass(frozen=True)
class Principal:
    """Who calls. `role_arn` is the role that an assumed-role session stands for, `since` then, until it `expires`."""

    account_id: str
    arn: str
    user_id: str
    role_arn: str | None = None
    expires: datetime | None = None
    is_operator: bool = False
    since: datetime | None = None


def operator_key(account_id: str) -> str:
    """The access key id with which everything is allowed in an account."""
    return f"AKIA{account_id}OPER"


def operator(account_id: str) -> Principal:
    """Who may do everything in an account; what an administrator's session looks like."""
    return Principal(account_id, f"arn:aws:iam::{account_id}:user/operator", f"AIDA{account_id}OPER", is_operator=True)


def principal_of(access_key: str, account_id: str) -> Principal:
    """Whose key it is. Twelve digits mean that account's operator; a key nobody issued means `account_id`'s."""
    named = OPERATOR_KEY.fullmatch(access_key)
    if named:
        return operator(named[1])
    if ACCOUNT_KEY.fullmatch(access_key):
        return operator(access_key)
    return _assumed_role(access_key) or _user(access_key) or operator(account_id)


def _assumed_role(access_key: str) -> Principal | None:
    for account_id, partitions in list(sts_backends.items()):
        for backend in list(partitions.values()):
            role = backend.get_assumed_role_from_access_key(access_key)
            if role:
                expires = role.expiration.replace(tzinfo=UTC)
                since = getattr(role, "sandbox_since", None)
                return Principal(account_id, role.arn, role.user_id, role.role_arn, expires, since=since)
    return None


def _user(access_key: str) -> Principal | None:
    for account_id, partitions in list(iam_backends.items()):
        for backend in list(partitions.values()):
            key = backend.access_keys.get(access_key)
            if key and key.user_name:
                user = backend.users[key.user_name]
                return Principal(account_id, user.arn, user.id)
    return None
