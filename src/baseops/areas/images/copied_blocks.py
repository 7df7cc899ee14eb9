"""Whether the AMI of another region is a copy of the primary one's: by blocks of their root snapshots, not by tags.

A tag says of which build an AMI is, and whoever makes one by hand can write it. A copy has the same content in every
block. Compared are those in which file systems begin, for every change of a file is noted there, and some by chance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random
from typing import TYPE_CHECKING

from baseops.areas.images import sources
from baseops.areas.images.names import BUILD_TAG
from baseops.areas.images.publication import current_image
from baseops.areas.images.reading import root_snapshot
from baseops.areas.images.wording import plural
from baseops.aws.ebs import EbsBlocks
from baseops.aws.sources import Opened
from baseops.contract.drill import DrillContext, Evidence, inconclusive, proven, refuted
from baseops.errors import SnapshotError
from baseops.snapshots.volumes import volumes_of

if TYPE_CHECKING:
    from baseops.areas.images.spec import Entry

BY_CHANCE = 8


def compared(target: str, name: str, entry: Entry, image_id: str, ctx: DrillContext) -> Iterator[Evidence]:
    """Evidence for every region but the primary one. AWS calls: as `reading.root_snapshot`, for each region."""
    others = [each for each in entry.regions or () if each != ctx.site.region]
    if not others:
        return
    try:
        with root_snapshot(ctx, ctx.site.region, image_id) as opened:
            blocks = {index: opened.device.block(index) for index in _chosen(opened, ctx.random)}
    except SnapshotError as problem:
        yield from (inconclusive(f"{target}/{each}", f"{image_id}: {problem}") for each in others)
        return
    for region in others:
        yield _in_region(f"{target}/{region}", name, entry, region, image_id, blocks, ctx)


def _chosen(opened: Opened, random: Random) -> list[int]:
    """Blocks of a root snapshot: where its volumes begin, and some of those that were written."""
    starts = {each.offset // opened.blocks.block_size for each in volumes_of(opened.device)}
    written = [index for index, _ in opened.blocks.listed()] if isinstance(opened.blocks, EbsBlocks) else []
    return sorted(starts | set(random.sample(written, min(BY_CHANCE, len(written)))))


def _in_region(
    target: str,
    name: str,
    entry: Entry,
    region: str,
    image_id: str,
    blocks: Mapping[int, bytes],
    ctx: DrillContext,
) -> Evidence:
    copy_id = current_image(ctx, name, entry, region)
    if copy_id is None:
        return refuted(target, f"{region} has no AMI of this image")
    if _build(ctx, region, copy_id) != _build(ctx, ctx.site.region, image_id):
        return inconclusive(target, f"{copy_id} is of another build than {image_id}: their blocks are not compared")
    ctx.steps.add(f"compare {plural(len(blocks), 'block')} of {copy_id} in {region} with {image_id}")
    try:
        with root_snapshot(ctx, region, copy_id) as opened:
            differing = [index for index, block in blocks.items() if _block(opened, index) != block]
    except SnapshotError as problem:
        return inconclusive(target, f"{copy_id}: {problem}")
    measures = {"blocks_compared": len(blocks), "blocks_differing": len(differing)}
    if differing:
        said = f"{copy_id} is no copy of {image_id}: of {plural(len(blocks), 'block')} compared {len(differing)} differ"
        return refuted(target, said, measures=measures)
    said = f"{plural(len(blocks), 'block')} of {copy_id} and {image_id} were compared, and are the same"
    return proven(target, said, measures=measures)


def _block(opened: Opened, index: int) -> bytes | None:
    return opened.device.block(index) if index < opened.blocks.count else None


def _build(ctx: DrillContext, region: str, image_id: str) -> str:
    image = sources.ami(ctx.clients, region, image_id) or {}
    return next((str(tag["Value"]) for tag in image.get("Tags", ()) if tag["Key"] == BUILD_TAG), "")
