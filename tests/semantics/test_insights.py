"""Queries of Logs Insights over a few lines: what comes out, and what is refused by name."""

from __future__ import annotations

import json

import pytest

from baseops.semantics.insights import InsightsError, parse_aggregation, parse_query, record_of

LINES = [
    {"status": 200, "duration": 0.5, "host": "a", "request": {"path": "/"}},
    {"status": 200, "duration": 3, "host": "b", "request": {"path": "/slow"}},
    {"status": 503, "duration": 9, "host": "a", "request": {"path": "/slow"}},
    {"status": 404, "host": "b", "request": {"path": "/no"}},
]
RECORDS = [record_of(json.dumps(line), timestamp=number) for number, line in enumerate(LINES)]
FILTERS = {
    "a number": ("filter status = 200", [0, 1]),
    "not a number": ("filter status != 200", [2, 3]),
    "two conditions": ("filter status < 500 and duration > 2", [1]),
    "either": ("filter status = 404 or duration >= 9", [2, 3]),
    "and binds closer": ("filter status = 404 or status = 200 and host = 'b'", [1, 3]),
    "parentheses": ("filter (status = 404 or status = 200) and host = 'a'", [0]),
    "not": ("filter not (host = 'a')", [1, 3]),
    "an expression": ("filter request.path like /^.s/", [1, 2]),
    "a part": ('filter @message like "slow"', [1, 2]),
    "without a part": ('filter @message not like "slow"', [0, 3]),
    "one of": ("filter status in [404, 503]", [2, 3]),
    "present": ("filter ispresent(duration)", [0, 1, 2]),
    "sorted": ("filter ispresent(duration) | sort duration desc", [2, 1, 0]),
    "the first": ("fields @timestamp, host | sort status | limit 2", [0, 1]),
    "a remark": ("# all of them\nfields @message", [0, 1, 2, 3]),
    "nothing": ("", [0, 1, 2, 3]),
}


@pytest.mark.parametrize(("query", "expected"), FILTERS.values(), ids=FILTERS)
def test_a_query_keeps_the_records_that_it_describes(query, expected):
    assert [row["@timestamp"] for row in parse_query(query).run(RECORDS)] == expected


AGGREGATIONS = {
    "count(*)": [{"count(*)": 4.0}],
    "count(duration) as n": [{"n": 3.0}],
    "avg(duration) by host | sort desc": [{"host": "a", "avg(duration)": 4.75}, {"host": "b", "avg(duration)": 3.0}],
    "sum(duration), max(status), min(status)": [{"sum(duration)": 12.5, "max(status)": 503.0, "min(status)": 200.0}],
}


@pytest.mark.parametrize(("text", "expected"), AGGREGATIONS.items(), ids=AGGREGATIONS)
def test_an_aggregation_gives_its_rows(text, expected):
    assert parse_aggregation(text).run(RECORDS) == expected


def test_of_no_record_there_is_no_row():
    assert parse_query("filter status = 999 | stats count(*)").run(RECORDS) == []


REFUSED = {
    "parse @message '*' as x": "not 'parse'",
    "filter status ~ 3": "cannot read",
    "stats pct(duration, 95)": "not 'pct'",
    "stats count(*) by bin(5m)": "cannot read",
    "fields strlen(@message)": r"expected|does not know",
    "limit many": "limit takes a number",
    "filter status like 5": "like takes a text",
}


@pytest.mark.parametrize(("query", "reason"), REFUSED.items(), ids=REFUSED)
def test_what_is_not_known_is_refused(query, reason):
    with pytest.raises(InsightsError, match=reason):
        parse_query(query)
