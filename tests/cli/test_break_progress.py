"""Progress of sabotage: one line that is written over on a terminal, nothing elsewhere."""

import io
import sys

import pytest

from baseops.cli.progress import BreakProgress
from baseops.workflow.sabotage import Outcome


class Terminal(io.StringIO):
    """What a terminal gets."""

    def isatty(self):
        return True


def outcome(name, caught):
    return Outcome(name, "logs/live-alarms", "", caught, "", 1.0)


@pytest.fixture(params=[Terminal, io.StringIO])
def told(request, monkeypatch):
    stream = request.param()
    monkeypatch.setattr(sys, "stderr", stream)
    progress = BreakProgress()
    progress.verb("sabotage")
    progress(outcome("logs/actions-off", caught=True), 2)
    progress(outcome("logs/typo", caught=False), 2)
    progress.verb("destroy")
    return stream


def test_breaks_are_counted_on_a_terminal_and_those_missed_stay(told):
    lines = [line.rpartition("\x1b[K")[2] for line in told.getvalue().split("\n") if line]
    if told.isatty():
        assert "\x1b[K1 of 2: logs/actions-off\r\x1b[K" in told.getvalue()
        assert [line for line in lines if "typo" in line and "not caught" in line]
    else:
        assert lines == ["sabotage …", "destroy …"]
