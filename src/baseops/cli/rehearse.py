"""`baseops rehearse`: everything that can be done without AWS, ending in a table of areas by verbs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import click

from baseops.cli import options
from baseops.cli.output import finding_json, next_step, print_json, print_table, printable, say, say_findings
from baseops.cli.page import attempt, claim, draw_rehearsal, page_options
from baseops.cli.progress import BreakProgress
from baseops.errors import VerdictError

if TYPE_CHECKING:
    from baseops.evidence.records import Record
    from baseops.workflow.rehearse import Cell, Rehearsal


@click.command("rehearse")
@options.declaration_option
@page_options("baseops-rehearsal.html")
@options.strict_option
@options.output_option("table", "json")
def command(path: str, page: str | None, *, strict: bool, output: str) -> None:
    """Do everything that can be done without AWS, in a local account.

    \b
    baseops rehearse -f examples/acme/baseops.yaml

    Compiles, judges, builds the world that the declaration expects, applies, applies again, looks for drift, lets
    weeks pass, runs every drill, breaks copies of the account to see that the drills notice, destroys, applies once
    more, and applies over resources that exist already. Needs baseops-aws[sandbox]. Ends with an HTML page of it all;
    its plots need baseops-aws[page]. Exits with 3 when a drill refutes what nobody broke or misses a break, with 5 when
    one could not be tried.
    """
    from baseops.workflow.load import load_lock
    from baseops.workflow.rehearse import rehearse

    declaration = options.load(path)
    place = claim(page)
    breaks = BreakProgress()
    found = rehearse(declaration, load_lock(declaration), teller=breaks.verb, breaks=breaks)
    if output == "json":
        print_json("baseops/rehearse/1", rehearsal_json(found))
    else:
        print_rehearsal(found)
    _say_findings(found, path)
    _say_doubts(found)
    trouble = attempt(partial(draw_rehearsal, place, declaration, found)) if place else None
    if found.failure is not None:
        raise found.failure
    code = exit_code(found, strict=strict)
    if trouble and not code:
        raise trouble
    next_step(f"baseops plan -f {path}")
    if code:
        click.get_current_context().exit(code)


def exit_code(found: Rehearsal, *, strict: bool) -> int:
    """3 when it has not passed, 5 when a drill could not find something out, else 0."""
    from baseops.workflow.prove import exit_code as of_records

    return of_records(_records(found), strict=strict) if found.passed else VerdictError.exit_code


def print_rehearsal(found: Rehearsal) -> None:
    """The table: a row for each area, a column for each verb."""
    from baseops.workflow.rehearse import VERBS

    areas = dict.fromkeys(cell.area for cell in found.cells)
    order = ("artifacts", "foundation", "region", "images", "backups", "logs", "secrets", "email")
    cells = {(cell.area, cell.verb): cell for cell in found.cells}
    counts = _counts(found)
    rows = [
        (area, *(counts.get((area, verb)) or _text(cells.get((area, verb))) for verb in VERBS))
        for area in sorted(areas, key=order.index)
    ]
    rows.append(("seconds", *(f"{found.seconds[verb]:.1f} s" if verb in found.seconds else "" for verb in VERBS)))
    print_table(("area", *VERBS), rows)
    say("compile: resources · prove: proven of all that was tried · sabotage: caught of all breaks")
    say("seconds of apply, reapply and import are virtual, by the account's clock; the last row is real")
    say(f"kept by design after destroy: {len(found.kept)} resources")


def _counts(found: Rehearsal) -> dict[tuple[str, str], str]:
    """What was proven and caught, by area and verb."""
    verdicts = [(str(each["area"]), each["verdict"] == "proven") for each in found.records]
    breaks = [(each.area, each.caught) for each in found.sabotage]
    return {
        (area, verb): f"{mine.count(True)} of {len(mine)}"
        for verb, outcomes in (("prove", verdicts), ("sabotage", breaks))
        for area in dict(outcomes)
        if (mine := [held for each, held in outcomes if each == area])
    }


def _text(cell: Cell | None) -> str:
    """In few letters: stacks that were created, as they should be, are told by their seconds alone."""
    if cell is None:
        return "-"
    if cell.verb == "compile":
        return cell.result.removesuffix(" resources")
    if cell.verb not in ("apply", "reapply", "import"):
        return {"unchanged": "same", "no drift": "clean"}.get(cell.result, cell.result)
    more = cell.result.removeprefix("created").strip()
    return f"{cell.seconds:.0f} s\n{more}" if more else f"{cell.seconds:.0f} s"


def _say_findings(found: Rehearsal, path: str) -> None:
    """Errors and warnings; notes are counted, and `check` shows them with their places."""
    from baseops.contract.finding import Severity

    notes = [each for each in found.findings if each.severity is Severity.NOTE]
    say_findings([each for each in found.findings if each.severity is not Severity.NOTE])
    if notes:
        say(f"{len(notes)} note{'s' * (len(notes) != 1)}: baseops check -f {path}")


def _say_doubts(found: Rehearsal) -> None:
    """What could not be found out, and what this machine could not do."""
    from baseops.workflow.prove import not_exercised

    for each in _records(found):
        if each["verdict"] == "inconclusive":
            say(printable(f"inconclusive: {each['drill']} {each['target']}: {each['reason']}"))
    for text in not_exercised(_records(found)):
        say(printable(f"not exercised: {text}"))


def _records(found: Rehearsal) -> list[Record]:
    from baseops.evidence.records import Record

    return [Record(each) for each in found.records]


def rehearsal_json(found: Rehearsal) -> dict[str, Any]:
    """The rehearsal as JSON."""
    from dataclasses import asdict

    from baseops.workflow.prove import not_exercised

    return {
        "passed": found.passed,
        "failure": str(found.failure) if found.failure else None,
        "cells": [asdict(cell) for cell in found.cells],
        "seconds": found.seconds,
        "verdicts": found.verdicts,
        "records": found.records,
        "not_exercised": not_exercised(_records(found)),
        "sabotage": [asdict(each) for each in found.sabotage],
        "kept": found.kept,
        "findings": [finding_json(each) for each in found.findings],
        "pending": [finding_json(each) for each in found.pending],
    }
