"""`baseops destroy`: takes the stacks away and keeps what holds data."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from baseops.cli import options
from baseops.cli.output import next_step, print_json, print_table, say
from baseops.errors import UsageError

if TYPE_CHECKING:
    from baseops.workflow.destroy import Destruction


@click.command("destroy")
@options.declaration_option
@options.aws_options
@options.yes_option
@click.option(
    "--delete-data", is_flag=True, help="Delete what is kept too: logs, secrets, evidence, keys. Asks for the name."
)
@click.option("--confirm-name", metavar="NAME", help="The declaration's name, in place of typing it.")
@click.option("--dry-run", is_flag=True, help="Only list what would go and what would stay.")
@options.output_option("table", "json")
def command(
    path: str,
    connection: options.Connection,
    yes: bool,
    delete_data: bool,
    confirm_name: str | None,
    dry_run: bool,
    output: str,
) -> None:
    """Take the stacks away again; keys, evidence and what holds data stay.

    \b
    baseops destroy -f examples/acme/baseops.yaml --dry-run

    Settings get their former values back. apply works again afterwards.
    """
    from baseops.aws.clock import SystemClock
    from baseops.cli.progress import StackProgress
    from baseops.workflow.destroy import destroy, plan_destruction, require_clear
    from baseops.workflow.leftover import known_regions
    from baseops.workflow.load import load_lock

    declaration = options.load(path)
    site = declaration.site
    session = connection.session(declaration)
    regions = known_regions(site, load_lock(declaration))
    planned = plan_destruction(site, session, regions)
    _print(planned, output)
    if not planned.stacks:
        say(f"nothing of {site.name} is there; what an earlier destroy kept is found again by apply")
        next_step(f"baseops apply -f {path}")
        return
    if dry_run:
        next_step(f"baseops destroy -f {path}")
        return
    require_clear(site, planned)
    options.confirm(f"Delete these {len(planned.stacks)} stacks of {site.name}?", yes=yes)
    if delete_data:
        _require_name(planned, site.name, confirm_name)
    with StackProgress() as progress:
        done = destroy(site, session, SystemClock(), listener=progress, regions=regions)
    say(f"{len(done.stacks)} stacks deleted, {len(done.kept)} resources kept, {len(done.settings)} settings restored")
    if delete_data:
        from baseops.workflow.data import delete_data as delete

        gone = delete(session, done.kept)
        say(f"{len(gone)} kept resources deleted; keys wait 30 days and can be restored until then")
    next_step(f"baseops apply -f {path}")


def _require_name(planned: Destruction, name: str, given: str | None) -> None:
    """Say what deleting the data means, and go on only when the declaration's name is given."""
    from baseops.workflow.data import effects

    for kept, effect in effects(planned.kept):
        say(f"{kept.type} {kept.physical_id}: {effect or 'cannot be deleted by this command; it stays'}")
    if given is None and not sys.stdin.isatty():
        raise UsageError("no data was deleted", "its name was not given", f"Add --confirm-name {name}.")
    typed = given or click.prompt(f"Type {name} to delete the data", err=True)
    if typed != name:
        raise UsageError("no data was deleted", f"{typed} is not the declaration's name", f"Type {name}.")


def _print(planned: Destruction, output: str) -> None:
    if output == "json":
        print_json("baseops/destroy/1", destruction_json(planned))
        return
    if not planned.stacks:
        return
    rows = [("delete", "stack", each.name, each.region) for each in planned.stacks]
    rows += [("keep", each.type, each.physical_id, each.region) for each in planned.kept]
    print_table(("", "what", "name", "region"), rows, styles={"delete": "red", "keep": "green"})
    for sentence in planned.obstacles:
        say(click.style("cannot go: ", fg="red") + sentence)


def destruction_json(planned: Destruction) -> dict[str, Any]:
    """What goes and what stays, as JSON."""
    from dataclasses import asdict

    return {
        "stacks": [{"name": each.name, "region": each.region, "status": each.status} for each in planned.stacks],
        "kept": [asdict(each) for each in planned.kept],
        "obstacles": list(planned.obstacles),
    }
