"""The last runs of each drill, as the page's history has them."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from baseops.errors import BaseopsError
from baseops.evidence.history import recent_records
from baseops.evidence.records import Place, new_run_id, record_key
from baseops.evidence.store import FolderStore

START = datetime(2026, 1, 8, 9, 0, tzinfo=UTC)


@pytest.fixture
def store(tmp_path):
    """Two drills a day for a week, and one that ran once."""
    kept = FolderStore(tmp_path)
    for day in range(7):
        at = START + timedelta(days=day)
        for drill in ("backups/read", "logs/twin", *(["email/dns"] if day == 0 else [])):
            line = json.dumps({"schema": "baseops/evidence/1", "target": f"day {day}"}).encode() + b"\n"
            run = new_run_id(at, "d82c07")
            kept.put_new(record_key(Place.of("111111111111", "eu-west-1", at), run, drill), line * 2)
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
