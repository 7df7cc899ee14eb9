from __future__ import annotations

from collections.abc import Callable

import pytest

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


def test_a_policy_to_attach_is_printed_whole(judged):
    text = "email:\n  acme.example: {attach: print, senders: {role/web: [a@acme.example]}}\n"
    assert judged(text)[1] == (
        "note email.policy-to-attach: role/web sends as declared with this policy: "
        '{"Version":"2012-10-17","Statement":[{"Sid":"SendAsDeclared","Effect":"Allow",'
        '"Action":["ses:SendEmail","ses:SendRawEmail"],'
        '"Resource":["arn:aws:ses:eu-west-1:111111111111:identity/acme.example",'
        '"arn:aws:ses:eu-west-1:111111111111:configuration-set/baseops-acme-acme-example"],'
        '"Condition":{"StringLike":{"ses:FromAddress":["a@acme.example"]}}}]}'
    )


def test_port_25_is_somebodys_work(judged):
    text = "email:\n  acme.example: {managed: false, port25: {needed: true, reason: an old appliance}}\n"
    assert judged(text) == [
        "warning email.port25: EC2 throttles outgoing mail on port 25 until AWS has been asked, and no API asks for it"
    ]
