"""What is wrong with how images retire: in another order, too early, too late, or what is still in use."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from baseops.areas.images.wording import Findings, Path, error, note, warning
from baseops.fields import print_duration

if TYPE_CHECKING:
    from baseops.areas.images.spec import Entry, Retire

LONGEST_AGE = timedelta(days=3650)
LONGEST_SINCE_LAUNCH = timedelta(days=365)


def retirement_findings(path: Path, entry: Entry) -> Findings:
    """Steps in their order, each later than an image may be the newest."""
    retire = entry.retire
    if retire is None:
        yield note(
            "never-retired",
            path,
            "old AMIs and their snapshots stay and are paid for",
            "Write: retire: {deprecate_after: 60d, delete_after: 90d, retain_at_least: 2, not_launched_for: 30d}",
        )
        return
    place = (*path, "retire")
    yield from _order(place, retire)
    yield from _long(place, retire)
    for key in ("deprecate_after", "disable_after", "delete_after"):
        age = getattr(retire, key)
        if age is not None and age <= entry.promise.max_age:
            yield error(
                "retired-too-early",
                (*place, key),
                f"an image may be {print_duration(entry.promise.max_age)} old and still be the newest",
                f"Write a longer time, such as {key}: {print_duration(entry.promise.max_age * 4)}",
            )
    if retire.delete_after and not retire.not_launched_for:
        yield warning(
            "deleted-in-use",
            place,
            "a launch template or Auto Scaling group may still pin an image of that age",
            "Write: not_launched_for: 30d, which leaves alone what was launched lately",
        )


def _order(place: Path, retire: Retire) -> Findings:
    steps = [(key, getattr(retire, key)) for key in ("deprecate_after", "disable_after", "delete_after")]
    given = [(key, age) for key, age in steps if age is not None]
    for (former, before), (key, after) in pairwise(given):
        if after <= before:
            yield error(
                "retire-order",
                (*place, key),
                f"`{key}` has to come after `{former}`, which is {print_duration(before)}",
                f"Write: {key}: {print_duration(before + timedelta(days=30))}",
            )


def _long(place: Path, retire: Retire) -> Findings:
    for key in ("deprecate_after", "disable_after", "delete_after"):
        age = getattr(retire, key)
        if age is not None and age > LONGEST_AGE:
            yield error("retire-age", (*place, key), "EC2 deprecates at most ten years ahead", f"Write: {key}: 365d")
    if retire.not_launched_for and retire.not_launched_for > LONGEST_SINCE_LAUNCH:
        yield error(
            "retire-age",
            (*place, "not_launched_for"),
            "Image Builder looks back over 365 days at most",
            "Write: not_launched_for: 365d",
        )
