"""`baseops schema`: prints the JSON schema of the declaration."""

from __future__ import annotations

import json

import click


@click.command("schema")
def command() -> None:
    """Print the JSON schema of the declaration (draft 2020-12), for editors and validators.

    \b
    baseops schema > baseops.schema.json
    """
    from baseops.declaration import declaration_schema
    from baseops.workflow.load import SPECS

    click.echo(json.dumps(declaration_schema(SPECS), indent=2))
