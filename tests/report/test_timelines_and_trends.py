"""Where spans lie on a timeline, and which measures are worth a line over runs."""

from datetime import timedelta

from baseops.report.figures import timeline_figures
from baseops.report.stories import stories
from baseops.report.timelines import timeline
from baseops.report.trends import trend


def test_spans_of_a_lane_that_overlap_get_rows_of_their_own(made):
    spans = (("a", 0, 10), ("a", 5, 15), ("a", 10, 20), ("b", 0, 10))

    found = timeline([made.span(lane, "kept", start, end) for lane, start, end in spans])

    assert [(each.lane, each.row) for each in found.bars] == [("a", 0), ("a", 1), ("a", 0), ("b", 2)]
    assert found.lanes == (("a", 0, 2), ("b", 2, 1))
    assert found.rows == 3


def test_two_moments_at_the_same_time_are_both_seen(made):
    found = timeline([made.span("mail", "sent", 1), made.span("mail", "delivered", 1)])

    assert [(each.state, each.row, each.is_moment) for each in found.bars] == [
        ("delivered", 0, True),
        ("sent", 1, True),
    ]


def test_a_span_that_ends_before_it_starts_is_turned(made):
    (bar,) = timeline([made.span("a", "kept", 10, 0)]).bars

    assert bar.end - bar.start == timedelta(minutes=10)


def test_more_lanes_than_a_person_can_tell_apart_are_left_out_and_counted(made):
    spans = [made.span(f"vol-{number}", "kept", 0, 9) for number in range(100)]

    found = timeline(spans)

    assert (len(found.lanes), found.rows, found.left_out) == (40, 40, 60)


def test_more_spans_than_a_person_can_tell_apart_too(made):
    found = timeline([made.span("vol-0a1", "kept", number, number + 5000) for number in range(1000)])

    assert (found.rows, found.left_out) == (600, 400)


def test_a_drill_that_shows_no_more_than_another_shares_its_figure(made):
    first, second = made.span("vol-0a1", "kept", 0, 9), made.span("copies", "kept", 0, 9)
    runs = {
        "backups/coverage": [[made.record("backups/coverage", "backups.daily", spans=[first])]],
        "backups/retention": [[made.record("backups/retention", "backups.daily", spans=[first, second])]],
        "logs/twin": [[made.record("logs/twin", "logs.web")]],
    }

    figures = timeline_figures(stories([], runs, made.now))

    assert [each.drills for each in figures] == [
        (("backups/retention", "drill-backups-retention"), ("backups/coverage", "drill-backups-coverage"))
    ]


def test_reading_times_are_a_line_over_runs_and_ages_are_not(made):
    runs = [
        [
            made.record(
                "backups/read",
                "backups.daily",
                at=made.ran - timedelta(days=day),
                measures={"read_seconds": 20.0 + day, "age_seconds": 80000.0, "seconds": 30.0, "blocks_read": 3.0},
            ),
            made.record("backups/read", "backups.weekly", measures={"read_seconds": 1.0}),
        ]
        for day in range(3)
    ]

    ((name, points),) = trend(runs).lines

    assert (name, [each.seconds for each in points]) == ("read", [22.0, 21.0, 20.0])


def test_one_run_is_no_trend(made):
    assert trend(made.history("backups/read", "backups.daily", 1)) is None
    assert trend([]) is None


def test_how_long_reading_the_account_took_is_no_trend(made):
    runs = [[made.record("secrets/readers", "secrets.db", at=made.ran - timedelta(days=day))] for day in range(2)]

    assert trend(runs) is None
    assert trend([[made.record("logs/twin", "logs.web", method="exercised")]] * 2).lines[0][0] == "took"
