"""Proves a declaration in a rehearsal's account: people follow what apply printed, time passes, the drills run."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from baseops.contract.lock import Lock
from baseops.contract.sandbox_account import SandboxAccount
from baseops.declaration import Declaration
from baseops.evidence.runner import Run
from baseops.workflow.compile import sections
from baseops.workflow.prove import Order, prove

PASSES = timedelta(days=8)
"""A week and a day: whatever is scheduled weekly has happened."""


def let_time_pass(declaration: Declaration, account: SandboxAccount) -> None:
    """People add the DNS records and follow the links that apply asked for; then a week and a day go by."""
    for area, section in sections(declaration):
        area.world.follow(section, account, declaration.site)
    account.clock.sleep(PASSES.total_seconds())


@contextmanager
def proven(declaration: Declaration, lock: Lock, account: SandboxAccount, *, seed: int = 0) -> Iterator[Run]:
    """A run of the drills that observe, with evidence and local keys in a folder that lives as long as the block."""
    with tempfile.TemporaryDirectory(prefix="baseops-rehearsal-") as name:
        folder = Path(name)
        order = Order(evidence=str(folder / "evidence"), state=folder / "state")
        yield prove(declaration, lock, account, account.clock, order, randomness=random.Random(seed))  # noqa: S311


def verdicts(run: Run, area: str) -> str:
    """One area's verdicts in a few words."""
    found = [each["verdict"] for each in run.records if each["area"] == area]
    counts = {verdict: found.count(verdict) for verdict in ("proven", "refuted", "inconclusive")}
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
