from __future__ import annotations

from baseops.semantics.mail.dns import Zone, zone_of
from baseops.semantics.mail.spf import follow, parse


def zone(**texts: str) -> Zone:
    return zone_of((f"{name}.example", "TXT", [text]) for name, text in texts.items())


def test_terms_carry_their_qualifier_and_argument() -> None:
    spf = parse("v=spf1 ip4:192.0.2.0/24 include:amazonses.com ?a ~all")
    assert [(term.qualifier, term.name, term.argument) for term in spf.terms] == [
        ("+", "ip4", "192.0.2.0/24"),
        ("+", "include", "amazonses.com"),
        ("?", "a", ""),
        ("~", "all", ""),
    ]
    assert spf.all == "~"


def test_a_word_that_is_no_term_is_a_problem() -> None:
    assert parse("v=spf1 includes:amazonses.com -all").problems == ("includes:amazonses.com is not an SPF term",)


def test_terms_after_all_are_a_problem() -> None:
    assert parse("v=spf1 -all include:amazonses.com").problems == ("nothing after `all` is ever looked at",)


def test_ses_is_permitted_by_its_include() -> None:
    result = follow("acme.example", zone(acme="v=spf1 include:amazonses.com ~all"))
    assert (result.permits_ses, result.lookups, result.problems) == (True, 1, ())


def test_ses_is_permitted_through_another_include() -> None:
    result = follow("a.example", zone(a="v=spf1 include:b.example -all", b="v=spf1 include:amazonses.com -all"))
    assert (result.permits_ses, result.lookups) == (True, 2)


def test_ses_is_not_permitted_by_a_doubting_include() -> None:
    assert not follow("acme.example", zone(acme="v=spf1 ?include:amazonses.com -all")).permits_ses


def test_the_eleventh_look_up_is_one_too_many() -> None:
    ten = " ".join(f"exists:x{n}.example" for n in range(10))
    assert follow("acme.example", zone(acme=f"v=spf1 {ten} -all")).problems == ()
    result = follow("acme.example", zone(acme=f"v=spf1 {ten} mx -all"))
    assert result.problems == ("acme.example needs 11 look-ups, and receivers stop after 10",)


def test_a_circle_of_includes_ends() -> None:
    result = follow("a.example", zone(a="v=spf1 include:b.example -all", b="v=spf1 include:a.example -all"))
    assert result.problems == ("a.example includes itself",)


def test_two_records_are_a_problem_and_a_site_verification_is_none() -> None:
    two = zone_of([("acme.example", "TXT", ["v=spf1 -all", "v=spf1 ~all", "site-verification=1"])])
    assert follow("acme.example", two).problems == ("acme.example has 2 SPF records, and one is allowed",)


def test_what_the_zone_does_not_hold_is_unknown_not_wrong() -> None:
    result = follow("acme.example", zone(acme="v=spf1 include:partner.test -all"))
    assert (result.unknown, result.problems) == (("partner.test",), ())


def test_a_redirect_counts_only_without_all() -> None:
    texts = {"b": "v=spf1 include:amazonses.com -all"}
    assert follow("a.example", zone(a="v=spf1 redirect=b.example", **texts)).permits_ses
    assert not follow("a.example", zone(a="v=spf1 -all redirect=b.example", **texts)).permits_ses


def test_no_record_is_a_problem() -> None:
    assert follow("acme.example", Zone()).problems == ("acme.example has no SPF record",)
