"""Word of what went wrong with an image: builds that failed.

Image Builder publishes no metric. Its event names the image, and a rule without that would hear every pipeline of the
account (https://docs.aws.amazon.com/imagebuilder/latest/userguide/integ-eventbridge.html). A build that never began
sends no event, and no alarm looks back far enough for a weekly one: the promise `max_age` is for drills to hold.
"""

from __future__ import annotations

from typing import Any

from troposphere import Sub, events

from baseops.areas.images.names import image_name
from baseops.cloudformation.parts import rule_to_topic
from baseops.cloudformation.resources import logical_id
from baseops.contract.site import Site


def failed_build_rule(name: str, site: Site, topic: Any) -> events.Rule:
    """Builds of this image that failed or were cancelled."""
    prefix = (
        f"arn:${{AWS::Partition}}:imagebuilder:${{AWS::Region}}:${{AWS::AccountId}}:image/{image_name(site, name)}/"
    )
    return rule_to_topic(
        logical_id(name, "FailedBuildRule"),
        description=f"A build of the image {name} failed",
        pattern={
            "source": ["aws.imagebuilder"],
            "detail-type": ["EC2 Image Builder Image State Change"],
            "resources": [{"prefix": Sub(prefix)}],
            "detail": {"state": {"status": ["CANCELLED", "FAILED"]}},
        },
        topic=topic,
    )
