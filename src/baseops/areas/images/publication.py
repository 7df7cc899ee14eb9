"""The drill that looks at the newest AMI of an image and at the published one, in every region."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from baseops.areas.images import sources
from baseops.areas.images.ami_faults import encryption_faults, sharing_faults, state_faults
from baseops.areas.images.names import BUILD_TAG, IMAGE_TAG
from baseops.areas.images.wording import spoken
from baseops.contract.drill import DrillContext, Evidence, inconclusive, proven, refuted
from baseops.contract.site import DECLARATION_TAG
from baseops.errors import InconclusiveError

if TYPE_CHECKING:
    from baseops.areas.images.spec import Entry, Section

# Any: what EC2 describes.
Described = Mapping[str, Any]

PUBLISHING = timedelta(hours=2)
"""How long a build may take from its first AMI to the last region's parameter."""


@dataclass
class _Looked:
    """What was found of one image in one region."""

    faults: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def published(section: Section, ctx: DrillContext) -> Iterator[Evidence]:
    """Evidence for every image and region; for copies that other accounts own, that they cannot be seen."""
    for name, entry in section.entries.items():
        home = ctx.site.region
        current = _current(ctx, name, entry) if entry.managed else None
        for region in entry.regions or (home,):
            target = f"images.{name}/{region}"
            if entry.managed:
                yield _ours(target, name, entry, region, None if region == home else current, ctx)
            else:
                yield _theirs(target, entry, region, ctx)
        for account in entry.copies_to:
            yield inconclusive(f"images.{name}/{account}", f"the copies belong to {account} and are not seen from here")


def current_image(ctx: DrillContext, name: str, entry: Entry, region: str) -> str | None:
    """What new instances get: the published AMI; the newest one of an image that is not published."""
    if entry.publish:
        return sources.parameter(ctx.clients, region, entry.publish)
    newest = _newest(sources.own_amis(ctx.clients, region, ctx.site.name, name))
    return str(newest["ImageId"]) if newest else None


def _current(ctx: DrillContext, name: str, entry: Entry) -> Described | None:
    """The current AMI of the primary region, once its build has had the time to reach the others."""
    image_id = current_image(ctx, name, entry, ctx.site.region)
    image = sources.ami(ctx.clients, ctx.site.region, image_id) if image_id else None
    is_settled = image is not None and ctx.clock.now() - _made(image) > PUBLISHING
    return image if is_settled else None


def _ours(target: str, name: str, entry: Entry, region: str, current: Described | None, ctx: DrillContext) -> Evidence:
    own = sources.own_amis(ctx.clients, region, ctx.site.name, name)
    newest = _newest(own)
    if newest is None:
        return refuted(target, f"{region} has no available AMI of this image")
    looked = _Looked()
    images = {str(newest["ImageId"]): newest}
    if entry.publish:
        chosen = _chosen(name, entry, region, newest, looked, ctx)
        images |= {str(chosen["ImageId"]): chosen} if chosen else {}
    for image in images.values():
        _judge(image, entry, region, looked, ctx)
    if current is not None and _build(newest) != _build(current):
        looked.faults.append(f"{newest['ImageId']} is of another build than {current['ImageId']} of {ctx.site.region}")
    age = ctx.clock.now() - _made(newest)
    return _said(
        target, f"{', '.join(images)} of {region} is as declared", looked, {"age_seconds": age.total_seconds()}
    )


def _theirs(target: str, entry: Entry, region: str, ctx: DrillContext) -> Evidence:
    """An image that somebody else builds: what its parameter names is there and young enough."""
    image_id = sources.parameter(ctx.clients, region, str(entry.publish))
    if image_id is None:
        return refuted(target, f"there is no parameter {entry.publish} in {region}")
    image = sources.ami(ctx.clients, region, image_id)
    if image is None:
        return refuted(target, f"{entry.publish} names {image_id}, which does not exist in {region}")
    looked = _Looked(faults=[*state_faults(image, ctx.clock.now()), *_age_fault(image, entry, ctx)])
    age = ctx.clock.now() - _made(image)
    return _said(target, f"{image_id} is there and young enough", looked, {"age_seconds": age.total_seconds()})


def _chosen(
    name: str, entry: Entry, region: str, newest: Described, looked: _Looked, ctx: DrillContext
) -> Described | None:
    """The published AMI, where it is one of ours; what is wrong with it otherwise, or that it is not the newest."""
    image_id = sources.parameter(ctx.clients, region, str(entry.publish))
    is_fresh = ctx.clock.now() - _made(newest) <= PUBLISHING
    if image_id == newest["ImageId"]:
        return newest
    if image_id is None:
        looked.faults.append(f"there is no parameter {entry.publish} in {region}")
        return None
    image = sources.ami(ctx.clients, region, image_id)
    if image is None:
        looked.faults.append(f"{entry.publish} names {image_id}, which does not exist in {region}")
    elif not _is_ours(image, name, ctx):
        looked.faults.append(f"{entry.publish} names {image_id}, which is no AMI of this image")
    else:
        if not is_fresh:
            older = spoken(_made(newest) - _made(image))
            looked.faults.append(f"{entry.publish} names {image_id}, {older} older than {newest['ImageId']}")
        return image
    return None


def _judge(image: Described, entry: Entry, region: str, looked: _Looked, ctx: DrillContext) -> None:
    now = ctx.clock.now()
    looked.faults += state_faults(image, now)
    looked.faults += _age_fault(image, entry, ctx)
    looked.faults += sharing_faults(ctx.clients, region, image, entry.launch_permission)
    try:
        key: str | None = ctx.value(ctx.refs.key("images", region))
    except InconclusiveError as problem:
        key = None
        looked.unknown.append(f"which key {region} has is not known: {problem.why or problem.what}")
    looked.faults += encryption_faults(ctx.clients, region, image, key)
    if entry.protect and not str(image.get("DeregistrationProtection", "")).startswith("enabled"):
        looked.faults.append(f"{image['ImageId']} is not protected from deregistration; run baseops apply")


def _age_fault(image: Described, entry: Entry, ctx: DrillContext) -> list[str]:
    age = ctx.clock.now() - _made(image)
    if age <= entry.promise.max_age:
        return []
    return [f"{image['ImageId']} is {spoken(age)} old, over {spoken(entry.promise.max_age)}"]


def _is_ours(image: Described, name: str, ctx: DrillContext) -> bool:
    tags = _tags(image)
    wanted = {DECLARATION_TAG: ctx.site.name, IMAGE_TAG: name}
    return image.get("OwnerId") == ctx.account and all(tags.get(key) == value for key, value in wanted.items())


def _build(image: Described) -> str:
    return _tags(image).get(BUILD_TAG, "")


def _tags(image: Described) -> dict[str, str]:
    return {str(each["Key"]): str(each["Value"]) for each in image.get("Tags", ())}


def _newest(own: list[Described]) -> Described | None:
    return next((each for each in reversed(own) if each["State"] == "available"), None)


def _made(image: Described) -> datetime:
    return datetime.fromisoformat(str(image["CreationDate"]))


def _said(target: str, good: str, looked: _Looked, measures: Mapping[str, float]) -> Evidence:
    verdict: Callable[..., Evidence] = refuted if looked.faults else inconclusive if looked.unknown else proven
    return verdict(target, "; ".join(looked.faults or looked.unknown) or good, measures=measures)
