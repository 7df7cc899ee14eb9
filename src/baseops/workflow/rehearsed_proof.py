"""Proves a declaration in a rehearsal's account: people follow what apply printed, time passes, the drills run."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from baseops.contract.clients import Clients
from baseops.contract.lock import Lock
from baseops.contract.sandbox_account import SandboxAccount
from baseops.contract.types import DrillClass
from baseops.declaration import Declaration
from baseops.evidence.admission import next_opening
from baseops.evidence.runner import Run
from baseops.workflow.compile import sections
from baseops.workflow.prove import ClientsOf, Means, Order, prove, wanted_drills

if TYPE_CHECKING:
    from baseops.sandbox.account import Account

PASSES = timedelta(days=8)
"""A week and a day: whatever is scheduled weekly has happened."""
LIVES = timedelta(hours=1)
"""How long what runs has run when the drills begin."""


def let_time_pass(declaration: Declaration, account: Account) -> None:
    """People do what apply asked for; more than a week goes by; then the machines work, until the drills' window.

    From here on roles may do what IAM allows them, and nothing else.
    """
    site, clock = declaration.site, account.clock
    account.enforce()
    for area, section in sections(declaration):
        area.world.follow(section, account, site)
    lived_from = next_opening(site.drills.window, clock.now() + PASSES) - LIVES
    clock.sleep((lived_from - clock.now()).total_seconds())
    for area, section in sections(declaration):
        area.world.live(section, account, site)
    clock.sleep(max((lived_from + LIVES - clock.now()).total_seconds(), 0))


def wait_for_the_window(
    declaration: Declaration, lock: Lock, account: SandboxAccount, names: Sequence[str] = ()
) -> None:
    """Until the drills named (or all) may run: those that observe may at any time."""
    order = Order(names=tuple(names), classes=get_args(DrillClass))
    if all(drill.drill_class == "observe" for drill, _ in wanted_drills(declaration, lock, order)):
        return
    now = account.clock.now()
    account.clock.sleep((next_opening(declaration.site.drills.window, now) - now).total_seconds())


@contextmanager
def proven(
    declaration: Declaration,
    lock: Lock,
    account: SandboxAccount,
    *,
    names: Sequence[str] = (),
    seed: int = 0,
    runner: Clients | None = None,
    clients_of: ClientsOf | None = None,
) -> Iterator[Run]:
    """A run of the drills (those named, or all), with evidence and local keys in a folder that lives as long.

    Drills of every class run, whatever the declaration allows: here is nobody to disturb. `runner` are the clients of
    who runs them, `clients_of` those of the drills; without them the account's operator does all.
    """
    with tempfile.TemporaryDirectory(prefix="baseops-rehearsal-") as name:
        folder = Path(name)
        classes = get_args(DrillClass)
        order = Order(names=tuple(names), classes=classes, evidence=str(folder / "evidence"), state=folder / "state")
        means = Means(clients_of, account.resolver, random.Random(seed))  # noqa: S311
        yield prove(allowing_all(declaration), lock, runner or account, account.clock, order, means=means)


def allowing_all(declaration: Declaration) -> Declaration:
    """The declaration with drills of every class allowed."""
    every: tuple[DrillClass, ...] = get_args(DrillClass)
    return replace(declaration, site=replace(declaration.site, drills=replace(declaration.site.drills, allow=every)))


def verdicts(run: Run, area: str) -> str:
    """One area's verdicts in a few words."""
    found = [each["verdict"] for each in run.records if each["area"] == area]
    counts = {verdict: found.count(verdict) for verdict in ("proven", "refuted", "inconclusive")}
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
