"""The commands about whole snapshots: list, verify, export, restore. What they do lies in `areas/backups/operate`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from baseops.cli import options
from baseops.cli.backups_source import Meter, about, connected, reading, shown, size, source_options
from baseops.cli.options import output_option
from baseops.cli.output import next_step, print_json, print_table, say
from baseops.errors import UsageError, VerdictError


def _tags(values: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for each in values:
        key, mark, value = each.partition("=")
        if not (key and mark):
            raise UsageError(f"{each!r} is no tag", "it has no KEY=VALUE", "Write it like Team=web")
        found[key] = value
    return found


@click.command("list")
@click.option("--volume", "volumes", multiple=True, metavar="ID", help="Only of this volume.")
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="Only with this tag.")
@click.option("--at", metavar="DATE", help="Only those begun before a date or time (UTC).")
@options.aws_options
@output_option("table", "json")
def list_command(
    volumes: tuple[str, ...], tags: tuple[str, ...], at: str | None, output: str, connection: options.Connection
) -> None:
    """List the account's own snapshots, newest first.

    \b
    baseops backups list --volume vol-0a1b2c3d4e5f60718
    """
    from baseops.areas.backups.operate.list import list_snapshots
    from baseops.aws.sources import parse_time

    clients = connected(connection)
    before = parse_time(at) if at else None
    found = list_snapshots(clients, clients.region, volumes=volumes, tags=_tags(tags), before=before)
    if output == "json":
        content = {"region": clients.region, "snapshots": [asdict(each) for each in found]}
        print_json("baseops/backups-list/1", content)
    else:
        rows = [
            (
                each.snapshot_id,
                each.volume_id,
                f"{each.started:%Y-%m-%d %H:%M}",
                each.state,
                f"{each.size_gib} GiB",
                each.tier,
                each.made_by,
            )
            for each in found
        ]
        print_table(("SNAPSHOT", "VOLUME", "STARTED (UTC)", "STATE", "SIZE", "TIER", "MADE BY"), rows)
    if found:
        next_step(f"baseops backups ls {found[0].snapshot_id}")


@click.command("verify")
@click.argument("source")
@click.option("--manifest", type=click.Path(path_type=Path), metavar="FILE", help="Write the hashes as sha256sum does.")
@source_options
@output_option("table", "json")
def verify_command(source: str, manifest: Path | None, output: str, **given: Any) -> None:
    """Read every block of SOURCE with its checksum, and every file; write their hashes.

    \b
    baseops backups verify latest:vol-0a1b2c3d4e5f60718 --manifest hashes.txt
    """
    from baseops.areas.backups.operate.verify import lines, verify

    with reading(given) as reader:
        opened = reader.open(source)
        hashes: list[tuple[str, str]] = []
        keep = (lambda digest, path: hashes.append((digest, path))) if manifest else (lambda _digest, _path: None)
        with Meter(reader, opened.device.size):
            done = verify(opened.blocks, opened.name.label, reader.clock, keep)
        opened.device.blocks_read = done.blocks
        if manifest:
            text = "".join(f"{line}\n" for line in lines(hashes))
            manifest.write_bytes(text.encode("utf-8", "surrogateescape"))
        if output == "json":
            details = {**about(opened), "filesystem": done.kind, "not_replayed": list(done.notes)}
            counts = {"is_sound": done.is_sound, "files": done.files, "file_bytes": done.bytes}
            problems = [{"path": path, "problem": problem} for path, problem in done.problems]
            print_json("baseops/backups-verify/1", {**details, **counts, "problems": problems, **reader.took()})
        for path, problem in done.problems:
            say(f"{shown(path)}: {shown(problem)}")
        for note in done.notes:
            say(f"note: {note}")
        say(f"{done.files:,} files ({size(done.bytes)}) and {done.blocks:,} blocks were read")
        reader.say_took()
    if not done.is_sound:
        raise VerdictError(f"{source} is not sound", f"{len(done.problems)} problems", "Name another snapshot")


@click.command("export")
@click.argument("source")
@click.argument("target", type=click.Path(path_type=Path), metavar="FILE")
@click.option("--overwrite", is_flag=True, help="Replace a file that is there.")
@click.option("--threads", default=16, show_default=True, metavar="N", help="Blocks read side by side.")
@source_options
@output_option("table", "json")
def export_command(source: str, target: Path, overwrite: bool, threads: int, output: str, **given: Any) -> None:
    """Write the whole volume SOURCE to the raw image FILE, sparse.

    \b
    baseops backups export snap-0a1b2c3d4e5f60718 disk.img --share 80

    Broken off, the same command goes on where it stopped.
    """
    from baseops.areas.backups.operate.export import export

    with reading(given) as reader:
        opened = reader.open(source)
        with Meter(reader, opened.device.size) as meter:
            done = export(
                opened.blocks,
                opened.identifier,
                target,
                reader.clock,
                at_once=threads,
                overwrite=overwrite,
                listen=meter.add,
            )
        opened.device.blocks_read = done.blocks
        if output == "json":
            print_json(
                "baseops/backups-export/1", {**about(opened), "file": str(target), **asdict(done), **reader.took()}
            )
        earlier = f", {done.earlier:,} were there" if done.earlier else ""
        say(f"wrote {target}: {size(done.size)} with {done.blocks:,} blocks now{earlier}")
        reader.say_took()
    next_step(f"baseops backups ls {target}")


@click.command("restore")
@click.argument("source")
@click.option("--zone", required=True, metavar="ZONE", help="Where the volume is made, such as eu-west-1a.")
@click.option("--type", "volume_type", default="gp3", show_default=True, metavar="TYPE", help="EC2's volume type.")
@click.option("--volume-tag", "tags", multiple=True, metavar="KEY=VALUE", help="A tag of the volume.")
@click.option("--kms-key", metavar="ARN", help="Encrypt it with this key.")
@click.option("--dry-run", is_flag=True, help="Only say what would be made.")
@source_options
@options.yes_option
@output_option("table", "json")
def restore_command(
    source: str,
    zone: str,
    volume_type: str,
    tags: tuple[str, ...],
    kms_key: str | None,
    dry_run: bool,
    yes: bool,
    output: str,
    **given: Any,
) -> None:
    """Make a volume from the snapshot SOURCE in a zone, and wait until it is available.

    \b
    baseops backups restore latest:tag=Name=web --zone eu-west-1a
    """
    from baseops.areas.backups.operate.restore import Wanted, restore

    with reading(given) as reader:
        opened = reader.open(source)
        if not opened.described:
            raise UsageError(f"{source} is a file", "a volume is made of a snapshot", "Name a snapshot")
        clients = reader.sources.clients
        if dry_run:
            say(f"would make a {volume_type} volume of {opened.identifier} in {zone}")
            return
        options.confirm(f"Make a {volume_type} volume of {opened.identifier} in {zone}?", yes=yes)
        wanted = Wanted(opened.identifier, opened.region, zone, volume_type, _tags(tags), kms_key)
        done = restore(wanted, clients, reader.clock)
        if output == "json":
            print_json("baseops/backups-restore/1", {**about(opened), **asdict(done), **reader.took()})
    say(
        f"made {done.volume_id} ({done.size_gib} GiB) in {done.created_seconds:.0f} s; its blocks load as they are read"
    )
    next_step(f"aws ec2 attach-volume --volume-id {done.volume_id} --instance-id i-… --device /dev/sdf")
