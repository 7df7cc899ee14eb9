"""Draws timelines and trends as SVG by Vega-Lite, in the page's own colours: `var(--…)`, so dark and light both fit.

Needs vl-convert, which has Vega in it and asks nobody for anything (extra baseops-aws[page]).
https://vega.github.io/vega-lite/docs/
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from baseops.report.hostile import shortened
from baseops.report.timelines import MOST_BARS, Bar, Timeline
from baseops.report.trends import Trend

Spec = dict[str, Any]  # Any: a Vega-Lite specification is JSON

WIDTH = 820
_SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
_STATES = {
    "proven": (
        "ok",
        "kept",
        "delivered",
        "completed",
        "succeeded",
        "success",
        "available",
        "fresh",
        "received",
        "in time",
    ),
    "refuted": ("alarm", "expired", "failed", "failure", "bounced", "error", "refuted", "overdue", "too old"),
    "inconclusive": ("insufficient_data", "insufficient data", "pending", "unknown", "waiting", "silence", "late"),
}
"""States that have a colour of their own; all others get one of the series' colours."""
_SERIES = tuple(f"var(--series-{number})" for number in range(1, 7))
_SHAPES_AND_TEXT = {"g", "path", "line", "rect", "text", "tspan"}
_SHAPES = ("circle", "diamond", "triangle-up", "square", "triangle-down", "cross")
_LONGEST_NAME = 34
_STEPS = ((14, 24), (40, 13), (100, 8), (MOST_BARS, 5))
"""The pixels that a row gets, by how many rows there are at most."""
_PADDING = {"left": 16, "right": 24, "top": 6, "bottom": 6}
_CONFIG: Spec = {
    "mark": {"aria": False},  # the page gives one title, one description and a table
    "background": None,
    "font": "sans-serif",
    "view": {"stroke": None},
    "axis": {
        "aria": False,
        "domainColor": "var(--line)",
        "tickColor": "var(--line)",
        "gridColor": "var(--line)",
        "labelColor": "var(--muted)",
        "titleColor": "var(--muted)",
        "titleFontWeight": "normal",
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titlePadding": 10,
    },
    "legend": {
        "aria": False,
        "orient": "bottom",
        "direction": "horizontal",
        "columns": 4,
        "title": None,
        "labelColor": "var(--ink)",
        "labelFontSize": 12,
        "labelLimit": 220,
        "symbolStrokeWidth": 0,
    },
}


def can_draw() -> bool:
    """Whether the extra is installed."""
    return _converter() is not None


def timeline_svg(timeline: Timeline) -> str:
    """The timeline: a bar for each stretch, a symbol for each moment, a broken line where the drill stood."""
    canvas = _Canvas.of(timeline)
    values = [_bar_values(each, canvas) for each in timeline.bars]
    colours = _colours(timeline.states)
    layers = [
        _edges(timeline, canvas),
        _bars([each for each in values if not each["moment"]], canvas, colours),
        _words([each for each in values if each["fits"]], canvas),
        _moments([each for each in values if each["moment"]], canvas, colours),
        _names(timeline, canvas),
        _now(timeline, canvas),
    ]
    layers = [each for each in layers if each["data"]["values"]]
    # Names are measured here in another font than the reader's, which may be wider.
    longest = max(len(shortened(lane, _LONGEST_NAME)) for lane, _, _ in timeline.lanes)
    return _svg({"height": canvas.height, "padding": {**_PADDING, "left": 16 + 2 * longest}, "layer": layers})


