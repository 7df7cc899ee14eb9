"""Breaks are tried in copies of the account, and one that no drill notices is said."""

from datetime import timedelta
from functools import partial

import pytest

from baseops.contract.drill import Sabotage
from baseops.contract.lock import Lock
from baseops.declaration import load
from baseops.errors import InconclusiveError, SandboxError
from baseops.workflow.load import SPECS
from baseops.workflow.prove import Order, wanted_drills
from baseops.workflow.rehearsed_proof import proven, wait_for_the_window
from baseops.workflow.sabotage import sabotage, sabotages


def switch_actions_off(account):
    account.client("cloudwatch").disable_alarm_actions(AlarmNames=["baseops-acme-logs-web-too-many-errors"])


BROKEN = Sabotage("logs/actions-off", "logs/live-alarms", "the alarm's actions are disabled", switch_actions_off)
HARMLESS = Sabotage("logs/nothing", "logs/live-alarms", "nothing is broken", lambda _: None)


def test_a_break_is_caught_and_a_harmless_one_is_not(applied_acme):
    declaration, lock, account = applied_acme

    found = sabotage(declaration, lock, account, chosen=[HARMLESS, BROKEN])

    assert [(each.name, each.caught) for each in found] == [("logs/nothing", False), ("logs/actions-off", True)]
    assert "its actions are disabled" in found[1].found


def test_a_small_declaration_is_broken_where_its_drills_can_notice():
    text = """
version: 1
name: small
accounts: ["111111111111"]
region: eu-west-1
logs:
  web: {group: {name: /acme/web}, metrics: {Errors: {pattern: ERROR}}}
"""
    declaration = load(text, SPECS)
    drills = {each.name for each, _ in wanted_drills(declaration, Lock(), Order())}

    assert {each.drill for each in sabotages(declaration)} <= drills
    assert "logs/live-filters" in {each.drill for each in sabotages(declaration)}


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


def test_an_error_of_ours_in_a_break_names_the_break_too(applied_acme):
    def refuse(_):
        raise InconclusiveError("there is no volume")

    declaration, lock, account = applied_acme
    impossible = Sabotage("backups/impossible", "backups/coverage", "", refuse)

    with pytest.raises(SandboxError, match="the sabotage backups/impossible could not be done: there is no volume"):
        sabotage(declaration, lock, account, chosen=[impossible])


def test_outcomes_are_told_as_they_come_and_given_in_order(applied_acme):
    declaration, lock, account = applied_acme
    told = []

    found = sabotage(declaration, lock, account, chosen=[HARMLESS, BROKEN], teller=told.append)

    assert {each.name for each in told} == {"logs/nothing", "logs/actions-off"}
    assert [each.name for each in found] == ["logs/nothing", "logs/actions-off"]


def test_there_are_breaks_enough_and_each_names_a_drill(applied_acme):
    declaration, lock, _ = applied_acme
    every = sabotages(declaration)
    drills = {drill.name for drill, _ in wanted_drills(declaration, lock, Order(classes=("exercise", "disturb")))}

    assert len(every) >= 35
    assert len({each.name for each in every}) == len(every)
    assert {each.name.partition("/")[0] for each in every} == set(declaration.sections)
    assert [each.name for each in every if each.drill not in drills] == []
    assert [each.name for each in every if each.name.partition("/")[0] != each.drill.partition("/")[0]] == []
    assert all(each.story for each in every)


@pytest.mark.slow
def test_time_alone_refutes_nothing(applied_acme):
    """A control for each sabotage: what it catches is due to the break, and not to the time that has passed."""
    declaration, lock, account = applied_acme
    order = Order(classes=("exercise", "disturb"))
    only_reads = {drill.name: drill.drill_class == "observe" for drill, _ in wanted_drills(declaration, lock, order)}
    controls = {}
    for each in sabotages(declaration):
        controls.setdefault((each.passes, only_reads[each.drill]), set()).add(each.drill)

    def control(passes, names):
        account.clock.sleep(passes.total_seconds())
        if passes:
            wait_for_the_window(declaration, lock, account, names)
        with proven(declaration, lock, account, names=names) as run:
            return [f"{each['target']}: {each['reason']}" for each in run.records if each["verdict"] == "refuted"]

    for (passes, _), names in controls.items():
        assert account.fork(partial(control, passes, sorted(names))) == [], (passes, names)
