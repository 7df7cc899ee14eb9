"""A small file system for the tests of blocks."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def make_ext(tmp_path: Path) -> Callable[..., Path]:
    """The tree is `/etc/fstab` and many small files."""

    def make(kind: str, size: str = "24M") -> Path:
        if shutil.which("mke2fs") is None:
            pytest.skip("mke2fs is not installed here")
        top, image = tmp_path / "tree", tmp_path / "ext.img"
        (top / "etc").mkdir(parents=True)
        (top / "etc/fstab").write_bytes(b"/dev/xvda1 / ext4\n")
        (top / "many").mkdir()
        for number in range(200):
            (top / f"many/file-{number:03d}").write_text(str(number))
        subprocess.run(["mke2fs", "-q", "-t", kind, "-d", str(top), str(image), size], check=True, capture_output=True)
        return image

    return make
