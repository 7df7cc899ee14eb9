"""DescribeSnapshots by time: EC2 compares `start-time` as text, with wildcards; moto compares a datetime with it."""

from __future__ import annotations

from typing import Any

from moto.ec2.models.elastic_block_store import Snapshot

_by_moto = Snapshot.get_filter_value


# Any: whatever moto's filters compare.
def filter_value(snapshot: Any, filter_name: str, method_name: str | None = None) -> Any:
    """The value that a filter is held against."""
    if filter_name == "start-time":
        return f"{snapshot.start_time:%Y-%m-%dT%H:%M:%S}.000Z"
    return _by_moto(snapshot, filter_name, method_name)


Snapshot.get_filter_value = filter_value  # type: ignore[method-assign, assignment]  # changed from outside moto
