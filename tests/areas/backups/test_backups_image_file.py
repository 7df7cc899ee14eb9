"""Blocks reach the file at their places, past the page cache or through it, whole or the last and shorter one."""

import os
from pathlib import Path

import pytest

from baseops.areas.backups.operate.image_file import ImageFile

SHARED_MEMORY = Path("/dev/shm")


@pytest.fixture(params=["disk", "memory"])
def path(request, tmp_path):
    """On the disk, where O_DIRECT works as a rule, and in memory, where it may not."""
    if request.param == "disk":
        yield tmp_path / "disk.img"
        return
    if not SHARED_MEMORY.is_dir():
        pytest.skip("there is no /dev/shm")
    place = SHARED_MEMORY / f"baseops-{os.getpid()}.img"
    yield place
    place.unlink(missing_ok=True)


def test_blocks_lie_at_their_places(path):
    whole, tail = os.urandom(1 << 19), os.urandom(1000)
    image = ImageFile(path)
    own = image.memory(1 << 19)
    own[:] = whole

    image.write(memoryview(tail), 3 << 19)
    image.write(own, 1 << 19)
    image.write(memoryview(whole), 0)
    image.write(memoryview(whole)[:4096], (2 << 19) + 512)
    image.sync()
    image.close()

    expected = whole + whole + bytes(512) + whole[:4096]
    assert path.read_bytes() == expected + bytes((3 << 19) - len(expected)) + tail


def test_it_is_for_its_owner_alone_and_follows_no_link(tmp_path):
    ImageFile(tmp_path / "own.img").close()
    (tmp_path / "link.img").symlink_to(tmp_path / "elsewhere")

    assert (tmp_path / "own.img").stat().st_mode & 0o777 == 0o600
    with pytest.raises(OSError, match="symbolic links"):
        ImageFile(tmp_path / "link.img")
    assert not (tmp_path / "elsewhere").exists()
