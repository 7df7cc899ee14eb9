"""The last runs of each drill, as the page's history has them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from baseops.contract.drill import Drill, proven, refuted
from baseops.errors import BaseopsError
from baseops.evidence.history import recent_records
from baseops.evidence.records import GENESIS, Chain, Place, head_key, new_run_id
from baseops.evidence.store import FolderStore

START = datetime(2026, 1, 8, 9, 0, tzinfo=UTC)


@pytest.fixture
def store(tmp_path):
    """Two drills a day for a week, and one that ran once."""
    kept = FolderStore(tmp_path)
    for day in range(7):
        at = START + timedelta(days=day)
        place, run = Place.of("111111111111", "eu-west-1", at), new_run_id(at, "d82c07")
        found = [proven(f"day {day}"), refuted(f"day {day}", "old")]
        for name in ("backups/read", "logs/twin", *(["email/dns"] if day == 0 else [])):
            ended = [replace(each, started=at, ended=at) for each in found]
            key, content, _ = Chain(run, place, GENESIS).add(Drill(name, "it works", (), run=lambda _: ()), ended, [])
            kept.put_new(key, content)
        kept.put_new(head_key(place, run), b"{}")
    return kept


def targets(store, **limits):
    found = recent_records(store, "111111111111", "eu-west-1", **limits)
    return {drill: [[each["target"] for each in run] for run in runs] for drill, runs in found.items()}


def test_the_newest_run_comes_first_and_each_drill_has_its_own(store):
    assert targets(store, runs=2) == {
        "backups/read": [["day 6", "day 6"], ["day 5", "day 5"]],
        "email/dns": [["day 0", "day 0"]],
        "logs/twin": [["day 6", "day 6"], ["day 5", "day 5"]],
    }


def test_days_without_end_are_not_looked_at(store):
    assert {drill: len(runs) for drill, runs in targets(store, days=3).items()} == {"backups/read": 3, "logs/twin": 3}


def test_an_empty_store_has_no_history(tmp_path):
    assert recent_records(FolderStore(tmp_path / "none"), "111111111111", "eu-west-1") == {}


def test_what_is_no_evidence_is_never_passed_over(store):
    next(store.folder.rglob("*.jsonl")).write_bytes(b"{}\n")

    with pytest.raises(BaseopsError, match=r"holds no evidence: its schema is not .* Run: baseops evidence verify"):
        recent_records(store, "111111111111", "eu-west-1")


def test_a_run_without_a_head_has_proved_nothing(store):
    for key in store.keys("heads/account=111111111111/region=eu-west-1/date=2026-01-14/"):
        (store.folder / key).unlink()

    assert targets(store, runs=1)["backups/read"] == [["day 5", "day 5"]]
