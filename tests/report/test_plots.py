"""Drawings: what the library makes of data, and what is let into the page."""

import re

import pytest

from baseops.report.plots import can_draw, parts, timeline_svg, trend_svg
from baseops.report.timelines import timeline
from baseops.report.trends import trend

pytestmark = pytest.mark.skipif(not can_draw(), reason="vl-convert is not installed; run: make setup")


def texts(svg):
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


def test_a_timeline_names_its_lanes_states_and_hours(made):
    spans = [made.span("alarm", "OK", 0, 3), made.span("alarm", "ALARM", 3, 9), made.span("canary", "written", 1)]

    drawn = texts(timeline_svg(timeline(spans, made.ran)))

    assert {"alarm", "canary", "OK", "ALARM", "written", "02:00", "02:09", "UTC"} <= set(drawn)


def test_colours_are_the_pages_own(made):
    svg = timeline_svg(timeline([made.span("alarm", "ALARM", 0, 9), made.span("mail", "sent", 3)], made.ran))

    colours = set(re.findall(r'(?:fill|stroke)="([^"]*)"', svg)) - {"none", "transparent"}
    assert {each for each in colours if not each.startswith("var(--")} == set()


def test_a_trend_begins_at_zero(made):
    drawn = texts(trend_svg(trend(made.history("backups/read", "backups.daily"))))

    assert {"0", "20", "seconds", "read", "18 Jan"} <= set(drawn)


def test_a_moment_alone_is_drawn(made):
    assert parts(timeline_svg(timeline([made.span("mail", "sent", 0)])))[1].count("<path") > 1


def test_names_are_text_whatever_they_say(made):
    spans = [made.span(text, text, 0, 9) for text in made.texts.values()]

    svg = timeline_svg(timeline(spans))

    assert "&lt;script&gt;doc" in svg
    assert parts(svg) != ("", "")


@pytest.mark.parametrize(
    "inside", ["<script>1</script>", '<image href="https://a.example"/>', "<foreignObject/>", "<a/>"]
)
def test_a_drawing_that_holds_more_than_shapes_and_text_is_left_out(inside):
    assert parts(f'<svg viewBox="0 0 9 9"><g>{inside}</g></svg>') == ("", "")
    assert parts('<svg viewBox="0 0 9 9"><g></g></svg>') == ("0 0 9 9", "<g></g>")
