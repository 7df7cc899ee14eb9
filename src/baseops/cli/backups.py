"""`baseops backups …`: files out of snapshots, whole images, restored volumes, coverage, forecasts.

Each verb's command lies in one of three modules beside this one and is imported when it runs.
"""

from __future__ import annotations

from importlib import import_module

import click

_VERBS = {
    "list": ("volumes", "List the account's snapshots."),
    "ls": ("files", "List what is on a device, or in a directory of it."),
    "cat": ("files", "Print a file."),
    "cp": ("files", "Copy files and directories."),
    "find": ("files", "Find files by name, kind, size and age."),
    "diff": ("files", "Show which files differ between two snapshots."),
    "verify": ("volumes", "Read every block and every file, and check them."),
    "export": ("volumes", "Write the whole volume to a raw image."),
    "restore": ("volumes", "Make a volume from a snapshot."),
    "coverage": ("fleet", "Show what protects every volume, unprotected ones first."),
    "forecast": ("fleet", "Show which snapshots there will be, and what they cost."),
}


class _Verbs(click.Group):
    """Imports a verb only to run it or to show its own help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _VERBS:
            return None
        module = import_module(f"baseops.cli.backups_{_VERBS[cmd_name][0]}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _VERBS.items()])


@click.group("backups", cls=_Verbs)
def command() -> None:
    """Read files out of snapshots in seconds, without EC2, and look after backups.

    \b
    baseops backups ls snap-0a1b2c3d4e5f60718:/etc
    baseops backups cp latest:vol-0a1b2c3d4e5f60718:/var/lib/app.db .
    baseops backups ls ./disk.img:/

    SOURCE is a snapshot, latest:VOLUME, latest:tag=KEY=VALUE, an AMI, or a raw image file. The path in it begins at
    the first :/ and @N before that names one of several file systems.
    """
