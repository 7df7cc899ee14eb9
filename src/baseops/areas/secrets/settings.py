"""SecureString parameters: CloudFormation has no type for them, and a value that nobody but a person can put.

A setting here is read and compared (type, key, tier) and never written: it is *unset* until
`baseops secrets put` was given a value. Values are never read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from baseops.aws.errors import translated
from baseops.contract.clients import Clients
from baseops.contract.refs import Refs
from baseops.contract.setting import Setting
from baseops.contract.site import Site
from baseops.contract.types import AreaName, Json
from baseops.errors import UsageError

if TYPE_CHECKING:
    from baseops.areas.secrets.spec import Entry, Section


def settings(section: Section, refs: Refs) -> Sequence[Setting]:
    """One setting for each managed SecureString."""
    return [
        SecureParameter(entry.name, key_id(entry, refs.site), entry.tier or "Standard", refs.site.region)
        for entry in section.entries.values()
        if entry.parameter and entry.managed and entry.kind == "SecureString"
    ]


def released(setting_id: str, region: str) -> Setting | None:  # noqa: ARG001  # the protocol's signature
    """None: apply never writes a secret, so there is nothing to give back."""
    return None


def key_id(entry: Entry, site: Site) -> str:
    """The key as Parameter Store is told and remembers it: an ARN that was declared, or our key by its alias."""
    return entry.key or site.keys.get(("secrets", site.region)) or f"alias/{site.prefix}-secrets"


@dataclass(frozen=True)
class SecureParameter:
    """One SecureString parameter: where it is, and what it should be encrypted with."""

    name: str
    key: str
    tier: str
    region: str
    area: AreaName = "secrets"
    singleton: bool = False
    claimed_at_once: bool = False

    @property
    def id(self) -> str:
        """The parameter's name under the area's."""
        return f"secrets/{self.name.lstrip('/')}"

    @property
    def desired(self) -> Json:
        """Type, key and tier; an intelligent tier may be either."""
        wanted: dict[str, Json] = {"type": "SecureString", "key": self.key}
        return wanted if self.tier == "Intelligent-Tiering" else {**wanted, "tier": self.tier}

    def read(self, clients: Clients) -> Json:
        """What there is, by ssm:DescribeParameters, which gives no value; None when the parameter is not there."""
        wanted = [{"Key": "Name", "Option": "Equals", "Values": [self.name]}]
        with translated(f"cannot look at the parameter {self.name}"):
            pages = clients.client("ssm", self.region).get_paginator("describe_parameters")
            found = [each for page in pages.paginate(ParameterFilters=wanted) for each in page["Parameters"]]
        if not found:
            return None
        live: dict[str, Json] = {"type": found[0]["Type"], "key": found[0].get("KeyId")}
        return live if self.tier == "Intelligent-Tiering" else {**live, "tier": found[0].get("Tier", "Standard")}

    def write(self, clients: Clients) -> None:  # noqa: ARG002  # the protocol's signature
        """Nothing can be written without the value: `UsageError` with the command that takes it."""
        raise UsageError(f"the parameter {self.name} cannot be written by apply", *self._why(None))

    def restore(self, clients: Clients, former: Json) -> None:
        """Nothing was written, so there is nothing to give back; the value stays."""

    def unset_reason(self, current: Json) -> str:
        """Why apply leaves it, with the command."""
        why, remedy = self._why(current)
        return f"{why}. {remedy}"

    def _why(self, current: Json) -> tuple[str, str]:
        if not isinstance(current, dict):
            return "nobody has put its value yet", f"Run: baseops secrets put {self.name}"
        if current["type"] != "SecureString":
            return (
                f"it exists as a {current['type']}, and a parameter's type cannot be changed",
                f"Run: aws ssm delete-parameter --name {self.name} && baseops secrets put {self.name}",
            )
        if current.get("tier") == "Advanced" and self.tier == "Standard":
            return (
                "it is an advanced parameter, and there is no way back to a standard one",
                f"Write `tier: Advanced`, or delete it and run: baseops secrets put {self.name}",
            )
        return (
            f"it is encrypted under {current['key']}, and only its value, put again, can change that",
            f"Run: baseops secrets put {self.name} --overwrite",
        )
