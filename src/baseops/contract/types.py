"""Names for the plain values that travel between rooms."""

from __future__ import annotations

from typing import Literal, TypeAlias, Union

Json: TypeAlias = Union[None, bool, int, float, str, "list[Json]", "dict[str, Json]"]
"""A value that JSON can hold."""

AreaName: TypeAlias = Literal["images", "backups", "logs", "secrets", "email"]

Purpose: TypeAlias = Literal["images", "backups", "logs", "secrets", "evidence"]
"""What a KMS key is for: one key for each purpose and region. Topics and queues use the logs key."""

DrillClass: TypeAlias = Literal["observe", "exercise", "disturb"]
