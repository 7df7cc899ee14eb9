"""Breaks copies of a rehearsal's account on purpose, one break each, and finds out whether the named drill notices.

A break is caught when its drill refutes something. A copy is a fork of the process: what is broken in it stays in it.
"""

from __future__ import annotations

import select
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from baseops.contract.drill import Sabotage
from baseops.contract.lock import Lock
from baseops.contract.refs import Refs
from baseops.declaration import Declaration
from baseops.errors import BaseopsError, SandboxError
from baseops.workflow.compile import sections
from baseops.workflow.rehearsed_proof import proven, wait_for_the_window

if TYPE_CHECKING:
    from baseops.sandbox.account import Account
    from baseops.sandbox.copies import Copy

SIDE_BY_SIDE = 2
"""Copies that work at the same time; each is a process."""


@dataclass(frozen=True)
class Outcome:
    """What came of one break: `found` is what its drill said, `seconds` the real time that it took."""

    name: str
    drill: str
    story: str
    caught: bool
    found: str
    seconds: float

    @property
    def area(self) -> str:
        """The area that was broken."""
        return self.name.partition("/")[0]


def sabotages(declaration: Declaration) -> list[Sabotage]:
    """The breaks of every declared area whose drills the declaration has: a small one has few."""
    site, refs = declaration.site, Refs(declaration.site)
    return [
        each
        for area, section in sections(declaration)
        for drills in [{drill.name for drill in area.prove.drills(section, refs)}]
        for each in area.sabotage.sabotages(section, site)
        if each.drill in drills
    ]


def sabotage(
    declaration: Declaration,
    lock: Lock,
    account: Account,
    *,
    chosen: Sequence[Sabotage] | None = None,
    bound: int = SIDE_BY_SIDE,
    teller: Callable[[Outcome], None] = lambda _: None,
) -> list[Outcome]:
    """Try each break in a fresh copy of the applied account; the account itself stays as it is."""
    wanted = sabotages(declaration) if chosen is None else list(chosen)
    outcomes = {}
    for outcome in _side_by_side(
        account, [partial(_tried, declaration, lock, account, each) for each in wanted], bound
    ):
        teller(outcome)
        outcomes[outcome.name] = outcome
    return [outcomes[each.name] for each in wanted]


def _side_by_side(account: Account, tasks: Sequence[Callable[[], Outcome]], bound: int) -> Iterator[Outcome]:
    """The tasks' results as they come, each out of a copy of its own; the copies end whatever happens."""
    waiting = deque(tasks)
    working: list[Copy[Outcome]] = []
    try:
        while waiting or working:
            while waiting and len(working) < bound:
                working.append(account.start_copy(waiting.popleft()))
            for ready in select.select(working, [], [])[0]:
                working.remove(ready)
                yield ready.result()
    finally:
        for copy in working:
            copy.kill()


def _tried(declaration: Declaration, lock: Lock, account: Account, broken: Sabotage) -> Outcome:
    """In a copy: break, let time pass, ask the drill."""
    begun = time.perf_counter()
    try:
        broken.break_(account)
    except Exception as error:
        why = str(error) if isinstance(error, BaseopsError) else f"{type(error).__name__}: {error}"
        raise SandboxError(f"the sabotage {broken.name} could not be done", why, "Mend its break.") from error
    account.clock.sleep(broken.passes.total_seconds())
    if broken.passes:
        wait_for_the_window(declaration, lock, account, (broken.drill,))
    with proven(declaration, lock, account, names=(broken.drill,)) as run:
        refuted = [f"{each['target']}: {each['reason']}" for each in run.records if each["verdict"] == "refuted"]
        said = refuted or [f"{each['verdict']} {each['target']}: {each['reason']}" for each in run.records]
    seconds = time.perf_counter() - begun
    return Outcome(broken.name, broken.drill, broken.story, bool(refuted), "; ".join(said), seconds)
