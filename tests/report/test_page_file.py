"""Where a page is written, and over what it never is."""

import os
import stat

import pytest

from baseops.errors import BaseopsError, UsageError
from baseops.report.file import PageFile


def test_a_page_is_written_and_written_again(tmp_path, texts):
    for text in (texts.proof, texts.rehearsal):
        PageFile(tmp_path / "page.html").write(text)
        assert (tmp_path / "page.html").read_text() == text
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_asking_for_a_place_leaves_nothing_there(tmp_path):
    PageFile(tmp_path / "page.html")

    assert list(tmp_path.iterdir()) == []


def test_what_is_not_ours_stays(tmp_path):
    (tmp_path / "index.html").write_text("<!doctype html>\n<title>mine</title>")

    with pytest.raises(UsageError, match="stays as it is: it is not a page that baseops wrote"):
        PageFile(tmp_path / "index.html")
    assert "mine" in (tmp_path / "index.html").read_text()


def test_what_came_meanwhile_stays_too(tmp_path, texts):
    place = PageFile(tmp_path / "page.html")
    (tmp_path / "page.html").write_text("mine")

    with pytest.raises(UsageError):
        place.write(texts.proof)
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    assert (tmp_path / "page.html").read_text() == "mine"


def test_no_folder_no_device_no_missing_folder(tmp_path):
    (tmp_path / "folder").mkdir()

    with pytest.raises(UsageError, match="that is no ordinary file"):
        PageFile(tmp_path / "folder")
    with pytest.raises(UsageError, match="that is no ordinary file"):
        PageFile("/dev/null")
    with pytest.raises(UsageError, match=r"No such file or directory.*--no-page"):
        PageFile(tmp_path / "nowhere" / "page.html")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(UsageError, match=r"(?i)loop"):
        PageFile(tmp_path / "loop")
    with pytest.raises(UsageError, match="null"):
        PageFile(f"{tmp_path}/a\0b.html")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_to_is_said_at_once(tmp_path):
    tmp_path.chmod(0o500)

    with pytest.raises(UsageError, match="Permission denied"):
        PageFile(tmp_path / "page.html")


def test_a_folder_that_vanishes_is_an_error_and_no_traceback(tmp_path, texts):
    (tmp_path / "folder").mkdir()
    place = PageFile(tmp_path / "folder" / "page.html")
    (tmp_path / "folder").rmdir()

    with pytest.raises(BaseopsError, match="was not written: No such file or directory"):
        place.write(texts.proof)


def test_a_link_leads_to_the_page_and_stays_a_link(tmp_path, texts):
    (tmp_path / "latest.html").symlink_to(tmp_path / "page.html")

    PageFile(tmp_path / "latest.html").write(texts.proof)

    assert (tmp_path / "latest.html").is_symlink()
    assert (tmp_path / "page.html").read_text() == texts.proof


def test_others_may_read_a_page_as_the_umask_says(tmp_path, texts):
    before = os.umask(0o022)
    try:
        PageFile(tmp_path / "page.html").write(texts.proof)
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "page.html").stat().st_mode) == 0o644
