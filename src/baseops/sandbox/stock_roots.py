"""What the snapshots of Amazon's own images hold: a root made when it is first asked for, the same in every region."""

from __future__ import annotations

import shutil
from datetime import timedelta
from typing import Any

from baseops.sandbox import ext4_images
from baseops.sandbox.guest import base_root
from baseops.sandbox.guest.catalogue import released
from baseops.sandbox.service import opened
from baseops.sandbox.stock_images import ROOT_GIB
from baseops.sandbox.volume_files import content_of_folder
from baseops.sandbox.volumes import Content

OWNER = "amazon"


# Any: moto's EC2 backend, which carries no types.
def content_of_stock(backend: Any, snapshot_id: str) -> Content | None:
    """The blocks of a snapshot of Amazon's own; None where it is none, or no file system can be made here."""
    snapshot = backend.snapshots.get(snapshot_id)
    image = backend.amis.get(getattr(snapshot, "from_ami", None) or "")
    if image is None or image.owner_alias != OWNER or ext4_images.why_not():
        return None
    release = base_root.release_of(image.name)
    day = released(release) if release else None
    if day is None:
        return None
    folder = opened().folder / "stock" / image.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    base_root.make(folder, image.name)
    content = content_of_folder(folder, ROOT_GIB << 30, image.name, day + timedelta(hours=2))
    return Content(content.blocks, snapshot_id)