def trend_svg(trend: Trend) -> str:
    """The trend: a line with points for each measure, from zero."""
    values = [
        {"at": _ms(point.at), "seconds": point.seconds, "measure": shortened(measure)}
        for measure, points in trend.lines
        for point in points
    ]
    measures = list(dict.fromkeys(shortened(measure) for measure, _ in trend.lines))
    times = [point.at for _, points in trend.lines for point in points]
    encoding = {
        "x": {"field": "at", "type": "temporal", **_time_scale(min(times), max(times))},
        "y": {"field": "seconds", "type": "quantitative", "axis": {"title": "seconds", "tickCount": 5}},
        "color": _scale("measure", {each: _SERIES[number % len(_SERIES)] for number, each in enumerate(measures)}),
        "shape": {"field": "measure", "type": "nominal", "scale": _shapes(measures)},
    }
    mark = {"type": "line", "strokeWidth": 2, "point": {"filled": True, "size": 60}}
    return _svg({"height": 200, "data": {"values": values}, "mark": mark, "encoding": encoding})


@dataclass(frozen=True)
class _Canvas:
    """Where rows and times are; every layer gets the same scales."""

    step: int
    height: int
    first: datetime
    last: datetime
    x_scale: Spec
    says_states: bool

    @classmethod
    def of(cls, timeline: Timeline) -> _Canvas:
        step = next(pixels for rows, pixels in _STEPS if timeline.rows <= rows)
        times = [timeline.starts, timeline.ends, *([timeline.now] if timeline.now else [])]
        first, last = min(times), max(times)
        says_states = step > 20 and len(timeline.states) > 1
        return cls(step, timeline.rows * step, first, last, _time_scale(first, last), says_states)

    def x(self, field: str) -> Spec:
        return {"field": field, "type": "temporal", **self.x_scale}

    def y(self, field: str) -> Spec:
        """Pixels from the top."""
        scale = {"domain": [0, self.height], "reverse": True, "nice": False}
        return {"field": field, "type": "quantitative", "scale": scale, "axis": None}

    def width(self, bar: Bar) -> float:
        return WIDTH * (bar.end - bar.start) / (self.last - self.first or timedelta(seconds=1))


def _bar_values(bar: Bar, canvas: _Canvas) -> Spec:
    gap = 3 if canvas.step > 10 else 1
    state = shortened(bar.state, 28)
    return {
        "start": _ms(bar.start),
        "end": _ms(bar.end),
        "top": bar.row * canvas.step + gap,
        "bottom": (bar.row + 1) * canvas.step - gap,
        "middle": (bar.row + 0.5) * canvas.step,
        "state": state,
        "moment": bar.is_moment,
        "fits": canvas.says_states and canvas.width(bar) > 8 * len(state) + 12,
    }


def _bars(values: Sequence[Spec], canvas: _Canvas, colours: Mapping[str, str]) -> Spec:
    encoding = {
        "x": canvas.x("start"),
        "x2": {"field": "end"},
        "y": canvas.y("top"),
        "y2": {"field": "bottom"},
        "color": _scale("state", colours),
    }
    mark = {"type": "bar", "cornerRadius": 2 if canvas.step > 10 else 0}
    return {"data": {"values": list(values)}, "mark": mark, "encoding": encoding}


def _words(values: Sequence[Spec], canvas: _Canvas) -> Spec:
    """The state written into bars that have room: colour is never all there is."""
    mark = {"type": "text", "align": "left", "dx": 6, "baseline": "middle", "fontSize": 11, "fill": "var(--paper)"}
    encoding = {"x": canvas.x("start"), "y": canvas.y("middle"), "text": {"field": "state"}}
    return {"data": {"values": list(values)}, "mark": mark, "encoding": encoding}


def _moments(values: Sequence[Spec], canvas: _Canvas, colours: Mapping[str, str]) -> Spec:
    encoding = {
        "x": canvas.x("start"),
        "y": canvas.y("middle"),
        "color": _scale("state", colours),
        "shape": {"field": "state", "type": "nominal", "scale": _shapes(list(colours))},
    }
    mark = {"type": "point", "filled": True, "size": 90, "opacity": 1, "stroke": "var(--paper)", "strokeWidth": 1}
    return {"data": {"values": list(values)}, "mark": mark, "encoding": encoding}


