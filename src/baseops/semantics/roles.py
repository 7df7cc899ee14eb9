"""IAM roles as a declaration refers to them: name, path, account, and whether anything can be attached to one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

_RESERVED = ("aws-service-role/", "aws-reserved/")


@dataclass(frozen=True)
class Role:
    """An IAM role; `account` is None for the account of the stack."""

    reference: str
    name: str
    path: str
    account: str | None

    @property
    def arn(self) -> str:
        """The ARN, as text for `Fn::Sub`."""
        return self.arn_in("${AWS::Partition}", "${AWS::AccountId}")

    @property
    def is_unchangeable(self) -> bool:
        """Whether only AWS may change the role: IAM Identity Center's and service-linked roles.

        https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html
        """
        return self.name.startswith("AWSReservedSSO_") or self.path.lstrip("/").startswith(_RESERVED)

    def arn_in(self, partition: str, home: str) -> str:
        """The ARN, where the stack is in the account `home`."""
        return f"arn:{partition}:iam::{self.account or home}:role{self.path}{self.name}"


def role_of(reference: str, homes: Collection[str] = ()) -> Role:
    """The role that `role/path/name` or an ARN refers to; `homes` are accounts that the stack may be in."""
    owner = reference.split(":")[4] if reference.startswith("arn:") else None
    path, _, name = reference.split("role/", 1)[1].rpartition("/")
    return Role(reference, name, f"/{path}/" if path else "/", None if owner in homes else owner)


def at_home(role: Role, homes: Collection[str]) -> bool:
    """Whether the role is in an account that the stack may be in."""
    return role.account is None or role.account in homes
