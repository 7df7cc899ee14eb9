from __future__ import annotations

from baseops.semantics.mail.dmarc import Dmarc
from baseops.semantics.mail.dns import Zone, zone_of
from baseops.semantics.mail.ses import (
    compare,
    dkim_records,
    dmarc_records,
    is_verified,
    mail_from_records,
    own_key_record,
)

MAIL_FROM = mail_from_records("bounce.acme.example", "eu-west-1", "acme.example")


def states(expected: list, *found: tuple[str, str, list[str]]) -> list[str]:
    return [each.state for each in compare(expected, zone_of(found))]


def test_mail_from_needs_the_feedback_host_of_the_region_and_an_spf() -> None:
    assert [(each.name, each.type, each.values) for each in MAIL_FROM] == [
        ("bounce.acme.example", "MX", ("10 feedback-smtp.eu-west-1.amazonses.com",)),
        ("bounce.acme.example", "TXT", ("v=spf1 include:amazonses.com ~all",)),
    ]


def test_easy_dkim_needs_three_cnames_and_is_verified_by_them() -> None:
    expected = dkim_records("acme.example", ["t1", "t2", "t3"])
    found = [(each.name, each.type, list(each.values)) for each in expected]
    assert is_verified(expected, zone_of(found))
    assert not is_verified(expected, zone_of(found[:2]))
    assert not is_verified([], zone_of(found))


def test_an_spf_of_another_text_that_includes_ses_is_good_enough() -> None:
    mx = ("bounce.acme.example", "MX", ["20 feedback-smtp.eu-west-1.amazonses.com."])
    assert (
        states(MAIL_FROM, mx, ("bounce.acme.example", "TXT", ["v=spf1 include:amazonses.com -all"])) == ["present"] * 2
    )


def test_a_second_mx_or_spf_makes_the_mail_from_different() -> None:
    mx = ("bounce.acme.example", "MX", ["10 feedback-smtp.eu-west-1.amazonses.com", "20 mx.acme.example"])
    txt = ("bounce.acme.example", "TXT", ["v=spf1 include:amazonses.com ~all", "v=spf1 -all"])
    assert states(MAIL_FROM, mx, txt) == ["different", "different"]


def test_another_text_beside_the_expected_kind_is_no_difference() -> None:
    assert states(MAIL_FROM, ("bounce.acme.example", "TXT", ["site-verification=1"])) == ["missing", "missing"]


def test_an_alias_in_the_way_is_a_difference_and_not_a_gap() -> None:
    assert states(MAIL_FROM, ("bounce.acme.example", "CNAME", ["elsewhere.example"])) == ["different", "different"]


def test_an_existing_dmarc_of_another_meaning_is_different_and_one_of_the_same_is_present() -> None:
    expected = dmarc_records("acme.example", Dmarc("none", rua=("dmarc@acme.example",)))
    assert states(expected, ("_dmarc.acme.example", "TXT", ["v=DMARC1;p=reject"])) == ["different"]
    assert states(expected, ("_dmarc.acme.example", "TXT", ["v=DMARC1;p=none;rua=mailto:dmarc@acme.example"])) == [
        "present"
    ]


def test_reports_to_another_domain_need_a_record_in_that_domain() -> None:
    records = dmarc_records("acme.example", Dmarc("none", rua=("x@reports.test",)))
    assert [(each.name, each.values, each.zone) for each in records] == [
        ("_dmarc.acme.example", ("v=DMARC1; p=none; rua=mailto:x@reports.test",), "acme.example"),
        ("acme.example._report._dmarc.reports.test", ("v=DMARC1",), "reports.test"),
    ]


def test_an_own_key_keeps_its_case() -> None:
    record = own_key_record("acme.example", "s1", "MIGfAb")
    assert states([record], ("s1._domainkey.acme.example", "TXT", ["v=DKIM1; k=rsa; p=MIGf Ab"])) == ["present"]
    assert states([record], ("s1._domainkey.acme.example", "TXT", ["p=migfab"])) == ["different"]


def test_a_name_that_could_not_be_asked_for_is_unknown() -> None:
    zone = Zone(unknown=frozenset({"bounce.acme.example"}))
    assert [each.state for each in compare(MAIL_FROM, zone)] == ["unknown", "unknown"]
