"""`baseops init`: writes a commented starter declaration."""

from __future__ import annotations

from pathlib import Path

import click

from baseops.cli import options
from baseops.cli.output import next_step, say
from baseops.errors import UsageError


@click.command("init")
@options.declaration_option
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def command(path: str, force: bool) -> None:
    """Write a commented starter declaration.

    \b
    baseops init
    """
    from baseops.declaration import STARTER

    target = Path(path)
    if target.exists() and not force:
        raise UsageError(
            f"{path} was not written", "a file of that name is there", "Name another with -f, or add --force."
        )
    try:
        target.write_text(STARTER)
    except OSError as error:
        raise UsageError(f"cannot write {path}", error.strerror or str(error), "Name another place with -f.") from error
    say(f"wrote {path}")
    next_step(f"baseops check -f {path}")
