"""What exists when: snapshots under Data Lifecycle Manager's policies, images under Image Builder's.

Pure: a forecast asks it what will exist on a day, and the sandbox behaves by it.
"""

from __future__ import annotations

from baseops.semantics.lifecycle.ages import Age
from baseops.semantics.lifecycle.firings import Firing, firings, next_firing, tags_of
from baseops.semantics.lifecycle.forecast import Expected, ExpectedCopy, copies_on, snapshots_on
from baseops.semantics.lifecycle.image_policy import ImageRule, image_rules_from
from baseops.semantics.lifecycle.images import Ami, Image, ImageAction, Skipped, image_actions, image_runs
from baseops.semantics.lifecycle.retention import Due, Made, due
from baseops.semantics.lifecycle.snapshot_policy import (
    Copy,
    FastRestore,
    Keep,
    Share,
    SnapshotPolicy,
    SnapshotSchedule,
    policy_from,
)

__all__ = [
    "Age",
    "Ami",
    "Copy",
    "Due",
    "Expected",
    "ExpectedCopy",
    "FastRestore",
    "Firing",
    "Image",
    "ImageAction",
    "ImageRule",
    "Keep",
    "Made",
    "Share",
    "Skipped",
    "SnapshotPolicy",
    "SnapshotSchedule",
    "copies_on",
    "due",
    "firings",
    "image_actions",
    "image_rules_from",
    "image_runs",
    "next_firing",
    "policy_from",
    "snapshots_on",
    "tags_of",
]
