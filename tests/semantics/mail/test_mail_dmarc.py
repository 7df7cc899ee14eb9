from __future__ import annotations

import pytest

from baseops.semantics.mail.dmarc import Dmarc, find, is_aligned, parse, reports_elsewhere, write
from baseops.semantics.mail.dns import zone_of


def test_a_record_is_read_and_written_the_same() -> None:
    text = "v=DMARC1; p=quarantine; sp=reject; pct=50; rua=mailto:a@acme.example,mailto:b@reports.example; adkim=s"
    dmarc = parse(text)
    assert dmarc == Dmarc("quarantine", "reject", ("a@acme.example", "b@reports.example"), (), 50, "strict", "relaxed")
    assert write(dmarc) == text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("v=DMARC1; p=block", "p=block is none of none, quarantine, reject"),
        ("v=DMARC1; sp=none", "p= is none of none, quarantine, reject"),
        ("v=DMARC1; p=none; pct=101", "pct=101 is not a number from 0 to 100"),
        ("v=DMARC1; p=none; rua=a@acme.example", "rua=a@acme.example is not mailto: and an address"),
    ],
)
def test_what_receivers_ignore_is_a_problem(text: str, problem: str) -> None:
    assert parse(text).problems == (problem,)


def test_the_nearest_record_upwards_counts() -> None:
    zone = zone_of([("_dmarc.acme.example", "TXT", ["v=DMARC1; p=reject"])])
    found = find("mail.acme.example", zone)
    assert found is not None
    assert (found[0], found[1].policy) == ("acme.example", "reject")


def test_two_records_at_one_name_count_as_none() -> None:
    assert (
        find("acme.example", zone_of([("_dmarc.acme.example", "TXT", ["v=DMARC1; p=none", "v=DMARC1; p=reject"])]))
        is None
    )


def test_reports_to_a_stranger_need_its_consent() -> None:
    dmarc = Dmarc("none", rua=("dmarc@acme.example", "x@reports.test"))
    assert reports_elsewhere("mail.acme.example", dmarc) == ("reports.test",)


def test_a_subdomain_is_aligned_when_relaxed_only() -> None:
    assert is_aligned("acme.example", "bounce.acme.example", "relaxed")
    assert not is_aligned("acme.example", "bounce.acme.example", "strict")
    assert not is_aligned("acme.example", "amazonses.com", "relaxed")


def test_subdomains_of_one_organisation_are_aligned_when_relaxed() -> None:
    assert is_aligned("news.acme.example", "bounce.acme.example", "relaxed", "acme.example")
    assert not is_aligned("news.acme.example", "bounce.acme.example", "strict", "acme.example")
    assert not is_aligned("news.acme.example", "bounce.other.example", "relaxed", "acme.example")
