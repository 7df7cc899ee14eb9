"""The states of alarms: the documented tables of missing data, thresholds, limits, and composite rules."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseops.semantics.alarms import (
    RuleError,
    breaches,
    evaluate,
    evaluation_interval,
    evaluation_range,
    has_too_few_samples,
    limit_problems,
    parse_rule,
    treatment,
)

DOCUMENTED = Path(__file__).parents[3] / "shared" / "data" / "alarms" / "documented_missing_data.json"
POINTS = {"X": True, "0": False, "-": None}

# The tables of the user guide, "How alarm state is evaluated when data is missing": M of N, points (newest last), and
# the state for missing, ignore, breaching, notBreaching. K: keeps its state.
TABLES = [
    (3, 3, "0-X-X", "OK", "OK", "OK", "OK"),
    (3, 3, "0----", "OK", "OK", "OK", "OK"),
    (3, 3, "-----", "INSUFFICIENT_DATA", "K", "ALARM", "OK"),
    (3, 3, "0XX-X", "ALARM", "ALARM", "ALARM", "ALARM"),
    (3, 3, "--X--", "ALARM", "K", "ALARM", "OK"),
    (2, 3, "0-X-X", "ALARM", "ALARM", "ALARM", "ALARM"),
    (2, 3, "00X0X", "ALARM", "ALARM", "ALARM", "ALARM"),
    (2, 3, "0-X--", "OK", "OK", "ALARM", "OK"),
    (2, 3, "----0", "OK", "OK", "ALARM", "OK"),
    (2, 3, "---X-", "ALARM", "K", "ALARM", "OK"),
]


def state(points, needed, periods, treat, previous="OK"):
    return evaluate(
        [POINTS[point] for point in points],
        evaluation_periods=periods,
        datapoints_to_alarm=needed,
        treat_missing=treat,
        previous=previous,
    )


@pytest.mark.parametrize(("needed", "periods", "points", "missing", "ignore", "breaching", "not_breaching"), TABLES)
@pytest.mark.parametrize("previous", ["OK", "ALARM", "INSUFFICIENT_DATA"])
def test_the_documented_tables(needed, periods, points, missing, ignore, breaching, not_breaching, previous):
    treatments = ("missing", "ignore", "breaching", "notBreaching")
    expected = [previous if each == "K" else each for each in (missing, ignore, breaching, not_breaching)]
    assert [state(points, needed, periods, treat, previous) for treat in treatments] == expected


def test_every_row_of_the_collected_tables():
    if not DOCUMENTED.exists():
        pytest.skip("the documented tables are not beside this checkout")
    wrong = []
    for row in json.loads(DOCUMENTED.read_text()):
        for treat in ("missing", "ignore", "breaching", "notBreaching"):
            expected = row[treat] if row[treat] != "RETAIN" else "ALARM"
            points = "".join(row["points_oldest_first"])
            found = state(points, row["datapoints_to_alarm"], row["evaluation_periods"], treat, "ALARM")
            wrong += [(points, treat, found)] if found != expected else []
    assert wrong == []


@pytest.mark.parametrize(
    ("points", "needed", "expected"),
    [("----X", 3, "INSUFFICIENT_DATA"), ("---X-", 3, "INSUFFICIENT_DATA"), ("--X--", 3, "ALARM"), ("--X-0", 3, "OK")],
)
def test_an_alarm_does_not_ring_too_early_when_data_comes_in_bits(points, needed, expected):
    assert state(points, needed, 3, "missing") == expected


def test_no_points_at_all_are_all_missing():
    assert [state("", 1, 1, treat) for treat in ("missing", "ignore", "breaching", "notBreaching")] == [
        "INSUFFICIENT_DATA",
        "OK",
        "ALARM",
        "OK",
    ]


@pytest.mark.parametrize(("needed", "periods"), [(0, 3), (4, 3), (1, 0)])
def test_m_of_n_has_to_be_possible(needed, periods):
    with pytest.raises(ValueError, match="not possible"):
        state("X", needed, periods, "missing")


@given(
    st.lists(st.sampled_from([True, False]), min_size=5, max_size=5),
    st.integers(1, 5),
    st.sampled_from(["missing", "ignore", "breaching", "notBreaching"]),
)
def test_without_missing_points_the_last_n_decide_and_the_treatment_does_not(points, needed, treat):
    found = evaluate(
        points, evaluation_periods=5, datapoints_to_alarm=needed, treat_missing=treat, previous="INSUFFICIENT_DATA"
    )
    assert found == ("ALARM" if points.count(True) >= needed else "OK")


@pytest.mark.parametrize(
    ("value", "comparison", "threshold", "expected"),
    [
        (5.0, "GreaterThanThreshold", 5, False),
        (5.0, "GreaterThanOrEqualToThreshold", 5, True),
        (4.9, "LessThanThreshold", 5, True),
        (5.0, "LessThanOrEqualToThreshold", 5, True),
        (None, "GreaterThanThreshold", 5, None),
        (0.5, "LessThanLowerOrGreaterThanUpperThreshold", (1, 2), True),
        (2.5, "LessThanLowerOrGreaterThanUpperThreshold", (1, 2), True),
        (1.5, "LessThanLowerOrGreaterThanUpperThreshold", (1, 2), False),
        (2.5, "LessThanLowerThreshold", (1, 2), False),
        (0.5, "GreaterThanUpperThreshold", (1, 2), False),
    ],
)
def test_thresholds(value, comparison, threshold, expected):
    assert breaches(value, comparison, threshold) is expected


def test_cloudwatch_fetches_more_points_than_it_needs():
    assert evaluation_range(3) == 5


def test_how_often_an_alarm_is_evaluated():
    assert [evaluation_interval(10), evaluation_interval(300), evaluation_interval(86_400, 2)] == [
        timedelta(seconds=10),
        timedelta(minutes=1),
        timedelta(hours=1),
    ]


def test_dynamodb_ignores_missing_data_whatever_was_chosen():
    assert treatment("AWS/DynamoDB", "breaching") == "ignore"
    assert treatment("Acme", "breaching") == "breaching"
    assert treatment("Acme") == "missing"


def test_a_percentile_needs_samples():
    # p99 needs 1,000; p10 needs 100.
    assert [has_too_few_samples(99, 999), has_too_few_samples(99, 1000)] == [True, False]
    assert [has_too_few_samples(10, 99), has_too_few_samples(10, 100)] == [True, False]


@pytest.mark.parametrize(
    ("period", "periods", "needed", "problems"),
    [
        (60, 1440, 1, ()),
        (3600, 168, 168, ()),
        (10, 5, 5, ()),
        (60, 1441, 1, ("longer than one day, for periods shorter than an hour; write at most 1440 periods",)),
        (3600, 169, 1, ("longer than seven days; write at most 168 periods",)),
        (90, 1, 1, ("whole minutes, not 90 seconds; write 120",)),
        (15, 1, 1, ("10, 20 or 30 seconds or whole minutes, not 15 seconds; write 60",)),
        (60, 3, 4, ("between 1 and the 3 evaluation periods, not 4; write 3",)),
        (60, 0, 1, ("one period or more, not 0; write 1",)),
    ],
)
def test_limits(period, periods, needed, problems):
    found = limit_problems(period=period, evaluation_periods=periods, datapoints_to_alarm=needed)
    assert len(found) == len(problems)
    assert all(part in text for part, text in zip(problems, found, strict=True))


# --- composite ----------------------------------------------------------------------------------------------------

STATES = {"cpu": "ALARM", "disk": "OK", "net": "INSUFFICIENT_DATA", "two words": "ALARM", 'a "b"': "ALARM"}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("ALARM(cpu)", True),
        ('ALARM("cpu") AND NOT OK("disk")', False),
        ("ALARM(cpu) AND OK(disk)", True),
        ("(ALARM(net) OR ALARM(cpu)) AND OK(disk)", True),
        ("ALARM(disk) OR INSUFFICIENT_DATA(net)", True),
        ("NOT (ALARM(cpu) OR ALARM(disk))", False),
        ("NOT NOT ALARM(cpu)", True),
        ("ALARM(two words)", True),
        (r'ALARM("a \"b\"")', True),
        ('ALARM("arn:aws:cloudwatch:eu-west-1:111111111111:alarm:cpu")', True),
        ("TRUE", True),
        ("false OR ALARM(cpu)", True),
        ("FALSE", False),
        ("AT_LEAST(2, ALARM, (cpu, disk, net))", False),
        ("AT_LEAST(1, ALARM, (cpu, disk, net))", True),
        ("AT_LEAST(2, NOT ALARM, (cpu, disk, net))", True),
        ('AT_LEAST(50%, ALARM, ("cpu", "disk", "net"))', False),
        ('AT_LEAST("33%", ALARM, ("cpu", "disk", "net"))', True),
        ("AT_LEAST(34%, ALARM, (cpu, disk, net))", False),
    ],
)
def test_rules_are_held_against_states(rule, expected):
    parsed = parse_rule(rule)
    assert parsed.holds(STATES) is expected
    assert parsed.state(STATES) == ("ALARM" if expected else "OK")
    assert parse_rule(str(parsed)).tree == parsed.tree


def test_a_rule_names_the_alarms_that_it_mentions():
    rule = parse_rule('ALARM(a) AND (OK("b c") OR NOT ALARM(a)) AND AT_LEAST(1, OK, (d, e))')
    assert rule.names == ("a", "b c", "d", "e")


def test_a_rule_does_not_guess_the_state_of_an_alarm():
    with pytest.raises(LookupError, match="'gone', whose state is not known"):
        parse_rule("ALARM(gone) OR TRUE").holds(STATES)


def test_and_beside_or_is_warned_of_and_parentheses_are_not():
    assert parse_rule("ALARM(a) OR ALARM(b) AND ALARM(c)").warnings == (
        "AND beside OR without parentheses: which binds closer is not documented; write parentheses",
    )
    assert parse_rule("ALARM(a) OR (ALARM(b) AND ALARM(c))").warnings == ()


@pytest.mark.parametrize(
    ("rule", "position", "remedy"),
    [
        ("", 0, 'Write ALARM("…"), OK("…"), INSUFFICIENT_DATA("…"), AT_LEAST(…), TRUE or FALSE'),
        ("ALARM(a) AND", 12, 'Write ALARM("…"), OK("…"), INSUFFICIENT_DATA("…"), AT_LEAST(…), TRUE or FALSE'),
        ("alarm(a)", 0, "Write ALARM"),
        ("ALARM(a) and ALARM(b)", 9, "Join its parts by AND or OR"),
        ("ALARM a", 6, 'Write ALARM("name of the alarm")'),
        ("ALARM()", 6, 'Write it as in ALARM("name")'),
        ("ALARM(a", 7, "Add )"),
        ("(ALARM(a)", 0, "Add )"),
        ("ALARM(a))", 8, "Join its parts by AND or OR"),
        ("AT_LEAST(3, ALARM, (a, b))", 9, "Write a number they can reach"),
        ("AT_LEAST(x, ALARM, (a, b))", 9, 'Write it as in AT_LEAST(2, ALARM, ("a", "b", "c"))'),
        ("x" * 10_241, 10_240, "Split it into two alarms"),
        (" OR ".join(f"ALARM(a{n})" for n in range(101)), 0, "Make a composite alarm of some of them"),
        (" OR ".join(["TRUE"] * 501), 0, "Make a composite alarm of a part of it"),
        ("(" * 300 + "TRUE" + ")" * 300, 100, "Make a composite alarm of a part of it"),
        ("NOT " * 300 + "TRUE", 400, "Make a composite alarm of a part of it"),
    ],
)
def test_a_wrong_rule_says_where_and_what_to_write(rule, position, remedy):
    with pytest.raises(RuleError) as caught:
        parse_rule(rule)
    assert (caught.value.position, caught.value.remedy) == (position, remedy)


RULE_PIECES = ["ALARM(", "OK(", ")", "(", "a", '"b"', " AND ", " OR ", "NOT ", "TRUE", "AT_LEAST(", "2", "%", ", "]
RULE_TEXTS = st.text(max_size=40) | st.lists(st.sampled_from(RULE_PIECES)).map("".join)


@given(RULE_TEXTS)
def test_arbitrary_text_is_a_rule_or_a_rule_error(text):
    try:
        printed = str(parse_rule(text))
    except RuleError as error:
        position = error.position
    else:
        position = 0
        assert str(parse_rule(printed)) == printed
    assert 0 <= position <= len(text)
