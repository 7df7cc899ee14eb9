"""The drill that finds how old the packages under an image are, by the package database in its root snapshot."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from baseops.areas.images.packages.base_age import Dated, base_date
from baseops.areas.images.packages.database import installed
from baseops.areas.images.publication import current_image
from baseops.areas.images.reading import root_files
from baseops.areas.images.wording import plural, spoken
from baseops.contract.drill import DrillContext, Evidence, Span, inconclusive, proven, refuted
from baseops.errors import SnapshotError

if TYPE_CHECKING:
    from baseops.areas.images.spec import Entry, Section


def base_age(section: Section, ctx: DrillContext) -> Iterator[Evidence]:
    """Evidence for every image that promises an age, in every region."""
    for name, entry in section.entries.items():
        promised = entry.promise.max_base_age
        for region in (entry.regions or (ctx.site.region,)) if promised else ():
            yield _in_region(f"images.{name}/{region}", name, entry, region, ctx)


def _in_region(target: str, name: str, entry: Entry, region: str, ctx: DrillContext) -> Evidence:
    image_id = current_image(ctx, name, entry, region)
    if image_id is None:
        return refuted(target, f"{region} has no AMI of this image")
    ctx.steps.add(f"read the package database of {image_id} in {region}")
    try:
        with root_files(ctx, region, image_id) as snapshot:
            packages = installed(snapshot)
    except SnapshotError as problem:
        return inconclusive(target, f"{image_id}: {problem}")
    dated = base_date(packages)
    if dated is None:
        return inconclusive(target, f"none of {plural(len(packages), 'package')} of {image_id} says when it was built")
    return _judged(target, image_id, dated, entry.promise.max_base_age or timedelta.max, ctx)


def _judged(target: str, image_id: str, dated: Dated, promised: timedelta, ctx: DrillContext) -> Evidence:
    now = ctx.clock.now()
    age = now - dated.at
    verdict = refuted if age > promised else proven
    return verdict(
        target,
        f"the packages of {image_id} are {spoken(age)} old ({dated.by}); {spoken(promised)} are promised",
        measures={"base_age_seconds": age.total_seconds()},
        spans=[Span(target, "too old" if age > promised else "in time", dated.at, now)],
    )
