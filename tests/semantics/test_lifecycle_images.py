"""What Image Builder's lifecycle rules do with images; cases after the user guide's page on rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from baseops.semantics.lifecycle import Age, Ami, Image, Skipped, image_actions, image_rules_from, image_runs

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


def rule(action, chosen, **more):
    return {"action": {"type": action, **more.pop("include", {})}, "filter": chosen, **more}


def age(value, unit="DAYS", **more):
    return {"type": "AGE", "value": value, "unit": unit, **more}


def image(name, days_old, recipe="web/1.0.0", status="AVAILABLE", **more):
    return Image(name, recipe, NOW - timedelta(days=days_old), status, **more)


def acted(rules, *images):
    return [(each.image.id, each.action) for each in image_actions(image_rules_from(rules), images, NOW)]


WITH_AMIS = {"include": {"includeResources": {"amis": True, "snapshots": True}}}


def test_images_pass_through_the_rules_by_age():
    rules = [rule("DELETE", age(90)), rule("DEPRECATE", age(30)), rule("DISABLE", age(60))]
    assert acted(
        rules,
        image("new", 29),
        image("old", 30),
        image("older", 60, status="DEPRECATED"),
        image("oldest", 90, status="DISABLED"),
    ) == [("oldest", "DELETE"), ("older", "DISABLE"), ("old", "DEPRECATE")]


def test_only_one_action_in_a_run_and_the_mildest_first():
    rules = [rule("DELETE", age(90)), rule("DEPRECATE", age(30)), rule("DISABLE", age(60))]
    ancient = [image("ancient", 400)]
    runs = list(image_runs(image_rules_from(rules), ancient, NOW, NOW + timedelta(days=9)))
    assert [(when - NOW, action.action) for when, action in runs] == [
        (timedelta(0), "DEPRECATE"),
        (timedelta(days=1), "DISABLE"),
        (timedelta(days=2), "DELETE"),
    ]


def test_counts_are_for_each_version_of_a_recipe():
    images = [image(f"a{n}", n) for n in range(4)] + [image(f"b{n}", n, recipe="web/1.1.0") for n in range(3)]
    assert acted([rule("DELETE", {"type": "COUNT", "value": 3})], *images) == [("a3", "DELETE")]


def test_the_newest_stay_however_old_they_are():
    images = [image(f"i{n}", 100 + n) for n in range(4)]
    assert acted([rule("DELETE", age(90, retainAtLeast=3))], *images) == [("i3", "DELETE")]


def test_failed_builds_do_not_count_and_always_go():
    bad = [image("failed", 1, status="FAILED"), image("cancelled", 4, status="CANCELLED")]
    images = [*bad, image("good", 2), image("better", 3)]
    assert acted([rule("DELETE", {"type": "COUNT", "value": 2})], *images) == [
        ("cancelled", "DELETE"),
        ("failed", "DELETE"),
    ]
    assert acted([rule("DEPRECATE", age(1))], *bad) == []


def test_images_that_are_being_built_wait():
    assert (
        acted([rule("DELETE", age(1))], image("building", 9, status="TESTING"), image("gone", 9, status="DELETED"))
        == []
    )


def test_excluded_tags_keep_an_image():
    rules = [rule("DELETE", age(1), exclusionRules={"tagMap": {"Keep": "yes"}})]
    kept = image("kept", 9, tags=(("Keep", "yes"),))
    assert acted(rules, kept, image("other", 9, tags=(("Keep", "no"),))) == [("other", "DELETE")]


@pytest.mark.parametrize(
    ("exclusions", "ami", "reason"),
    [
        ({"regions": ["eu-west-1"]}, {}, "it is in the excluded region eu-west-1"),
        ({"isPublic": True}, {"is_public": True}, "it is public"),
        ({"tagMap": {"Keep": "yes"}}, {"tags": (("Keep", "yes"),)}, "it has an excluded tag"),
        (
            {"sharedAccounts": ["222222222222"]},
            {"shared_accounts": ("222222222222",)},
            "it is shared with an excluded account",
        ),
        (
            {"lastLaunched": {"value": 30, "unit": "DAYS"}},
            {"last_launched": NOW - timedelta(days=29)},
            "it was launched on 2026-10-25",
        ),
    ],
)
def test_an_exclusion_keeps_an_ami_and_says_why(exclusions, ami, reason):
    protected = Ami("ami-1", "eu-west-1", **ami)
    other = Ami("ami-2", "us-east-1", last_launched=NOW - timedelta(days=30))
    rules = image_rules_from([rule("DELETE", age(1), exclusionRules={"amis": exclusions}, **WITH_AMIS)])
    (action,) = image_actions(rules, [image("i", 9, amis=(protected, other))], NOW)
    assert (action.amis, action.skipped) == ((other,), (Skipped(protected, reason),))
    assert action.includes_snapshots
    assert action.applied().amis == (protected,)


def test_an_ami_that_was_never_launched_is_not_protected_by_its_last_launch():
    exclusions = {"amis": {"lastLaunched": {"value": 1, "unit": "YEARS"}}}
    rules = image_rules_from([rule("DELETE", age(1), exclusionRules=exclusions, **WITH_AMIS)])
    (action,) = image_actions(rules, [image("i", 9, amis=(Ami("ami-1", "eu-west-1"),))], NOW)
    assert [ami.id for ami in action.amis] == ["ami-1"]


def test_without_included_resources_only_the_record_goes():
    (action,) = image_actions(
        image_rules_from([rule("DELETE", age(1))]), [image("i", 9, amis=(Ami("ami-1", "eu-west-1"),))], NOW
    )
    assert (action.amis, action.skipped) == ((), ())


def test_rules_are_read_in_the_spelling_of_cloudformation():
    (found,) = image_rules_from(
        [
            {
                "Action": {"Type": "DELETE", "IncludeResources": {"Amis": True, "Snapshots": True}},
                "Filter": {"Type": "AGE", "Value": 6, "Unit": "MONTHS", "RetainAtLeast": 5},
                "ExclusionRules": {
                    "TagMap": {"Keep": "yes"},
                    "Amis": {"LastLaunched": {"Value": 2, "Unit": "WEEKS"}, "IsPublic": True, "TagMap": {"A": "b"}},
                },
            }
        ]
    )
    assert (found.action, found.age, found.retain_at_least) == ("DELETE", Age(6, "MONTHS"), 5)
    assert found.excluded_tags == (("Keep", "yes"),)
    assert (found.amis.last_launched, found.amis.is_public, found.amis.tags) == (Age(2, "WEEKS"), True, (("A", "b"),))


def test_weekly_builds_leave_as_many_images_as_the_rule_keeps():
    builds = [image(f"week-{n}", -7 * n) for n in range(20)]
    rules = image_rules_from([rule("DELETE", age(28, retainAtLeast=2))])
    end = NOW + timedelta(days=7 * 19 + 1)
    gone = [action.image.id for _, action in image_runs(rules, builds, NOW, end)]
    assert gone == [f"week-{n}" for n in range(16)]
