"""The part of a declaration that every area shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from baseops.contract.types import DrillClass, Purpose

DECLARATION_TAG = "baseops:declaration"
"""The tag that says for which declaration something was made; its value is the declaration's name."""


@dataclass(frozen=True)
class Network:
    """Where builds and drills may start instances; ids such as `subnet-0a1`."""

    build_subnet: str | None = None
    drill_subnet: str | None = None


@dataclass(frozen=True)
class Iam:
    """What an organisation asks of every IAM role: a path, a permissions boundary, a CloudFormation role."""

    path: str = "/"
    permissions_boundary: str | None = None
    service_role: str | None = None


@dataclass(frozen=True)
class Notify:
    """One subscriber of the alert topic; `protocol` is Amazon SNS's word."""

    protocol: str
    endpoint: str


@dataclass(frozen=True)
class Drills:
    """What drills may do; `max_cost_usd` bounds one run; none runs in a `freeze` such as `2026-12-20/2027-01-05`."""

    allow: tuple[DrillClass, ...] = ("observe",)
    window: str | None = None
    max_cost_usd: float = 2.0
    freeze: tuple[str, ...] = ()


@dataclass(frozen=True)
class EvidenceStore:
    """How evidence is kept in its bucket; `retention_days` is also the Object Lock period when asked."""

    retention_days: int = 400
    object_lock: bool = False


@dataclass(frozen=True)
class Site:
    """The top of a declaration: who, where, with which tags and limits.

    `region` is the primary region, `regions` the further ones. `keys` maps a purpose and region to the ARN
    of an existing KMS key that replaces ours. `folder` is where the declaration lies (for files it names).
    """

    name: str
    accounts: tuple[str, ...]
    region: str
    regions: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    iam: Iam = Iam()
    network: Network = Network()
    notify: tuple[Notify, ...] = ()
    drills: Drills = Drills()
    evidence: EvidenceStore = EvidenceStore()
    keys: Mapping[tuple[Purpose, str], str] = field(default_factory=dict)
    folder: str = "."

    @property
    def prefix(self) -> str:
        """What the names of our stacks, roles and queues begin with."""
        return f"baseops-{self.name}"
