"""Mails to SES's simulator: which are sent, how their events are read, and what is said when they come home."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from baseops.areas.email import simulated
from baseops.areas.email.identities import identities
from baseops.areas.email.simulated import Event, Sent
from baseops.contract.drill import Span

AT = datetime(2026, 1, 11, 2, 0, tzinfo=UTC)
RECORDED = Path(__file__).resolve().parents[4] / "shared" / "data" / "ses-notifications"


def event(name: str, kind: str = "", sub_kind: str = "", after: float = 5) -> Event:
    return Event(name, kind, sub_kind, "0100-1", {}, AT + timedelta(seconds=after))


def sent(outcome: str, *events: Event) -> Sent:
    return Sent("acme.example", outcome, "0100-1", AT, list(events))


@pytest.mark.parametrize(
    ("mail", "verdict", "reason"),
    [
        (sent("success", event("Delivery")), "proven", "Delivery"),
        (sent("success", event("Send")), "refuted", "no Delivery came home within 300 s (Send)"),
        (sent("success"), "refuted", "no Delivery came home within 300 s (no event at all)"),
        (
            sent("success", event("Delivery", after=301)),
            "refuted",
            "it took 301 s, promised are 300",
        ),
        (sent("bounce", event("Bounce", "Permanent", "General")), "proven", "Bounce Permanent/General"),
        (
            sent("bounce", event("Bounce", "Transient", "General")),
            "refuted",
            "the bounce is Transient, and such an address bounces for good",
        ),
        (sent("bounce", event("Delivery")), "refuted", "no Bounce came home within 300 s (Delivery)"),
        (sent("complaint", event("Delivery"), event("Complaint")), "proven", "Complaint"),
        (sent("complaint", event("Delivery")), "refuted", "no Complaint came home within 300 s (Delivery)"),
        (sent("suppressionlist", event("Bounce", "Permanent", "Suppressed")), "proven", "Bounce Permanent/Suppressed"),
        (sent("ooto", event("Bounce", "Transient", "General")), "proven", "Bounce Transient/General"),
        (
            sent("ooto", event("Delivery")),
            "inconclusive",
            "it was delivered; the answer went to the Return-Path as mail, if there was one",
        ),
        (
            sent("ooto"),
            "inconclusive",
            "nothing came home; the answer went to the Return-Path as mail, if there was one",
        ),
        (
            sent("ooto", event("Bounce", "Permanent", "General")),
            "refuted",
            "the answer of somebody on leave came home as a Permanent bounce",
        ),
        (sent("success", event("Reject")), "refuted", "SES rejected the mail"),
    ],
)
def test_what_is_said_of_a_mail(mail, verdict, reason):
    assert simulated.judge(mail, 300) == (verdict, reason)


def test_the_page_sees_a_complaint_go_out_and_come_home():
    mail = sent("complaint", event("Delivery", after=4), event("Complaint", after=20))
    assert mail.spans(AT + timedelta(minutes=5)) == [
        Span("acme.example complaint", "sent", AT, AT + timedelta(seconds=4)),
        Span("acme.example complaint", "coming home", AT + timedelta(seconds=4), AT + timedelta(seconds=20)),
    ]


def test_the_page_sees_a_bounce_that_never_came():
    given_up = AT + timedelta(minutes=5)
    assert sent("bounce").spans(given_up) == [Span("acme.example bounce", "lost", AT, given_up)]


def test_an_answer_of_somebody_on_leave_is_not_waited_for():
    bounced = event("Bounce", "Permanent", "General")
    assert simulated.is_complete([sent("bounce", bounced), sent("ooto")])
    assert not simulated.is_complete([sent("bounce"), sent("ooto")])


@pytest.mark.parametrize(("domains", "mails"), [(0, 0), (1, 5), (2, 6), (9, 7)])
def test_ten_mails_are_the_most_with_those_of_suppression(declared, domains, mails):
    text = "email:\n" + "".join(f"  {number}.example: {{}}\n" for number in range(domains)) if domains else ""
    found = identities(declared(text).sections["email"]) if domains else []
    planned = simulated.plan(found)
    assert len(planned) == mails
    assert len(planned) + simulated.MAX_SUPPRESSED <= 10


@pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded notifications are not beside this repository")
def test_every_published_event_of_aws_is_read():
    found = {}
    for path in sorted(RECORDED.glob("event-publishing-*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        if "eventType" in record:
            read = Event.read(record, AT)
            assert read.message_id
            found[read.name] = (read.kind, read.sub_kind)
    assert found["Bounce"] == ("Permanent", "General")
    assert found["Complaint"] == ("", "")
    assert {"Send", "Delivery", "Reject", "Open", "Rendering Failure", "DeliveryDelay"} <= set(found)


def test_no_address_is_kept_of_an_event():
    record = {
        "eventType": "Bounce",
        "bounce": {"bounceType": "Permanent", "bouncedRecipients": [{"emailAddress": "jo@elsewhere.example"}]},
        "mail": {"messageId": "0100-1", "source": "a@acme.example", "tags": {"baseops-drill": ["d-1"]}},
    }
    assert "@" not in repr(Event.read(record, AT))
