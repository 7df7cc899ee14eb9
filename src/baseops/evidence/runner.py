"""Runs drills side by side, each within its time and budget, and keeps what they found; cleans up whatever happens.

A drill's error is never a proof and never the run's end: a missing permission is inconclusive and names it, any other
error is inconclusive with its reason. What a drill created is removed last first before its evidence is written.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from baseops._version import __version__
from baseops.aws.errors import translated
from baseops.aws.metered import MeteredClients
from baseops.contract.clients import Clients
from baseops.contract.clock import Clock
from baseops.contract.drill import Drill, DrillContext, Evidence, Verdict, inconclusive
from baseops.contract.refs import Refs
from baseops.contract.resolver import Resolver
from baseops.contract.site import Site
from baseops.contract.template import Source
from baseops.contract.types import DrillClass
from baseops.errors import AccessError, BaseopsError, InconclusiveError, Interrupted
from baseops.evidence import removal
from baseops.evidence.history import newest_head, unfinished_files
from baseops.evidence.journal import DrillJournal, Made, RunJournal
from baseops.evidence.limits import DrillClock, Meter, RunBudget, Story
from baseops.evidence.lock import Lease, held
from baseops.evidence.records import (
    GENESIS,
    Chain,
    Head,
    Place,
    Record,
    began,
    head_key,
    new_run_id,
    sha256,
    timestamp,
)
from baseops.evidence.redaction import guarded, unfit
from baseops.evidence.signing import Fingerprints, Signer
from baseops.evidence.store import Store

Teller: TypeAlias = Callable[[Drill, Sequence[Record]], None]
"""Hears of a drill as it begins (no records) and when it has ended."""

_LONGEST_REASON = 700
_CLOCKS_DIFFER = timedelta(minutes=2)
"""By so much, and a run waits until it is later than the one before."""


@dataclass(frozen=True)
class Job:
    """A drill and what it is told: its area's section, the refs, and how refs become values."""

    drill: Drill
    section: Any  # the area's own model, as in contract.area
    refs: Refs
    value: Callable[[Source], str]


@dataclass(frozen=True)
class Setup:
    """Where and with what a run works. `clients_of` gives the clients that drills of a class use.

    `store` and `signer` have clients of their own. `state` is a folder of this machine for the local journal, outside
    the evidence. `every` is how often runs are promised, for `verify` to find gaps.
    """

    clients_of: Callable[[DrillClass], Clients]
    clock: Clock
    resolver: Resolver
    account: str
    creator: str
    site: Site
    store: Store
    signer: Signer
    fingerprints: Fingerprints
    state: Path
    bound: int = 4
    every: timedelta | None = None
    max_cost_usd: float = 2.0
    random: random.Random = field(default_factory=random.SystemRandom)
    teller: Teller = lambda _drill, _records: None


@dataclass(frozen=True)
class Run:
    """A run that has ended: its head and records, in the order of its drills."""

    head: Head
    records: tuple[Record, ...]

    def count(self, verdict: Verdict) -> int:
        """How many records have that verdict."""
        return int(self.head.counts[verdict.value])


def run_drills(setup: Setup, jobs: Sequence[Job]) -> Run:
    """Run the drills and write the evidence; raises `InconclusiveError` while another run holds the account's lock.

    Interrupted, it cleans up, seals what was found as an incomplete run, and raises.
    """
    with held(setup.store, setup.account, f"a run at {timestamp(setup.clock.now())}", setup.clock) as lease:
        running = _Running(setup, lease)
        complete = False
        try:
            tasks = [partial(running.run, job, refused) for job, refused in running.admitted(jobs)]
            setup.clock.gather(tasks, bound=setup.bound)
            complete = True
        finally:
            head = running.seal(complete=complete)
    order = {job.drill.name: number for number, job in enumerate(jobs)}
    return Run(head, tuple(sorted(running.records, key=lambda each: (order[each["drill"]], each["number"]))))


