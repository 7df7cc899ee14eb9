"""Breaks are tried in copies of the account, and one that no drill notices is said."""

from datetime import timedelta

import pytest

from baseops.contract.drill import Sabotage
from baseops.errors import SandboxError
from baseops.workflow.sabotage import sabotage


def switch_actions_off(account):
    account.client("cloudwatch").disable_alarm_actions(AlarmNames=["baseops-acme-logs-web-too-many-errors"])


BROKEN = Sabotage("logs/actions-off", "logs/live-alarms", "the alarm's actions are disabled", switch_actions_off)
HARMLESS = Sabotage("logs/nothing", "logs/live-alarms", "nothing is broken", lambda _: None)


def test_a_break_is_caught_and_a_harmless_one_is_not(applied_acme):
    declaration, lock, account = applied_acme

    found = sabotage(declaration, lock, account, chosen=[HARMLESS, BROKEN])

    assert [(each.name, each.caught) for each in found] == [("logs/nothing", False), ("logs/actions-off", True)]
    assert "its actions are disabled" in found[1].found


def test_what_a_copy_breaks_stays_in_the_copy(applied_acme):
    declaration, lock, account = applied_acme
    before = account.clock.now()

    sabotage(declaration, lock, account, chosen=[Sabotage(**{**vars(BROKEN), "passes": timedelta(days=1)})])

    (alarm,) = account.client("cloudwatch").describe_alarms(AlarmNames=["baseops-acme-logs-web-too-many-errors"])[
        "MetricAlarms"
    ]
    assert alarm["ActionsEnabled"]
    assert account.clock.now() == before


def test_a_break_that_cannot_be_done_is_no_miss_but_an_error(applied_acme):
    declaration, lock, account = applied_acme
    impossible = Sabotage("logs/impossible", "logs/live-alarms", "", lambda account: account.client("no-such-service"))

    with pytest.raises(SandboxError, match="the sabotage logs/impossible could not be done"):
        sabotage(declaration, lock, account, chosen=[impossible])
