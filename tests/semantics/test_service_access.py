"""Whether SES gets past the policies of a topic and its key, and a topic past those of a queue."""

from __future__ import annotations

import json
from typing import Any

import pytest

from baseops.semantics.service_access import Key, Sender, doubt, is_open, refusal

TOPIC = "arn:aws:sns:eu-west-1:111111111111:events"
SES = Sender("ses", "arn:aws:ses:eu-west-1:111111111111:configuration-set/mail")


def policy(condition: dict[str, Any] | None = None, action: str = "sns:Publish") -> str:
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"Service": "ses.amazonaws.com"},
        "Action": action,
        "Resource": TOPIC,
    }
    if condition:
        statement["Condition"] = condition
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def key(*actions: str, condition: dict[str, Any] | None = None, state: str = "Enabled") -> Key:
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"Service": "ses.amazonaws.com"},
        "Action": list(actions),
        "Resource": "*",
    }
    if condition:
        statement["Condition"] = condition
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return Key("arn:aws:kms:eu-west-1:111111111111:key/1", state, document)


EVENTS = Sender("events")
OWN_ACCOUNT = {"StringEquals": {"aws:SourceAccount": "111111111111"}}
USE = ("kms:GenerateDataKey*", "kms:Decrypt")


def test_a_topic_that_asks_for_our_account_lets_us_in_and_nobody_else():
    assert refusal(SES, "sns:Publish", TOPIC, policy(OWN_ACCOUNT), key(*USE)) == ""
    assert not is_open(SES, "sns:Publish", TOPIC, policy(OWN_ACCOUNT))


def test_a_topic_without_a_condition_is_open_to_every_account():
    assert is_open(SES, "sns:Publish", TOPIC, policy())


@pytest.mark.parametrize(
    ("document", "held", "reason"),
    [
        ("", None, "its policy does not let ses.amazonaws.com do sns:Publish for configuration-set/mail"),
        ("{", None, "its policy does not let ses.amazonaws.com do sns:Publish for configuration-set/mail"),
        (
            policy({"StringEquals": {"aws:SourceAccount": "222222222222"}}),
            None,
            "its policy does not let ses.amazonaws.com do sns:Publish for configuration-set/mail",
        ),
        (
            policy(OWN_ACCOUNT),
            key("kms:Decrypt"),
            "the policy of its key does not let ses.amazonaws.com do kms:GenerateDataKey",
        ),
        (policy(OWN_ACCOUNT), key(*USE, state="PendingDeletion"), "its key is PendingDeletion"),
        (
            policy(OWN_ACCOUNT),
            Key("alias/aws/sns", "Enabled", None),
            "it is encrypted with a key of AWS's own, which lets no other service in: ses loses events",
        ),
    ],
)
def test_why_events_do_not_get_through(document, held, reason):
    assert refusal(SES, "sns:Publish", TOPIC, document, held) == reason


def test_who_tells_of_no_source_is_shut_out_by_a_condition_on_it():
    open_to_all = policy().replace("ses.amazonaws.com", "events.amazonaws.com")
    closed = policy(OWN_ACCOUNT).replace("ses.amazonaws.com", "events.amazonaws.com")

    assert refusal(EVENTS, "sns:Publish", TOPIC, open_to_all, None) == ""
    assert refusal(EVENTS, "sns:Publish", TOPIC, closed, None) == (
        "its policy does not let events.amazonaws.com do sns:Publish"
    )


def test_a_key_that_asks_ses_for_a_source_is_doubted_not_refuted():
    held = key(*USE, condition=OWN_ACCOUNT)
    assert refusal(SES, "sns:Publish", TOPIC, policy(OWN_ACCOUNT), held) == ""
    assert doubt(SES, held) == "the key asks for a source, and AWS does not say that SES tells KMS one"
    assert doubt(SES, key(*USE)) == ""
    assert doubt(Sender("sns", TOPIC), held) == ""
