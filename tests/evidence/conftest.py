"""Toy drills in a sandbox account: what the tests of the runner, the sweep and the evidence share."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from baseops.contract.drill import Drill
from baseops.contract.refs import Refs
from baseops.contract.site import Site
from baseops.evidence.lock import LEASE
from baseops.evidence.runner import Job, Run, Setup, run_drills
from baseops.evidence.signing import LocalKeys
from baseops.evidence.store import FolderStore
from baseops.evidence.verify import Verification, Verifier
from baseops.sandbox.account import open_account

SITE = Site("acme", ("111111111111",), "eu-west-1")
START = datetime(2026, 1, 8, 9, 0, tzinfo=UTC)


@pytest.fixture
def account():
    with open_account("111111111111", "eu-west-1", start=START) as opened:
        yield opened


class Killed(BaseException):
    """What a kill looks like to code that gets no chance any more."""


class Dying:
    """Passes everything on until it is dead; then nothing works, as after a kill."""

    def __init__(self, inner, life):
        self._inner = inner
        self._life = life

    def __getattr__(self, name):
        if self._life["over"]:
            raise Killed
        return getattr(self._inner, name)


class Bench:
    """A place to run toy drills in."""

    def __init__(self, account, folder):
        self.account = account
        self.keys = LocalKeys(folder / "keys")
        self.store = FolderStore(folder / "evidence")
        self.setup = Setup(
            clients_of=lambda _: account,
            clock=account.clock,
            resolver=account.resolver,
            account="111111111111",
            creator="ci",
            site=SITE,
            store=self.store,
            signer=self.keys,
            fingerprints=self.keys,
            state=folder / "state",
            random=random.Random(7),
        )

    def run(self, *drills: Drill, **changes: object) -> Run:
        jobs = [Job(drill, None, Refs(SITE), str) for drill in drills]
        return run_drills(replace(self.setup, **changes), jobs)

    def crash(self, drill: Drill) -> None:
        """Run a drill that raises `Killed`: what it leaves is what a killed process leaves."""
        life = {"over": False}

        def run(ctx):
            try:
                yield from drill.run(ctx)
            finally:
                life["over"] = True

        with pytest.raises(Killed):
            self.run(
                replace(drill, run=run),
                clients_of=lambda _: Dying(self.account, life),
                store=Dying(self.store, life),
            )
        self.account.clock.advance(by=LEASE)

    def verify(self, **options: object) -> Verification:
        now = self.account.clock.now() + timedelta(seconds=1)
        return Verifier(self.store, [self.keys], "111111111111", "eu-west-1", now, **options).verify()


@pytest.fixture
def bench(account, tmp_path) -> Bench:
    return Bench(account, tmp_path)


@pytest.fixture
def killed() -> type[BaseException]:
    return Killed


@pytest.fixture
def drill() -> Callable[..., Drill]:
    def make(run, name="backups/toy", targets=("backups.daily",), **rest) -> Drill:
        return Drill(name=name, promise="a toy works", targets=targets, run=run, **rest)

    return make
