"""The applied stacks in a sandbox account: a bounce comes home, and does not where a policy or key forgets SES."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from baseops.areas.email import world
from baseops.contract.lock import Lock
from baseops.workflow.apply import apply
from baseops.workflow.compile import compile_declaration

ZONE = "Z0123456789ABCDEFGHIJ"
TEXT = f"""email:
  acme.example:
    dns: {{zone: {ZONE}}}
    mail_from: bounce.acme.example
    configuration_sets:
      default: {{events: {{types: [REJECT, BOUNCE, COMPLAINT, DELIVERY], to: [sqs]}}}}
      marketing: {{suppression: [COMPLAINT], events: {{share: default}}}}
"""


@pytest.fixture
def applied(declared, account) -> Any:
    """The account after apply, once SES has found the records."""
    declaration = declared(TEXT)
    world.build(declaration.sections["email"], account, declaration.site)
    apply(compile_declaration(declaration, Lock()), account, account.clock)
    account.clock.advance(by=3600)
    return account


@pytest.fixture
def send(applied) -> Callable[..., None]:
    def one(to: str, set_name: str = "") -> None:
        named = {"ConfigurationSetName": set_name} if set_name else {}
        applied.client("sesv2").send_email(
            FromEmailAddress="Acme <no-reply@acme.example>",
            Destination={"ToAddresses": [to]},
            Content={"Simple": {"Subject": {"Data": "hello"}, "Body": {"Text": {"Data": "hello"}}}},
            **named,
        )
        applied.clock.advance(by=60)

    return one


@pytest.fixture
def arrived(applied) -> Callable[[], list[dict[str, Any]]]:
    """What lies in the queue, taken out."""

    def receive() -> list[dict[str, Any]]:
        outputs = applied.client("cloudformation").describe_stacks(StackName="baseops-acme-email")["Stacks"][0][
            "Outputs"
        ]
        (url,) = [each["OutputValue"] for each in outputs if each["OutputKey"].endswith("QueueUrl")]
        sqs = applied.client("sqs")
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        for each in found:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
        return [json.loads(each["Body"]) for each in found]

    return receive


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return [each["eventType"] for each in events]


def test_a_bounce_comes_home_with_its_reason(send, arrived):
    send("bounce+drill@simulator.amazonses.com")
    (event,) = arrived()
    assert event["bounce"]["bounceType"] == "Permanent"
    assert event["bounce"]["bouncedRecipients"] == [
        {
            "emailAddress": "bounce+drill@simulator.amazonses.com",
            "action": "failed",
            "status": "5.1.1",
            "diagnosticCode": "smtp; 550 5.1.1 user unknown",
        }
    ]
    assert event["mail"]["tags"]["ses:configuration-set"] == ["baseops-acme-acme-example"]


def test_a_complaint_comes_after_the_delivery(send, arrived):
    send("complaint@simulator.amazonses.com")
    assert kinds(arrived()) == ["Delivery", "Complaint"]


def test_another_stream_shares_the_queue_and_keeps_its_name(send, arrived):
    send("bounce@simulator.amazonses.com", "baseops-acme-acme-example-marketing")
    (event,) = arrived()
    assert event["mail"]["tags"]["ses:configuration-set"] == ["baseops-acme-acme-example-marketing"]


def test_a_suppressed_address_bounces_where_its_reason_counts(applied, send, arrived):
    applied.client("sesv2").put_suppressed_destination(EmailAddress="jo@elsewhere.example", Reason="BOUNCE")
    send("Jo@elsewhere.example")
    (event,) = arrived()
    assert event["bounce"]["bounceSubType"] == "OnAccountSuppressionList"
    send("Jo@elsewhere.example", "baseops-acme-acme-example-marketing")
    assert kinds(arrived()) == []


def test_a_key_that_forgets_ses_loses_bounces_without_a_word(applied, send, arrived):
    kms = applied.client("kms")
    alias = next(each for each in kms.list_aliases()["Aliases"] if each["AliasName"] == "alias/baseops-acme-logs")
    policy = json.loads(kms.get_key_policy(KeyId=alias["TargetKeyId"], PolicyName="default")["Policy"])
    policy["Statement"] = [each for each in policy["Statement"] if each["Sid"] != "MailEventsToTopics"]
    kms.put_key_policy(KeyId=alias["TargetKeyId"], PolicyName="default", Policy=json.dumps(policy))
    send("bounce@simulator.amazonses.com")
    assert arrived() == []


def test_a_topic_that_forgets_a_configuration_set_loses_its_bounces(applied, send, arrived):
    sns = applied.client("sns")
    (topic,) = [each["TopicArn"] for each in sns.list_topics()["Topics"] if "EventTopic" in each["TopicArn"]]
    policy = json.loads(sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])
    policy["Statement"][0]["Condition"]["ArnEquals"]["aws:SourceArn"].pop()
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(policy))
    send("bounce@simulator.amazonses.com", "baseops-acme-acme-example-marketing")
    assert arrived() == []
    send("bounce@simulator.amazonses.com")
    assert kinds(arrived()) == ["Bounce"]


def test_mail_before_the_domain_is_verified_is_rejected(declared, account):
    declaration = declared("email:\n  acme.example: {}\n")
    world.build(declaration.sections["email"], account, declaration.site)
    apply(compile_declaration(declaration, Lock()), account, account.clock)
    sesv2 = account.client("sesv2")
    with pytest.raises(sesv2.exceptions.MessageRejected, match="Email address is not verified"):
        sesv2.send_email(
            FromEmailAddress="a@acme.example",
            Destination={"ToAddresses": ["success@simulator.amazonses.com"]},
            Content={"Simple": {"Subject": {"Data": "x"}, "Body": {"Text": {"Data": "x"}}}},
        )
