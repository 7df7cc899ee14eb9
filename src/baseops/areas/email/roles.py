"""IAM roles as a declaration refers to them, and whether anything can be attached to one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from baseops.semantics.partitions import partition_of

if TYPE_CHECKING:
    from baseops.contract.site import Site

_RESERVED = ("aws-service-role/", "aws-reserved/")


@dataclass(frozen=True)
class Role:
    """An IAM role; `account` is None for the account of the stack."""

    reference: str
    name: str
    path: str
    account: str | None

    @property
    def is_unchangeable(self) -> bool:
        """Whether only AWS may change the role: IAM Identity Center's and service-linked roles.

        https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html
        """
        return self.name.startswith("AWSReservedSSO_") or self.path.lstrip("/").startswith(_RESERVED)

    def arn(self, site: Site) -> str:
        """The ARN of the role."""
        return f"arn:{partition_of(site.region)}:iam::{self.account or site.accounts[0]}:role{self.path}{self.name}"


def role_of(reference: str, site: Site) -> Role:
    """The role that `role/path/name` or an ARN refers to."""
    owner = reference.split(":")[4] if reference.startswith("arn:") else None
    path, _, name = reference.split("role/", 1)[1].rpartition("/")
    return Role(reference, name, f"/{path}/" if path else "/", None if owner in site.accounts else owner)
