"""The options that say where the HTML page goes, and how commands come to one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from baseops.cli.output import printable, say

if TYPE_CHECKING:
    from baseops.contract.clients import Clients
    from baseops.contract.drill import Drill
    from baseops.declaration import Declaration
    from baseops.errors import BaseopsError
    from baseops.report.file import PageFile
    from baseops.workflow.prove import Order
    from baseops.workflow.rehearse import Rehearsal


def page_options(default: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """`--page` and `--no-page`; the command gets `page`, a path or None."""

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        @wraps(function)
        def call(page: str, no_page: bool, **rest: Any) -> None:
            function(page=None if no_page else page, **rest)

        place = click.option(
            "--page", default=default, show_default=True, metavar="FILE", help="Where the HTML page is written."
        )
        return place(click.option("--no-page", is_flag=True, help="Write no HTML page.")(call))

    return decorate


def claim(page: str | None) -> PageFile | None:
    """The place of the page, checked: what cannot be written is said before anything is run."""
    from baseops.report.file import PageFile

    return PageFile(page) if page else None


def attempt(draw: Callable[[], None]) -> BaseopsError | None:
    """Draw; what went wrong is said and given back, since a verdict that was found counts for more than its page."""
    from baseops.errors import BaseopsError

    try:
        draw()
    except BaseopsError as error:
        say(click.style("no page: ", fg="red") + printable(str(error)))
        return error
    return None


def draw_rehearsal(place: PageFile, declaration: Declaration, found: Rehearsal) -> None:
    """Draw and write the page of a rehearsal."""
    from baseops.aws.clock import SystemClock
    from baseops.report.rehearsal import rehearsal_page
    from baseops.report.render import html

    page = rehearsal_page(declaration.site, _drills(declaration), found, SystemClock().now())
    _write(place, html(page))


def draw_proof(place: PageFile, declaration: Declaration, clients: Clients, order: Order, account: str) -> None:
    """Draw and write the page of all the evidence: the newest findings of every drill, and its history."""
    from baseops.aws.clock import SystemClock
    from baseops.evidence.history import newest_head, recent_records
    from baseops.report.proof import proof_page
    from baseops.report.render import html
    from baseops.workflow.prove import evidence_store

    site, store = declaration.site, evidence_store(declaration, clients, order)
    newest = newest_head(store, account, site.region)
    head = newest[0] if newest else None
    runs = recent_records(store, account, site.region)
    _write(place, html(proof_page(site, account, _drills(declaration), runs, head, SystemClock().now())))


def _drills(declaration: Declaration) -> Sequence[Drill]:
    """The declared drills of every class."""
    from baseops.workflow.load import load_lock
    from baseops.workflow.prove import Order, wanted_drills

    order = Order(classes=("exercise", "disturb"))
    return [drill for drill, _ in wanted_drills(declaration, load_lock(declaration), order)]


def _write(place: PageFile, text: str) -> None:
    place.write(text)
    say(f"page: {printable(str(place.path))}")
