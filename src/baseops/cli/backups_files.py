"""The commands about files in snapshots: ls, cat, cp, find, diff. What they do lies in `areas/backups/operate`."""

from __future__ import annotations

import sys
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from baseops.cli.backups_source import Meter, about, reading, say_notes, shown, size, source_options
from baseops.cli.options import output_option
from baseops.cli.output import next_step, print_json, print_table, say
from baseops.errors import SnapshotError, UsageError

if TYPE_CHECKING:
    from baseops.areas.backups.operate.cp import Copied
    from baseops.areas.backups.operate.ls import Listed
    from baseops.aws.source_names import SourceName
    from baseops.snapshots.volumes import Volume

PIECE = 4 << 20


@click.command("ls")
@click.argument("source")
@click.option("-R", "--recursive", is_flag=True, help="All that is below.")
@source_options
@output_option("table", "json")
def ls_command(source: str, recursive: bool, output: str, **given: Any) -> None:
    """List what is on the device SOURCE, or in the directory SOURCE:/PATH.

    \b
    baseops backups ls ./disk.img
    baseops backups ls snap-0a1b2c3d4e5f60718:/etc
    """
    from baseops.areas.backups.operate.ls import in_directory, on_device

    with reading(given) as reader:
        opened = reader.open(source)
        if ":/" not in source and opened.name.label is None:
            volumes = on_device(opened.device)
            _show_volumes(volumes, source, output, {**about(opened), **reader.took()})
            reader.say_took()
            return
        snapshot = opened.files()
        found = list(in_directory(snapshot, opened.name.path, recursive=recursive))
        if output == "json":
            entries = [_entry(each) for each in found]
            print_json("baseops/backups-ls/1", {**about(opened, snapshot), "entries": entries, **reader.took()})
        else:
            _show_entries(found, full=recursive)
        say_notes(snapshot)
        reader.say_took()
    next_step(f"baseops backups cp {source.rstrip('/')}/NAME .")


@click.command("cat")
@click.argument("source")
@source_options
@output_option("table", "json")
def cat_command(source: str, output: str, **given: Any) -> None:
    """Print the file SOURCE:/PATH on stdout.

    \b
    baseops backups cat latest:tag=Name=web:/etc/fstab
    """
    import base64

    with reading(given) as reader:
        opened = reader.open(source)
        snapshot = opened.files()
        with snapshot.open(opened.name.path) as file:
            if output == "json":
                content = base64.b64encode(file.read()).decode()
                path = opened.name.path
                details = {**about(opened, snapshot), "path": path, "content_base64": content}
                print_json("baseops/backups-cat/1", {**details, **reader.took()})
            else:
                while piece := file.read(PIECE):
                    sys.stdout.buffer.write(piece)
                sys.stdout.buffer.flush()
        say_notes(snapshot)
        reader.say_took()


@click.command("cp")
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE:PATH...")
@click.argument("destination", type=click.Path(path_type=Path), metavar="DEST")
@click.option("-r", "--recursive", is_flag=True, help="Directories with all they hold.")
@click.option(
    "-p",
    "--preserve",
    is_flag=True,
    help="Owner, mode bits (set-user-ID for root alone), hard links and attributes too.",
)
@click.option("--resume", is_flag=True, help="Leave files that are there with the same size and time.")
@source_options
@output_option("table", "json")
def cp_command(sources: tuple[str, ...], destination: Path, output: str, **given: Any) -> None:
    """Copy files and directories out of a snapshot.

    \b
    baseops backups cp snap-0a1b2c3d4e5f60718:/etc/fstab .
    baseops backups cp -r -p latest:vol-0a1b2c3d4e5f60718:/home/app restored/

    Each file is written under a temporary name, read back, and renamed.
    """
    from baseops.areas.backups.operate.cp import Manner, copy

    manner = Manner(given.pop("recursive"), given.pop("preserve"), given.pop("resume"))
    with reading(given) as reader:
        results, notes = [], []
        for text, paths in _by_source(sources).items():
            opened = reader.open(text)
            snapshot = opened.files()
            if len(sources) > 1 and not destination.is_dir():
                raise UsageError(f"{destination} is no directory", "", f"Run: mkdir -p {destination}")
            with Meter(reader) as meter:
                results.append(
                    copy(snapshot, paths, destination, manner, lambda path, count, meter=meter: meter.add(count, path))  # type: ignore[misc]  # mypy cannot infer defaults
                )
            notes.append({**about(opened, snapshot), **_copied(results[-1])})
            say_notes(snapshot)
        if output == "json":
            print_json("baseops/backups-cp/1", {"copies": notes, **reader.took()})
        for result in results:
            _say_copied(result, destination)
        reader.say_took()
    if any(result.skipped for result in results):
        raise SnapshotError("not everything was copied", "what was left out is listed above", "Look at each of them")


