"""The drill that reads an image's root snapshot file by file: declared checks, agents, and what must not be in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from baseops.areas.images import agents, credentials, leftovers
from baseops.areas.images.copied_blocks import compared
from baseops.areas.images.file_checks import faults
from baseops.areas.images.packages.database import installed
from baseops.areas.images.publication import current_image
from baseops.areas.images.reading import root_files
from baseops.areas.images.shown import listed, shown
from baseops.areas.images.wording import plural
from baseops.contract.drill import DrillContext, Evidence, inconclusive, proven, refuted
from baseops.errors import SnapshotError
from baseops.snapshots.files import Snapshot

if TYPE_CHECKING:
    from baseops.areas.images.spec import Entry, ImageCheck, Section


def contents(section: Section, ctx: DrillContext) -> Iterator[Evidence]:
    """Evidence for every image, read in the primary region; of the others, whether they have the same blocks."""
    for name, entry in section.entries.items():
        target = f"images.{name}"
        image_id = current_image(ctx, name, entry, ctx.site.region)
        if image_id is None:
            yield refuted(target, f"{ctx.site.region} has no AMI of this image")
            continue
        ctx.steps.add(f"read the root snapshot of {image_id}")
        yield from _of_image(target, entry, image_id, ctx)
        if entry.managed:
            yield from compared(target, name, entry, image_id, ctx)


def _of_image(target: str, entry: Entry, image_id: str, ctx: DrillContext) -> Iterator[Evidence]:
    try:
        with root_files(ctx, ctx.site.region, image_id) as snapshot:
            found = list(_looked(target, entry, image_id, snapshot))
    except SnapshotError as problem:
        yield inconclusive(target, f"{image_id} could not be read whole: {problem}")
        return
    yield from found


def _looked(target: str, entry: Entry, image_id: str, snapshot: Snapshot) -> Iterator[Evidence]:
    if snapshot.notes:
        yield inconclusive(f"{target}/journal", f"{image_id}: {'; '.join(snapshot.notes)}")
    yield from _checks(f"{target}/checks", entry.checks, image_id, snapshot)
    yield from _agents(f"{target}/agents", agents.expected(entry), image_id, snapshot)
    keys = [*leftovers.authorized_keys(snapshot), *leftovers.host_keys(snapshot)]
    yield _nothing(f"{target}/keys", "keys to log in and host keys", keys, image_id)
    yield _nothing(f"{target}/history", "shell histories", leftovers.histories(snapshot), image_id)
    yield _credentials(f"{target}/credentials", image_id, credentials.search(snapshot))


def _checks(target: str, checks: Sequence[ImageCheck], image_id: str, snapshot: Snapshot) -> Iterator[Evidence]:
    judged = [each for each in checks if not each.run]
    if not judged:
        return
    names: frozenset[str] = frozenset()
    if any(each.package for each in judged):
        names = frozenset(each.name for each in installed(snapshot))
    found = faults(snapshot, judged, names)
    if found:
        yield refuted(target, f"{image_id}: {'; '.join(found)}")
    else:
        yield proven(target, f"{plural(len(judged), 'check')} of {image_id} hold", measures={"checks": len(judged)})


def _agents(target: str, expected: tuple[str, ...], image_id: str, snapshot: Snapshot) -> Iterator[Evidence]:
    missing = agents.missing(snapshot, expected)
    if missing:
        yield refuted(target, f"{image_id} lacks {' and '.join(missing)}")
    elif expected:
        yield proven(target, f"{image_id} has {' and '.join(expected)}")


def _nothing(target: str, what: str, found: Sequence[str], image_id: str) -> Evidence:
    if found:
        return refuted(target, f"{image_id} has {what}: {listed([shown(each) for each in found])}")
    return proven(target, f"{image_id} has no {what}")


def _credentials(target: str, image_id: str, search: credentials.Search) -> Evidence:
    measures = {"files_searched": search.files}
    if search.found:
        said = listed([f"{kind} in {shown(path)}" for path, kind in sorted(search.found.items())])
        return refuted(target, f"{image_id} has {said}", measures=measures)
    if not search.is_complete:
        return inconclusive(target, f"the search of {image_id} ended after {search.files} files", measures=measures)
    if search.unread:
        said = listed([shown(each) for each in search.unread])
        return inconclusive(target, f"could not be read in {image_id}: {said}", measures=measures)
    return proven(target, f"{search.files} files of {image_id} hold no credentials", measures=measures)
