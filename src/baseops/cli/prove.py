"""`baseops prove`: runs drills against the account and keeps what they find."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from baseops.cli import options
from baseops.cli.evidence_option import evidence_option
from baseops.cli.output import next_step, print_json, print_table, printable, say
from baseops.cli.page import attempt, claim, draw_proof, page_options
from baseops.cli.progress import DrillProgress
from baseops.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from baseops.aws.session import Session
    from baseops.contract.clients import Clients
    from baseops.contract.drill import Drill
    from baseops.contract.site import Site
    from baseops.contract.types import DrillClass
    from baseops.declaration import Declaration
    from baseops.errors import BaseopsError
    from baseops.evidence.records import Record
    from baseops.evidence.runner import Run
    from baseops.evidence.sweep import Swept
    from baseops.workflow.prove import Order

_STYLES = {"proven": "green", "refuted": "red", "inconclusive": "yellow", "left": "yellow", "removed": "green"}
_UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 604800}


def duration(_: click.Context, option: click.Parameter, value: str | None) -> timedelta | None:
    """What an option such as `--every 7d` means."""
    found = re.fullmatch(r"(\d{1,6})([mhdw])", value or "")
    if value and not found:
        raise click.BadParameter("expected a duration such as 12h or 7d", param=option)
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]]) if found else None


@click.command("prove")
@click.argument("areas", nargs=-1, type=click.Choice(["images", "backups", "logs", "secrets", "email"]))
@options.declaration_option
@options.aws_options
@options.dns_option
@evidence_option
@click.option("--drill", "names", multiple=True, metavar="NAME", help="Only this drill, such as backups/coverage.")
@click.option(
    "--class",
    "classes",
    multiple=True,
    type=click.Choice(["exercise", "disturb"]),
    help="Run drills of this class too; the declaration has to allow it.",
)
@click.option("--policy", is_flag=True, help="Print the IAM policies that drills need, by class, and stop.")
@click.option("--dry-run", is_flag=True, help="Say what would run, touch and cost (or be swept), and stop.")
@click.option("--sweep", "sweeps", is_flag=True, help="Remove what crashed runs left, and stop.")
@click.option("--assume", is_flag=True, help="Run drills with the drill roles of the foundation.")
@click.option("--every", callback=duration, metavar="7d", help="How often this run is promised; evidence shows gaps.")
@click.option("--max-cost", type=click.FloatRange(min=0), metavar="USD", help="Instead of drills.max_cost_usd.")
@options.strict_option
@options.yes_option
@page_options("baseops-proof.html")
@options.output_option("table", "json", "jsonl")
def command(
    *,
    areas: tuple[str, ...],
    path: str,
    connection: options.Connection,
    evidence: str,
    names: tuple[str, ...],
    classes: tuple[Any, ...],  # Any: click gives texts, of which it has checked that they are classes
    policy: bool,
    dry_run: bool,
    sweeps: bool,
    assume: bool,
    every: timedelta | None,
    max_cost: float | None,
    strict: bool,
    yes: bool,
    page: str | None,
    output: str,
) -> None:
    """Run drills against the account and keep what they find; bare, it only reads.

    \b
    baseops prove -f examples/acme/baseops.yaml
    baseops prove backups --class exercise --dry-run

    Ends with an HTML page of every promise, the age of its last proof, and its history. Exits with 3 when a promise is
    refuted, with 5 when one could not be tried.
    """
    from baseops.workflow.prove import Order

    declaration = options.load(path)
    order = Order(areas, names, classes, max_cost, every, evidence)
    if policy:
        _print_policies(declaration, areas)
    elif sweeps:
        _sweep(declaration, connection, order, assume=assume, dry_run=dry_run, output=output)
    else:
        drills = _announce(declaration, order, output if dry_run else "")
        if not dry_run:
            place = claim(page)
            if classes:
                options.confirm(f"Run these {len(drills)} drills?", yes=yes)
            run = _run(declaration, connection, order, len(drills), assume=assume, output=output)
            session, account = connection.session(declaration), run.head.account
            trouble = attempt(partial(draw_proof, place, declaration, session, order, account)) if place else None
            _end(run, path, trouble, strict=strict)


def _print_policies(declaration: Declaration, areas: tuple[str, ...]) -> None:
    from baseops.workflow.drill_policies import drill_policies

    click.echo(json.dumps(drill_policies(declaration, areas), indent=2))


def _announce(declaration: Declaration, order: Order, output: str) -> list[Drill]:
    """What will run, touch, cost and leave behind: on stdout for a dry run, else in short on stderr."""
    from baseops.evidence.prices import AS_OF
    from baseops.workflow.load import load_lock
    from baseops.workflow.prove import wanted_drills

    drills = [drill for drill, _ in wanted_drills(declaration, load_lock(declaration), order)]
    if not drills:
        raise UsageError("there is nothing to prove", "no drill is declared for what was asked", "Run: baseops prove")
    if output == "json":
        print_json("baseops/drills/1", {"prices_as_of": str(AS_OF), "drills": [drill_json(each) for each in drills]})
    elif output == "jsonl":
        for each in drills:
            click.echo(json.dumps(drill_json(each)))
    elif output:
        rows = [
            (each.name, each.drill_class, "\n".join(each.touches) or "reads", f"{each.cost_usd:.4f} USD")
            for each in drills
        ]
        print_table(("drill", "class", "touches", "costs at most"), rows)
    cost = sum(each.cost_usd for each in drills)
    say(f"{len(drills)} drills, {cost:.4f} USD at most beside requests that are free (list prices of {AS_OF})")
    for each in drills:
        if each.drill_class != "observe" and not output:
            say(f"{each.name} ({each.drill_class}) touches {'; '.join(each.touches)}")
        if each.traces:
            say(f"{each.name} leaves {'; '.join(each.traces)}")
    return drills


def _run(
    declaration: Declaration, connection: options.Connection, order: Order, total: int, *, assume: bool, output: str
) -> Run:
    """`total` is how many drills will run."""
    from baseops.aws.clock import SystemClock
    from baseops.workflow.load import load_lock
    from baseops.workflow.prove import Means, prove

    session = connection.session(declaration)
    clients_of = _drill_roles(session, declaration.site) if assume else None

    def tell(drill: Drill, records: Sequence[Record]) -> None:
        if not records:
            progress.begins(drill.name)
        elif output == "jsonl":
            progress.ends(drill.name)
            for each in records:
                click.echo(json.dumps(dict(each.values), ensure_ascii=False))
        else:
            progress.ends(drill.name, _summary(records))

    means = Means(clients_of=clients_of, resolver=connection.resolver())
    with DrillProgress(total) as progress:
        run = prove(declaration, load_lock(declaration), session, SystemClock(), order, means=means, teller=tell)
    if output == "json":
        print_json("baseops/prove/1", run_json(run))
    elif output == "table":
        print_records(run.records)
    return run


def _end(run: Run, path: str, trouble: BaseopsError | None, *, strict: bool) -> None:
    """What was left behind, what to type next, and the exit code: the verdict's before that of a page not drawn."""
    from baseops.workflow.prove import exit_code, not_exercised

    for each in not_exercised(run.records):
        say(f"not exercised: {printable(each)}")
    if run.head.leftovers:
        say(click.style("left behind: ", fg="red") + printable("; ".join(run.head.leftovers)))
    next_step(f"baseops prove --sweep -f {path}" if run.head.leftovers else f"baseops evidence verify -f {path}")
    code = exit_code(run.records, strict=strict)
    if trouble and not code:
        raise trouble
    if code:
        click.get_current_context().exit(code)


