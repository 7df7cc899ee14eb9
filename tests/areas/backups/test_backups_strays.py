"""Which tags are misspellings of one that selects, and which are other words."""

import pytest

from baseops.areas.backups.strays import nearly

DAILY = ("Backup", "daily")


@pytest.mark.parametrize(
    "pair",
    [
        ("Backup", "Daily"),
        ("backup", "daily"),
        ("Backup", "daily "),
        ("Backup", "dayly"),
        ("Backup", "dialy"),
        ("Backup", "dily"),
        ("Backup", "dailly"),
        ("Bakcup", "daily"),
    ],
)
def test_a_misspelling_is_noticed(pair):
    assert nearly(pair, {DAILY}) == DAILY


@pytest.mark.parametrize(
    "pair", [DAILY, ("Backup", "hourly"), ("Backup", "daily2"), ("Backup", "none"), ("Role", "daily"), ("Backup", "")]
)
def test_another_word_is_left_alone(pair):
    assert nearly(pair, {DAILY}) is None


def test_short_words_that_differ_in_a_letter_mean_other_things():
    assert nearly(("Tier", "b"), {("Tier", "a")}) is None
