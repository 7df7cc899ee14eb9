"""How many AWS calls an apply makes: the sandbox's recorder counts them, CloudFormation's own work included."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from baseops.sandbox.account import open_account
from baseops.workflow.apply import ApplyResult, apply
from baseops.workflow.compile import compile_declaration, sections
from baseops.workflow.load import load, load_lock

MINIMAL = Path(__file__).resolve().parents[2] / "examples" / "minimal" / "baseops.yaml"
READS = ("Describe", "Get", "List")
STACKS = 4

Count = Callable[[], tuple[ApplyResult, Counter[str]]]


@pytest.fixture
def applied() -> Iterator[Count]:
    """Applies the minimal declaration to one fresh account, and says which calls that took."""
    declaration = load(MINIMAL)
    site = declaration.site
    with open_account(site.accounts[0], site.region) as account:
        for area, section in sections(declaration):
            area.world.build(section, account, site)
        compiled = compile_declaration(declaration, load_lock(declaration))
        calls: Counter[str] = Counter()
        account.record(lambda call, _: calls.update([f"{call.service}:{call.operation}"]))

        def count() -> tuple[ApplyResult, Counter[str]]:
            calls.clear()
            return apply(compiled, account, account.clock), calls.copy()

        yield count


def test_a_first_apply_follows_its_stacks_without_hurry(applied: Count) -> None:
    result, calls = applied()
    following = calls["cloudformation:DescribeStacks"] + calls["cloudformation:DescribeStackEvents"]

    assert [each.outcome for each in result.stacks] == ["created"] * STACKS
    assert calls["cloudformation:CreateChangeSet"] == calls["cloudformation:ExecuteChangeSet"] == STACKS
    assert calls["cloudformation:DescribeChangeSet"] <= 6 * STACKS
    assert following <= 32 * STACKS
    assert calls.total() <= 270


def test_a_second_apply_asks_little_and_changes_nothing(applied: Count) -> None:
    applied()

    result, calls = applied()
    writes = {name for name in calls if not name.split(":")[1].startswith(READS)}

    assert not result.changed
    assert calls.total() <= 45
    assert writes == {"cloudformation:CreateChangeSet", "cloudformation:DeleteChangeSet"}
