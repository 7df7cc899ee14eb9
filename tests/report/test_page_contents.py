"""What a page says: verdicts, ages, what needs attention; the text of it, without a browser."""

import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser

import pytest

from baseops.errors import VerdictError
from baseops.report import plots
from baseops.report.proof import proof_page
from baseops.report.render import html


def story(page, name):
    return next(each for each in page.stories if each.drill == name)


def test_the_worst_verdict_of_its_targets_is_the_promises(made):
    page = made.proof()

    assert {each.drill: each.verdict for each in page.stories} == {
        "images/published": "proven",
        "images/launch": "never",
        "backups/coverage": "proven",
        "backups/read": "proven",
        "logs/twin": "proven",
        "secrets/readers": "refuted",
        "email/round-trip": "inconclusive",
    }
    assert page.counts == {"refuted": 1, "inconclusive": 1, "proven": 7, "never": 1}
    assert page.sentence == "1 promise refuted; 4 of 7 promises proven."


def test_an_age_counts_from_the_last_finding_and_a_proof_is_remembered(made):
    readers, launch = story(made.proof(), "secrets/readers"), story(made.proof(), "images/launch")

    assert readers.age == timedelta(hours=3) - timedelta(seconds=12)
    assert readers.proven_age == timedelta(days=3, hours=3) - timedelta(seconds=12)
    assert (launch.age, launch.proven_age) == (None, None)


def test_what_is_refuted_comes_first_everywhere(made):
    page = made.proof()

    assert [(each.found.verdict, each.found.target) for each in page.troubles] == [
        ("refuted", "secrets.db"),
        ("inconclusive", "email.partner"),
    ]
    assert [each.target for each in story(page, "secrets/readers").found] == ["secrets.db", "secrets.api"]
    images = next(area for area in page.areas if area.name == "images")
    assert [each.verdict for each in images.stories] == ["proven", "never"]


def test_a_drill_that_is_declared_no_longer_keeps_its_story(made):
    runs = {"logs/former": [[made.record("logs/former", "logs.web")]]}

    page = proof_page(made.site, "1", [], runs, made.head, made.now)

    assert [(each.drill, each.promise, each.verdict) for each in page.stories] == [
        ("logs/former", "what logs/former promises", "proven")
    ]


def test_what_a_drill_spent_is_added_up(made):
    assert dict(story(made.proof(), "logs/twin").totals) == {
        "requests": "41",
        "bytes read": "70,000",
        "cost": "0.0012 USD",
    }


HEADS = {
    "a run that was broken off": ({"complete": False}, "the run 20260118T020000Z-d82c07 was broken off"),
    "a run that is due": ({"next_by": "2026-01-18T04:00:00.000Z"}, "a run was due by 2026-01-18 04:00:00 UTC"),
    "what was left behind": ({"leftovers": ("volume vol-0a1",)}, "1 leftover: volume vol-0a1"),
}


@pytest.mark.parametrize(("change", "expected"), HEADS.values(), ids=HEADS)
def test_a_run_that_did_not_end_well_is_noted(made, change, expected):
    page = proof_page(made.site, "1", made.drills, made.runs(), replace(made.head, **change), made.now)

    assert [each.message for each in page.notes] == [expected]


def test_evidence_that_is_empty_proves_nothing(made):
    page = proof_page(made.site, "1", made.drills, {}, None, made.now)

    assert (page.verdict, page.sentence) == ("never", "0 of 7 promises proven; nothing is refuted.")
    assert "baseops prove --drill logs/twin --class exercise" in html(page)


def test_a_page_of_nothing_promised_is_one_too(made):
    assert "Nothing is promised yet." in html(proof_page(made.site, "1", [], {}, None, made.now))


def test_a_rehearsal_that_ended_early_or_missed_a_break_is_not_green(made):
    calm = {"records": []}
    early = made.rehearsal(failure=VerdictError("the second apply did not do what it should"), sabotage=[], **calm)
    missed = made.rehearsal(**calm)
    missed = replace(missed, breaks=(replace(missed.breaks[0], caught=False), missed.breaks[1]))

    assert (early.verdict, early.sentence) == ("refuted", "The rehearsal ended early; 0 of 7 promises proven.")
    assert "the second apply did not do what it should" in html(early)
    assert (missed.verdict, missed.sentence) == ("refuted", "1 break unnoticed; 0 of 7 promises proven.")


def test_a_rehearsal_shows_the_life_of_the_stacks(made):
    life = made.rehearsal().life

    assert [area for area, _ in life.rows] == ["foundation", "backups", "logs"]
    assert dict(zip(life.verbs, life.rows[0][1], strict=True))["apply"] == ("created, 2 imported", "1 min 58 s")
    assert set(life.real) == {"1.2 s"}


def test_the_same_page_is_the_same_text(made, texts):
    assert texts.proof == html(made.proof())
    assert texts.rehearsal == html(made.rehearsal())


class Structure(HTMLParser):
    """Tags that are open and never closed, ids, links into the page, and whatever leads out of it."""

    VOID = frozenset({"meta", "link", "br", "input", "path", "line", "rect", "use"})

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.links, self.outside = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag not in self.VOID:
            self.open.append(tag)
        self.ids += [values["id"]] if "id" in values else []
        self.links += [values["href"][1:]] if values.get("href", "").startswith("#") else []
        self.outside += [
            (tag, name, value)
            for name, value in values.items()
            if name in ("src", "href", "srcset", "action", "data", "poster") and value and value[0] != "#"
        ]

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag


@pytest.mark.parametrize("name", ["proof", "rehearsal", "hostile"])
def test_the_document_is_well_formed_and_leads_nowhere_else(texts, name):
    found = Structure(getattr(texts, name))

    assert found.open == []
    assert sorted(set(found.ids)) == sorted(found.ids)
    assert set(found.links) <= set(found.ids)
    assert found.outside == [("link", "href", "data:,")]
    assert not re.search(r"@import|url\(", getattr(texts, name))


def test_without_the_library_the_page_is_whole_and_says_what_is_missing(made, monkeypatch):
    monkeypatch.setattr(plots, "_converter", lambda: None)

    text = html(made.proof())

    assert "<svg" not in text
    assert "pip install &#39;baseops-aws[page]&#39;" in text or "pip install 'baseops-aws[page]'" in text
    assert text.count("<details open><summary>The same as a table") == 4
    assert Structure(text).open == []
