"""Printing: the JSON envelope, tables and next steps. Data goes to stdout, all talk to stderr."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

    from baseops.contract.finding import Finding

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def printable(text: str) -> str:
    """Text from elsewhere without the control characters that would steer a terminal."""
    return _CONTROL.sub("?", text)


def print_json(schema: str, content: Mapping[str, Any]) -> None:
    """The versioned envelope: `schema` such as `baseops/plan/1`, then the content."""
    click.echo(json.dumps({"schema": schema, **content}, indent=2, default=str))


def console(*, err: bool = False) -> Console:
    """A rich console that heeds NO_COLOR and FORCE_COLOR and does not guess at highlights."""
    from rich.console import Console

    stream = sys.stderr if err else sys.stdout
    width = None if stream.isatty() or os.environ.get("COLUMNS") else 120
    return Console(file=stream, highlight=False, markup=False, soft_wrap=False, width=width)


def print_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], *, styles: Mapping[str, str] | None = None
) -> None:
    """A plain table on stdout; `styles` colours cells by their text."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(cell), style=(styles or {}).get(cell, "")) for cell in row))
    console().print(table)


def print_columns(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table of short cells on stdout, one line for each row: what needs no colours and no folding needs no rich."""
    lines = [tuple(columns), *(tuple(map(printable, row)) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for number, line in enumerate(lines):
        text = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        click.secho(text, bold=number == 0)


def say(text: str) -> None:
    """Talk, on stderr."""
    click.echo(text, err=True)


def next_step(text: str) -> None:
    """The last line of a command: what to type next."""
    say(click.style("next: ", dim=True) + text)


def say_findings(findings: Sequence[Finding]) -> None:
    """Findings without a place in a file, one on a line with its remedy below."""
    colours = {"error": "red", "warning": "yellow", "note": "cyan"}
    for each in findings:
        say(click.style(f"{each.severity.value}: ", fg=colours[each.severity.value]) + printable(each.message))
        if each.remedy:
            say(f"  do: {printable(each.remedy)}")


def finding_json(finding: Finding) -> dict[str, Any]:
    """A finding as JSON."""
    return {
        "severity": finding.severity.value,
        "rule": finding.rule,
        "path": list(finding.path),
        "message": finding.message,
        "remedy": finding.remedy,
    }