class _Running:
    """One run in progress."""

    def __init__(self, setup: Setup, lease: Lease) -> None:
        self._setup = setup
        self._lease = lease
        self._budget = RunBudget(setup.max_cost_usd)
        former = newest_head(setup.store, setup.account, setup.site.region)
        last = former[0] if former else None
        self._previous_run = last.run if last else ""
        self._previous = sha256(former[1]) if former else GENESIS
        self._begun, self._run_id = self._beginning()
        self._place = Place.of(setup.account, setup.site.region, self._begun)
        self._unfinished = unfinished_files(setup.store, self._place, last, self._run_id)
        self._chain = Chain(self._run_id, self._place, self._previous)
        self._lock = threading.Lock()
        self._journal = RunJournal(
            setup.store, self._place, self._run_id, setup.state / "journal", setup.clock, setup.site, lease.renew
        )
        self._seed = setup.random.getrandbits(64)
        self._leftovers: list[str] = []
        self._lost: list[str] = []
        self.records: list[Record] = []

    def _beginning(self) -> tuple[datetime, str]:
        """The time and the run's id; ids sort by time, so a run waits for the second after the one before it.

        Raises `InconclusiveError` where that would be long: clocks differ, and evidence is read in the order of time.
        """
        while True:
            now = self._setup.clock.now()
            if self._previous_run and began(self._previous_run) > now + _CLOCKS_DIFFER:
                raise InconclusiveError(
                    f"no run can follow {self._previous_run}",
                    f"by the clock of this machine it is {now:%Y-%m-%d %H:%M} UTC, and that run began later",
                    "Set the clock right, here or where that run was made.",
                )
            run_id = new_run_id(now, f"{self._setup.random.getrandbits(24):06x}")
            if run_id[:16] > self._previous_run[:16]:
                return now, run_id
            self._setup.clock.sleep(1)

    def admitted(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, str]]:
        """Each job, and why it does not run: what the drills before it may cost leaves too little."""
        planned = 0.0
        for job in jobs:
            limit = self._setup.max_cost_usd
            too_dear = planned + job.drill.cost_usd > limit
            planned += 0 if too_dear else job.drill.cost_usd
            yield job, f"it may cost {job.drill.cost_usd:.4f} USD, and the run's limit is {limit:.2f} USD" * too_dear

    def run(self, job: Job, refused: str) -> None:
        """One drill from its first call to its evidence."""
        drill = job.drill
        self._setup.teller(drill, ())
        story = Story(self._setup.clock)
        if refused:
            self._keep(drill, self._complete(drill, [], refused), story)
            return
        try:
            clients = self._setup.clients_of(drill.drill_class)
        except BaseopsError as error:  # a role that is not there, or that nobody may assume
            self._keep(drill, self._complete(drill, [], _trouble(error)), story)
            return
        before = partial(removal.made_before, clients)
        journal = DrillJournal(self._journal, drill, self._setup.creator, before)
        try:
            found = self._found(job, clients, journal, story)
        finally:
            left = self._clean(clients, journal.made)
        if left:
            text = _printable(f"not removed: {'; '.join(left)}")
            found.append(self._stamped(drill, inconclusive(drill.name, text)))
        self._keep(drill, found, story)

    def _found(self, job: Job, clients: Clients, journal: DrillJournal, story: Story) -> list[Evidence]:
        drill, clock = job.drill, self._setup.clock
        meter = Meter(drill.name, self._budget, clock, clock.now() + drill.timeout, self._lease.renew)
        context = self._context(job, clients, journal, story, meter)
        found: list[Evidence] = []
        trouble = ""
        since, before = clock.now(), meter.measures()
        try:
            with translated(f"the drill {drill.name}"):
                for evidence in drill.run(context):
                    found.append(self._stamped(drill, evidence, since, _difference(before, meter.measures())))
                    since, before = clock.now(), meter.measures()
        except Interrupted:
            raise
        except BaseopsError as error:
            trouble = _trouble(error)
        except Exception as error:  # noqa: BLE001  # whatever a drill does wrong, it has proved nothing
            trouble = f"the drill failed: {type(error).__name__}: {error}"
        return self._complete(drill, found, trouble)

    def _context(self, job: Job, clients: Clients, journal: DrillJournal, story: Story, meter: Meter) -> DrillContext:
        return DrillContext(
            clients=MeteredClients(clients, meter.before_call),
            clock=DrillClock(self._setup.clock, meter),
            resolver=self._setup.resolver,
            account=self._setup.account,
            site=self._setup.site,
            section=job.section,
            refs=job.refs,
            run_id=self._run_id,
            journal=journal,
            steps=story,
            budget=meter,
            random=random.Random(f"{self._seed}/{job.drill.name}"),  # noqa: S311  # it chooses samples, no secrets
            value=job.value,
            fingerprint=self._setup.fingerprints.fingerprint,
        )

    def _complete(self, drill: Drill, found: list[Evidence], trouble: str) -> list[Evidence]:
        """With a word on every target that the drill left out; on the drill itself when it left out none."""
        reason = _printable(trouble) or "the drill said nothing of it"
        silent = [target for target in drill.targets if not any(_is_under(each.target, target) for each in found)]
        if trouble and not silent:
            silent = [drill.name]
        return found + [self._stamped(drill, inconclusive(target, reason)) for target in silent]

    def _stamped(
        self,
        drill: Drill,
        evidence: Evidence,
        since: datetime | None = None,
        measures: Mapping[str, float] | None = None,
    ) -> Evidence:
        now = self._setup.clock.now()
        started, ended = evidence.started or since or now, evidence.ended or now
        took = {"seconds": (ended - started).total_seconds()}
        complete = replace(
            evidence,
            promise=evidence.promise or drill.promise,
            measures={**took, **(measures or {}), **evidence.measures},
            started=started,
            ended=ended,
        )
        return guarded(complete, drill.name)

    def _clean(self, clients: Clients, made: Sequence[Made]) -> list[str]:
        """Remove what was made, last first, whoever holds the lock; says what could not be removed."""
        clock = self._setup.clock
        end = clock.now() + removal.PATIENCE * (len(made) + 1)
        meter = Meter("clean-up", RunBudget(float("inf")), clock, end, self._renew_if_held)
        metered, waiting = MeteredClients(clients, meter.before_call), DrillClock(clock, meter)
        left = []
        for each in reversed(made):
            try:
                for identifier in removal.find_own(metered, each):
                    removal.remove(metered, waiting, each, identifier)
                    if not self._lease.is_lost:
                        self._journal.tell(replace(each, identifier=identifier), "removed")
            except AccessError as error:
                left.append(_left(each, f"a permission is missing: {error}"))
            except BaseopsError as error:
                left.append(_left(each, str(error)))
        with self._lock:
            self._leftovers += left
        return left

    def _renew_if_held(self) -> None:
        if not self._lease.is_lost:
            with suppress(InconclusiveError):
                self._lease.renew()

    def _keep(self, drill: Drill, found: list[Evidence], story: Story) -> None:
        self._lease.renew()
        steps = [step for step in story.steps if not unfit(step.text)]
        with self._lock:
            key, content, records = self._chain.add(drill, found, steps)
            self.records += records
        try:
            if not self._setup.store.put_new(key, content):
                raise InconclusiveError(f"the evidence of {drill.name} was not kept", f"{key} exists already")
        except (BaseopsError, OSError):
            # The records after it follow it in the chain: the head says that nobody has removed it.
            self._lost.append(key)
            raise
        self._setup.teller(drill, records)

    def seal(self, *, complete: bool) -> Head:
        """Write the signed head; raises `InconclusiveError` when another run goes on by now: two follow no one."""
        self._lease.renew()
        setup = self._setup
        now = setup.clock.now()
        head = Head(
            run=self._run_id,
            account=setup.account,
            region=setup.site.region,
            started=timestamp(self._begun),
            ended=timestamp(now),
            tool=f"baseops {__version__}",
            previous_run=self._previous_run,
            previous=self._previous,
            files=tuple(self._chain.files),
            counts=self._chain.counts,
            complete=complete,
            next_by=timestamp(now + setup.every) if setup.every else "",
            leftovers=tuple(self._leftovers),
            unfinished=self._unfinished,
            journal=self._journal.sealed,
            lost=tuple(self._lost),
        )
        sealed = replace(head, signature=setup.signer.sign(head.unsigned()))
        if not setup.store.put_new(head_key(self._place, self._run_id), sealed.text()):
            raise InconclusiveError(f"the head of {self._run_id} was not kept", "another one lies there")
        self._lease.sealed(self._run_id, setup.site.region)
        return sealed


def _difference(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    return {name: value - before.get(name, 0) for name, value in after.items() if value != before.get(name, 0)}


def _is_under(target: str, declared: str) -> bool:
    return target == declared or target.startswith(f"{declared}/")


def _trouble(error: BaseopsError) -> str:
    """Why a drill could not go on."""
    if isinstance(error, AccessError):
        return f"a permission is missing: {error.why or error.what}. {error.remedy}"
    return str(error)


def _left(made: Made, why: str) -> str:
    """What could not be removed, and why, as it may be kept."""
    words = [made.resource.kind, made.identifier or made.resource.name or made.mark.value]
    text = _printable(f"{' '.join(words)}: {why}")
    return f"{made.resource.kind} {made.mark.value}" if unfit(text) else text


def _printable(text: str) -> str:
    """One line without control characters: messages of AWS may hold any."""
    return "".join(each if each.isprintable() else " " for each in text)[:_LONGEST_REASON]
