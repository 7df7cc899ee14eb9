"""Where a live value is not the declared one."""

from __future__ import annotations

import pytest

from baseops.semantics.live_values import differences

RULE = {"Name": "daily", "Retain": 7, "CopyTags": "false"}


@pytest.mark.parametrize(
    ("live", "expected"),
    [
        ({"Rules": [RULE]}, []),
        ({"Rules": [{**RULE, "CopyTags": False}]}, []),
        ({"Rules": [{**RULE, "Retain": 3}]}, ["Rules[0].Retain"]),
        ({"Rules": [RULE, {"Name": "weekly"}]}, ["Rules"]),
        ({"Rules": [RULE], "Language": "STANDARD", "Tags": []}, []),
        ({"Rules": [RULE], "Language": "SIMPLE"}, ["Language"]),
        ({}, ["Rules"]),
    ],
)
def test_what_was_changed_is_missing_or_was_added_is_named(live, expected):
    assert list(differences({"Rules": [RULE]}, live, {"Language": "STANDARD"})) == expected


def test_lists_of_named_things_are_compared_by_their_names():
    declared = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]

    assert list(differences({"Tags": declared}, {"Tags": declared[::-1]}, {})) == []
