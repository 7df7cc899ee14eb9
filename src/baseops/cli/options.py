"""Options that many commands share, and what they lead to: a declaration, a session, a clock."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from baseops.aws.resolver import DnsResolver
    from baseops.aws.session import Session
    from baseops.declaration import Declaration
    from baseops.workflow.compile import Compiled

Function = TypeVar("Function", bound=Callable[..., Any])


def declaration_option(function: Function) -> Function:
    """`-f/--file`: which declaration."""
    return click.option(
        "-f",
        "--file",
        "path",
        default="baseops.yaml",
        envvar="BASEOPS_FILE",
        show_default=True,
        metavar="FILE",
        help="The declaration.",
    )(function)


def output_option(*formats: str) -> Callable[[Function], Function]:
    """`-o/--output`: how the result is printed on stdout."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice(formats or ("table", "json")),
        default="table",
        show_default=True,
        help="How the result is printed.",
    )


@dataclass(frozen=True)
class Connection:
    """Which AWS a command speaks to, as the options say."""

    profile: str | None
    region: str | None
    endpoint_url: str | None
    name_servers: tuple[str, ...] = ()

    def resolver(self) -> DnsResolver:
        """Asks the named name servers, or the machine's."""
        from baseops.aws.resolver import DnsResolver

        return DnsResolver(self.name_servers)

    def session(self, of: Declaration) -> Session:
        """A session in the declaration's region unless another is named."""
        from baseops.aws.session import Session

        return Session(profile=self.profile, region=self.region or of.site.region, endpoint_url=self.endpoint_url)


def aws_options(function: Callable[..., None]) -> Callable[..., None]:
    """`--profile`, `--region` and `--endpoint-url`, as in the AWS CLI; the command gets them as `connection`."""

    @wraps(function)
    def call(profile: str | None, region: str | None, endpoint_url: str | None, **rest: Any) -> None:
        function(connection=Connection(profile, region, endpoint_url), **rest)

    options = (
        click.option("--profile", envvar="AWS_PROFILE", metavar="NAME", help="A profile of the AWS configuration."),
        click.option("--region", metavar="REGION", help="Instead of the declaration's region, for the session."),
        click.option(
            "--endpoint-url", envvar="AWS_ENDPOINT_URL", metavar="URL", help="Where AWS is, e.g. a local sandbox."
        ),
    )
    for option in options:
        call = option(call)
    return call


def dns_option(function: Callable[..., None]) -> Callable[..., None]:
    """`--dns`: which name servers answer; below `aws_options`, whose `connection` knows them then."""

    @wraps(function)
    def call(connection: Connection, name_servers: tuple[str, ...], **rest: Any) -> None:
        function(connection=replace(connection, name_servers=name_servers), **rest)

    option = click.option(
        "--dns",
        "name_servers",
        multiple=True,
        envvar="BASEOPS_DNS",
        metavar="ADDRESS[:PORT]",
        callback=_name_servers,
        help="Ask this name server instead of the machine's, e.g. a local sandbox's; may be repeated.",
    )
    return option(call)


def _name_servers(_context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    from baseops.aws.resolver import server_of
    from baseops.errors import UsageError

    for each in given:
        try:
            server_of(each)
        except UsageError as error:
            raise click.BadParameter(str(error)) from error
    return given


def yes_option(function: Function) -> Function:
    """`-y/--yes`: do not ask."""
    return click.option("-y", "--yes", is_flag=True, help="Do not ask before changing anything.")(function)


def strict_option(function: Function) -> Function:
    """`--strict`: what this machine cannot exercise makes 5."""
    text = "Exit with 5 when this machine cannot exercise something."
    return click.option("--strict", is_flag=True, help=text)(function)


def load(path: str) -> Declaration:
    """The declaration; every problem in it is an error at once."""
    from baseops.workflow.load import load as read

    return read(path)


def compiled(path: str) -> Compiled:
    """The declaration compiled with the lock beside it."""
    from baseops.workflow.compile import compile_declaration
    from baseops.workflow.load import load_lock

    declaration = load(path)
    return compile_declaration(declaration, load_lock(declaration))


def confirm(question: str, *, yes: bool) -> None:
    """Ask on a terminal; without one, refuse unless `--yes` was given."""
    from baseops.errors import UsageError

    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("nothing was changed", "there is no terminal to ask on", "Add --yes to go on without asking.")
    if not click.confirm(question, err=True):
        raise click.exceptions.Abort
