"""Which snapshots Data Lifecycle Manager makes, keeps and copies; expected days by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseops.semantics.lifecycle import (
    Age,
    Copy,
    Due,
    ExpectedCopy,
    Made,
    copies_on,
    due,
    firings,
    next_firing,
    policy_from,
    snapshots_on,
    tags_of,
)
from baseops.semantics.schedules import ScheduleError


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def schedule(name, create, retain, **more):
    return {"Name": name, "CreateRule": create, "RetainRule": retain, **more}


def days(number):
    return {"Interval": number, "IntervalUnit": "DAYS"}


EVERY_DAY = {"Interval": 24, "IntervalUnit": "HOURS", "Times": ["03:00"]}
SUNDAYS = {"CronExpression": "cron(0 3 ? * SUN *)"}
MONTHLY = {"CronExpression": "cron(0 3 1 * ? *)"}

DAILY = policy_from({"Schedules": [schedule("daily", EVERY_DAY, days(7))]})
DAILY_AND_WEEKLY = policy_from(
    {
        "Schedules": [
            schedule(
                "daily",
                EVERY_DAY,
                days(7),
                TagsToAdd=[{"Key": "Kind", "Value": "daily"}],
                CrossRegionCopyRules=[{"Target": "us-east-1", "Encrypted": True, "RetainRule": days(2)}],
            ),
            schedule(
                "weekly",
                SUNDAYS,
                days(35),
                CopyTags=True,
                TagsToAdd=[{"Key": "Weekly", "Value": "yes"}],
                CrossRegionCopyRules=[
                    {"Target": "us-east-1", "Encrypted": True, "RetainRule": days(90)},
                    {"Target": "eu-north-1", "Encrypted": True, "RetainRule": days(14)},
                ],
            ),
        ]
    }
)


@pytest.mark.parametrize(
    ("age", "moment", "expected"),
    [
        (Age(30), "2026-01-31", "2026-03-02"),
        (Age(2, "WEEKS"), "2026-01-31", "2026-02-14"),
        (Age(1, "MONTHS"), "2026-01-31", "2026-02-28"),
        (Age(13, "MONTHS"), "2026-11-30", "2027-12-30"),
        (Age(1, "YEARS"), "2028-02-29", "2029-02-28"),
    ],
)
def test_ages_are_counted_on_the_calendar(age, moment, expected):
    assert age.after(at(moment)) == at(expected)


def test_a_policy_starts_when_its_schedules_do():
    starts = firings(DAILY_AND_WEEKLY, at("2026-11-21T00:00"), at("2026-11-24T00:00"))
    assert [(f"{each.at:%a %H:%M}", [met.name for met in each.schedules]) for each in starts] == [
        ("Sat 03:00", ["daily"]),
        ("Sun 03:00", ["daily", "weekly"]),
        ("Mon 03:00", ["daily"]),
    ]
    following = next_firing(DAILY_AND_WEEKLY, at("2026-11-21T03:00"))
    assert (following.at, len(following.schedules)) == (at("2026-11-22T03:00"), 2)


def test_schedules_that_meet_make_one_snapshot_with_the_longest_retention():
    sunday = next_firing(DAILY_AND_WEEKLY, at("2026-11-21T03:00"))
    assert sunday.owner.name == "weekly"
    assert sunday.expires(sunday.at) == at("2026-12-27T03:00")
    assert sunday.tags == {"Kind": "daily", "Weekly": "yes"}
    assert sunday.takes_source_tags
    assert sunday.copies == (
        Copy("us-east-1", Age(90), is_encrypted=True),
        Copy("eu-north-1", Age(14), is_encrypted=True),
    )


def test_by_count_the_longest_retention_is_that_of_the_schedule_that_reaches_furthest_back():
    policy = policy_from(
        {"Schedules": [schedule("daily", EVERY_DAY, {"Count": 10}), schedule("weekly", SUNDAYS, {"Count": 4})]}
    )
    assert next_firing(policy, at("2026-11-21T03:00")).owner.name == "weekly"


def test_the_tags_that_dlm_writes():
    sunday = next_firing(DAILY_AND_WEEKLY, at("2026-11-21T03:00"))
    assert tags_of("policy-1", sunday, at("2026-11-22T03:20")) == {
        "Kind": "daily",
        "Weekly": "yes",
        "aws:dlm:lifecycle-policy-id": "policy-1",
        "aws:dlm:lifecycle-schedule-name": "weekly",
        "aws:dlm:expirationTime": "2026-12-27T03:20:00Z",
        "dlm:managed": "true",
    }


def test_seven_days_of_daily_snapshots_are_seven_snapshots():
    kept = snapshots_on(DAILY, at("2026-11-23T12:00"), since=at("2026-01-01T00:00"))
    assert [f"{each.at:%m-%d}" for each in kept] == ["11-17", "11-18", "11-19", "11-20", "11-21", "11-22", "11-23"]
    assert kept[0].expires == at("2026-11-24T03:00")


def test_a_new_volume_has_no_snapshot_before_its_first_start():
    assert snapshots_on(DAILY, at("2026-11-23T02:59"), since=at("2026-11-22T04:00")) == ()
    assert len(snapshots_on(DAILY, at("2026-11-23T03:00"), since=at("2026-11-22T04:00"))) == 1


def test_dlm_starts_within_the_hour_and_the_age_counts_from_there():
    delay = timedelta(minutes=50)
    assert snapshots_on(DAILY, at("2026-11-23T03:49"), since=at("2026-11-22T04:00"), delay=delay) == ()
    (only,) = snapshots_on(DAILY, at("2026-11-23T03:50"), since=at("2026-11-22T04:00"), delay=delay)
    assert (only.at, only.expires) == (at("2026-11-23T03:50"), at("2026-11-30T03:50"))


def test_daily_and_weekly_overlap():
    kept = snapshots_on(DAILY_AND_WEEKLY, at("2026-11-23T12:00"), since=at("2026-01-01T00:00"))
    # Six days that are no Sunday, and the Sundays of five weeks.
    assert [f"{each.at:%m-%d}" for each in kept if each.schedule == "daily"] == [
        "11-17",
        "11-18",
        "11-19",
        "11-20",
        "11-21",
        "11-23",
    ]
    assert [f"{each.at:%m-%d}" for each in kept if each.schedule == "weekly"] == [
        "10-25",
        "11-01",
        "11-08",
        "11-15",
        "11-22",
    ]


def test_copies_are_kept_by_their_own_rules():
    copies = copies_on(DAILY_AND_WEEKLY, at("2026-11-23T12:00"), since=at("2026-11-08T00:00"))
    assert copies == (
        ExpectedCopy(at("2026-11-08T03:00"), "us-east-1", at("2027-02-06T03:00")),
        ExpectedCopy(at("2026-11-15T03:00"), "us-east-1", at("2027-02-13T03:00")),
        ExpectedCopy(at("2026-11-15T03:00"), "eu-north-1", at("2026-11-29T03:00")),
        ExpectedCopy(at("2026-11-22T03:00"), "us-east-1", at("2027-02-20T03:00")),
        ExpectedCopy(at("2026-11-22T03:00"), "eu-north-1", at("2026-12-06T03:00")),
        ExpectedCopy(at("2026-11-23T03:00"), "us-east-1", at("2026-11-25T03:00")),
    )


def archiving(retain, kept):
    rule = {"RetainRule": {"RetentionArchiveTier": kept}}
    return policy_from({"Schedules": [schedule("monthly", MONTHLY, retain, ArchiveRule=rule)]})


def test_snapshots_move_to_the_archive_by_age():
    policy = archiving({"Interval": 1, "IntervalUnit": "MONTHS"}, {"Interval": 3, "IntervalUnit": "MONTHS"})
    kept = snapshots_on(policy, at("2026-11-23T00:00"), since=at("2026-01-01T00:00"))
    assert [(f"{each.at:%m-%d}", each.tier, f"{each.expires:%Y-%m-%d}") for each in kept] == [
        ("08-01", "archive", "2026-12-01"),
        ("09-01", "archive", "2027-01-01"),
        ("10-01", "archive", "2027-02-01"),
        ("11-01", "standard", "2026-12-01"),
    ]


def test_snapshots_move_to_the_archive_by_count():
    kept = snapshots_on(archiving({"Count": 1}, {"Count": 3}), at("2026-11-23T00:00"), since=at("2026-01-01T00:00"))
    assert [(f"{each.at:%m-%d}", each.tier) for each in kept] == [
        ("08-01", "archive"),
        ("09-01", "archive"),
        ("10-01", "archive"),
        ("11-01", "standard"),
    ]
    at_once = snapshots_on(archiving({"Count": 0}, {"Count": 3}), at("2026-11-23T00:00"), since=at("2026-01-01T00:00"))
    assert [each.tier for each in at_once] == ["archive"] * 3


def test_fast_restore_is_on_in_all_zones_that_a_schedule_names():
    policy = policy_from(
        {
            "Schedules": [
                schedule("daily", EVERY_DAY, {"Count": 5}, FastRestoreRule={"Count": 1, "AvailabilityZones": ["a"]}),
                schedule("weekly", SUNDAYS, {"Count": 5}, FastRestoreRule={**days(3), "AvailabilityZones": ["b"]}),
            ]
        }
    )
    kept = snapshots_on(policy, at("2026-11-22T12:00"), since=at("2026-11-14T00:00"))
    assert {f"{each.at:%m-%d}": each.fast_restored for each in kept if each.fast_restored} == {"11-22": ("a", "b")}
    kept = snapshots_on(policy, at("2026-11-23T12:00"), since=at("2026-11-14T00:00"))
    assert {f"{each.at:%m-%d}": each.fast_restored for each in kept if each.fast_restored} == {
        "11-22": ("b",),
        "11-23": ("a",),
    }


def test_an_interval_without_a_time_cannot_be_forecast():
    with pytest.raises(ScheduleError, match="DLM picks one itself"):
        policy_from({"Schedules": [schedule("daily", {"Interval": 24, "IntervalUnit": "HOURS"}, days(7))]})


# --- what is due --------------------------------------------------------------------------------------------------


def made(number, day, volume="vol-1", name="daily", **more):
    return Made(f"snap-{number}", volume, name, at(f"2026-11-{day:02d}T03:10"), **more)


def ids(actions):
    return [(each.snapshot.id, each.action) for each in actions]


def test_snapshots_are_deleted_when_their_age_is_reached():
    snapshots = [made(1, 14), made(2, 15), made(3, 16)]
    assert ids(due(DAILY, snapshots, at("2026-11-22T03:09"))) == [("snap-1", "delete")]
    assert ids(due(DAILY, snapshots, at("2026-11-22T03:10"))) == [("snap-1", "delete"), ("snap-2", "delete")]


def test_the_time_in_a_snapshots_tag_outlives_a_changed_policy():
    tagged = made(1, 1, expires=at("2026-12-31T00:00"))
    assert due(DAILY, [tagged], at("2026-12-30T00:00")) == []
    assert due(DAILY, [tagged], at("2026-12-31T00:00")) == [Due(tagged, "delete")]


def test_counts_are_for_each_volume():
    policy = policy_from({"Schedules": [schedule("daily", EVERY_DAY, {"Count": 2})]})
    snapshots = [made(n, n) for n in (1, 2, 3)] + [made(n, n, "vol-2") for n in (4, 5)]
    assert ids(due(policy, snapshots, at("2026-11-23T00:00"))) == [("snap-1", "delete")]


def test_snapshots_of_a_renamed_schedule_are_left_alone():
    assert due(DAILY, [made(1, 1, name="nightly")], at("2027-11-23T00:00")) == []


def test_of_a_deleted_volume_the_last_snapshot_stays_and_counted_ones_all_do():
    snapshots = [made(1, 1), made(2, 2), made(3, 3)]
    late = at("2027-11-23T00:00")
    assert ids(due(DAILY, snapshots, late, deleted_volumes={"vol-1"})) == [("snap-1", "delete"), ("snap-2", "delete")]
    counted = policy_from({"Schedules": [schedule("daily", EVERY_DAY, {"Count": 1})]})
    assert due(counted, snapshots, late, deleted_volumes={"vol-1"}) == []


def test_archived_snapshots_are_deleted_in_their_turn():
    policy = archiving({"Interval": 30, "IntervalUnit": "DAYS"}, {"Interval": 90, "IntervalUnit": "DAYS"})
    snapshots = [
        made(1, 1, name="monthly", archived=at("2026-12-01T03:10")),
        made(2, 2, name="monthly"),
    ]
    assert ids(due(policy, snapshots, at("2026-12-02T03:10"))) == [("snap-2", "archive")]
    assert ids(due(policy, snapshots, at("2027-03-01T03:10"))) == [("snap-1", "delete"), ("snap-2", "archive")]


COUNTS = st.integers(1, 6).map(lambda number: {"Count": number})
AGES = st.integers(1, 20).map(days)
CREATE = st.sampled_from([EVERY_DAY, SUNDAYS, MONTHLY, {"CronExpression": "cron(0 3,15 ? * MON-FRI *)"}])


@given(
    st.one_of(
        st.lists(st.tuples(CREATE, COUNTS), min_size=1, max_size=3), st.lists(st.tuples(CREATE, AGES), min_size=1)
    ),
    st.integers(1, 70),
)
def test_the_forecast_is_what_acting_day_by_day_leaves(rules, length):
    policy = policy_from(
        {"Schedules": [schedule(f"s{n}", create, retain) for n, (create, retain) in enumerate(rules[:4])]}
    )
    since = at("2026-09-01T00:00")
    when = since + timedelta(days=length)
    present = {}
    for firing in firings(policy, since, when):
        snapshot = Made(f"{firing.at}", "vol-1", firing.owner.name, firing.at, firing.expires(firing.at))
        present[snapshot.id] = snapshot
        for each in due(policy, present.values(), firing.at):
            del present[each.snapshot.id]
    for each in due(policy, present.values(), when):
        del present[each.snapshot.id]
    forecast = snapshots_on(policy, when - timedelta(microseconds=1), since=since)
    still_there = [each for each in forecast if each.expires is None or each.expires > when]
    assert [each.at for each in still_there] == sorted(each.at for each in present.values())
