"""What a call needs of IAM: an action on a resource, with the condition keys it comes with. Decides nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

ContextKeys = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True)
class Demand:
    """One action on one resource. `owner` is the resource's account where the ARN does not hold it (S3).

    `is_key` marks what a service does with a KMS key in the caller's name.
    """

    action: str
    resource: str = "*"
    owner: str = ""
    context: ContextKeys = field(default_factory=dict)
    is_key: bool = False


@dataclass(frozen=True)
class Place:
    """The account and region in which names become ARNs."""

    account: str
    region: str

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a resource here."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    def public(self, service: str, resource: str) -> str:
        """The ARN of a resource whose ARNs name no account (EC2's images and snapshots)."""
        return f"arn:aws:{service}:{self.region}::{resource}"

    def everywhere(self, service: str, resource: str) -> str:
        """The ARN of a resource that has no region (IAM)."""
        return f"arn:aws:{service}::{self.account}:{resource}"
