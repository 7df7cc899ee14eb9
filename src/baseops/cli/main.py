"""The command `baseops`: finds the verb, runs it, turns errors into three parts and an exit code.

Nothing heavy is imported before a verb runs: `--help` and `--version` need click alone.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from baseops._version import __version__
from baseops.cli.failures import exit_code_of, told_when_unread

COMMANDS = {
    "init": "Write a commented starter declaration.",
    "check": "Check the declaration: schema, cross-references, limits, credentials.",
    "compile": "Write the CloudFormation templates to a folder.",
    "rehearse": "Do everything that can be done without AWS, in a local account.",
    "plan": "Show what apply would change.",
    "apply": "Make the account what the declaration says.",
    "prove": "Run drills against the account and keep what they find.",
    "status": "Show drift, the age of proofs, and what is pending outside.",
    "destroy": "Take the stacks away; keep what holds data.",
    "evidence": "List, show, verify and query what drills have found.",
    "schema": "Print the JSON schema of the declaration.",
    "sandbox": "Serve a local AWS account.",
    "images": "Lock and look after golden images.",
    "backups": "Read files out of snapshots; coverage, forecasts.",
    "secrets": "Put values where a declaration expects them.",
    "email": "Show the DNS records that email needs.",
    "completion": "Print the completion script of a shell.",
}
"""The verbs and nouns with their short help; each lives in `cli/NAME.py` as a click command of that name."""

_MODULES = {"compile": "compile_"}


class _Lazy(click.Group):
    """A group that imports a command only to run it or to show its own help."""  # `ctx` is click's signature

    def make_context(self, *arguments: Any, **more: Any) -> click.Context:
        with told_when_unread():
            return super().make_context(*arguments, **more)

    def invoke(self, ctx: click.Context) -> object:
        with told_when_unread():
            return super().invoke(ctx)

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
    sys.exit(exit_code_of(lambda: cli.main(args=arguments, standalone_mode=False)))
