"""`baseops apply`: makes the account what the declaration says."""

from __future__ import annotations

import click

from baseops.cli import options
from baseops.cli.output import finding_json, next_step, print_json, print_table, say, say_findings


@click.command("apply")
@options.declaration_option
@options.aws_options
@options.yes_option
@options.output_option("table", "json")
def command(path: str, connection: options.Connection, yes: bool, output: str) -> None:
    """Make the account what the declaration says: stacks first, then settings.

    \b
    baseops apply -f examples/acme/baseops.yaml

    An interrupted apply is picked up by the next one. A second apply changes nothing.
    """
    from baseops.aws.clock import SystemClock
    from baseops.cli.plan import print_plan
    from baseops.cli.progress import StackProgress
    from baseops.workflow.apply import apply
    from baseops.workflow.load import save_lock
    from baseops.workflow.plan import plan

    compiled = options.compiled(path)
    session, clock = connection.session(compiled.declaration), SystemClock()
    if not yes:
        planned = plan(compiled, session, clock)
        print_plan(planned)
        if planned.has_changes:
            options.confirm(f"Apply this to {compiled.declaration.site.name}?", yes=yes)
    if save_lock(compiled.declaration, compiled.lock):
        say("baseops.lock has changed: commit it with the declaration")
    with StackProgress() as progress:
        result = apply(compiled, session, clock, listener=progress)
    if output == "json":
        stacks = [
            {
                "stack": each.template.stack,
                "name": each.template.name,
                "region": each.template.region,
                "outcome": each.outcome,
                "changes": each.changes,
                "imported": list(each.imported),
            }
            for each in result.stacks
        ]
        settings = [{"id": each.setting.id, "action": each.action, "reason": each.reason} for each in result.settings]
        pending = [finding_json(each) for each in result.pending]
        removed = [{"name": each.name, "region": each.region} for each in result.removed]
        print_json(
            "baseops/apply/1",
            {
                "changed": result.changed,
                "stacks": stacks,
                "removed": removed,
                "settings": settings,
                "pending": pending,
            },
        )
    else:
        rows: list[tuple[str, ...]] = [
            (each.template.name, each.template.region, each.outcome, str(each.changes), ", ".join(each.imported))
            for each in result.stacks
        ]
        rows += [(each.name, each.region, "removed", "", "") for each in result.removed]
        print_table(("stack", "region", "outcome", "changes", "imported"), rows)
    say_findings(result.pending)
    next_step(f"baseops status -f {path}")
