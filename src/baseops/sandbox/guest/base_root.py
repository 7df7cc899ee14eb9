"""The root of Amazon's own images in the sandbox: a small Amazon Linux 2023 of the image's release."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from baseops.sandbox.file_listing import give
from baseops.sandbox.guest.catalogue import MINIMAL, STANDARD, released
from baseops.sandbox.guest.installing import install

_NAME = re.compile(r"al2023-ami-(?:(minimal)-)?(2023\.\d+\.\d{8})\.\d+-kernel-[\d.]+-(\w+)")
_LINKS = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64"}
_FOLDERS = {
    "boot": 0o555, "dev": 0o755, "etc": 0o755, "home": 0o755, "home/ec2-user": 0o700, "media": 0o755, "mnt": 0o755,
    "opt": 0o755, "proc": 0o555, "root": 0o550, "run": 0o755, "srv": 0o755, "sys": 0o555, "tmp": 0o1777, "usr": 0o755,
    "usr/bin": 0o755, "usr/lib": 0o755, "usr/lib64": 0o755, "usr/sbin": 0o755, "usr/share": 0o755, "var": 0o755,
    "var/cache": 0o755, "var/lib": 0o755, "var/log": 0o755, "var/spool": 0o755, "var/tmp": 0o1777,
    "etc/ssh": 0o755, "etc/sysctl.d": 0o755, "etc/modprobe.d": 0o755, "etc/sudoers.d": 0o750,
    "etc/systemd/system": 0o755,
}  # fmt: skip
_TEXTS = {
    "etc/fstab": "UUID=1b9d2e53-1ff4-4a8c-9a2e-2f9ac6d9ac44     /           xfs    defaults,noatime  1   1\n",
    "etc/machine-id": "uninitialized\n",
    "etc/locale.conf": "LANG=C.UTF-8\n",
    "etc/image-id": 'image_name="al2023-ami"\nimage_version="2023"\nimage_arch="{architecture}"\n'
    'image_file="{name}"\nimage_stamp="{release}"\n',
}


def release_of(image_name: str) -> str | None:
    """The release of an image of Amazon's, such as 2023.6.20251230; None for what the sandbox has no root of."""
    found = _NAME.fullmatch(image_name)
    return found[2] if found else None


def make(root: Path, image_name: str) -> None:
    """Write the root of an image into an empty folder. The name has to be one that `release_of` knows."""
    found = _NAME.fullmatch(image_name)
    if found is None:
        return
    minimal, release, architecture = found.groups()
    day = released(release) or datetime(2023, 3, 1, tzinfo=UTC)
    for path, target in _LINKS.items():
        (root / path).symlink_to(target)
    for path in _FOLDERS:
        (root / path).mkdir(parents=True, exist_ok=True)
    for path, text in _TEXTS.items():
        shown = text.format(architecture=architecture, name=image_name, release=release) if "{" in text else text
        (root / path).write_text(shown, encoding="utf-8")
    install(root, MINIMAL if minimal else STANDARD, release, architecture, day + timedelta(hours=2))
    for path, mode in _FOLDERS.items():
        give(root / path, mode, (1000, 1000) if path == "home/ec2-user" else (0, 0))
    _date(root, int((day + timedelta(hours=2)).timestamp()))


def _date(root: Path, when: int) -> None:
    """What no package brought is as old as the image."""
    for folder, _, names in os.walk(root, topdown=False):
        for name in names:
            place = Path(folder) / name
            if place.lstat().st_mtime > when and not place.is_symlink():
                os.utime(place, (when, when))
        os.utime(folder, (when, when))
