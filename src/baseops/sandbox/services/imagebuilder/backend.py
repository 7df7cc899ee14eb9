"""The whole service: what its parts answer, and how EventBridge hears of it."""

from __future__ import annotations

from baseops.sandbox.services.events.bus import put_event
from baseops.sandbox.services.imagebuilder.policies import Policies
from baseops.sandbox.services.imagebuilder.records import Record


class ImageBuilder(Policies):
    """EC2 Image Builder in one account and region. https://docs.aws.amazon.com/imagebuilder/latest/APIReference/."""

    def announce(self, image: Record, former: Record) -> None:
        """Tell EventBridge that an image changed its state."""
        detail = {"previous-state": {"status": former["status"]}, "state": image["state"]}
        put_event(
            self.account_id,
            self.region_name,
            source="aws.imagebuilder",
            detail_type="EC2 Image Builder Image State Change",
            detail=detail,
            resources=[str(image["arn"])],
        )


ImageBuilder.register()
