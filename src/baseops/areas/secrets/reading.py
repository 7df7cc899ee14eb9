"""The command that reads a value on an instance and prints its version alone: made by the stack, run by the drill.

A document of its own for each value, without parameters: who may run it can do nothing else on the instance.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from baseops.contract.site import Site
from baseops.contract.types import Json

if TYPE_CHECKING:
    from baseops.areas.secrets.spec import Entry

SECONDS = 60


def document_name(name: str, site: Site) -> str:
    """The name of an entry's document."""
    return f"{site.prefix}-secrets-read-{name}"


def command(entry: Entry, region: str) -> str:
    """The shell command. The AWS CLI holds the value in memory and prints what `--query` leaves of it."""
    place = f"--region {region} --output text"
    if entry.secret:
        return f"aws secretsmanager get-secret-value --secret-id {shlex.quote(entry.name)} --query VersionId {place}"
    name = shlex.quote(entry.name)
    return f"aws ssm get-parameter --name {name} --with-decryption --query Parameter.Version {place}"


def document(entry: Entry, region: str) -> dict[str, Json]:
    """The Systems Manager document."""
    return {
        "schemaVersion": "2.2",
        "description": f"Reads {entry.name} and prints its version, never its value",
        "mainSteps": [
            {
                "action": "aws:runShellScript",
                "name": "read",
                "inputs": {"timeoutSeconds": str(SECONDS), "runCommand": [command(entry, region)]},
            }
        ],
    }
