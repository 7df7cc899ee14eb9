"""What the script in a drill instance says, and what is made of it."""

from datetime import UTC, datetime

from baseops.areas.backups.restore_script import FileRead, parse, script
from baseops.areas.backups.spec.read import Read

ODD = Read(volume="root", path="/srv/it's $(here)/a b.db", check="sqlite-integrity", min_size=1)


def test_paths_are_quoted_for_the_shell():
    lines = script("vol-0a1b2c3d", "/dev/sdf", [ODD])

    assert "first='/srv/it'\"'\"'s $(here)/a b.db'" in lines
    assert "read_file 0 '/srv/it'\"'\"'s $(here)/a b.db'" in lines


def test_a_volume_is_looked_for_by_its_names_on_nitro_and_on_xen():
    (candidates,) = (each for each in script("vol-0a1b2c3d", "/dev/sdf", [ODD]) if each.startswith("candidates="))

    assert "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0a1b2c3d " in candidates
    assert "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0a1b2c3d-part1 " in candidates
    assert " /dev/xvdf1 " in candidates


def test_numbers_are_read_and_other_lines_passed_over():
    answer = parse("Welcome\nbaseops file 0 read 158 158 1767603600\nbaseops check 0 sound\nbaseops file 1 missing\n")

    assert answer.files[0] == FileRead("read", 158, 158, datetime(2026, 1, 5, 9, 0, tzinfo=UTC))
    assert answer.files[1] == FileRead("missing")
    assert answer.checks == {0: "sound"}
    assert not answer.trouble


def test_what_cannot_be_mounted_is_said_with_what_lies_there():
    assert parse("baseops not mounted crypto_LUKS\n").trouble == "it cannot be mounted (crypto_LUKS)"
    assert parse("baseops no device\n").trouble == "the attached volume did not show up in the instance"
