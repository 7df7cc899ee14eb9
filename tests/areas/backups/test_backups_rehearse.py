"""What is known of backups without AWS."""

from __future__ import annotations

from baseops.areas.backups import rehearse
from baseops.contract.refs import Refs


def notes(declaration):
    found = rehearse.judge(declaration.sections["backups"], Refs(declaration.site))
    return {each.path: each.message for each in found}


def test_a_forecast_says_what_there_will_be_of_each_volume(declared):
    assert notes(declared()) == {
        ("backups", "daily"): "each volume comes to 30 snapshots, 7 copies in us-east-1 after 33 days"
    }


def test_a_forecast_counts_shared_starts_once(full):
    said = notes(full)
    # 24 hourly ones and 8 weekly ones at 02:00, none of which falls on half past.
    assert said["backups", "database"].startswith("each volume comes to 32 snapshots, 9 copies in us-east-1")
    assert said["backups", "monthly"].startswith("each volume comes to 1 snapshot, 12 in the archive")


def test_fast_restore_and_the_recycle_bin_are_said_to_cost(full):
    said = notes(full)
    assert "1.50 US dollars an hour, 1,095 a month" in said["backups", "daily", "fast_restore"]
    assert "7 days more" in said["account", "backups", "recycle_bin", "snapshots"]
