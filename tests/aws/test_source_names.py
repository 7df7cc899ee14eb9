"""How a source is written."""

from __future__ import annotations

from datetime import timedelta

import pytest

from baseops.aws.source_names import SourceName, parse, parse_age
from baseops.errors import UsageError

SNAP = "snap-0a1b2c3d4e5f60718"
GIVEN = {
    SNAP: SourceName("snapshot", SNAP),
    f"{SNAP}:/etc/a:/b": SourceName("snapshot", SNAP, path="/etc/a:/b"),
    f"{SNAP}@1:/etc": SourceName("snapshot", SNAP, label="1", path="/etc"),
    "latest:vol-0a1b2c3d4e5f60718:/": SourceName("volume", "vol-0a1b2c3d4e5f60718"),
    "latest:tag=Name=web=1@2:/x": SourceName("tag", "latest", ("Name", "web=1"), "2", "/x"),
    "ami-0a1b2c3d4e5f60718@15": SourceName("image", "ami-0a1b2c3d4e5f60718", label="15"),
    "./disk.img:/etc": SourceName("file", "./disk.img", path="/etc"),
    "disk.img@vg0/root:/etc": SourceName("file", "disk.img", label="vg0/root", path="/etc"),
}


@pytest.mark.parametrize(("text", "expected"), GIVEN.items(), ids=GIVEN)
def test_sources(text: str, expected: SourceName):
    assert parse(text, exists=lambda _: False) == expected


def test_a_file_that_is_there_may_be_called_anything():
    name = parse("odd@1.img:/etc", exists=lambda path: path == "odd@1.img")
    assert name == SourceName("file", "odd@1.img", path="/etc")
    assert parse("a:/b@2", exists=lambda path: path == "a:/b@2") == SourceName("file", "a:/b@2")


def test_a_tag_whose_value_holds_a_path():
    assert parse("latest:/etc", tag="Name=a:/b") == SourceName("tag", "latest", ("Name", "a:/b"), None, "/etc")
    assert parse("latest@1:/etc", tag="Name=a:/b") == SourceName("tag", "latest", ("Name", "a:/b"), "1", "/etc")


@pytest.mark.parametrize("text", ["snap-xyz", "latest:web", "vol-0a1b2c3d4e5f60718", "ami-1", "latest:tag=Name"])
def test_what_only_looks_like_one(text: str):
    with pytest.raises(UsageError):
        parse(text, exists=lambda _: False)


def test_ages():
    assert parse_age("30h") == timedelta(hours=30)
    with pytest.raises(UsageError, match="'soon' is no age"):
        parse_age("soon")
