"""`baseops compile`: writes the templates to a folder."""

from __future__ import annotations

from pathlib import Path

import click

from baseops.cli import options
from baseops.cli.output import next_step, print_columns, print_json, say


@click.command("compile")
@options.declaration_option
@click.option("-d", "--dir", "folder", default="out", show_default=True, type=click.Path(path_type=Path))
@click.option("--locked", is_flag=True, help="Fail where the lock would have to change (for CI).")
@options.output_option("table", "json")
def command(path: str, folder: Path, locked: bool, output: str) -> None:
    """Write the CloudFormation templates to a folder; asks AWS nothing.

    \b
    baseops compile -f examples/acme/baseops.yaml -d out

    The same declaration and lock give the same bytes. Places that new resources take are remembered in
    baseops.lock beside the declaration.
    """
    from baseops.workflow.load import check_lock, save_lock
    from baseops.workflow.write import write_templates

    compiled = options.compiled(path)
    if locked:
        check_lock(compiled.declaration, compiled.lock)
    written = write_templates(compiled, folder)
    if save_lock(compiled.declaration, compiled.lock):
        say("baseops.lock has changed: commit it with the declaration")
    if output == "json":
        print_json("baseops/compile/1", {"templates": [each.__dict__ for each in written]})
    else:
        rows = [(each.stack, each.region, str(each.resources), str(each.bytes), each.file) for each in written]
        print_columns(("stack", "region", "resources", "bytes", "file"), rows)
    next_step(f"baseops plan -f {path}")
