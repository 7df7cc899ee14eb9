"""What snapshots that exist say of a retention: too long, too short, missing; by hand-made snapshots."""

from datetime import UTC, datetime, timedelta

from baseops.areas.backups.kept import Standing, copies_too_long, too_long, too_short
from baseops.semantics.lifecycle import Age, Keep, SnapshotPolicy, SnapshotSchedule
from baseops.semantics.schedules import dlm_interval

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def policy(keep, name="daily"):
    return SnapshotPolicy((SnapshotSchedule(name=name, when=dlm_interval(24, "03:00"), keep=keep),))


def snapshot(day, *, schedule="daily", kept=None, volume="vol-1", tier="standard"):
    """Made on a day of March at 03:20."""
    start = datetime(2026, 3, day, 3, 20, tzinfo=UTC)
    tags = {"aws:dlm:lifecycle-schedule-name": schedule}
    if kept is not None:
        tags["aws:dlm:expirationTime"] = f"{start + kept * DAY:%Y-%m-%dT%H:%M:%SZ}"
    return {
        "SnapshotId": f"snap-{volume[-1]}{day:02d}",
        "VolumeId": volume,
        "StartTime": start,
        "State": "completed",
        "StorageTier": tier,
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }


def standing(keep, snapshots, *, changed=1, volumes=("vol-1",)):
    return Standing(
        policy(keep), snapshots, set(volumes), NOW, datetime(2026, 3, changed, tzinfo=UTC), NOW - timedelta(hours=30)
    )


FIVE_DAYS = Keep(age=Age(5))
THREE = Keep(count=3)


def test_five_days_are_kept_as_declared():
    held = standing(FIVE_DAYS, [snapshot(day, kept=5) for day in range(15, 21)])

    assert (too_long(held), too_short(held)) == ([], [])


def test_one_that_a_whole_days_run_passed_over_is_too_long():
    (breach,) = too_long(standing(FIVE_DAYS, [snapshot(day, kept=5) for day in range(14, 21)]))

    assert breach.subject == "snap-114"
    assert breach.why == "snap-114 is 6.4 days old, and still there"


def test_a_locked_one_may_stay():
    held = standing(FIVE_DAYS, [snapshot(day, kept=5) for day in range(14, 21)])

    assert too_long(held, {"snap-114"}) == []


def test_the_last_one_of_a_volume_that_is_gone_stays():
    held = standing(FIVE_DAYS, [snapshot(2, kept=5, volume="vol-2")])

    assert too_long(held) == []


def test_one_of_a_schedule_that_was_renamed_is_told():
    (breach,) = too_long(standing(FIVE_DAYS, [snapshot(20, schedule="old", kept=5)], changed=20))

    assert breach.why == "snap-120 is of a schedule that is declared no longer: nobody deletes it"


def test_what_was_made_under_a_former_rule_is_held_to_nothing():
    held = standing(FIVE_DAYS, [snapshot(day, kept=30) for day in range(8, 18)], changed=19)

    assert (too_long(held), too_short(held)) == ([], [])


def test_a_planned_end_other_than_declared_is_told_before_it_comes():
    held = standing(FIVE_DAYS, [snapshot(19, kept=5), snapshot(20, kept=2)])

    assert [each.why for each in too_short(held)] == ["snap-120 is to be kept for 2 days, declared are 5 days"]


def test_days_that_are_missing_in_between_are_told():
    held = standing(FIVE_DAYS, [snapshot(day, kept=5) for day in (15, 16, 19, 20)])

    assert [each.why for each in too_short(held)] == ["vol-1 lacks 2 snapshots, the first of 2026-03-17 03:00 UTC"]


def test_a_count_may_be_over_by_the_one_that_is_being_made():
    assert too_long(standing(THREE, [snapshot(day) for day in range(17, 21)])) == []
    (breach,) = too_long(standing(THREE, [snapshot(day) for day in range(16, 21)]))

    assert breach.why == "vol-1 has 5 snapshots of the schedule daily, which keeps 3"


def test_a_copy_that_outstays_its_days_is_told():
    (breach,) = copies_too_long([snapshot(10), snapshot(14)], 7 * DAY, NOW)

    assert breach.subject == "snap-110"
