"""The pages docs/drills/AREA.md: every drill with what it says of itself, and every sabotage that it must notice.

Drills are those of `examples/acme`, and of `tests/areas/AREA/full.yaml`, which uses every key of an area.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from baseops.contract.drill import Drill, Sabotage
from baseops.contract.refs import Refs
from baseops.declaration import Declaration, load
from baseops.evidence.prices import AS_OF
from baseops.registry import AREAS, Area
from baseops.workflow.load import SPECS
from baseops.workflow.sabotage import sabotages

ROOT = Path(__file__).resolve().parent.parent


def drill_pages(made: str) -> dict[str, str]:
    """A page for each area, by its path under docs/; `made` says that it is written by a machine."""
    acme = load(ROOT / "examples" / "acme" / "baseops.yaml", SPECS)
    breaks = sabotages(acme)
    return {f"drills/{area.name}.md": _page(area, _drills(area, acme), breaks, made) for area in AREAS}


def _drills(area: Area, acme: Declaration) -> list[Drill]:
    found: dict[str, Drill] = {}
    for declaration in _declarations(area, acme):
        section = declaration.sections[area.name]
        for each in area.prove.drills(section, Refs(declaration.site)):
            found.setdefault(each.name, each)
    return list(found.values())


def _declarations(area: Area, acme: Declaration) -> Iterator[Declaration]:
    yield acme
    path = ROOT / "tests" / "areas" / area.name / "full.yaml"
    if "version: 1" in path.read_text():  # else it is a section alone
        yield load(path, SPECS)


def _page(area: Area, drills: list[Drill], breaks: list[Sabotage], made: str) -> str:
    lines = [
        f"# Drills of {area.name}",
        made,
        "What a drill is, and how it is run: [drills](../drills.md). Costs are list prices in US dollars of",
        f"{AS_OF:%Y-%m-%d}, at most, beside requests that are free.",
        "",
    ]
    for each in drills:
        lines += [f"## {each.name}", "", *_drill(each), ""]
    own = [each for each in breaks if each.name.startswith(f"{area.name}/")]
    if own:
        lines += [
            "## Sabotage",
            "",
            "What `baseops rehearse` breaks in copies of the example's account, one at a time,",
        ]
        lines += ["and which drill has to notice.", "", "| break | what is done | drill | time that passes |"]
        lines += ["|---|---|---|---|", *(_row(each) for each in own)]
    return "\n".join(lines).rstrip() + "\n"


def _drill(drill: Drill) -> Iterator[str]:
    yield f"{_cell(drill.promise)[:1].upper()}{_cell(drill.promise)[1:]}."
    yield ""
    yield f"- class: {drill.drill_class}"
    yield f"- touches: {'; '.join(map(_cell, drill.touches)) or 'nothing, it reads'}"
    if drill.traces:
        yield f"- leaves: {'; '.join(map(_cell, drill.traces))}"
    yield f"- costs: {drill.cost_usd:.4f} USD" if drill.cost_usd else "- costs: nothing"
    yield f"- ends after {drill.timeout.total_seconds() / 60:.0f} minutes at the latest"


def _row(sabotage: Sabotage) -> str:
    passes = f"{sabotage.passes.total_seconds() / 3600:.0f} h" if sabotage.passes else ""
    return f"| {sabotage.name} | {_cell(sabotage.story)} | {sabotage.drill} | {passes} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
