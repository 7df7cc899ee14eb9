"""Makes and edits ext4 images with e2fsprogs: nothing is mounted, and the same edits give the same bytes.

What stays of a file system keeps its place, so that two snapshots of a volume differ where its files do. Where
e2fsprogs are missing `why_not` says so, and volumes stay without a file system.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

MIB = 1024 * 1024
# Without a journal: a clean file system needs none, and it would be most of the image.
_FEATURES = (
    "none,extent,filetype,sparse_super,large_file,64bit,metadata_csum,dir_index,ext_attr,flex_bg,huge_file,"
    "extra_isize,dir_nlink"
)


class ImageError(Exception):
    """What e2fsprogs said."""


@cache
def _programs() -> dict[str, str | None]:
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return {name: shutil.which(name, path=path) for name in ("mke2fs", "debugfs")}


def why_not() -> str | None:
    """Why this machine makes no file systems; None where it does."""
    missing = [name for name, place in _programs().items() if place is None]
    return f"this machine has no {' and no '.join(missing)} (the package e2fsprogs)" if missing else None


def make_image(image: Path, size: int, inodes: int, identity: str, moment: datetime) -> None:
    """An empty file system of so many bytes, sparse; `identity` gives its UUID."""
    image.unlink(missing_ok=True)
    uuid = uuid5(NAMESPACE_URL, identity)
    options = f"hash_seed={uuid},root_owner=0:0,nodiscard,lazy_itable_init=1"
    layout = ["-t", "ext4", "-b", "4096", "-I", "256", "-m", "0", "-N", str(inodes), "-O", _FEATURES]
    _run("mke2fs", ["-q", "-F", *layout, "-U", str(uuid), "-E", options, str(image), f"{size // 1024}k"], moment)


def edit_image(image: Path, commands: Sequence[str], moment: datetime) -> None:
    """Do what debugfs(8) is told, at a moment; raises `ImageError` when any of it fails."""
    script = image.with_suffix(".debugfs")
    text = "\n".join([f"set_current_time @{int(moment.timestamp())}", *commands]) + "\n"
    script.write_text(text, encoding="utf-8", errors="surrogateescape")
    try:
        said = _run("debugfs", ["-w", "-f", str(script), str(image)], moment)
    finally:
        script.unlink()
    problems = [line for line in said.splitlines() if line and not line.startswith("debugfs ")]
    if problems:
        raise ImageError("; ".join(problems[:3]))


def _run(program: str, options: Sequence[str], moment: datetime) -> str:
    place = _programs()[program]
    if place is None:
        raise ImageError(why_not() or "")
    # Settings of the machine would make other file systems; the time is the account's.
    environment = {"MKE2FS_CONFIG": os.devnull, "E2FSPROGS_FAKE_TIME": str(int(moment.timestamp())), "LC_ALL": "C"}
    done = subprocess.run([place, *options], capture_output=True, env=environment, check=False)
    if done.returncode:
        raise ImageError(done.stderr.decode(errors="replace").strip())
    return done.stderr.decode(errors="replace")
