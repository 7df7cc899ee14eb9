"""The drills of images: published, on a young base, with the right files and no others, in use, retired, startable."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from baseops.areas.images import base, contents, currency, launching, live_retirement, publication, reading
from baseops.contract.drill import Drill
from baseops.contract.refs import Refs

if TYPE_CHECKING:
    from baseops.areas.images.spec import Section


def drills(section: Section, refs: Refs) -> Sequence[Drill]:  # noqa: ARG001  # the protocol's signature
    """The drills of the declared images; of those that somebody else builds, what is promised of them."""
    entries = section.entries
    found = [
        Drill(
            name="images/published",
            promise="the newest and the published AMI are in every region, encrypted, as young as promised, shared "
            "exactly as declared",
            targets=_targets(entries),
            run=partial(publication.published, section),
        ),
        Drill(
            name="images/base-age",
            promise="the packages of the published image are as young as promised, by the database in it",
            targets=_targets(name for name, each in entries.items() if each.promise.max_base_age),
            run=partial(base.base_age, section),
            cost_usd=reading.MAX_USD * sum(len(each.regions or ("",)) for each in entries.values()),
        ),
        Drill(
            name="images/contents",
            promise="the published image has the declared files and agents, and no keys, histories or credentials; "
            "those of other regions are copies of it, by blocks",
            targets=_targets(entries),
            run=partial(contents.contents, section),
            cost_usd=reading.MAX_USD * sum(len(each.regions or ("",)) for each in entries.values()),
        ),
        Drill(
            name="images/used-by",
            promise="who should run the image is as few versions behind as declared",
            targets=_targets(name for name, each in entries.items() if each.used_by),
            run=partial(currency.used_by, section),
        ),
        Drill(
            name="images/retirement",
            promise="old images retire as declared: the live lifecycle policy is enabled and the declared one, with a "
            "role for it",
            targets=_targets(name for name, each in section.managed.items() if each.retire),
            run=partial(live_retirement.retired, section),
        ),
        Drill(
            name="images/launch",
            promise="an instance of the published image answers Systems Manager and passes the declared commands",
            targets=_targets(entries),
            run=partial(launching.launch, section),
            drill_class="exercise",
            touches=("an instance of each image in the drill subnet, shut in a security group of its own; removed",),
            traces=(
                "RunInstances, SendCommand and what removes it in CloudTrail; the command in Run Command's history",
            ),
            cost_usd=launching.COST_USD * len(entries),
            timeout=launching.TIMEOUT,
        ),
    ]
    return [each for each in found if each.targets]


def _targets(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"images.{name}" for name in names)