def _drill_roles(session: Session, site: Site) -> Callable[[DrillClass], Clients]:
    """The foundation's role of a class, assumed when the first drill of the class begins."""
    from functools import cache

    from baseops.semantics.partitions import partition_of

    account = f"arn:{partition_of(site.region)}:iam::{site.accounts[0]}"

    @cache
    def clients_of(drill_class: DrillClass) -> Clients:
        return session.assume(f"{account}:role{site.iam.path}{site.prefix}-drill-{drill_class}", "baseops-prove")

    return clients_of


def _summary(records: Sequence[Record]) -> str:
    counts = {verdict: sum(each["verdict"] == verdict for each in records) for verdict in _STYLES}
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)


def print_records(records: Sequence[Record]) -> None:
    """A row for each promise and target."""
    rows = [(each["drill"], each["target"], each["verdict"], each["method"], each["reason"]) for each in records]
    print_table(("drill", "target", "verdict", "method", "reason"), rows, styles=_STYLES)


def run_json(run: Run) -> dict[str, Any]:
    """The run as JSON."""
    from baseops.workflow.prove import not_exercised

    return {
        "run": run.head.run,
        "complete": run.head.complete,
        "verdicts": dict(run.head.counts),
        "leftovers": list(run.head.leftovers),
        "not_exercised": not_exercised(run.records),
        "records": [dict(each.values) for each in run.records],
    }


def drill_json(drill: Drill) -> dict[str, Any]:
    """What a drill says before it runs."""
    return {
        "name": drill.name,
        "class": drill.drill_class,
        "promise": drill.promise,
        "targets": list(drill.targets),
        "touches": list(drill.touches),
        "traces": list(drill.traces),
        "cost_usd": drill.cost_usd,
        "timeout_seconds": drill.timeout.total_seconds(),
    }


def _sweep(
    declaration: Declaration, connection: options.Connection, order: Order, *, assume: bool, dry_run: bool, output: str
) -> None:
    from baseops.aws.clock import SystemClock
    from baseops.workflow.prove import sweep

    session = connection.session(declaration)
    clients_of = _drill_roles(session, declaration.site) if assume else None
    found = sweep(declaration, session, SystemClock(), order, dry_run=dry_run, clients_of=clients_of)
    if output == "table":
        rows = [(each.kind, each.identifier, each.run, each.outcome, each.reason) for each in found]
        print_table(("kind", "resource", "run", "outcome", "why"), rows, styles=_STYLES)
    else:
        print_json("baseops/sweep/1", {"resources": [_swept_json(each) for each in found]})
    next_step("baseops prove")


def _swept_json(swept: Swept) -> dict[str, str]:
    return {
        "kind": swept.kind,
        "identifier": swept.identifier,
        "run": swept.run,
        "outcome": swept.outcome,
        "reason": swept.reason,
    }
