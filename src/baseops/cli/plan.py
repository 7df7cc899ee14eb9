"""`baseops plan`: shows what apply would change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from baseops.cli import options
from baseops.cli.output import next_step, print_json, print_table, printable, say

if TYPE_CHECKING:
    from baseops.cloudformation.changes import Change, StackPlan
    from baseops.workflow.plan import Plan

_SIGNS = {"add": "+", "modify": "~", "replace": "-/+", "maybe-replace": "~?", "remove": "-", "import": "<"}
_STYLES = {"+": "green", "~": "yellow", "-/+": "red", "~?": "red", "-": "red", "<": "cyan"}


@click.command("plan")
@options.declaration_option
@options.aws_options
@click.option("--exit-code", is_flag=True, help="Exit with 3 when there are changes.")
@options.output_option("table", "json")
def command(path: str, connection: options.Connection, exit_code: bool, output: str) -> None:
    """Show what apply would change, from real change sets; changes nothing.

    \b
    baseops plan -f examples/acme/baseops.yaml
    """
    from baseops.aws.clock import SystemClock
    from baseops.workflow.plan import plan

    compiled = options.compiled(path)
    session = connection.session(compiled.declaration)
    planned = plan(compiled, session, SystemClock())
    if output == "json":
        print_json("baseops/plan/1", plan_json(planned))
    else:
        print_plan(planned)
    next_step(f"baseops apply -f {path}" if planned.has_changes else f"baseops status -f {path}")
    if exit_code and planned.has_changes:
        click.get_current_context().exit(3)


def print_plan(planned: Plan) -> None:
    """The plan as a table, with replacements, lost data and collisions called out on stderr."""
    rows = [row for stack in planned.stacks for row in _rows(stack)]
    rows += [
        (
            "!" if each.action == "refused" else "~",
            "settings",
            each.setting.id,
            each.reason or str(each.setting.desired),
        )
        for each in planned.settings
        if each.action in ("write", "refused", "restore")
    ]
    if rows:
        print_table(("", "stack", "resource", "what"), rows, styles=_STYLES)
    else:
        say("nothing would change")
    for stack in planned.stacks:
        if stack.source == "compiled" and stack.changes:
            say(f"{stack.name} in {stack.region}: compared by template, not by AWS: {stack.note}")
        for change in stack.changes:
            if change.loses_data:
                say(
                    click.style("data would be lost: ", fg="red", bold=True)
                    + f"{change.type} {change.physical_id or change.logical_id}"
                )
    for each in planned.collisions:
        say(
            click.style("exists already: ", fg="red")
            + f"{each.type} {printable(each.name)}; CloudFormation cannot import it"
        )
        say("  do: delete it, or declare the entry with managed: false")


def _rows(stack: StackPlan) -> list[tuple[str, str, str, str]]:
    label = stack.stack if stack.stack != "region" else f"region {stack.region}"
    return [(_SIGNS[change.action], label, change.logical_id, _what(change)) for change in stack.changes]


def _what(change: Change) -> str:
    properties = [
        f"{each.name}: {each.before or '(none)'} -> {each.after or '(none)'}"
        if each.before or each.after
        else each.name
        for each in change.properties
    ]
    return "\n".join([change.type, *properties])


def plan_json(planned: Plan) -> dict[str, Any]:
    """The plan as JSON."""
    from dataclasses import asdict

    return {
        "has_changes": planned.has_changes,
        "stacks": [asdict(stack) for stack in planned.stacks],
        "settings": [
            {
                "id": each.setting.id,
                "region": each.setting.region,
                "action": each.action,
                "current": each.current,
                "desired": each.setting.desired,
                "reason": each.reason,
            }
            for each in planned.settings
        ],
        "collisions": [asdict(each) for each in planned.collisions],
    }
