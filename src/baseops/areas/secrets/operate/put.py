"""Puts a value where a declaration expects one: into a secret, or as a SecureString parameter.

The value comes in as an argument of `put` and goes to AWS; it is never shown, kept or logged.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from baseops.areas.secrets.rotation import POSTGRES_SINGLE_USER
from baseops.areas.secrets.settings import key_id
from baseops.aws.errors import translated
from baseops.contract.clients import Clients
from baseops.contract.site import DECLARATION_TAG, Site
from baseops.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from baseops.areas.secrets.spec import Entry, Section

_MEMBERS = ("host", "username", "password")


@dataclass(frozen=True)
class Target:
    """Where a value goes. `exists` says whether a value is there already."""

    name: str
    entry: Entry
    exists: bool

    @property
    def what(self) -> str:
        """In words."""
        return f"the {'secret' if self.entry.secret else 'parameter'} {self.entry.name}"


@dataclass(frozen=True)
class Put:
    """What was put: the name in AWS and the new version; never the value."""

    name: str
    kind: str
    version: str


def find(section: Section, wanted: str) -> tuple[str, Entry]:
    """The declared entry by its own name or by its name in AWS. Raises `UsageError` when it takes no value."""
    for name, entry in section.entries.items():
        if wanted in (name, entry.name):
            if entry.parameter and entry.kind != "SecureString":
                raise UsageError(
                    f"{wanted} takes no value from here",
                    f"it is a {entry.kind}, whose value stands in the declaration",
                    f"Change `value` of secrets.{name}, then run: baseops apply",
                )
            return name, entry
    known = ", ".join(section.entries) or "nothing"
    raise UsageError(f"{wanted} is not declared", f"the section `secrets` has {known}", "Name one of those.")


def look(section: Section, wanted: str, site: Site, clients: Clients) -> Target:
    """Where the value would go, and whether one is there. Calls describe operations only."""
    name, entry = find(section, wanted)
    return Target(name, entry, _has_value(entry, site, clients))


def put(target: Target, value: str, site: Site, clients: Clients, *, overwrite: bool) -> Put:
    """Put the value. Raises `UsageError` when one is there and `overwrite` was not said, or the value cannot work."""
    if target.exists and not overwrite:
        raise UsageError(
            f"{target.what} has a value already",
            "another one would replace it for all who read it",
            f"Run: baseops secrets put {target.entry.name} --overwrite",
        )
    _refuse_unusable(target.entry, value)
    return _put_secret(target, value, site, clients) if target.entry.secret else _put(target, value, site, clients)


def _has_value(entry: Entry, site: Site, clients: Clients) -> bool:
    if entry.secret:
        with translated(f"cannot look at the secret {entry.name}", "Make it first: baseops apply"):
            found = clients.client("secretsmanager", site.region).describe_secret(SecretId=entry.name)
        return any("AWSCURRENT" in stages for stages in found.get("VersionIdsToStages", {}).values())
    wanted = [{"Key": "Name", "Option": "Equals", "Values": [entry.name]}]
    with translated(f"cannot look at the parameter {entry.name}"):
        return bool(clients.client("ssm", site.region).describe_parameters(ParameterFilters=wanted)["Parameters"])


def _refuse_unusable(entry: Entry, value: str) -> None:
    if not value:
        raise UsageError("nothing was put", "the value is empty", "Type it, or pipe it in.")
    if entry.rotation is None or entry.rotation.function != POSTGRES_SINGLE_USER:
        return
    try:
        members = json.loads(value)
    except ValueError:
        members = None
    missing = [each for each in _MEMBERS if not isinstance(members, dict) or not members.get(each)]
    if missing:
        raise UsageError(
            "nothing was put",
            f"the PostgreSQL rotation reads JSON with {', '.join(_MEMBERS)}, and the value lacks {', '.join(missing)}",
            'Put JSON such as {"host": "…", "port": 5432, "dbname": "…", "username": "…", "password": "…"}.',
        )


def _put_secret(target: Target, value: str, site: Site, clients: Clients) -> Put:
    with translated(f"cannot put a value into {target.what}"):
        answer = clients.client("secretsmanager", site.region).put_secret_value(
            SecretId=target.entry.name, SecretString=value
        )
    return Put(target.entry.name, "secret", str(answer["VersionId"]))


def _put(target: Target, value: str, site: Site, clients: Clients) -> Put:
    entry, client = target.entry, clients.client("ssm", site.region)
    given = {
        "Name": entry.name,
        "Value": value,
        "Type": "SecureString",
        "KeyId": key_id(entry, site),
        "Tier": entry.tier or "Standard",
        **({"Description": entry.description} if entry.description else {}),
    }
    tags = [{"Key": key, "Value": text} for key, text in {**site.tags, DECLARATION_TAG: site.name}.items()]
    # Tags cannot be given together with Overwrite: https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
    how = {"Overwrite": True} if target.exists else {"Tags": tags}
    try:
        with translated(f"cannot put {target.what}"):
            answer = client.put_parameter(**given, **how)
    except NotFoundError as error:
        raise NotFoundError(error.what, error.why, "Make its key first: baseops apply", code=error.code) from error
    return Put(entry.name, "parameter", str(answer["Version"]))
