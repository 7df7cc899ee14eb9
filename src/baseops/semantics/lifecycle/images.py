"""What an Image Builder lifecycle policy does with images: one run, and one run a day over a time.

Decisions are made for the image resource; its AMIs follow if the rule includes them and no exclusion holds.
https://docs.aws.amazon.com/imagebuilder/latest/userguide/image-lifecycle-rules.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from baseops.semantics.lifecycle.ages import Age
from baseops.semantics.lifecycle.image_policy import ActionName, AmiExclusions, ImageRule

Status: TypeAlias = Literal[
    "PENDING", "CREATING", "BUILDING", "TESTING", "DISTRIBUTING", "INTEGRATING",
    "AVAILABLE", "DEPRECATED", "DISABLED", "DELETED", "FAILED", "CANCELLED",
]  # fmt: skip

_ORDER: tuple[ActionName, ...] = ("DEPRECATE", "DISABLE", "DELETE")
_BUILDING = ("PENDING", "CREATING", "BUILDING", "TESTING", "DISTRIBUTING", "INTEGRATING")
_FAILED: tuple[Status, ...] = ("FAILED", "CANCELLED")
_SKIPPED: dict[ActionName, tuple[Status, ...]] = {
    "DEPRECATE": ("DEPRECATED", "DISABLED", *_FAILED),
    "DISABLE": ("DISABLED", *_FAILED),
    "DELETE": (),
}
_RESULTS: dict[ActionName, Status] = {"DEPRECATE": "DEPRECATED", "DISABLE": "DISABLED", "DELETE": "DELETED"}
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Ami:
    """An AMI that an image was distributed as. EC2 knows `last_launched` with a delay of a day."""

    id: str
    region: str
    last_launched: datetime | None = None
    is_public: bool = False
    shared_accounts: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Image:
    """An Image Builder image: what one build made. `recipe` is the name with its exact version."""

    id: str
    recipe: str
    created: datetime
    status: Status = "AVAILABLE"
    tags: tuple[tuple[str, str], ...] = ()
    amis: tuple[Ami, ...] = ()


@dataclass(frozen=True, slots=True)
class Skipped:
    """An AMI that an exclusion protects, and why."""

    ami: Ami
    reason: str


@dataclass(frozen=True, slots=True)
class ImageAction:
    """What happens to an image in a run; `amis` share its fate, `skipped` do not."""

    image: Image
    action: ActionName
    amis: tuple[Ami, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    includes_snapshots: bool = False

    def applied(self) -> Image:
        """The image afterwards; AMIs that were skipped are still there."""
        amis = tuple(each.ami for each in self.skipped) if self.action == "DELETE" else self.image.amis
        return replace(self.image, status=_RESULTS[self.action], amis=amis)


def image_actions(rules: Sequence[ImageRule], images: Iterable[Image], now: datetime) -> list[ImageAction]:
    """What one run does: for each image the first that applies of deprecate, disable and delete; oldest image first.

    Images that are still being built wait for the next run. Failed and cancelled ones are not counted and always go.
    """
    known = [image for image in images if image.status not in (*_BUILDING, "DELETED")]
    ordered = sorted(rules, key=lambda rule: _ORDER.index(rule.action))
    found: dict[str, ImageAction] = {}
    for rule in ordered:
        candidates = [image for image in known if not set(image.tags) & set(rule.excluded_tags)]
        for image in _affected(rule, candidates, now):
            if image.id not in found:
                found[image.id] = _action(rule, image, now)
    return sorted(found.values(), key=lambda each: each.image.created)


def image_runs(
    rules: Sequence[ImageRule], images: Iterable[Image], start: datetime, end: datetime
) -> Iterator[tuple[datetime, ImageAction]]:
    """What the daily runs from `start` on and before `end` do to images, those that are made on the way included."""
    present = {image.id: image for image in images}
    now = start
    while now < end:
        made = [image for image in present.values() if image.created <= now]
        for action in image_actions(rules, made, now):
            present[action.image.id] = action.applied()
            yield now, action
        now += _DAY


def _affected(rule: ImageRule, images: Sequence[Image], now: datetime) -> Iterator[Image]:
    recipes = dict.fromkeys(image.recipe for image in images)
    for recipe in recipes:
        newest_first = sorted((i for i in images if i.recipe == recipe), key=lambda image: image.created, reverse=True)
        counted = [image for image in newest_first if image.status not in _FAILED]
        yield from (image for rank, image in enumerate(counted) if _is_over(rule, image, rank, now))
        if rule.action == "DELETE":
            yield from (image for image in newest_first if image.status in _FAILED)


def _is_over(rule: ImageRule, image: Image, rank: int, now: datetime) -> bool:
    """Whether the rule applies to the `rank`-th newest image of its recipe's version."""
    if image.status in _SKIPPED[rule.action]:
        return False
    if rule.count is not None:
        return rank >= rule.count
    retained = rule.action == "DELETE" and rank < rule.retain_at_least
    return rule.age is not None and rule.age.after(image.created) <= now and not retained


def _action(rule: ImageRule, image: Image, now: datetime) -> ImageAction:
    if not rule.includes_amis:
        return ImageAction(image, rule.action)
    reasons = [(ami, _exclusion(rule.amis, ami, now)) for ami in image.amis]
    return ImageAction(
        image,
        rule.action,
        amis=tuple(ami for ami, reason in reasons if not reason),
        skipped=tuple(Skipped(ami, reason) for ami, reason in reasons if reason),
        includes_snapshots=rule.includes_snapshots,
    )


def _exclusion(rules: AmiExclusions, ami: Ami, now: datetime) -> str:
    """Why an AMI is left alone, in the order in which Image Builder looks; "" if it is not."""
    if ami.region in rules.regions:
        return f"it is in the excluded region {ami.region}"
    if rules.is_public and ami.is_public:
        return "it is public"
    if set(ami.tags) & set(rules.tags):
        return "it has an excluded tag"
    if set(ami.shared_accounts) & set(rules.shared_accounts):
        return "it is shared with an excluded account"
    if _was_launched_lately(rules.last_launched, ami, now):
        return f"it was launched on {ami.last_launched:%Y-%m-%d}"
    return ""


def _was_launched_lately(within: Age | None, ami: Ami, now: datetime) -> bool:
    return within is not None and ami.last_launched is not None and within.after(ami.last_launched) > now
