"""What is said of an identity's DNS records, and how they are asked for, case by case."""

from __future__ import annotations

import pytest

from baseops.areas.email import published
from baseops.areas.email.identities import Identity
from baseops.areas.email.lookups import Lookups
from baseops.areas.email.records import Signing
from baseops.errors import InconclusiveError
from baseops.semantics.mail.dns import Zone, zone_of


class Names:
    """A resolver over a mapping of (name, type) to values; names in `silent` are never answered for."""

    def __init__(self, records: dict[tuple[str, str], tuple[str, ...]], silent: tuple[str, ...] = ()) -> None:
        self.records = records
        self.silent = silent
        self.asked: list[tuple[str, str]] = []

    def resolve(self, name: str, record_type: str) -> tuple[str, ...]:
        self.asked.append((name, record_type))
        if name in self.silent:
            raise InconclusiveError(f"DNS does not say which {record_type} records {name} has", "timed out")
        return self.records.get((name, record_type), ())


@pytest.fixture
def identity(declared):
    """The first identity of a declaration."""

    def of(more: str = "{}") -> Identity:
        text = f"account: {{email: {{receipt_rule_set: own}}}}\nemail:\n  acme.example: {more}\n"
        section = declared(text).sections["email"]
        name, entry = next(iter(section.entries.items()))
        return Identity(name, entry)

    return of


def txt(name: str, *values: str) -> Zone:
    return zone_of([(name, "TXT", list(values))])


# --- DKIM ---------------------------------------------------------------------------------------------------------


def test_a_token_that_leads_elsewhere_is_named(identity):
    zone = zone_of([("abc._domainkey.acme.example", "CNAME", ["abc.dkim.elsewhere.example"])])
    judged = published.judge_dkim(identity(), Signing(("abc",)), zone)
    (problem,) = judged.problems
    assert problem == (
        "the CNAME record abc._domainkey.acme.example is abc.dkim.elsewhere.example, and SES looks for "
        "abc.dkim.amazonses.com"
    )


def test_a_token_may_lie_with_another_provider(identity):
    names = Names(
        {
            ("abc._domainkey.acme.example", "CNAME"): ("abc.acme.dns.example.",),
            ("abc.acme.dns.example", "CNAME"): ("abc.dkim.amazonses.com.",),
        }
    )
    lookups = Lookups(names)
    lookups.ask([("abc._domainkey.acme.example", "CNAME")])
    assert published.judge_dkim(identity(), Signing(("abc",)), lookups.zone()).problems == ()


def test_an_identity_without_tokens_signs_nothing(identity):
    assert published.judge_dkim(identity(), Signing(), Zone()).problems == (
        "SES has given no DKIM tokens: nothing is signed",
    )


def test_a_revoked_key_of_ones_own_is_no_key(identity):
    zone = txt("mail._domainkey.acme.example", "v=DKIM1; p=")
    judged = published.judge_dkim(identity(), Signing(("mail",), is_external=True), zone)
    assert judged.problems == ("mail._domainkey.acme.example: the key has been revoked (p= is empty)",)


# --- MAIL FROM ----------------------------------------------------------------------------------------------------


def test_a_second_mx_makes_ses_give_mail_from_up(identity):
    zone = zone_of([("bounce.acme.example", "MX", ["10 feedback-smtp.eu-west-1.amazonses.com", "20 mx.acme.example"])])
    judged = published.judge_mail_from("bounce.acme.example", "eu-west-1", identity(), zone)
    assert len(judged.problems) == 1
    assert "mx.acme.example" in judged.problems[0]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("v=spf1 include:amazonses.com ~all", None),
        ("v=spf1 include:amazonses.com -all", None),
        ("v=spf1 mx ~all", "the SPF record of bounce.acme.example does not include amazonses.com"),
        ("v=spf1 -include:amazonses.com ~all", "the SPF record of bounce.acme.example does not include amazonses.com"),
        (
            "v=spf1 include:amazonses.com +all",
            "the SPF record of bounce.acme.example ends with +all: it refuses nobody",
        ),
    ],
)
def test_the_spf_of_mail_from(identity, text, problem):
    judged = published.judge_spf("bounce.acme.example", identity(), txt("bounce.acme.example", text))
    assert judged.problems == ((problem,) if problem else ())


def test_a_laxer_spf_than_declared_is_said(identity):
    zone = txt("bounce.acme.example", "v=spf1 include:amazonses.com ~all")
    judged = published.judge_spf("bounce.acme.example", identity("{spf: fail}"), zone)
    assert judged.problems == ("the SPF record of bounce.acme.example ends with ~all, declared is -all",)


def test_two_spf_records_are_none(identity):
    zone = txt("bounce.acme.example", "v=spf1 include:amazonses.com ~all", "v=spf1 mx ~all")
    assert published.judge_spf("bounce.acme.example", identity(), zone).problems == (
        "bounce.acme.example has 2 SPF records, and one is allowed",
    )


def test_more_than_ten_look_ups_over_all_includes_are_an_error(identity):
    records = {(f"{n}.example", "TXT"): ('"v=spf1 a mx -all"',) for n in range(4)}
    includes = " ".join(f"include:{n}.example" for n in range(4))
    names = Names({**records, ("b.acme.example", "TXT"): (f'"v=spf1 include:amazonses.com {includes} ~all"',)})
    lookups = Lookups(names)
    lookups.ask_spf("b.acme.example")
    judged = published.judge_spf("b.acme.example", identity(), lookups.zone())
    assert judged.problems == ("b.acme.example needs 11 look-ups, and receivers stop after 10",)


