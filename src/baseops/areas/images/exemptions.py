"""Who need not run an image, why, and until when. Pure; the date is passed in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from baseops.areas.images.users import User

if TYPE_CHECKING:
    from baseops.areas.images.spec import Exemption


def exemption_of(user: User, exemptions: Sequence[Exemption]) -> Exemption | None:
    """The exemption that covers a user, the one that lasts longest; whether it has ended is another question."""
    covering = [each for each in exemptions if _covers(each, user)]
    return max(covering, key=lambda each: each.expires, default=None)


def has_expired(exemption: Exemption, today: date) -> bool:
    """Whether its last day is over."""
    return exemption.expires < today


def _covers(exemption: Exemption, user: User) -> bool:
    by_tags = exemption.tags and all(user.tags.get(key) == value for key, value in exemption.tags.items())
    return bool(by_tags) or (user.kind == "instance" and user.name in exemption.instances)
