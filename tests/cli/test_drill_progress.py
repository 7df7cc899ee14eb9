"""Progress of drills: what each found, and on a terminal which are under way."""

import io
import sys

import pytest

from baseops.cli.progress import DrillProgress


class Terminal(io.StringIO):
    """What a terminal gets."""

    def isatty(self):
        return True


@pytest.fixture(params=[Terminal, io.StringIO])
def told(request, monkeypatch):
    stream = request.param()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    with DrillProgress(3) as progress:
        progress.begins("logs/alerts")
        progress.begins("secrets/trail")
        progress.ends("logs/alerts", "2 proven")
        if progress._live:
            progress._live.refresh()
    return stream


def test_what_is_under_way_stands_in_a_last_line_of_a_terminal(told):
    text = told.getvalue()

    assert "logs/alerts: 2 proven\n" in text
    if told.isatty():
        assert "1 of 3 drills have ended; under way: secrets/trail 0:0" in text
    else:
        assert text == "logs/alerts: 2 proven\n"
