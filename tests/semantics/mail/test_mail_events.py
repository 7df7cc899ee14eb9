from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from baseops.semantics.mail import events
from baseops.semantics.mail.simulator import outcome

SENT = datetime(2026, 1, 5, 9, 0, 1, 234_567, tzinfo=UTC)
MAIL = events.Mail(
    "0100-1",
    "Acme <a@acme.example>",
    "arn:aws:ses:eu-west-1:111111111111:identity/acme.example",
    "111111111111",
    ("jo@elsewhere.example",),
    "hello",
    SENT,
    (("ses:configuration-set", "mail"),),
)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("bounce@simulator.amazonses.com", "bounce"),
        ("Bounce+run-7@Simulator.amazonses.com", "bounce"),
        ("ooto@simulator.amazonses.com", "ooto"),
        ("nobody@simulator.amazonses.com", None),
        ("bounce@acme.example", None),
    ],
)
def test_the_simulator_knows_its_addresses_with_any_label(address, expected):
    assert outcome(address) == expected


def test_a_bounce_names_who_why_and_what_mail():
    when = SENT + timedelta(seconds=6)
    event = events.bounce(MAIL, "jo@elsewhere.example", events.USER_UNKNOWN, when, "f-1")
    assert event["eventType"] == "Bounce"
    assert event["bounce"] == {
        "bounceType": "Permanent",
        "bounceSubType": "General",
        "bouncedRecipients": [
            {
                "emailAddress": "jo@elsewhere.example",
                "action": "failed",
                "status": "5.1.1",
                "diagnosticCode": "smtp; 550 5.1.1 user unknown",
            }
        ],
        "timestamp": "2026-01-05T09:00:07.234Z",
        "feedbackId": "f-1",
        "reportingMTA": "dns; a1-2.smtp-out.amazonses.com",
    }
    assert event["mail"]["timestamp"] == "2026-01-05T09:00:01.234Z"
    assert event["mail"]["tags"] == {"ses:configuration-set": ["mail"]}
    assert event["mail"]["destination"] == ["jo@elsewhere.example"]


def test_an_out_of_office_answer_is_transient_and_has_no_status():
    event = events.bounce(MAIL, "jo@elsewhere.example", events.OUT_OF_OFFICE, SENT, "f-1")
    assert event["bounce"]["bouncedRecipients"] == [{"emailAddress": "jo@elsewhere.example"}]


def test_a_delivery_says_how_long_it_took():
    event = events.delivery(MAIL, "jo@elsewhere.example", SENT + timedelta(seconds=4))
    assert event["delivery"]["processingTimeMillis"] == 4000


def test_every_event_has_a_name_and_a_detail_type():
    assert set(events.NAMES) == set(events.DETAIL_TYPES)
    assert (events.NAMES["RENDERING_FAILURE"], events.NAMES["DELIVERY_DELAY"]) == ("Rendering Failure", "DeliveryDelay")
