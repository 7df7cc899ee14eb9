"""LVM2: linear volumes are read, others are named and refused."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from baseops import snapshots
from baseops.errors import DamagedError, UnsupportedError
from baseops.snapshots import lvm
from baseops.snapshots.blocks import InMemoryBlocks
from baseops.snapshots.device import Device
from baseops.snapshots.volumes import volumes_of

IDENTIFIER = "abcdef-ghij-klmn-opqr-stuv-wxyz-012345"
EXTENT = 1 << 20
METADATA = """
vg0 {
id = "vg" # a comment
extent_size = 2048
physical_volumes { pv0 { id = "abcdef-ghij-klmn-opqr-stuv-wxyz-012345" pe_start = 2048 pe_count = 60 } }
logical_volumes {
root { status = ["READ", "WRITE", "VISIBLE"] segment_count = 2
segment1 { start_extent = 0 extent_count = 10 type = "striped" stripe_count = 1 stripes = ["pv0", 20] }
segment2 { start_extent = 10 extent_count = 20 type = "striped" stripe_count = 1 stripes = ["pv0", 0] } }
fast { status = ["READ", "VISIBLE"] segment_count = 1
segment1 { start_extent = 0 extent_count = 2 type = "striped" stripe_count = 2 stripes = ["pv0", 0, "pv1", 0] } }
mirror { status = ["READ", "VISIBLE"] segment_count = 1
segment1 { start_extent = 0 extent_count = 2 type = "raid1" device_count = 2 } }
hidden { status = ["READ"] segment_count = 1 segment1 { extent_count = 1 type = "mirror" } }
} }
"""


def physical_volume(content: bytes = b"", text: str = METADATA) -> bytearray:
    """A disk of 64 MiB with the logical volume's content in its two pieces."""
    image = bytearray(64 << 20)
    struct.pack_into("<8sQII8s", image, 512, b"LABELONE", 1, 0, 32, b"LVM2 001")
    struct.pack_into("<32sQ", image, 544, IDENTIFIER.replace("-", "").encode(), len(image))
    areas = ((EXTENT, 0), (0, 0), (4096, 1044480), (0, 0))
    for number, area in enumerate(areas):
        struct.pack_into("<QQ", image, 584 + 16 * number, *area)
    raw = text.encode()
    struct.pack_into("<I16sIQQ", image, 4096, 0, b" LVM2 x[5A%r0N*>", 1, 4096, 1044480)
    struct.pack_into("<QQII", image, 4136, 512, len(raw), 0, 0)
    image[4608 : 4608 + len(raw)] = raw
    first, second = content[: 10 * EXTENT], content[10 * EXTENT :]
    image[21 * EXTENT : 21 * EXTENT + len(first)] = first
    image[EXTENT : EXTENT + len(second)] = second
    return image


def device_of(image: bytes | bytearray) -> Device:
    return Device(InMemoryBlocks.of(bytes(image)))


def test_a_linear_volume_is_put_together_from_its_segments():
    content = bytes([1]) * (10 * EXTENT) + bytes([2]) * (20 * EXTENT)

    (root, *_) = lvm.logical_volumes([lvm.read_physical_volume(device_of(physical_volume(content)))])

    assert root.name == "vg0/root"
    assert root.device is not None
    assert root.device.size == 30 * EXTENT
    assert root.device.pread(10 * EXTENT - 1, 2) == b"\x01\x02"


def test_other_kinds_are_listed_with_the_reason():
    found = {each.label: each.refusal for each in volumes_of(device_of(physical_volume()))}

    assert found["vg0/fast"] == "LVM2 volume of type striped over several disks, only linear ones are read"
    assert found["vg0/mirror"] == "LVM2 volume of type raid1, only linear ones are read"
    assert "vg0/hidden" not in found


def test_a_file_system_in_a_logical_volume(make_ext, tmp_path: Path):
    image = tmp_path / "disk.img"
    image.write_bytes(physical_volume(make_ext("ext4", size="28M").read_bytes()))

    with snapshots.open(image, "vg0/root") as snapshot:
        assert snapshot.open("/etc/fstab").read() == b"/dev/xvda1 / ext4\n"


def test_asking_for_a_striped_volume_says_why_not(tmp_path: Path):
    image = tmp_path / "disk.img"
    image.write_bytes(physical_volume())

    with pytest.raises(UnsupportedError, match="striped over several disks"):
        snapshots.open(image, "vg0/fast")


@pytest.mark.parametrize(
    "text",
    ["vg0 {", "vg0 { a = [1, 2", "vg0 { a b", "vg0 { \x01 }", "} vg0", "a { " * 100],
    ids=["open", "list", "mark", "byte", "close", "deep"],
)
def test_metadata_that_is_damaged(text: str):
    with pytest.raises(DamagedError, match="the LVM2 metadata is damaged"):
        lvm.parse(text)
