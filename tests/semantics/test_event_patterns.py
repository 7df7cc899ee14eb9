"""Event patterns as EventBridge documents them, each with an event that fits and one that does not."""

from __future__ import annotations

import json

import pytest

from baseops.semantics.event_patterns import EventPatternError, parse_pattern

CASES = {
    "a value": ({"source": ["aws.ec2"]}, {"source": "aws.ec2"}, {"source": "aws.ec2x"}),
    "one of several": ({"a": ["x", "y"]}, {"a": "y"}, {"a": "z"}),
    "an array in the event": ({"a": ["x"]}, {"a": ["w", "x"]}, {"a": ["w"]}),
    "nested": ({"detail": {"state": ["running"]}}, {"detail": {"state": "running"}}, {"detail": {}}),
    "null": ({"a": [None]}, {"a": None}, {"a": ""}),
    "an empty text": ({"a": [""]}, {"a": ""}, {"a": "x"}),
    "a number, however written": ({"a": [1]}, {"a": 1.0}, {"a": "1"}),
    "true is no number": ({"a": [True]}, {"a": True}, {"a": 1}),
    "a beginning": ({"a": [{"prefix": "eu-"}]}, {"a": "eu-west-1"}, {"a": "us-east-1"}),
    "a beginning in any case": ({"a": [{"prefix": {"equals-ignore-case": "EU-"}}]}, {"a": "eu-1"}, {"a": "us-1"}),
    "an end": ({"a": [{"suffix": ".png"}]}, {"a": "x.png"}, {"a": "x.jpg"}),
    "any case": ({"a": [{"equals-ignore-case": "Alice"}]}, {"a": "aLICE"}, {"a": "alic"}),
    "anything but": ({"a": [{"anything-but": ["x", "y"]}]}, {"a": "z"}, {"a": "y"}),
    "anything but needs a value": ({"a": [{"anything-but": "x"}]}, {"a": "z"}, {}),
    "anything but a beginning": ({"a": [{"anything-but": {"prefix": "x"}}]}, {"a": "yx"}, {"a": "xy"}),
    "anything but endings": ({"a": [{"anything-but": {"suffix": [".a", ".b"]}}]}, {"a": "x.c"}, {"a": "x.b"}),
    "anything but wildcards": ({"a": [{"anything-but": {"wildcard": "*/lib/*"}}]}, {"a": "/x/y"}, {"a": "/lib/y"}),
    "a range": ({"a": [{"numeric": [">", 0, "<=", 5]}]}, {"a": 5}, {"a": 0}),
    "a number that is equal": ({"a": [{"numeric": ["=", 3.0]}]}, {"a": 3}, {"a": "3"}),
    "there": ({"a": {"b": [{"exists": True}]}}, {"a": {"b": None}}, {"a": {"c": 1}}),
    "not there": ({"a": {"b": [{"exists": False}]}}, {"a": {"c": 1}}, {"a": {"b": 1}}),
    "not there, nor what is around it": ({"a": {"b": [{"exists": False}]}}, {}, {"a": {"b": 1}}),
    "wildcards": ({"a": [{"wildcard": "dir/*.png"}]}, {"a": "dir/x/y.png"}, {"a": "dir/x.jpg"}),
    "a star that is meant": ({"a": [{"wildcard": "a\\*b"}]}, {"a": "a*b"}, {"a": "axb"}),
    "either": ({"$or": [{"a": [1]}, {"b": [{"numeric": [">", 2]}]}]}, {"b": 3}, {"a": 2, "b": 1}),
    "either, and more": ({"c": ["x"], "$or": [{"a": [1]}, {"b": [2]}]}, {"c": "x", "a": 1}, {"c": "y", "a": 1}),
    "objects in an array": ({"a": {"b": [1]}}, {"a": [{"b": 2}, {"b": 1}]}, {"a": [{"b": 2}]}),
}
BAD = {
    "no object": ("[]", "Filter is not an object"),
    "nothing": ("{}", "Filter is not an object"),
    "no JSON": ("{", "Reason"),
    "a bare value": ('{"a": "x"}', '"a" must be an object or an array'),
    "an empty array": ('{"a": []}', "Empty arrays are not allowed"),
    "an unknown word": ('{"a": [{"like": "x"}]}', "Unrecognized match type like"),
    "a bad range": ('{"a": [{"numeric": ["~", 1]}]}', "Unrecognized numeric range operator"),
    "two stars": ('{"a": [{"wildcard": "x**"}]}', "Consecutive wildcard"),
    "one way of either": ('{"$or": [{"a": [1]}]}', "two or more"),
}


@pytest.mark.parametrize(("pattern", "fitting", "other"), CASES.values(), ids=CASES)
def test_a_pattern_matches_what_it_describes(pattern, fitting, other):
    found = parse_pattern(json.dumps(pattern))
    assert (found.matches(fitting), found.matches(other)) == (True, False)


@pytest.mark.parametrize(("text", "reason"), BAD.values(), ids=BAD)
def test_a_bad_pattern_is_refused_with_its_reason(text, reason):
    with pytest.raises(EventPatternError, match=reason):
        parse_pattern(text)
