"""The versions of an image in the order of their builds, and how far behind one of them is. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Versions:
    """The AMIs of an image in one region, oldest build first."""

    image_ids: tuple[str, ...]

    @classmethod
    def of(cls, image_ids: Sequence[str]) -> Versions:
        """Of AMIs in order; one that came back (a roll-back) counts where it was last."""
        return cls(tuple(reversed(dict.fromkeys(reversed(image_ids)))))

    def behind(self, image_id: str) -> int | None:
        """How many builds are newer; None for an AMI that is none of them."""
        if image_id not in self.image_ids:
            return None
        return len(self.image_ids) - 1 - self.image_ids.index(image_id)
