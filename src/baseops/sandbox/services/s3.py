"""Keeps moto from judging bucket policies: it knows no conditions, and so a Deny of plain HTTP would refuse everybody.

Who may do what is decided before a call reaches a service, by whoever authorises in the open account.
"""

from __future__ import annotations

from typing import Any

from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket


def no_opinion(bucket: FakeBucket, action: str, resource: str) -> Any:
    """The bucket's policy neither allows nor denies."""
    return PermissionResult.NEUTRAL


FakeBucket.get_permission = no_opinion  # type: ignore[method-assign,assignment]  # moto offers no other way
