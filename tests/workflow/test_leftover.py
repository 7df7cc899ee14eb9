"""An area taken out of the declaration: plan says what goes, apply takes its stack away, status tells until then."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from baseops.contract.lock import Lock
from baseops.declaration import load
from baseops.errors import StackError
from baseops.sandbox.account import Account, open_account
from baseops.workflow.apply import apply
from baseops.workflow.compile import Compiled, compile_declaration
from baseops.workflow.destroy import destroy
from baseops.workflow.leftover import known_regions
from baseops.workflow.load import SPECS
from baseops.workflow.plan import plan
from baseops.workflow.status import status

TOP = """\
version: 1
name: acme
accounts: ["111111111111"]
region: eu-west-1
"""
LOGS = "logs: {web: {group: {name: /acme/web, retention_days: 30}, metrics: {Errors: {pattern: ERROR}}}}\n"
SECRETS = "secrets: {api: {parameter: /app/api, type: String, value: first, readers: []}}\n"
COPIED = """\
regions: [us-east-1]
backups:
  daily:
    target: {resource: volume, tags: {Backup: daily}}
    schedule: {interval: 24h, time: "03:00"}
    retain: {age: 14d}
    copies: [{region: us-east-1, retain: 7d}]
    promise: {rpo: 30h, new_volume_grace: 30h}
"""


@pytest.fixture
def account() -> Iterator[Account]:
    with open_account("111111111111", "eu-west-1") as opened:
        yield opened


def compiled(text: str, lock: Lock | None = None) -> Compiled:
    return compile_declaration(load(TOP + text, SPECS), lock or Lock())


def names(account: Account, region: str = "eu-west-1") -> set[str]:
    stacks = account.client("cloudformation", region).describe_stacks()["Stacks"]
    return {each["StackName"] for each in stacks}


def test_an_area_that_is_taken_out_is_planned_removed_and_then_forgotten(account: Account) -> None:
    first = compiled(LOGS)
    apply(first, account, account.clock)
    without = compiled("", first.lock)

    (leftover,) = [each for each in plan(without, account, account.clock).stacks if each.stack == "logs"]
    assert {(each.action, each.logical_id, each.loses_data) for each in leftover.changes} == {
        ("remove", "WebLogGroup", False),
        ("remove", "WebErrorsFilter", False),
    }
    found = status(without, account, account.clock)
    assert ([each.name for each in found.leftover], found.has_drifted) == (["baseops-acme-logs"], True)

    result = apply(without, account, account.clock)
    assert ([each.name for each in result.removed], result.changed) == (["baseops-acme-logs"], True)
    assert names(account) == {"baseops-acme-artifacts", "baseops-acme-foundation"}
    assert not plan(without, account, account.clock).has_changes
    assert not apply(without, account, account.clock).changed
    # What held data has stayed, and the area is taken up again where it was.
    groups = account.client("logs").describe_log_groups(logGroupNamePrefix="/acme")["logGroups"]
    assert [each["logGroupName"] for each in groups] == ["/acme/web"]
    again = apply(compiled(LOGS, without.lock), account, account.clock)
    assert [each.imported for each in again.stacks if each.template.stack == "logs"] == [("/acme/web",)]


def test_a_region_that_is_taken_out_is_found_by_the_lock(account: Account) -> None:
    first = compiled(COPIED)
    apply(first, account, account.clock)
    assert names(account, "us-east-1") == {"baseops-acme-region"}
    without = compiled(LOGS, first.lock)
    assert known_regions(without.declaration.site, without.lock) == ["eu-west-1", "us-east-1"]

    result = apply(without, account, account.clock)
    assert {(each.name, each.region) for each in result.removed} == {
        ("baseops-acme-backups", "eu-west-1"),
        ("baseops-acme-region", "us-east-1"),
    }
    assert names(account, "us-east-1") == set()


def test_destroy_looks_in_the_regions_of_the_lock_too(account: Account) -> None:
    first = compiled(COPIED)
    apply(first, account, account.clock)
    site = compiled(LOGS).declaration.site
    done = destroy(site, account, account.clock, regions=known_regions(site, first.lock))
    assert ("baseops-acme-region", "us-east-1") in {(each.name, each.region) for each in done.stacks}


def test_a_protected_stack_is_not_taken_away_and_nothing_else_is_touched(account: Account) -> None:
    first = compiled(LOGS)
    apply(first, account, account.clock)
    account.client("cloudformation").update_termination_protection(
        StackName="baseops-acme-logs", EnableTerminationProtection=True
    )
    with pytest.raises(StackError, match="baseops-acme-logs in eu-west-1 has termination protection") as caught:
        apply(compiled("", first.lock), account, account.clock)
    assert caught.value.remedy.startswith("Empty the buckets, turn termination protection off")
    assert "baseops-acme-logs" in names(account)


def test_another_declarations_stacks_are_left_alone(account: Account) -> None:
    apply(compiled(LOGS), account, account.clock)
    other = load(TOP.replace("acme", "acme-two") + SECRETS, SPECS)
    result = apply(compile_declaration(other, Lock()), account, account.clock)
    assert result.removed == ()
    assert "baseops-acme-logs" in names(account)