def _names(timeline: Timeline, canvas: _Canvas) -> Spec:
    """The lanes' names left of the plot: marks, not axis labels, so that no name is ever an expression."""
    values = [
        {"lane": shortened(lane, _LONGEST_NAME), "middle": (first + rows / 2) * canvas.step}
        for lane, first, rows in timeline.lanes
    ]
    mark = {"type": "text", "align": "right", "x": -12, "baseline": "middle", "fontSize": 12, "fill": "var(--ink)"}
    encoding = {"y": canvas.y("middle"), "text": {"field": "lane"}}
    return {"data": {"values": values}, "mark": mark, "encoding": encoding}


def _edges(timeline: Timeline, canvas: _Canvas) -> Spec:
    """A fine line between lanes."""
    values = [{"top": first * canvas.step} for _, first, _ in timeline.lanes[1:]]
    mark = {"type": "rule", "stroke": "var(--line)"}
    return {"data": {"values": values}, "mark": mark, "encoding": {"y": canvas.y("top")}}


def _now(timeline: Timeline, canvas: _Canvas) -> Spec:
    mark = {"type": "rule", "strokeDash": [4, 3], "stroke": "var(--ink)", "strokeWidth": 1.5}
    values = [{"at": _ms(timeline.now)}] if timeline.now else []
    return {"data": {"values": values}, "mark": mark, "encoding": {"x": canvas.x("at")}}


def _time_scale(first: datetime, last: datetime) -> Spec:
    """Scale and axis over these times, in UTC and 24 hours; one moment alone gets half a minute on each side."""
    length = last - first
    pad = length * 0.02 or timedelta(seconds=30)
    form = "%b %Y" if length > timedelta(days=120) else "%d %b" if length > timedelta(days=3) else "%d %b %H:%M"
    if length < timedelta(hours=20):
        form = "%H:%M" if length > timedelta(minutes=6) else "%H:%M:%S"
    scale = {"type": "utc", "domain": [_ms(first - pad), _ms(last + pad)], "nice": False}
    return {"scale": scale, "axis": {"title": "UTC", "tickCount": 7, "format": form, "labelOverlap": True}}


def _scale(field: str, colours: Mapping[str, str]) -> Spec:
    scale = {"domain": list(colours), "range": list(colours.values())}
    return {"field": field, "type": "nominal", "scale": scale}


def _shapes(names: Sequence[str]) -> Spec:
    return {"domain": list(names), "range": [_SHAPES[number % len(_SHAPES)] for number in range(len(names))]}


def _colours(states: Sequence[str]) -> dict[str, str]:
    """A colour for each state: its meaning's, or the next of the series."""
    found, number = {}, 0
    for state in states:
        meaning = next((name for name, words in _STATES.items() if state.lower() in words), None)
        found[shortened(state, 28)] = f"var(--{meaning})" if meaning else _SERIES[number % len(_SERIES)]
        number += meaning is None
    return found


def _ms(at: datetime | None) -> int:
    return round(at.timestamp() * 1000) if at else 0


def _svg(spec: Spec) -> str:
    """The drawing without its outer element: the page gives that, with size, title and description."""
    converter = _converter()
    whole = {"$schema": _SCHEMA, "width": WIDTH, "padding": _PADDING, "config": _CONFIG, **spec}
    return str(converter.vegalite_to_svg(whole, allowed_base_urls=[])) if converter else ""


@cache
def _converter() -> Any:  # Any: a module of an extra
    try:
        import vl_convert
    except ImportError:
        return None
    return vl_convert


def parts(svg: str) -> tuple[str, str]:
    """The view box of a drawing and what is inside it; both empty where that is more than shapes and text."""
    found = re.fullmatch(r'<svg [^>]*?viewBox="([0-9. -]+)"[^>]*>(.*)</svg>', svg, re.DOTALL)
    return (found[1], found[2]) if found and set(re.findall(r"<(\w+)", found[2])) <= _SHAPES_AND_TEXT else ("", "")
