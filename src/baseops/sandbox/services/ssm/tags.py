"""Tags of associations and automations, which moto does not know; those of all else are moto's."""

from __future__ import annotations

from typing import Any

from baseops.sandbox.service import Members, extend

# Any: moto's backend is untyped.

_OURS = ("Association", "Automation")


def list_tags_for_resource(backend: Any, resource_type: str, resource_id: str) -> Members:
    """Answer ListTagsForResource."""
    if resource_type in _OURS:
        tags = tags_of(backend, resource_type, resource_id)
    else:
        tags = backend.list_tags_for_resource(resource_type, resource_id)
    return {"TagList": [{"Key": key, "Value": value} for key, value in tags.items()]}


def add_tags_to_resource(backend: Any, resource_type: str, resource_id: str, tags: list[dict[str, str]]) -> Members:
    """Answer AddTagsToResource."""
    given = {tag["Key"]: tag["Value"] for tag in tags}
    if resource_type in _OURS:
        tags_of(backend, resource_type, resource_id).update(given)
    else:
        backend.add_tags_to_resource(resource_type, resource_id, given)
    return {}


def remove_tags_from_resource(backend: Any, resource_type: str, resource_id: str, tag_keys: list[str]) -> Members:
    """Answer RemoveTagsFromResource."""
    if resource_type in _OURS:
        for key in tag_keys:
            tags_of(backend, resource_type, resource_id).pop(key, None)
    else:
        backend.remove_tags_from_resource(resource_type, resource_id, tag_keys)
    return {}


def tags_of(backend: Any, resource_type: str, resource_id: str) -> dict[str, str]:
    """The tags of an association or automation, to be read and changed."""
    if not hasattr(backend, "sandbox_tags"):
        backend.sandbox_tags = {}
    found: dict[str, str] = backend.sandbox_tags.setdefault((resource_type, resource_id), {})
    return found


extend("ssm", "AddTagsToResource", add_tags_to_resource)
extend("ssm", "ListTagsForResource", list_tags_for_resource)
extend("ssm", "RemoveTagsFromResource", remove_tags_from_resource)
