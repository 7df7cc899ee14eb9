"""The command `baseops`: finds the verb, runs it, turns errors into three parts and an exit code.

Nothing heavy is imported before a verb runs: `--help` and `--version` need click alone.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from baseops._version import __version__
from baseops.errors import BaseopsError

COMMANDS = {
    "init": "Write a commented starter declaration.",
    "check": "Check the declaration: schema, cross-references, limits, credentials.",
    "compile": "Write the CloudFormation templates to a folder.",
    "rehearse": "Do everything that can be done without AWS, in a local account.",
    "plan": "Show what apply would change.",
    "apply": "Make the account what the declaration says.",
    "status": "Show drift, and what is pending outside.",
    "destroy": "Take the stacks away; keep what holds data.",
    "schema": "Print the JSON schema of the declaration.",
    "sandbox": "Serve a local AWS account.",
    "images": "Lock and look after golden images.",
    "secrets": "Put values where a declaration expects them.",
    "email": "Show the DNS records that email needs.",
    "completion": "Print the completion script of a shell.",
}
"""The verbs and nouns with their short help; each lives in `cli/NAME.py` as a click command of that name."""

_MODULES = {"compile": "compile_"}


class _Lazy(click.Group):
    """A group that imports a command only to run it or to show its own help."""  # `ctx` is click's signature

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"baseops.cli.{_MODULES.get(cmd_name, cmd_name)}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name]) for name in self.list_commands(ctx)])


@click.command(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="baseops", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, envvar="BASEOPS_DEBUG", help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """Base operations for AWS, declared in one file and proved every day.

    \b
    baseops init                     write baseops.yaml
    baseops rehearse                 try it all without AWS
    baseops plan && baseops apply    make it so
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    # Most of what a command makes lives as long as it does: look for garbage less often than Python's 700 objects.
    gc.set_threshold(50_000)
    # pydantic would look for plugins in every installed distribution; a declaration has no use for any.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    try:
        code = cli.main(args=arguments, standalone_mode=False)
    except click.exceptions.Abort:
        code = _interrupted()
    except KeyboardInterrupt:
        code = _interrupted()
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except BaseopsError as error:
        code = _show(error)
    except BrokenPipeError:
        # The reader has gone (`| head`): nobody is left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code if isinstance(code, int) else 0)


def _interrupted() -> int:
    click.echo("\ninterrupted", err=True)
    return 130


def _show(error: BaseopsError) -> int:
    if os.environ.get("BASEOPS_DEBUG") or "--debug" in sys.argv:
        import traceback

        traceback.print_exception(error)
    click.secho("error: ", fg="red", bold=True, nl=False, err=True)
    click.echo(error.what, err=True)
    for label, text in (("why", error.why), ("do", error.remedy)):
        if text:
            click.echo(f"  {label}: {text}", err=True)
    return error.exit_code
