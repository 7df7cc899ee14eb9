"""Role references as IAM sees them: name, path, account, and whether anything can be attached to the role."""

from __future__ import annotations

from dataclasses import dataclass

_RESERVED = ("aws-service-role/", "aws-reserved/")


@dataclass(frozen=True)
class Role:
    """An IAM role. `account` is None for the account that the stack is in."""

    reference: str
    name: str
    path: str
    account: str | None

    @property
    def arn(self) -> str:
        """The ARN, as text for `Fn::Sub`."""
        return f"arn:${{AWS::Partition}}:iam::{self.account or '${AWS::AccountId}'}:role{self.path}{self.name}"

    @property
    def is_unchangeable(self) -> bool:
        """Whether only AWS may change the role: IAM Identity Center's and service-linked roles.

        https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html
        """
        return self.name.startswith("AWSReservedSSO_") or self.path.lstrip("/").startswith(_RESERVED)


def role_of(reference: str) -> Role:
    """The role that `role/path/name` or an ARN refers to."""
    account = reference.split(":")[4] if reference.startswith("arn:") else None
    path, _, name = reference.split("role/", 1)[1].rpartition("/")
    return Role(reference, name, f"/{path}/" if path else "/", account)


def at_home(role: Role, accounts: tuple[str, ...]) -> bool:
    """Whether the role is in an account that the declaration is for."""
    return role.account is None or role.account in accounts
