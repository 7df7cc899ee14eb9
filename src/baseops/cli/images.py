"""`baseops images …`: bases locked and moved, images built."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from baseops.cli import options
from baseops.cli.output import next_step, print_json, print_table, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from baseops.areas.images.locking import Move
    from baseops.declaration import Declaration


@click.group("images")
def command() -> None:
    """Lock and move the bases of golden images, and build them.

    \b
    baseops images lock
    baseops images update web
    baseops images build web --wait
    """


@command.command("lock")
@options.declaration_option
@options.aws_options
@options.output_option("table", "json")
@click.option("--dry-run", is_flag=True, help="Only say what would be locked.")
def lock_command(path: str, connection: options.Connection, output: str, dry_run: bool) -> None:
    """Write the base of every image into baseops.lock that has none there yet.

    \b
    baseops images lock

    A base that is locked stays, however old: `baseops images update` moves it.
    """
    from baseops.areas.images.locking import moves
    from baseops.workflow.load import load_lock

    declaration = options.load(path)
    section, lock = _section(declaration, path), load_lock(declaration)
    missing = [name for name in section.managed if name not in lock.bases]
    found = moves(section, lock, connection.session(declaration), missing) if missing else []
    _show("baseops/images-lock/1", found, output)
    _save(declaration, found, dry_run=dry_run)
    next_step(f"baseops rehearse -f {path}")


@command.command("update")
@click.argument("images", nargs=-1, metavar="[IMAGE]...")
@options.declaration_option
@options.aws_options
@options.yes_option
@options.output_option("table", "json")
@click.option("--dry-run", is_flag=True, help="Only show what would move.")
def update_command(
    images: tuple[str, ...], path: str, connection: options.Connection, yes: bool, output: str, dry_run: bool
) -> None:
    """Move the bases of images (of all, when none is named) to the newest AMI, in baseops.lock.

    \b
    baseops images update --dry-run
    baseops images update web --yes && git commit baseops.lock

    AMI and release move together: a rebuild on an old base would install the old packages again.
    """
    from baseops.areas.images.locking import moves
    from baseops.workflow.load import load_lock

    declaration = options.load(path)
    section = _section(declaration, path)
    found = moves(section, load_lock(declaration), connection.session(declaration), images)
    _show("baseops/images-update/1", found, output)
    changed = [each for each in found if each.is_change]
    if changed and not dry_run:
        options.confirm(f"Move {len(changed)} base(s) in baseops.lock?", yes=yes)
    _save(declaration, changed, dry_run=dry_run)
    next_step(f"baseops plan -f {path}" if changed else f"baseops status -f {path}")


@command.command("build")
@click.argument("image")
@options.declaration_option
@options.aws_options
@options.yes_option
@options.output_option("table", "json")
@click.option("--wait", is_flag=True, help="Follow the build to its end.")
@click.option("--timeout", default=180, show_default=True, metavar="MINUTES", help="How long to follow it.")
@click.option("--dry-run", is_flag=True, help="Only say what would be built.")
def build_command(
    image: str,
    path: str,
    connection: options.Connection,
    yes: bool,
    output: str,
    wait: bool,
    timeout: int,
    dry_run: bool,
) -> None:
    """Build IMAGE now, as its schedule would.

    \b
    baseops images build web --wait

    What is published names the new AMI as soon as the build is done.
    """
    from datetime import timedelta

    from baseops.areas.images.operate.build import find_pipeline, follow, start
    from baseops.aws.clock import SystemClock

    declaration = options.load(path)
    session, site = connection.session(declaration), declaration.site
    pipeline = find_pipeline(_section(declaration, path), image, site, session)
    if dry_run:
        say(f"would build {image} by {pipeline}")
        return
    options.confirm(f"Build {image} in {site.region}?", yes=yes)
    build = start(image, pipeline, site, session)
    say(f"building {build.arn}")
    if wait:
        build = follow(build, site, session, SystemClock(), timedelta(minutes=timeout), say)
    if output == "json":
        print_json("baseops/images-build/1", asdict(build))
    elif build.amis:
        print_table(("region", "AMI"), sorted(build.amis.items()))
    next_step(f"baseops status -f {path}")


def _section(declaration: Declaration, path: str) -> Any:
    from baseops.errors import UsageError

    section = declaration.sections.get("images")
    if section is None:
        raise UsageError("there are no images", f"{path} has no `images`", "Declare one there first.")
    return section


def _show(schema: str, found: Sequence[Move], output: str) -> None:
    if output == "json":
        moves = [{**asdict(each), "is_change": each.is_change} for each in found]
        print_json(schema, {"changed": any(each.is_change for each in found), "images": moves})
        return
    rows = []
    for each in found:
        before, after = each.before, each.after
        was = f"{before.image_id} {before.release_version or before.name}" if before else "(not locked)"
        rows.append(
            (each.image, was, f"{after.image_id} {after.release_version or after.name}" if each.is_change else "=")
        )
    if rows:
        print_table(("image", "locked", "newest"), rows)
    else:
        say("every base is locked")


def _save(declaration: Declaration, found: Sequence[Move], *, dry_run: bool) -> None:
    from baseops.areas.images.locking import moved
    from baseops.workflow.load import load_lock, lock_path, save_lock

    if dry_run or not found:
        return
    if save_lock(declaration, moved(load_lock(declaration), found)):
        say(f"{lock_path(declaration)} has changed: commit it with the declaration")
