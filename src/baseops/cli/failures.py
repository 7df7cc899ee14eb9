"""What a command that did not succeed says, and the exit code it ends with; the table is in docs/commands.md."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from baseops.cli.output import printable
from baseops.errors import BaseopsError, DeclarationError, Interrupted


class _UnreadError(Exception):
    """The reader of what we print has gone."""


@contextmanager
def told_when_unread() -> Iterator[None]:
    """A broken pipe inside reaches `exit_code_of`; click would end with 1 by itself."""
    try:
        yield
    except BrokenPipeError as error:
        raise _UnreadError from error


def exit_code_of(run: Callable[[], Any]) -> int:
    """Run a command to its end and give its exit code; whatever stops it is said on stderr. Any: the command's own.

    An error that is none of ours is a defect and shows its traceback.
    """
    try:
        code = run()
    except (click.exceptions.Abort, KeyboardInterrupt):
        click.echo("\ninterrupted", err=True)
        code = Interrupted.exit_code
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except BaseopsError as error:
        code = show(error)
    except (BrokenPipeError, _UnreadError):
        code = _unread()
    except OSError as error:
        code = show(_of_the_machine(error))
    return code if isinstance(code, int) else 0


def show(error: BaseopsError) -> int:
    """Print an error in its three parts, with what is wrong in the declaration, place by place."""
    if os.environ.get("BASEOPS_DEBUG") or "--debug" in sys.argv:
        import traceback

        traceback.print_exception(error)
    click.secho("error: ", fg="red", bold=True, nl=False, err=True)
    click.echo(printable(error.what), err=True)
    for problem in error.problems if isinstance(error, DeclarationError) else ():
        click.echo(f"  {printable(str(problem))}", err=True)
    for label, text in (("why", error.why), ("do", error.remedy or _next_check(error))):
        if text:
            click.echo(f"  {label}: {printable(text)}", err=True)
    return error.exit_code


def _next_check(error: BaseopsError) -> str:
    problems = error.problems if isinstance(error, DeclarationError) else ()
    return (
        f"Correct {'them' if len(problems) > 1 else 'it'} and run: baseops check -f {problems[0].file}"
        if problems
        else ""
    )


def _unread() -> int:
    """The reader has gone (`| head`): nobody is left to tell, and nothing failed."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _of_the_machine(error: OSError) -> BaseopsError:
    place = f" {error.filename}" if error.filename else ""
    return BaseopsError(
        f"cannot use{place}" if place else "the machine refused",
        error.strerror or str(error),
        "Name another place, or mend this one, and run the same command again.",
    )
