"""How many images a pipeline comes to under its retirement, computed without AWS."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from baseops.areas.images.retirement import details
from baseops.semantics.lifecycle import Image, image_rules_from, image_runs
from baseops.semantics.schedules import parse_cron

if TYPE_CHECKING:
    from baseops.areas.images.spec import Entry, Retire

SAMPLE_START = datetime(2026, 1, 1, tzinfo=UTC)
YEAR = timedelta(days=365)
DAY = timedelta(days=1)
MOST_BUILDS = 3000


@dataclass(frozen=True)
class Standing:
    """What there is `after` a time in which nothing failed and the base moved as promised."""

    after: timedelta
    available: int
    deprecated: int
    disabled: int
    builds_by_version: int
    is_growing: bool


def builds_a_year(entry: Entry) -> int | None:
    """How often the image is built; None without a schedule."""
    return len(_times(entry, YEAR)) if entry.schedule else None


def standing(entry: Entry) -> Standing:
    """What there is two rounds of retirement later."""
    retire = entry.retire
    ages = [age for age in _ages(retire) if age] if retire else []
    after = min(2 * max(ages, default=YEAR) + 2 * (entry.promise.max_base_age or YEAR), 3 * YEAR)
    half, whole = (_left(entry, length) for length in (after / 2, after))
    by_version = Counter(image.recipe for image in _images(entry, after))
    largest = max(by_version.values(), default=0)
    never = bool(retire and retire.delete_after) and largest <= (retire.retain_at_least if retire else 0)
    return Standing(
        after=after,
        available=whole["AVAILABLE"],
        deprecated=whole["DEPRECATED"],
        disabled=whole["DISABLED"],
        builds_by_version=largest,
        is_growing=never and sum(whole.values()) > sum(half.values()),
    )


def _ages(retire: Retire) -> tuple[timedelta | None, ...]:
    return retire.deprecate_after, retire.disable_after, retire.delete_after


def _left(entry: Entry, length: timedelta) -> Counter[str]:
    images = _images(entry, length)
    state = {image.id: image.status for image in images}
    if entry.retire:
        rules = image_rules_from(details(entry.retire))
        for _, action in image_runs(rules, images, SAMPLE_START, SAMPLE_START + length):
            state[action.image.id] = action.applied().status
    return Counter(status for status in state.values() if status != "DELETED")


def _images(entry: Entry, length: timedelta) -> list[Image]:
    """One for each build; each moved base is a new version of the recipe."""
    moves = entry.promise.max_base_age or length + DAY
    return [
        Image(id=str(number), recipe=f"1.0.{(at - SAMPLE_START) // moves}", created=at)
        for number, at in enumerate(_times(entry, length))
    ]


def _times(entry: Entry, length: timedelta) -> list[datetime]:
    if entry.schedule is None:
        return []
    cron = parse_cron(entry.schedule.cron, entry.schedule.timezone)
    return list(islice(cron.occurrences(SAMPLE_START, SAMPLE_START + length), MOST_BUILDS))
