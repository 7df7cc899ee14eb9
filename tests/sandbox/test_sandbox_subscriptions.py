"""Subscriptions in the sandbox: mail addresses are asked first, nothing reaches them before, silence is a no."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.exceptions import ClientError

ADDRESS = "ops@acme.example"


@pytest.fixture
def topic(account):
    return account.client("sns").create_topic(Name="alerts")["TopicArn"]


def listed(account, topic):
    return [
        each["SubscriptionArn"]
        for each in account.client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    ]


def token(account):
    (text,) = account.inbox(ADDRESS)
    (link,) = [word for word in text.split() if word.startswith("https://")]
    return parse_qs(urlsplit(link).query)["Token"][0]


def test_a_mail_address_is_asked_and_listed_as_pending(account, topic):
    sns = account.client("sns")
    said = sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=ADDRESS)["SubscriptionArn"]

    assert said == "pending confirmation"
    assert listed(account, topic) == ["PendingConfirmation"]
    assert topic in account.inbox(ADDRESS)[0]


def test_following_the_link_confirms(account, topic):
    sns = account.client("sns")
    arn = sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=ADDRESS, ReturnSubscriptionArn=True)
    confirmed = sns.confirm_subscription(TopicArn=topic, Token=token(account))["SubscriptionArn"]

    assert confirmed == arn["SubscriptionArn"]
    assert listed(account, topic) == [confirmed]
    attributes = sns.get_subscription_attributes(SubscriptionArn=confirmed)["Attributes"]
    assert attributes["PendingConfirmation"] == "false"


def test_a_wrong_token_confirms_nothing(account, topic):
    sns = account.client("sns")
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=ADDRESS)
    with pytest.raises(ClientError, match="Invalid token"):
        sns.confirm_subscription(TopicArn=topic, Token="0" * 64)
    assert listed(account, topic) == ["PendingConfirmation"]


def test_who_does_not_answer_is_forgotten(account, topic):
    account.client("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint=ADDRESS)
    account.clock.advance(by=timedelta(days=3, minutes=1))

    assert listed(account, topic) == []


def test_a_queue_is_not_asked(account, topic):
    account.client("sqs").create_queue(QueueName="q")
    said = account.client("sns").subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:eu-west-1:111111111111:q"
    )
    assert listed(account, topic) == [said["SubscriptionArn"]]


def test_what_happens_later_knows_until_when_nobody_looks(account):
    found, begun = [], account.clock.now()
    account.later(lambda: found.append(account.unseen_until), when=begun + timedelta(minutes=5), name="visitors")
    account.clock.advance(by=timedelta(hours=1))

    assert found == [begun + timedelta(hours=1)]
    assert account.unseen_until == account.clock.now()


def test_what_is_repeated_goes_on_until_its_end(account):
    times = []
    end = account.clock.now() + timedelta(minutes=20)
    account.repeat(lambda: times.append(account.clock.now()), every=timedelta(minutes=5), until=end, name="visitors")
    account.clock.advance(by=timedelta(hours=1))

    assert [(end - each) // timedelta(minutes=1) for each in times] == [15, 10, 5, 0]
