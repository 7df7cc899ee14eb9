"""The whole service: what its parts answer, and how EventBridge hears of it."""

from __future__ import annotations

import json

from baseops.sandbox.moto_services import moto_backend
from baseops.sandbox.services.imagebuilder.policies import Policies
from baseops.sandbox.services.imagebuilder.records import Record


class ImageBuilder(Policies):
    """EC2 Image Builder in one account and region. https://docs.aws.amazon.com/imagebuilder/latest/APIReference/."""

    def announce(self, image: Record, former: Record) -> None:
        """Tell EventBridge that an image changed its state."""
        detail = {"previous-state": {"status": former["status"]}, "state": image["state"]}
        entry = {
            "Source": "aws.imagebuilder",
            "DetailType": "EC2 Image Builder Image State Change",
            "Resources": [image["arn"]],
            "Detail": json.dumps(detail),
        }
        moto_backend("events", self.account_id, self.region_name).put_events([entry])


ImageBuilder.register()
