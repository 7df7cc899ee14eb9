"""A plot as the page shows it: the drawing, what it says in words, and the same as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from baseops.evidence.records import parse_timestamp
from baseops.report import plots
from baseops.report.hostile import visible
from baseops.report.stories import Story
from baseops.report.timelines import Timeline, timeline
from baseops.report.trends import Trend
from baseops.report.units import count, duration

_TITLES = {
    "images": "The age of what images stand on",
    "backups": "Snapshots and how long they are kept",
    "logs": "The alarm and its canary",
    "secrets": "The canary secret over time",
    "email": "Mail round trips",
}


@dataclass(frozen=True)
class Figure:
    """`drawing` is the inside of an SVG element with `view_box`; empty where no library can draw it.

    `drills` are those that it is of, with their places on the page.
    """

    anchor: str
    title: str
    drills: tuple[tuple[str, str], ...]
    description: str
    view_box: str
    drawing: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def timeline_figures(stories: Sequence[Story]) -> list[Figure]:
    """What was when, by the spans of each drill's records; one figure where a drill shows no more than another."""
    shown = {each.drill: {tuple(sorted(span.items())) for span in each.spans} for each in stories if each.spans}
    by_drill = {each.drill: each for each in stories}
    figures: dict[str, list[str]] = {}
    for name in sorted(shown, key=lambda drill: -len(shown[drill])):
        home = next((other for other in figures if shown[name] <= shown[other]), name)
        figures.setdefault(home, []).append(name)
    return [_timeline_figure([by_drill[each] for each in figures[name]]) for name in shown if name in figures]


def _timeline_figure(stories: Sequence[Story]) -> Figure:
    story = stories[0]
    found = timeline(story.spans, story.ended)
    rows = tuple((each["lane"], each["state"], _moment(each["start"]), _moment(each["end"])) for each in story.spans)
    return _figure(
        f"when-{story.anchor}",
        _TITLES[story.area],
        stories,
        _timeline_words(found),
        lambda: plots.timeline_svg(found),
        ("lane", "state", "from (UTC)", "until (UTC)"),
        rows,
        note=_note(found),
    )


def trend_figure(story: Story, found: Trend) -> Figure:
    """How long a drill took, run by run."""
    rows = tuple(
        (measure, moment(each.at), duration(each.seconds), each.run) for measure, line in found.lines for each in line
    )
    return _figure(
        f"runs-{story.anchor}",
        "Time taken, run by run",
        [story],
        _trend_words(found),
        lambda: plots.trend_svg(found),
        ("measure", "run ended (UTC)", "took", "run"),
        rows,
    )


def moment(at: datetime) -> str:
    """A time in UTC as people read it."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def _moment(text: str) -> str:
    return moment(parse_timestamp(text))


def _figure(
    anchor: str,
    title: str,
    stories: Sequence[Story],
    description: str,
    draw: Callable[[], str],
    columns: tuple[str, ...],
    rows: tuple[tuple[str, ...], ...],
    *,
    note: str = "",
) -> Figure:
    view_box, drawing = plots.parts(draw()) if plots.can_draw() else ("", "")
    drills = tuple((each.drill, each.anchor) for each in stories)
    return Figure(anchor, title, drills, description, view_box, drawing, columns, rows, note)


def _note(found: Timeline) -> str:
    said = "The broken line is when the drill ended." if found.now else ""
    if found.left_out:
        said += f" The plot leaves out {count(found.left_out, 'span')}, the table has all of them."
    return said.strip()


def _timeline_words(found: Timeline) -> str:
    """How often each lane was in which state, and from when to when it all goes."""
    states = {lane: Counter(bar.state for bar in found.bars if bar.lane == lane) for lane, _, _ in found.lanes[:8]}
    lanes = [
        f"{visible(lane, 80)}: " + ", ".join(f"{visible(state, 60)} {number}×" for state, number in counts.items())
        for lane, counts in states.items()
    ]
    more = len(found.lanes) - len(lanes)
    lanes += [f"and {count(more, 'more lane')}"] if more else []
    return f"From {moment(found.starts)} to {moment(found.ends)} UTC. {'; '.join(lanes)}."


def _trend_words(found: Trend) -> str:
    lines = []
    for measure, line in found.lines:
        seconds = [each.seconds for each in line]
        lines.append(
            f"{visible(measure, 60)}: {duration(min(seconds))} to {duration(max(seconds))} in {len(line)} runs, "
            f"last {duration(seconds[-1])}"
        )
    return "; ".join(lines) + "."
