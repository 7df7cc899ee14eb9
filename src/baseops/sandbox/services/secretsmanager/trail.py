"""Tells CloudTrail of what Secrets Manager does by itself: rotations and their ends."""

from __future__ import annotations

from typing import Any

from baseops.sandbox.access.demand import Place
from baseops.sandbox.service import opened
from baseops.sandbox.services.secretsmanager.state import SecretsState, service_events


def record(backend: SecretsState, name: str, details: dict[str, Any]) -> None:
    """https://docs.aws.amazon.com/secretsmanager/latest/userguide/cloudtrail_log_entries.html."""
    place = Place(backend.account_id, backend.region_name)
    opened().trail.add_service_event(name, "secretsmanager", place, details)


service_events.append(record)