@click.command("find")
@click.argument("source")
@click.option("-n", "--name", metavar="PATTERN", help="The name, with * and ?.")
@click.option("-k", "--kind", type=click.Choice(["file", "dir", "symlink"]), help="Only these.")
@click.option("--larger", "larger_than", type=int, metavar="BYTES", help="Larger than so many bytes.")
@click.option("--smaller", "smaller_than", type=int, metavar="BYTES", help="Smaller than so many bytes.")
@click.option("--newer", "modified_after", metavar="DATE", help="Changed on or after a date or time (UTC).")
@click.option("--older", "modified_before", metavar="DATE", help="Changed before a date or time (UTC).")
@click.option("-0", "--print0", is_flag=True, help="Raw paths, each ended by a zero byte.")
@source_options
@output_option("table", "json", "jsonl")
def find_command(source: str, print0: bool, output: str, **given: Any) -> None:
    """Find files below SOURCE:/PATH.

    \b
    baseops backups find ./disk.img:/var/log --name '*.log' --larger 1000000
    """
    import json

    from baseops.areas.backups.operate.find import Wanted, find
    from baseops.aws.sources import parse_time

    names = ("name", "kind", "larger_than", "smaller_than", "modified_after", "modified_before")
    chosen = {name: given.pop(name) for name in names}
    for name in ("modified_after", "modified_before"):
        chosen[name] = parse_time(chosen[name], end_of_day=False) if chosen[name] else None
    with reading(given) as reader:
        opened = reader.open(source)
        snapshot = opened.files()
        problems: list[dict[str, str]] = []
        found = find(
            snapshot,
            opened.name.path,
            Wanted(**chosen),
            lambda path, error: problems.append({"path": path, "problem": str(error)}),
        )
        entries = []
        for each in found:
            line = {"path": each.path, "kind": each.kind, "size": each.size, "modified": each.stat.modified}
            if output == "json":
                entries.append(line)
            elif output == "jsonl":
                click.echo(json.dumps(line, default=str))
            elif print0:
                sys.stdout.buffer.write(each.path.encode("utf-8", "surrogateescape") + b"\0")
            else:
                click.echo(shown(each.path))
        if output == "json":
            details = {**about(opened, snapshot), "entries": entries, "problems": problems}
            print_json("baseops/backups-find/1", {**details, **reader.took()})
        for problem in problems:
            say(f"cannot read {shown(problem['path'])}: {shown(problem['problem'])}")
        say_notes(snapshot)
        reader.say_took()
    if problems:
        raise SnapshotError("not everything could be looked at", f"{len(problems)} problems are listed above")


