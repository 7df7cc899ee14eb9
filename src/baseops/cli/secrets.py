"""`baseops secrets`: values put where a declaration expects them; they come from a prompt or a pipe, never as words."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from baseops.cli import options
from baseops.cli.output import next_step, print_json, say

if TYPE_CHECKING:
    from baseops.areas.secrets.operate.put import Put


@click.group("secrets")
def command() -> None:
    """Put values where a declaration expects them."""


@command.command("put")
@click.argument("name")
@click.option("--overwrite", is_flag=True, help="Replace a value that is there.")
@click.option("--dry-run", is_flag=True, help="Only say where the value would go.")
@options.declaration_option
@options.aws_options
@options.yes_option
@options.output_option("table", "json")
def put_command(
    name: str,
    overwrite: bool,
    dry_run: bool,
    path: str,
    yes: bool,
    output: str,
    connection: options.Connection,
) -> None:
    """Put the value of the secret or parameter NAME (its entry, or its name in AWS).

    \b
    baseops secrets put /app/api-key
    pass show acme/api-key | baseops secrets put /app/api-key --yes

    The value is asked for without showing it, or read from a pipe; it is never an argument.
    """
    from baseops.areas.secrets.operate.put import look, put
    from baseops.errors import UsageError

    declaration = options.load(path)
    section = declaration.sections.get("secrets")
    if section is None:
        raise UsageError(f"{name} is not declared", f"{path} has no `secrets`", "Declare it there first.")
    session = connection.session(declaration)
    target = look(section, name, declaration.site, session)
    verb = "replace the value of" if target.exists else "put the first value of"
    if dry_run:
        say(f"would {verb} {target.what} in {declaration.site.region}")
        return
    value = _value(target.what)
    options.confirm(f"{verb.capitalize()} {target.what} in {declaration.site.region}?", yes=yes)
    _print(put(target, value, declaration.site, session, overwrite=overwrite), output)
    next_step(f"baseops status -f {path}")


def _value(what: str) -> str:
    if sys.stdin.isatty():
        return str(click.prompt(f"Value of {what}", hide_input=True, confirmation_prompt=True, err=True))
    return sys.stdin.read().removesuffix("\n")


def _print(done: Put, output: str) -> None:
    if output == "json":
        print_json("baseops/secrets-put/1", {"name": done.name, "kind": done.kind, "version": done.version})
    else:
        say(f"put version {done.version} of the {done.kind} {done.name}")
