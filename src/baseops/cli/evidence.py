"""`baseops evidence`: lists, shows, verifies and queries what drills have found."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from baseops.cli import options
from baseops.cli.evidence_option import evidence_option
from baseops.cli.output import next_step, print_json, print_table, printable, say
from baseops.cli.page import draw_proof
from baseops.cli.prove import duration, print_records
from baseops.errors import InconclusiveError, NotFoundError, VerdictError

if TYPE_CHECKING:
    from baseops.aws.session import Session
    from baseops.declaration import Declaration
    from baseops.evidence.records import Head
    from baseops.evidence.store import Store


@click.group("evidence")
def command() -> None:
    """Look into what drills have found.

    \b
    baseops evidence list
    baseops evidence query "SELECT drill, max(ended) FROM evidence WHERE verdict = 'proven' GROUP BY drill"
    """


def _opened(path: str, connection: options.Connection, evidence: str) -> tuple[Declaration, Session, Store, str]:
    from baseops.aws.identity import require_listed
    from baseops.workflow.prove import Order, evidence_store

    declaration = options.load(path)
    session = connection.session(declaration)
    account = declaration.site.accounts[0]
    if evidence.startswith("s3://") or not evidence:
        account = require_listed(session, declaration.site)
    return declaration, session, evidence_store(declaration, session, Order(evidence=evidence)), account


@command.command("list")
@options.declaration_option
@options.aws_options
@evidence_option
@options.output_option("table", "json")
def list_(path: str, connection: options.Connection, evidence: str, output: str) -> None:
    """List the runs, oldest first.

    \b
    baseops evidence list --evidence baseops-evidence
    """
    from baseops.evidence.history import head_keys, read_head

    declaration, _, store, account = _opened(path, connection, evidence)
    heads = [read_head(store, key) for key in head_keys(store, account, declaration.site.region)]
    if output == "json":
        print_json("baseops/evidence-runs/1", {"runs": [_head_json(each) for each in heads]})
    else:
        rows = [
            (each.run, each.started, *(str(each.counts[name]) for name in ("proven", "refuted", "inconclusive")))
            for each in heads
        ]
        print_table(("run", "started", "proven", "refuted", "inconclusive"), rows)
    next_step("baseops evidence show RUN" if heads else "baseops prove")


@command.command("show")
@click.argument("run", required=False)
@options.declaration_option
@options.aws_options
@evidence_option
@options.output_option("table", "json", "jsonl")
def show(run: str | None, path: str, connection: options.Connection, evidence: str, output: str) -> None:
    """Show the records of a run, the newest by default.

    \b
    baseops evidence show 20260108T090000Z-3f2a9c
    """
    from baseops.evidence.history import head_keys, read_head, records_of

    declaration, _, store, account = _opened(path, connection, evidence)
    keys = head_keys(store, account, declaration.site.region)
    key = next((each for each in reversed(keys) if run is None or each.endswith(f"/{run}.json")), None)
    if key is None:
        raise NotFoundError(f"there is no run {run or ''}".strip(), store.url, "Run: baseops evidence list")
    head = read_head(store, key)
    records = list(records_of(store, head))
    if output == "json":
        values = [dict(each.values) for each in records]
        print_json("baseops/evidence-run/1", {**_head_json(head), "records": values})
    elif output == "jsonl":
        for each in records:
            click.echo(json.dumps(dict(each.values), ensure_ascii=False))
    else:
        print_records(records)
    next_step("baseops evidence verify")


@command.command("page")
@options.declaration_option
@options.aws_options
@evidence_option
@click.option(
    "--page",
    "place",
    default="baseops-proof.html",
    show_default=True,
    metavar="FILE",
    help="Where the HTML page is written.",
)
def page(path: str, connection: options.Connection, evidence: str, place: str) -> None:
    """Draw the HTML page of what is known, without running anything; its plots need baseops-aws[page].

    \b
    baseops evidence page --evidence baseops-evidence
    """
    from baseops.report.file import PageFile
    from baseops.workflow.prove import Order

    file = PageFile(place)
    declaration, session, _, account = _opened(path, connection, evidence)
    draw_proof(file, declaration, session, Order(evidence=evidence), account)
    next_step(f"baseops evidence verify -f {path}")


@command.command("verify")
@options.declaration_option
@options.aws_options
@evidence_option
@click.option("--every", callback=duration, metavar="7d", help="How often runs are due, where they do not say.")
@click.option(
    "--trust",
    multiple=True,
    metavar="KEY",
    help="A key that sealed evidence before the present one, by its ARN; `local` for this machine's.",
)
@options.output_option("table", "json")
def verify(
    path: str,
    connection: options.Connection,
    evidence: str,
    every: timedelta | None,
    trust: tuple[str, ...],
    output: str,
) -> None:
    """Find what was altered or removed, and runs that are missing; exits with 3 when it finds any, 5 without a run.

    \b
    baseops evidence verify --every 7d
    """
    from baseops.aws.clock import SystemClock
    from baseops.evidence.verify import Verifier
    from baseops.workflow.prove import Order, trusted_keys

    declaration, session, store, account = _opened(path, connection, evidence)
    site = declaration.site
    found = Verifier(
        store,
        trusted_keys(declaration, session, Order(evidence=evidence), trust),
        account,
        site.region,
        SystemClock().now(),
        every=every,
        retention_days=site.evidence.retention_days,
    ).verify()
    if output == "json":
        problems = [vars(each) | {"note": each.is_note} for each in found.problems]
        values = {"sound": found.is_sound, "runs": found.runs, "records": found.records, "problems": problems}
        print_json("baseops/evidence-verify/1", values)
    elif found.problems:
        rows = [(each.kind, each.run, each.message, each.key) for each in found.problems]
        print_table(("kind", "run", "what", "where"), rows)
    if found.is_sound and not found.runs:
        raise InconclusiveError("there is nothing to verify", f"there is no run in {store.url}", "Run: baseops prove")
    say(f"{found.runs} runs, {found.records} records: {'sound' if found.is_sound else 'not sound'}")
    next_step("baseops evidence list" if found.is_sound else "baseops prove")
    if not found.is_sound:
        click.get_current_context().exit(VerdictError.exit_code)


@command.command("query")
@click.argument("sql", required=False)
@click.option("--athena", metavar="S3", help="Print the statement of the Athena table over s3://bucket/prefix.")
@options.declaration_option
@options.aws_options
@evidence_option
@options.output_option("table", "json", "jsonl")
def query(
    sql: str | None, athena: str | None, path: str, connection: options.Connection, evidence: str, output: str
) -> None:
    """Answer SQL over the table `evidence`. Needs baseops-aws[query].

    \b
    baseops evidence query "SELECT verdict, count(*) FROM evidence GROUP BY verdict"
    """
    from baseops.evidence.query import athena_table
    from baseops.evidence.query import query as ask

    if athena:
        bucket, _, prefix = athena.removeprefix("s3://").partition("/")
        site = options.load(path).site
        click.echo(athena_table(bucket, prefix, site.accounts, site.region))
        return
    if not sql:
        raise click.UsageError("give a SELECT, or --athena s3://bucket/prefix")
    _, _, store, _ = _opened(path, connection, evidence)
    answer = ask(store, sql)
    rows = [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]
    if output == "json":
        print_json("baseops/evidence-query/1", {"columns": list(answer.columns), "rows": rows})
    elif output == "jsonl":
        for each in rows:
            click.echo(json.dumps(each, default=str))
    else:
        print_table(answer.columns, [tuple(printable(str(value)) for value in row) for row in answer.rows])


def _head_json(head: Head) -> dict[str, Any]:
    return {
        "run": head.run,
        "started": head.started,
        "ended": head.ended,
        "complete": head.complete,
        "verdicts": dict(head.counts),
        "next_by": head.next_by,
        "leftovers": list(head.leftovers),
        "signed_by": head.signature.key if head.signature else None,
    }
