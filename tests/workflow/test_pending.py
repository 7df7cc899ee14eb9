"""Who has not confirmed: asked of the topics that the stacks really have, in the caller's account, in every region."""

from __future__ import annotations

from typing import Any

import pytest

from baseops.contract.lock import Lock
from baseops.declaration import load
from baseops.sandbox.account import Account, open_account
from baseops.workflow.apply import apply
from baseops.workflow.compile import compile_declaration
from baseops.workflow.load import SPECS
from baseops.workflow.pending import pending

TEXT = """\
version: 1
name: acme
accounts: ["222222222222", "111111111111"]
region: eu-west-1
regions: [us-east-1]
notify: [{email: ops@acme.example}]
backups:
  daily:
    target: {resource: volume, tags: {Backup: daily}}
    schedule: {interval: 24h, time: "03:00"}
    retain: {age: 14d}
    copies: [{region: us-east-1, retain: 7d}]
    promise: {rpo: 30h, new_volume_grace: 30h}
"""


class Unconfirmed:
    """The account, in which nobody has followed the link yet."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.asked: list[str] = []

    @property
    def region(self) -> str:
        return self.account.region

    def client(self, service: str, region: str | None = None) -> Any:
        return self if service == "sns" else self.account.client(service, region)

    def get_paginator(self, name: str) -> Any:
        assert name == "list_subscriptions_by_topic"
        return self

    def paginate(self, **given: str) -> list[dict[str, Any]]:
        self.asked.append(given["TopicArn"])
        return [{"Subscriptions": [{"Endpoint": "ops@acme.example", "SubscriptionArn": "PendingConfirmation"}]}]


@pytest.fixture
def account():
    with open_account("111111111111", "eu-west-1") as opened:
        yield opened


def test_every_topic_of_the_account_at_hand_is_asked(account: Account) -> None:
    compiled = compile_declaration(load(TEXT, SPECS), Lock())
    apply(compiled, account, account.clock)
    topics = [each for each in compiled.templates if "AlertTopic" in each.body["Resources"]]
    clients = Unconfirmed(account)
    found = [each for each in pending(compiled, clients) if each.rule == "pending.subscription"]
    assert clients.asked == [f"arn:aws:sns:{each.region}:111111111111:baseops-acme-alerts" for each in topics]
    assert [each.path for each in found] == [("notify",)] * len(topics)
    assert found[0].message == (
        "ops@acme.example has not confirmed its subscription to the alert topic in eu-west-1, "
        "which expires in about 3 days"
    )


def test_before_apply_nobody_is_waited_for(account: Account) -> None:
    clients = Unconfirmed(account)
    found = pending(compile_declaration(load(TEXT, SPECS), Lock()), clients)
    assert (clients.asked, [each.rule for each in found if each.rule == "pending.subscription"]) == ([], [])
