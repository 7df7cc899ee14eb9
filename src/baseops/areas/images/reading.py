"""Opens the root file system of an AMI by the blocks of its snapshot, within the budget; no instance, no volume.

Whoever may launch an image may not read its blocks: the snapshot has to be the account's own, or shared with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from baseops.aws.sources import Opened, Reading, Sources
from baseops.contract.drill import DrillContext
from baseops.evidence.block_reading import StoppingPace
from baseops.snapshots.files import Snapshot

MAX_BYTES = 2 << 30
MAX_USD = 0.02
"""For one image: the blocks of two gibibytes cost 0.012 US dollars."""


@contextmanager
def root_snapshot(ctx: DrillContext, region: str, image_id: str) -> Iterator[Opened]:
    """The root snapshot of an image, opened. Raises `SnapshotError`, also over the caps.

    The account's first throttling ends the drill: `InconclusiveError`.
    AWS calls: ec2:DescribeImages, ec2:DescribeSnapshots, ebs:ListSnapshotBlocks, ebs:GetSnapshotBlock.
    """
    caps = Reading(max_bytes=MAX_BYTES, max_usd=MAX_USD)
    with Sources(lambda: ctx.clients, ctx.clock, caps, StoppingPace(ctx)).open(image_id, region=region) as opened:
        yield opened


@contextmanager
def root_files(ctx: DrillContext, region: str, image_id: str) -> Iterator[Snapshot]:
    """The file system that is the image's `/`, and the same errors and calls."""
    with root_snapshot(ctx, region, image_id) as opened:
        yield opened.files()
