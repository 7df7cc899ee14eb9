"""What the page of a rehearsal holds: the stacks' life, the verdicts, the sabotage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from baseops._version import __version__
from baseops.contract.drill import Drill
from baseops.contract.finding import Finding
from baseops.contract.site import Site
from baseops.contract.types import Json
from baseops.evidence.records import Record, parse_timestamp
from baseops.report.figures import moment, timeline_figures
from baseops.report.page import Break, Life, Note, Page, anchors
from baseops.report.plots import can_draw
from baseops.report.stories import AREAS, Story, stories
from baseops.report.units import duration

if TYPE_CHECKING:
    from datetime import datetime

    from baseops.workflow.rehearse import Rehearsal, Verb

_ROWS = ("artifacts", "foundation", "region", *AREAS)


def rehearsal_page(site: Site, drills: Sequence[Drill], rehearsal: Rehearsal, at: datetime) -> Page:
    """The page; `at` is when the rehearsal ended, its ages count from the virtual end of the drills."""
    runs = _runs(rehearsal.records)
    records = [each for run in runs.values() for each in run[0]]
    virtual = max((parse_timestamp(each["ended"]) for each in records if each["ended"]), default=at)
    found = stories(drills, runs, virtual)
    return Page(
        kind="rehearsal",
        name=site.name,
        account=site.accounts[0],
        region=site.region,
        at=virtual,
        stories=tuple(found),
        figures=tuple(timeline_figures(found)),
        facts=(
            ("Rehearsed", f"{moment(at)} UTC, in a local account"),
            ("Drills ran at", f"{moment(virtual)} UTC by the account's clock"),
            ("Took", f"{duration(sum(rehearsal.seconds.values()))} of real time"),
        ),
        failure=str(rehearsal.failure) if rehearsal.failure else "",
        notes=tuple(sorted(map(_note, (*rehearsal.findings, *rehearsal.pending)), key=_weight)),
        life=_life(rehearsal),
        breaks=tuple(_breaks(rehearsal, found)),
        kept=tuple(rehearsal.kept),
        can_draw=can_draw(),
        tool=f"baseops {__version__}",
    )


def _runs(records: Sequence[Mapping[str, Json]]) -> dict[str, list[list[Record]]]:
    found: dict[str, list[list[Record]]] = {}
    for each in records:
        found.setdefault(str(each["drill"]), [[]])[0].append(Record(each))
    return found


def _life(rehearsal: Rehearsal) -> Life:
    from baseops.workflow.rehearse import VERBS

    cells = {(each.area, each.verb): each for each in rehearsal.cells}
    areas = sorted({each.area for each in rehearsal.cells}, key=_ROWS.index)

    def cell(area: str, verb: Verb) -> tuple[str, str]:
        found = cells.get((area, verb))
        if found is None:
            return "", ""
        return found.result.replace("\n", ", "), duration(found.seconds) if found.is_virtual else ""

    rows = tuple((area, tuple(cell(area, verb) for verb in VERBS)) for area in areas)
    real = tuple(duration(rehearsal.seconds[verb]) if verb in rehearsal.seconds else "" for verb in VERBS)
    return Life(VERBS, rows, real)


def _breaks(rehearsal: Rehearsal, found: Sequence[Story]) -> list[Break]:
    places = anchors(found)
    return [
        Break(
            each.name,
            each.story,
            each.drill,
            places.get(each.drill, ""),
            each.caught,
            each.found,
            duration(each.seconds),
        )
        for each in rehearsal.sabotage
    ]


def _note(finding: Finding) -> Note:
    return Note(finding.severity.value, finding.message, finding.remedy)


def _weight(note: Note) -> int:
    return ("error", "warning", "note").index(note.severity)
