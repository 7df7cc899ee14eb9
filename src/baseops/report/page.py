"""What a page holds, as frozen data: a proof's or a rehearsal's. Nothing here knows HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from baseops.report.figures import Figure
from baseops.report.stories import AREAS, VERDICTS, Found, Story, worst
from baseops.report.units import count


@dataclass(frozen=True)
class Trouble:
    """A finding that needs somebody, with its story."""

    story: Story
    found: Found


@dataclass(frozen=True)
class Area:
    """An area's promises, the worst first."""

    name: str
    stories: tuple[Story, ...]

    @property
    def verdict(self) -> str:
        """The worst of its promises."""
        return worst(each.verdict for each in self.stories)


@dataclass(frozen=True)
class Life:
    """Areas by verbs: a cell is what came out and how long it took by the account's clock (empty: not there)."""

    verbs: tuple[str, ...]
    rows: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    real: tuple[str, ...]


@dataclass(frozen=True)
class Break:
    """One sabotage: what was broken, which drill had to notice, and what that said."""

    name: str
    story: str
    drill: str
    drill_anchor: str
    caught: bool
    found: str
    seconds: str

    @property
    def area(self) -> str:
        """What was broken."""
        return self.name.partition("/")[0]


@dataclass(frozen=True)
class Note:
    """Something else to know: a finding's severity, what it says, and what to do."""

    severity: str
    message: str
    remedy: str = ""


@dataclass(frozen=True)
class Page:
    """All that a page shows. `at` is the moment that ages count from; `facts` are names and values of the run."""

    kind: Literal["proof", "rehearsal"]
    name: str
    account: str
    region: str
    at: datetime
    stories: tuple[Story, ...]
    figures: tuple[Figure, ...]
    facts: tuple[tuple[str, str], ...]
    failure: str = ""
    notes: tuple[Note, ...] = ()
    life: Life | None = None
    breaks: tuple[Break, ...] = ()
    kept: tuple[str, ...] = ()
    can_draw: bool = True
    tool: str = ""

    @property
    def areas(self) -> tuple[Area, ...]:
        """The areas that promise anything, in the usual order."""
        found = []
        for name in AREAS:
            mine = [each for each in self.stories if each.area == name]
            if mine:
                found.append(Area(name, tuple(sorted(mine, key=lambda each: VERDICTS.index(each.verdict)))))
        return tuple(found)

    @property
    def counts(self) -> dict[str, int]:
        """Findings by verdict, and under `never` the promises that were never tried."""
        counts = {verdict: sum(each.counts[verdict] for each in self.stories) for verdict in VERDICTS[:3]}
        return {**counts, "never": sum(each.verdict == "never" for each in self.stories)}

    @property
    def troubles(self) -> tuple[Trouble, ...]:
        """What is refuted, then what is inconclusive."""
        found = [Trouble(story, each) for story in self.stories for each in story.troubles]
        return tuple(sorted(found, key=lambda each: VERDICTS.index(each.found.verdict)))

    @property
    def broken_areas(self) -> tuple[tuple[str, tuple[Break, ...]], ...]:
        """The breaks of each area, what was missed first."""
        areas = dict.fromkeys(each.area for each in self.breaks)
        return tuple(
            (area, tuple(sorted((each for each in self.breaks if each.area == area), key=lambda each: each.caught)))
            for area in sorted(areas, key=lambda area: all(each.caught for each in self.breaks if each.area == area))
        )

    @property
    def caught(self) -> int:
        """How many breaks were noticed."""
        return sum(each.caught for each in self.breaks)

    @property
    def verdict(self) -> str:
        """The worst there is: a rehearsal that failed, or a break that nobody noticed, counts as refuted."""
        if self.failure or self.caught < len(self.breaks):
            return "refuted"
        return worst(each.verdict for each in self.stories)

    @property
    def sentence(self) -> str:
        """The page in a sentence."""
        verdicts = [each.verdict for each in self.stories]
        missed = len(self.breaks) - self.caught
        said = [
            f"{count(verdicts.count('refuted'), 'promise')} refuted" if "refuted" in verdicts else "",
            f"{count(missed, 'break')} unnoticed" if missed else "",
            "the rehearsal ended early" if self.failure else "",
        ]
        bad = ", ".join(each for each in said if each)
        held = f"{verdicts.count('proven')} of {count(len(verdicts), 'promise')} proven"
        if bad:
            return f"{bad[0].upper()}{bad[1:]}; {held}."
        if not verdicts:
            return "Nothing is promised yet."
        return f"{'Every promise is proven' if held.startswith(str(len(verdicts))) else held}; nothing is refuted."


def anchors(stories: Sequence[Story]) -> dict[str, str]:
    """Where each drill's story is."""
    return {each.drill: each.anchor for each in stories}
