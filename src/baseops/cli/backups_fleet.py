"""The commands about all volumes: coverage, forecast. What they do lies in `areas/backups/operate`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from baseops.cli import options
from baseops.cli.backups_source import connected
from baseops.cli.options import output_option
from baseops.cli.output import next_step, print_json, print_table, say
from baseops.errors import UsageError, VerdictError

if TYPE_CHECKING:
    from baseops.areas.backups.operate.coverage import Cover, Coverage
    from baseops.areas.backups.operate.forecast import Forecast


@click.command("coverage")
@click.option("--max-age", metavar="AGE", help="Hold every volume to this age, such as 30h, without a declaration.")
@click.option("--all", "everything", is_flag=True, help="Also list the volumes that are covered.")
@options.declaration_option
@options.aws_options
@output_option("table", "json")
def coverage_command(
    max_age: str | None, everything: bool, path: str, output: str, connection: options.Connection
) -> None:
    """Show what protects every volume of the region and how old its newest snapshot is.

    \b
    baseops backups coverage
    baseops backups coverage --max-age 30h

    Exit code 3 when a promise is not kept; volumes that nothing protects are listed first.
    """
    from baseops.areas.backups.operate.coverage import State, coverage, promise_to_all, promises_of
    from baseops.aws.clock import SystemClock
    from baseops.aws.source_names import parse_age

    if max_age is not None:
        clients = connected(connection)
        promises = [promise_to_all(parse_age(max_age))]
    else:
        declaration = options.load(path)
        section = declaration.sections.get("backups")
        if section is None:
            raise UsageError("no backups are declared", f"{path} has no `backups`", "Add --max-age 30h.")
        clients = connection.session(declaration)
        promises = promises_of(section, clients, clients.region)
    found = coverage(promises, clients, clients.region, SystemClock())
    if output == "json":
        content = {"region": found.region, "requests": found.requests, **_counts(found)}
        print_json("baseops/backups-coverage/1", {**content, "volumes": [_cover(each) for each in found.covers]})
    else:
        _show(found, everything=everything)
    say(", ".join(f"{count} {name}" for name, count in _counts(found).items()) + f"; {found.requests} requests")
    late = found.count(State.LATE)
    if late:
        raise VerdictError(f"{late} volumes have no snapshot that is young enough", "", "Look at their policies")
    next_step("baseops backups forecast")


@click.command("forecast")
@click.option("--days", default=30, show_default=True, metavar="N", help="How far to look.")
@click.option("--volumes", default=1, show_default=True, metavar="N", help="Volumes of each backup.")
@click.option("--gib", default=8.0, show_default=True, metavar="SIZE", help="Data on each volume.")
@click.option("--daily-change", default=3.0, show_default=True, metavar="PERCENT", help="What changes in a day.")
@options.declaration_option
@output_option("table", "json")
def forecast_command(days: int, volumes: int, gib: float, daily_change: float, path: str, output: str) -> None:
    """Show which snapshots and copies there will be, how large they are and what they cost in a month.

    \b
    baseops backups forecast --days 90 --volumes 20 --gib 50

    Begun without snapshots. No AWS is asked: sizes follow from the options, prices are the list's.
    """
    from baseops.areas.backups.operate.forecast import Fleet, forecast
    from baseops.aws.clock import SystemClock

    section = options.load(path).sections.get("backups")
    if section is None:
        raise UsageError("no backups are declared", f"{path} has no `backups`", "Declare one first.")
    start = SystemClock().now().replace(minute=0, second=0, microsecond=0)
    fleet = Fleet(volumes, gib, daily_change / 100)
    found = forecast(section, start, days, fleet)
    if output == "json":
        print_json(
            "baseops/backups-forecast/1",
            {"start": start, "assumed": asdict(fleet), "backups": [asdict(each) for each in found]},
        )
    else:
        for each in found:
            _show_forecast(each)
    say(f"assumed: {volumes} volumes of {gib:g} GiB, of which {daily_change:g} % change in a day; list prices")
    next_step(f"baseops backups coverage -f {path}")


def _counts(found: Coverage) -> dict[str, int]:
    from baseops.areas.backups.operate.coverage import State

    return {state.word: found.count(state) for state in State}


def _cover(each: Cover) -> dict[str, Any]:
    return {
        "volume_id": each.volume.volume_id,
        "name": each.volume.tags.get("Name", ""),
        "state": each.state.word,
        "protected_by": list(each.promises),
        "snapshot_id": each.snapshot_id,
        "age_seconds": None if each.age is None else int(each.age.total_seconds()),
        "promised_seconds": None if each.promised is None else int(each.promised.total_seconds()),
    }


def _show(found: Coverage, *, everything: bool) -> None:
    from baseops.areas.backups.operate.coverage import State

    rows = [
        (
            each.volume.volume_id,
            each.volume.tags.get("Name", ""),
            each.state.word,
            ", ".join(each.promises) or "nothing",
            f"over {_hours(found.window)}" if each.age is None else _hours(each.age),
            "" if each.promised is None else _hours(each.promised),
        )
        for each in found.covers
        if everything or each.state is not State.COVERED
    ]
    styles = {"unprotected": "red", "late": "red", "new": "yellow", "covered": "green"}
    print_table(("VOLUME", "NAME", "STATE", "PROTECTED BY", "NEWEST", "PROMISED"), rows, styles=styles)


def _hours(age: timedelta) -> str:
    return f"{age.total_seconds() / 3600:.0f} h"


def _show_forecast(found: Forecast) -> None:
    from baseops.areas.backups.operate.forecast import bars

    click.echo(f"{found.name}  {bars([each.gib for each in found.days])}  GiB a day")
    last = found.days[-1]
    copies = ", ".join(f"{count} in {region}" for region, count in last.copies) or "none"
    click.echo(
        f"  on {last.when:%Y-%m-%d}: {last.snapshots} snapshots, {last.archived} archived, copies: {copies}; "
        f"{last.gib:.1f} GiB, {last.usd_per_month:.2f} USD a month"
    )
    if found.overlaps:
        click.echo(f"  {found.overlaps} times schedules fire together and make one snapshot with the longest retention")
