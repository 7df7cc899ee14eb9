from __future__ import annotations

from collections.abc import Callable

import pytest

from baseops.areas.email.identities import identities
from baseops.areas.email.permissions import mandates, may_send
from baseops.areas.email.rehearse import judge
from baseops.contract.refs import Refs


@pytest.fixture
def judged(declared) -> Callable[[str], list[str]]:
    def said(text: str) -> list[str]:
        declaration = declared(text)
        found = judge(declaration.sections["email"], Refs(declaration.site))
        return [f"{each.severity} {each.rule}: {each.message}" for each in found]

    return said


def test_the_expected_records_are_named_and_who_makes_them(judged):
    assert judged("email:\n  acme.example: {mail_from: bounce.acme.example}\n") == [
        (
            "note email.records: acme.example needs 6 DNS records; the stack makes 0, and 6 have to be added by "
            "whoever keeps the zone: CNAME token-1._domainkey.acme.example, CNAME token-2._domainkey.acme.example, "
            "CNAME token-3._domainkey.acme.example, MX bounce.acme.example, TXT bounce.acme.example, "
            "TXT _dmarc.acme.example"
        )
    ]


def test_an_address_needs_no_records(judged):
    assert judged("email:\n  billing@acme.example: {}\n") == []


def test_reports_to_another_domain_need_its_consent(judged):
    text = "email:\n  acme.example: {dns: {zone: Z0123456789}, dmarc: {rua: x@reports.example, create: true}}\n"
    assert judged(text)[1] == (
        "note email.reports-elsewhere: receivers send DMARC reports to reports.example only if that domain agrees: "
        "TXT acme.example._report._dmarc.reports.example"
    )


def test_mail_of_a_subdomain_under_strict_alignment_fails_dmarc(judged):
    text = (
        "email:\n  acme.example:\n    dmarc: {dkim_alignment: strict}\n    senders: {role/web: [a@news.acme.example]}\n"
    )
    assert [each for each in judged(text) if "never-aligned" in each] == [
        (
            "warning email.never-aligned: mail from news.acme.example is signed by acme.example, which strict "
            "alignment does not count, and its SPF does not count either: it fails DMARC"
        )
    ]


def test_mail_of_a_subdomain_passes_dmarc_by_the_spf_of_a_sibling(judged):
    text = (
        "email:\n  acme.example:\n    mail_from: bounce.acme.example\n    dmarc: {dkim_alignment: strict}\n"
        "    senders: {role/web: [a@news.acme.example]}\n"
    )
    assert [each for each in judged(text) if "never-aligned" in each] == []


def test_a_policy_to_attach_is_printed_whole(declared):
    declaration = declared("email:\n  acme.example: {attach: print, senders: {role/web: [a@acme.example]}}\n")
    finding = judge(declaration.sections["email"], Refs(declaration.site))[1]
    assert finding.rule == "email.policy-to-attach"
    assert finding.remedy == (
        'Attach to it: {"Version":"2012-10-17","Statement":[{"Sid":"SendAsDeclared","Effect":"Allow",'
        '"Action":["ses:SendEmail","ses:SendRawEmail"],'
        '"Resource":["arn:aws:ses:eu-west-1:111111111111:identity/acme.example",'
        '"arn:aws:ses:eu-west-1:111111111111:configuration-set/baseops-acme-acme-example"],'
        '"Condition":{"StringLike":{"ses:FromAddress":["a@acme.example"]}}}]}'
    )


SENDERS = """email:
  acme.example:
    senders: {role/web: [no-reply@acme.example, Billing@acme.example], role/news: ["*@news.acme.example"]}
  Billing@acme.example: {}
"""


def test_every_sender_could_send_as_declared_and_as_nobody_else(judged):
    assert [each for each in judged(SENDERS) if "note" not in each] == []


def test_a_sender_through_the_wrong_identity_would_be_refused(judged):
    text = "email:\n  acme.example: {senders: {role/web: [a@news.acme.example]}}\n  news.acme.example: {}\n"
    assert [each for each in judged(text) if "note" not in each] == [
        (
            "error email.sender-refused: role/web could not send as a@news.acme.example: ses:SendEmail, "
            "ses:SendRawEmail would be refused"
        )
    ]


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("no-reply@acme.example", True),
        ("Billing@acme.example", True),
        ("ceo@acme.example", False),
        ("somebody@news.acme.example", False),
        ("no-reply@other.example", False),
    ],
)
def test_a_policy_lets_a_role_send_as_these_addresses_alone(declared, address, allowed):
    declaration = declared(SENDERS)
    found = identities(declaration.sections["email"])
    own = [each for each in mandates(found, declaration.site) if each.sender.name == "web"]
    assert may_send("ses:SendEmail", address, own, found, declaration.site) is allowed


def test_dedicated_addresses_that_no_blocklist_is_asked_about_are_noted(judged):
    text = "email:\n  acme.example: {configuration_sets: {default: {dedicated_pool: own}}%s}\n"
    noted = "note email.blocklists-unasked: nobody asks blocklists about the addresses of the pool own"
    assert noted in judged(text % "")
    assert noted not in judged(text % ", promise: {blocklists: {addresses: [zen.spamhaus.org]}}")


def test_that_a_rehearsal_has_not_got_an_owners_key_is_said(full):
    found = judge(full.sections["email"], Refs(full.site))
    (noted,) = [each for each in found if each.rule == "email.own-key-rehearsed"]
    assert noted.path == ("email", "own-key.example", "dkim", "own_key")


def test_port_25_is_somebodys_work(judged):
    text = "email:\n  acme.example: {managed: false, port25: {needed: true, reason: an old appliance}}\n"
    assert judged(text) == [
        "warning email.port25: EC2 keeps port 25 from the internet until AWS has been asked, and no API asks for it"
    ]