@click.command("diff")
@click.argument("first")
@click.argument("second")
@source_options
@output_option("table", "json")
def diff_command(first: str, second: str, output: str, **given: Any) -> None:
    """Show which files differ between FIRST and SECOND: added, removed or changed.

    \b
    baseops backups diff snap-0a1b2c3d4e5f60718 snap-0b1b2c3d4e5f60718:/etc

    Between two snapshots of one volume, files whose blocks have not changed are not read.
    """
    from dataclasses import asdict

    from baseops.aws.sources import changed_blocks
    from baseops.snapshots.diff import diff

    with reading(given) as reader:
        old, new = reader.open(first), reader.open(second)
        before, after = old.files(), new.files()
        top = new.name.path if new.name.path != "/" else old.name.path
        changed = changed_blocks(reader.sources, old, new)
        is_changed = None if changed is None else changed.__contains__
        found = list(diff(before, after, top, is_changed=is_changed))
        if output == "json":
            print_json(
                "baseops/backups-diff/1",
                {
                    "first": about(old, before),
                    "second": about(new, after),
                    "by_blocks": changed is not None,
                    "differences": [asdict(each) for each in found],
                    **reader.took(),
                },
            )
        else:
            marks = {"added": "+", "removed": "-", "changed": "~"}
            for each in found:
                detail = f"  ({', '.join(each.what)})" if each.what else ""
                click.echo(f"{marks[each.change]} {shown(each.path)}{detail}")
        say_notes(before)
        say_notes(after)
        say(f"{len(found):,} differences")
        reader.say_took()


def _by_source(texts: tuple[str, ...]) -> dict[str, list[str]]:
    """Paths by the source they come from, so that each is opened once."""
    from baseops.aws.source_names import parse

    heads: dict[tuple[Any, ...], str] = {}
    found: dict[str, list[str]] = {}
    for text in texts:
        name: SourceName = parse(text)
        head = heads.setdefault((name.kind, name.value, name.tag, name.label), text)
        found.setdefault(head, []).append(name.path)
    return found


def _show_volumes(volumes: list[Volume], source: str, output: str, details: dict[str, Any]) -> None:
    if output == "json":
        rows = [
            {
                "volume": each.label,
                "kind": each.kind,
                "name": each.name,
                "offset": each.offset,
                "size": each.size,
                "readable": each.is_readable,
                "reason": each.refusal,
            }
            for each in volumes
        ]
        print_json("baseops/backups-volumes/1", {**details, "volumes": rows})
        return
    table = [
        (f"@{each.label}", each.kind, size(each.size), str(each.offset), each.name, each.refusal) for each in volumes
    ]
    print_table(("VOLUME", "KIND", "SIZE", "OFFSET", "NAME", "CANNOT BE READ BECAUSE"), table)
    readable = next((each for each in volumes if each.is_readable), None)
    if readable is not None:
        label = "" if len([each for each in volumes if each.is_readable]) == 1 else f"@{readable.label}"
        next_step(f"baseops backups ls {source}{label}:/")


def _show_entries(found: list[Listed], *, full: bool) -> None:
    import stat

    for each in found:
        name = each.path if full else each.path.rpartition("/")[2] or "/"
        link = f" -> {shown(each.target)}" if each.target is not None else ""
        when = each.stat.modified.astimezone(UTC).strftime("%Y-%m-%d %H:%M")
        owner = f"{each.stat.uid}:{each.stat.gid}"
        click.echo(f"{stat.filemode(each.stat.mode)} {owner:>11} {each.stat.size:>13,} {when} {shown(name)}{link}")


def _entry(listed: Listed) -> dict[str, Any]:
    stat = listed.stat
    return {
        "path": listed.path,
        "kind": stat.kind,
        "size": stat.size,
        "mode": f"{stat.permissions:04o}",
        "uid": stat.uid,
        "gid": stat.gid,
        "links": stat.links,
        "inode": stat.inode,
        "modified": stat.modified,
        **({"target": listed.target} if listed.target is not None else {}),
    }


def _copied(result: Copied) -> dict[str, Any]:
    return {
        "files": result.files,
        "directories": result.directories,
        "links": result.links,
        "bytes_written": result.bytes,
        "kept": result.kept,
        "special": [{"path": path, "kind": kind} for path, kind in result.special],
        "skipped": [{"path": path, "reason": reason} for path, reason in result.skipped],
    }


def _say_copied(result: Copied, destination: Path) -> None:
    for path, kind in result.special:
        say(f"not made, as it is a {kind}: {shown(path)}")
    for path, reason in result.skipped:
        say(f"left out {shown(path)}: {shown(reason)}")
    kept = f", {result.kept:,} were there" if result.kept else ""
    say(f"copied {result.files:,} files ({size(result.bytes)}) to {destination}{kept}")