def test_an_include_that_nobody_answers_for_is_not_a_problem(identity):
    text = '"v=spf1 include:amazonses.com include:away.example ~all"'
    lookups = Lookups(Names({("b.acme.example", "TXT"): (text,)}, silent=("away.example",)))
    lookups.ask_spf("b.acme.example")
    judged = published.judge_spf("b.acme.example", identity(), lookups.zone())
    assert (judged.problems, judged.silent) == ((), ("away.example",))
    assert lookups.silent == {"away.example": "timed out"}


def test_includes_in_a_circle_are_asked_for_once():
    records = {
        ("one.example", "TXT"): ('"v=spf1 include:two.example ~all"',),
        ("two.example", "TXT"): ('"v=spf1 include:one.example ~all"',),
    }
    names = Names(records)
    Lookups(names).ask_spf("one.example")
    assert [each for each in names.asked if each[1] == "TXT"] == [("one.example", "TXT"), ("two.example", "TXT")]


def test_aliases_in_a_circle_end():
    lookups = Lookups(Names({("a.example", "CNAME"): ("b.example",), ("b.example", "CNAME"): ("a.example",)}))
    lookups.ask([("a.example", "TXT")])
    assert lookups.zone().get("a.example", "TXT") == ()


# --- DMARC --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared_policy", "text", "problem"),
    [
        ("none", "v=DMARC1; p=none", None),
        ("none", "v=DMARC1; p=reject; adkim=s; aspf=s", None),
        ("quarantine", "v=DMARC1; p=none", "the DMARC policy is none, declared is quarantine"),
        (
            "quarantine",
            "v=DMARC1; p=reject; pct=10",
            "the DMARC policy holds for 10 % of the mail, declared is 100 %",
        ),
        ("none", "v=DMARC1; p=nothing", "p=nothing is none of none, quarantine, reject"),
    ],
)
def test_a_policy_as_declared_or_stricter(identity, declared_policy, text, problem):
    judged = published.judge_dmarc(
        identity(f"{{dmarc: {{policy: {declared_policy}}}}}"), "bounce.acme.example", txt("_dmarc.acme.example", text)
    )
    assert judged.problems == ((problem,) if problem else ())


def test_a_doubled_record_is_none_even_where_a_domain_above_has_one(identity):
    section = identity()
    zone = zone_of([("_dmarc.acme.example", "TXT", ["v=DMARC1; p=none", "v=DMARC1; p=reject"])])
    assert published.judge_dmarc(section, "", zone).problems == (
        "_dmarc.acme.example has 2 DMARC records, and receivers take that for none",
    )


def test_a_subdomain_is_under_the_policy_of_its_domain(declared):
    section = declared("email:\n  news.acme.example: {dmarc: {policy: reject}}\n").sections["email"]
    name, entry = next(iter(section.entries.items()))
    zone = txt("_dmarc.acme.example", "v=DMARC1; p=reject; sp=none")
    assert published.judge_dmarc(Identity(name, entry), "", zone).problems == (
        "the DMARC policy is none, declared is reject",
    )


def test_strict_alignment_fails_mail_from_a_subdomain(identity):
    section = identity("{senders: {role/web: [a@news.acme.example]}}")
    zone = txt("_dmarc.acme.example", "v=DMARC1; p=none; adkim=s; aspf=s")
    assert published.judge_dmarc(section, "bounce.acme.example", zone).problems == (
        "mail from news.acme.example aligns neither by DKIM nor by SPF: it fails DMARC",
    )


def test_declared_receivers_of_reports_are_counted_not_named(identity):
    section = identity("{dmarc: {rua: [dmarc@acme.example, security@acme.example]}}")
    zone = txt("_dmarc.acme.example", "v=DMARC1; p=none; rua=mailto:dmarc@acme.example")
    assert published.judge_dmarc(section, "", zone).problems == ("1 of the 2 declared addresses get no reports",)


def test_reports_to_another_domain_need_its_consent(identity):
    zone = txt("_dmarc.acme.example", "v=DMARC1; p=none; rua=mailto:acme@reports.example")
    judged = published.judge_reports(identity(), zone)
    assert judged is not None
    assert judged.problems == ("acme.example._report._dmarc.reports.example is missing: reports are not sent there",)
    consent = txt("acme.example._report._dmarc.reports.example", "v=DMARC1")
    both = Zone({**zone.records, **consent.records})
    agreed = published.judge_reports(identity(), both)
    assert agreed is not None
    assert agreed.problems == ()


def test_a_delegated_policy_is_followed(identity):
    lookups = Lookups(
        Names(
            {
                ("_dmarc.acme.example", "CNAME"): ("acme.dmarc.elsewhere.example.",),
                ("acme.dmarc.elsewhere.example", "TXT"): ('"v=DMARC1; p=none"',),
            }
        )
    )
    lookups.ask_dmarc("acme.example")
    assert published.judge_dmarc(identity(), "", lookups.zone()).problems == ()


def test_received_mail_needs_its_mx(identity):
    section = identity("{inbound: {all: {}}}")
    assert published.judge_inbound(section, "eu-west-1", Zone()) == published.Judged(
        "inbound",
        ("mail to acme.example does not come to inbound-smtp.eu-west-1.amazonaws.com",),
        (),
        "SES receives the mail",
    )
    assert published.judge_inbound(identity(), "eu-west-1", Zone()) is None
