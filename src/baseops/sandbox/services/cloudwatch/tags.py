"""Tags of alarms and mute rules."""

from __future__ import annotations

from typing import Any

from baseops.sandbox.service import Members, extend
from baseops.sandbox.services.cloudwatch.store import store_of

# Any: moto's backend is untyped.


def list_tags_for_resource(backend: Any, resource_arn: str) -> Members:
    """Answer ListTagsForResource."""
    tags = store_of(backend).tagged(resource_arn).tags
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


def tag_resource(backend: Any, resource_arn: str, tags: list[dict[str, str]]) -> Members:
    """Answer TagResource."""
    store_of(backend).tagged(resource_arn).tags.update({tag["Key"]: tag["Value"] for tag in tags})
    return {}


def untag_resource(backend: Any, resource_arn: str, tag_keys: list[str]) -> Members:
    """Answer UntagResource."""
    tags = store_of(backend).tagged(resource_arn).tags
    for key in tag_keys:
        tags.pop(key, None)
    return {}


extend("cloudwatch", "ListTagsForResource", list_tags_for_resource)
extend("cloudwatch", "TagResource", tag_resource)
extend("cloudwatch", "UntagResource", untag_resource)
