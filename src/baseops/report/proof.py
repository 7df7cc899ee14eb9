"""What the page of a proof holds: the newest findings of every drill, whichever run they are of, and its history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from baseops._version import __version__
from baseops.contract.drill import Drill
from baseops.contract.site import Site
from baseops.evidence.records import Head, Record, parse_timestamp
from baseops.report.figures import Figure, moment, timeline_figures, trend_figure
from baseops.report.page import Note, Page
from baseops.report.plots import can_draw
from baseops.report.stories import Story, stories
from baseops.report.trends import trend
from baseops.report.units import count

Runs = Mapping[str, Sequence[Sequence[Record]]]


def proof_page(site: Site, account: str, drills: Sequence[Drill], runs: Runs, head: Head | None, now: datetime) -> Page:
    """The page; `runs` has each drill's runs, newest first, `head` is that of the newest run of all."""
    found = stories(drills, runs, now)
    return Page(
        kind="proof",
        name=site.name,
        account=account,
        region=site.region,
        at=now,
        stories=tuple(found),
        figures=tuple(_figures(found, runs)),
        facts=tuple(_facts(head, now)),
        notes=tuple(_notes(head, now)),
        can_draw=can_draw(),
        tool=f"baseops {__version__}",
    )


def _figures(found: Sequence[Story], runs: Runs) -> list[Figure]:
    """Timelines of the newest runs, then times over all runs that are known."""
    trends = [(each, trend(runs.get(each.drill, ()))) for each in found]
    return [
        *timeline_figures(found),
        *(trend_figure(story, over_runs) for story, over_runs in trends if over_runs),
    ]


def _facts(head: Head | None, now: datetime) -> list[tuple[str, str]]:
    facts = [("Drawn", f"{moment(now)} UTC")]
    if head:
        facts += [
            ("Newest run", head.run),
            ("Ran", f"{moment(parse_timestamp(head.started))} to {moment(parse_timestamp(head.ended))} UTC"),
            ("Kept by", head.tool),
            ("Sealed by", head.signature.key if head.signature else "nobody"),
        ]
    return facts


def _notes(head: Head | None, now: datetime) -> list[Note]:
    if head is None:
        return [Note("warning", "no run has ended here yet", "Run: baseops prove")]
    notes = []
    if not head.complete:
        notes.append(Note("warning", f"the run {head.run} was broken off", "Run: baseops prove"))
    if head.next_by and parse_timestamp(head.next_by) < now:
        due = moment(parse_timestamp(head.next_by))
        notes.append(Note("warning", f"a run was due by {due} UTC", "Run: baseops prove"))
    if head.leftovers:
        left = "; ".join(head.leftovers)
        notes.append(Note("error", f"{count(len(head.leftovers), 'leftover')}: {left}", "Run: baseops prove --sweep"))
    return notes
