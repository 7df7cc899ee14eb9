"""What every test shares: how hard property tests try, and how a declaration is refused."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from baseops.declaration import load
from baseops.errors import DeclarationError
from baseops.workflow.load import SPECS

# Time is never asserted: machines are shared, and a deadline makes a slow one look wrong.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("default"), derandomize=True, print_blob=True)
settings.register_profile("fuzz", parent=settings.get_profile("default"), max_examples=5000)
settings.load_profile("ci" if os.environ.get("CI") else "default")


TOP = 'version: 1\nname: acme\naccounts: ["111111111111"]\nregion: eu-west-1\n'


@pytest.fixture(scope="session")
def refused() -> Callable[[str], list[str]]:
    """What `check` says of a declaration, line by line; `[]` when it is accepted without a word.

    The text follows a valid top of four lines, so its first line is line 5 of `baseops.yaml`. In an area's tests::

        BAD = {"a schedule without a time": ("backups:\\n  daily: {…}\\n", ["baseops.yaml:6:10: backups.daily.…: …"])}


        @pytest.mark.parametrize(("text", "expected"), BAD.values(), ids=BAD)
        def test_a_bad_declaration_is_refused(refused, text, expected):
            assert expected == refused(text)

    A test about the top itself passes the whole text: `refused(text, top="")`.
    """

    def problems(text: str, top: str = TOP) -> list[str]:
        try:
            return [str(problem) for problem in load(top + text, SPECS).warnings]
        except DeclarationError as error:
            return [str(problem) for problem in error.problems]

    return problems


ACME = Path(__file__).resolve().parents[1] / "examples" / "acme" / "baseops.yaml"


@pytest.fixture(scope="module")
def applied_acme() -> Iterator[tuple[Any, Any, Any]]:
    """The example's declaration, its lock, and a sandbox account that it was applied to weeks ago."""
    from baseops.sandbox.account import open_account
    from baseops.workflow.apply import apply
    from baseops.workflow.compile import compile_declaration, sections
    from baseops.workflow.load import load as load_file
    from baseops.workflow.load import load_lock
    from baseops.workflow.rehearse import START
    from baseops.workflow.rehearsed_proof import let_time_pass
    from baseops.workflow.world import build_world

    declaration = load_file(ACME)
    with open_account(declaration.site.accounts[0], declaration.site.region, start=START) as account:
        list(build_world(declaration, account))
        lock = load_lock(declaration)
        for area, section in sections(declaration):
            lock = area.account.complete_lock(section, lock, account)
        compiled = compile_declaration(declaration, lock)
        apply(compiled, account, account.clock)
        let_time_pass(declaration, account)
        yield declaration, compiled.lock, account


@pytest.fixture
def acme_says(applied_acme: tuple[Any, Any, Any]) -> Callable[..., list[Any]]:
    """What the named drills say, record by record, in a copy of the applied example after a break and some time.

    With `enforced`, IAM is enforced, and the drills and who runs them may do what `baseops prove AREA --policy` lists
    for them, and no more. `without` leaves the statement of that Sid out (then `enforced` need not be said).
    """
    from baseops.workflow.rehearsed_proof import proven, wait_for_the_window

    declaration, lock, account = applied_acme

    def after(
        *names: str,
        break_: Callable[[Any], None] = lambda _: None,
        passes: timedelta = timedelta(0),
        enforced: bool = False,
        without: str = "",
    ) -> list[Any]:
        def in_a_copy() -> list[Any]:
            break_(account)
            account.clock.sleep(passes.total_seconds())
            if passes:
                wait_for_the_window(declaration, lock, account, names)
            areas = {name.partition("/")[0] for name in names}
            who = _permitted(declaration, account, areas, without) if enforced or without else {}
            with proven(declaration, lock, account, names=names, **who) as run:
                return [dict(each.values) for each in run.records]

        return account.fork(in_a_copy)

    return after


@pytest.fixture
def permitted() -> Callable[..., dict[str, Any]]:
    """Makes roles with the generated policies; the account enforces from there on. Gives what `proven` takes."""
    return _permitted


def _permitted(declaration: Any, account: Any, areas: Collection[str] = (), without: str = "") -> dict[str, Any]:
    from baseops.workflow.drill_policies import drill_policies

    policies = drill_policies(declaration, areas)
    taken = [each["Sid"] for document in policies.values() for each in document["Statement"]]
    if without and without not in taken:
        raise AssertionError(f"no policy has a statement {without}, but {', '.join(taken)}")
    for document in policies.values():
        document["Statement"] = [each for each in document["Statement"] if each["Sid"] != without]
    roles = {
        name: _role(account, f"permitted-{name}", [policies[each] for each in policies if each.split("-")[0] in of])
        for name, of in {
            "run": {"run"},
            "observe": {"observe"},
            "exercise": {"observe", "exercise"},
            "disturb": {"observe", "disturb"},
        }.items()
    }
    account.clock.sleep(120)  # IAM is eventually consistent
    account.enforce()
    return {
        # As often as aws.session tries.
        "runner": account.session_as(roles["run"], attempts=10),
        "clients_of": cache(lambda drill_class: account.session_as(roles[drill_class], attempts=10)),
    }


def _role(account: Any, name: str, documents: list[Any]) -> str:
    iam = account.client("iam")
    root = {"AWS": f"arn:aws:iam::{account.account_id}:root"}
    trust = {"Effect": "Allow", "Principal": root, "Action": "sts:AssumeRole"}
    document = {"Version": "2012-10-17", "Statement": [trust]}
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document))["Role"]["Arn"]
    for number, each in enumerate(documents):
        if each["Statement"]:
            iam.put_role_policy(RoleName=name, PolicyName=f"part-{number}", PolicyDocument=json.dumps(each))
    return str(arn)
