"""DLM's schedules, retention and copies, as dlm-elements describes them; every expected value by hand."""

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from baseops.semantics.lifecycle import (
    Keep,
    Schedule,
    Snapshot,
    Standing,
    forecast,
    outdated,
    read_schedules,
    runs,
    starts,
)
from baseops.semantics.schedules import dlm_interval, parse_cron


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def daily(keep: Keep, name: str = "daily") -> Schedule:
    return Schedule(name, dlm_interval(24, "03:00"), keep)


def snapshots(*days: int, schedule: str = "daily") -> list[Snapshot]:
    return [Snapshot(f"snap-{day}", datetime(2026, 11, day, 3, tzinfo=UTC), frozenset({schedule})) for day in days]


def ids(found) -> list[str]:
    return [each.id for each in found]


def test_a_policy_is_read_as_the_api_gives_it():
    details = {
        "Schedules": [
            {
                "Name": "weekly",
                "CreateRule": {"CronExpression": "cron(0 2 ? * SUN *)"},
                "RetainRule": {"Interval": 2, "IntervalUnit": "MONTHS"},
                "CrossRegionCopyRules": [
                    {"Target": "us-east-1", "Encrypted": True, "RetainRule": {"Interval": 1, "IntervalUnit": "WEEKS"}}
                ],
            }
        ]
    }
    (schedule,) = read_schedules(details)
    assert schedule.times == parse_cron("cron(0 2 ? * SUN *)")
    assert schedule.keep == Keep(age=timedelta(days=60))
    assert [(rule.region, rule.age) for rule in schedule.copies] == [("us-east-1", timedelta(days=7))]


def test_schedules_that_fire_together_are_one_run():
    both = [daily(Keep(count=7)), Schedule("sunday", parse_cron("0 3 ? * SUN *"), Keep(count=8))]
    found = [
        (run.at.day, [each.name for each in run.schedules]) for run in islice(runs(both, at("2026-11-20T12:00")), 3)
    ]
    assert found == [(21, ["daily"]), (22, ["daily", "sunday"]), (23, ["daily"])]


def test_dlm_starts_within_the_hour_and_not_always_at_the_same_minute():
    planned = [at(f"2026-11-{day:02d}T03:00") for day in range(1, 29)]
    delays = [starts("policy-0a1", moment) - moment for moment in planned]
    assert all(timedelta() <= delay < timedelta(hours=1) for delay in delays)
    assert len(set(delays)) > 20
    assert starts("policy-0a1", planned[0]) == starts("policy-0a1", planned[0])


def test_the_oldest_goes_when_the_count_is_exceeded():
    over = outdated(snapshots(1, 2, 3, 4), [daily(Keep(count=3))], at("2026-11-04T04:00"))
    assert ids(over) == ["snap-1"]


@pytest.mark.parametrize(("now", "gone"), [("2026-11-04T02:59", []), ("2026-11-04T03:00", ["snap-1"])])
def test_a_snapshot_goes_when_it_reaches_its_age(now, gone):
    over = outdated(snapshots(1, 2, 3), [daily(Keep(age=timedelta(days=3)))], at(now))
    assert ids(over) == gone


def test_a_shared_snapshot_has_the_longest_retention_of_its_schedules():
    schedules = [daily(Keep(age=timedelta(days=2))), daily(Keep(age=timedelta(days=30)), "monthly")]
    shared = Snapshot("snap-shared", at("2026-11-01T03:00"), frozenset({"daily", "monthly"}))
    over = outdated([shared, *snapshots(2)], schedules, at("2026-11-10T03:00"))
    assert ids(over) == ["snap-2"]


def test_a_schedule_that_was_renamed_lets_go_of_its_snapshots():
    over = outdated(snapshots(1, 2, schedule="former"), [daily(Keep(count=1))], at("2026-12-24T03:00"))
    assert over == []


def test_of_a_deleted_volume_the_last_snapshot_stays_and_those_by_count_do():
    now = at("2026-12-24T03:00")
    by_age, by_count = [daily(Keep(age=timedelta(days=3)))], [daily(Keep(count=1))]
    assert ids(outdated(snapshots(1, 2, 3), by_age, now, source_exists=False)) == ["snap-1", "snap-2"]
    assert outdated(snapshots(1, 2, 3), by_count, now, source_exists=False) == []


def test_a_shared_run_copies_once_to_each_region_for_the_longest_time():
    def schedule(name: str, days: int) -> dict[str, object]:
        return {
            "Name": name,
            "CreateRule": {"Interval": 24, "Times": ["03:00"]},
            "RetainRule": {"Count": 3},
            "CrossRegionCopyRules": [
                {"Target": "us-east-1", "Encrypted": True, "RetainRule": {"Interval": days, "IntervalUnit": "DAYS"}}
            ],
        }

    schedules = read_schedules({"Schedules": [schedule("short", 3), schedule("long", 9)]})
    run = next(runs(schedules, at("2026-11-01T00:00")))
    assert [(rule.region, rule.age) for rule in run.copies] == [("us-east-1", timedelta(days=9))]


def test_a_forecast_counts_what_stands():
    details = {
        "Schedules": [
            {
                "Name": "daily",
                "CreateRule": {"Interval": 24, "Times": ["03:00"]},
                "RetainRule": {"Interval": 30, "IntervalUnit": "DAYS"},
                "CrossRegionCopyRules": [
                    {"Target": "us-east-1", "Encrypted": True, "RetainRule": {"Interval": 7, "IntervalUnit": "DAYS"}}
                ],
            }
        ]
    }
    schedules = read_schedules(details)
    early = forecast(schedules, at("2026-11-01T00:00"), at("2026-11-05T12:00"))
    late = forecast(schedules, at("2026-11-01T00:00"), at("2027-03-01T12:00"))
    assert early == Standing(snapshots=5, archived=0, copies={"us-east-1": 5})
    assert late == Standing(snapshots=30, archived=0, copies={"us-east-1": 7})


def test_a_forecast_counts_the_archive():
    details = {
        "Schedules": [
            {
                "Name": "first",
                "CreateRule": {"CronExpression": "cron(0 4 1 * ? *)"},
                "RetainRule": {"Count": 1},
                "ArchiveRule": {"RetainRule": {"RetentionArchiveTier": {"Count": 4}}},
            }
        ]
    }
    schedules = read_schedules(details)
    assert forecast(schedules, at("2026-01-02T00:00"), at("2026-04-15T00:00")) == Standing(1, 2, {})
    assert forecast(schedules, at("2026-01-02T00:00"), at("2026-12-15T00:00")) == Standing(1, 4, {})
