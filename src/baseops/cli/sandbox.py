"""`baseops sandbox`: serves a local AWS account for the aws CLI and any SDK. What it does lies in `sandbox/`."""

from __future__ import annotations

import errno
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from baseops.cli.options import load, output_option
from baseops.cli.output import next_step, print_json, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from baseops.declaration import Declaration
    from baseops.sandbox.account import Account


@click.group()
def sandbox() -> None:
    """Serve a local AWS account.

    \b
    baseops sandbox up --port 4800    prints a line to paste into another shell
    aws logs describe-log-groups      there
    """


command = sandbox


def _time(_context: click.Context, _parameter: click.Parameter, value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        when = datetime.fromisoformat(value)
    except ValueError as error:
        raise click.BadParameter(f"{value} is no time; write it like 2025-01-01T00:00:00+00:00") from error
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _like(pattern: str, words: str) -> Callable[[click.Context, click.Parameter, str], str]:
    def check(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
        if not re.fullmatch(pattern, value, re.ASCII):
            raise click.BadParameter(f"expected {words}, got {value!r}")
        return value

    return check


@sandbox.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=4800,
    show_default=True,
    metavar="N",
    help="The port on 127.0.0.1; 0 for a free one.",
)
@click.option(
    "--dns-port",
    type=click.IntRange(0, 65535),
    default=0,
    show_default=True,
    metavar="N",
    help="The port on 127.0.0.1 of its name server, which answers from its public zones; 0 for a free one.",
)
@click.option(
    "--account",
    "account_id",
    callback=_like(r"\d{12}", "an AWS account id: twelve digits"),
    default="111111111111",
    show_default=True,
    metavar="ID",
    help="Its account.",
)
@click.option(
    "--region",
    callback=_like(r"[a-z]{2,4}(-[a-z]+)+-\d", "a region such as eu-west-1"),
    default="eu-west-1",
    show_default=True,
    metavar="REGION",
    help="Its primary region.",
)
@click.option("--speed", default=1.0, show_default=True, metavar="N", help="How many times as fast time runs.")
@click.option("--virtual", is_flag=True, help="Time stands still until a POST to /_baseops/advance moves it.")
@click.option("--start", callback=_time, metavar="TIME", help="When time begins (ISO 8601); now, if not said.")
@click.option("--seed", default=0, show_default=True, metavar="N", help="The same seed gives the same ids.")
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Keeps block files.")
@click.option("--world", metavar="FILE", help="Make what this declaration expects to find, in its account and region.")
@output_option("table", "json")
def up(port: int, dns_port: int, speed: float, virtual: bool, world: str | None, output: str, **opening: Any) -> None:
    """Serve a fresh account on 127.0.0.1 until Ctrl-C.

    \b
    baseops sandbox up --world examples/acme/baseops.yaml
    baseops sandbox up --port 4800 --virtual --start 2025-01-01T00:00:00+00:00
    curl -d '{"seconds": 86400}' http://127.0.0.1:4800/_baseops/advance
    baseops sandbox up --dns-port 5300    then: dig @127.0.0.1 -p 5300 acme.example MX
    """
    if virtual and speed != 1:
        raise click.UsageError("--virtual and --speed exclude each other: virtual time stands still by itself")
    if speed <= 0:
        raise click.BadParameter("must be above 0", param_hint="--speed")
    from baseops.sandbox.name_server import NameServer
    from baseops.workflow.local import open_local_account

    declaration = load(world) if world else None
    if declaration:
        opening |= {"account_id": declaration.site.accounts[0], "region": declaration.site.region}
    with open_local_account(speed=None if virtual else speed, **opening) as account:
        if declaration:
            _make(declaration, account)
        with NameServer(account, dns_port) as names:
            _serve(account, port, lambda url: _announce(account, url, names.address, virtual=virtual, output=output))
    say("stopped; the account is gone")


def _make(declaration: Declaration, account: Account) -> None:
    from baseops.workflow.world import build_world

    for area in build_world(declaration, account):
        say(f"made the world of {area}")


def _serve(account: Account, port: int, ready: Callable[[str], None]) -> None:
    from baseops.errors import UsageError
    from baseops.sandbox.server import serve

    try:
        serve(account, port, ready=ready)
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        why = error.strerror or str(error)
        raise UsageError(f"cannot serve on port {port}", why, "Name another: --port 0 takes a free one.") from error


def _announce(account: Account, url: str, names: str, *, virtual: bool, output: str) -> None:
    environment = {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": account.access_key,
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        "AWS_DEFAULT_REGION": account.region,
        "BASEOPS_DNS": names,
    }
    if output == "json":
        content = {"endpoint": url, "account": account.account_id, "region": account.region, "virtual": virtual}
        print_json("baseops/sandbox/1", {**content, "environment": environment})
    else:
        click.echo(url)
        click.echo("export " + " ".join(f"{name}={value}" for name, value in environment.items()))
    next_step("paste the export line into another shell, then: aws logs describe-log-groups   (Ctrl-C ends it here)")
