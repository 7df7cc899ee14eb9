"""A drill and what goes in and out of it: context, journal, steps, budget, evidence; and the sabotage it must notice.

A drill in full, as an area's `prove.py` gives it::

    def drills(section: Section, refs: Refs) -> Sequence[Drill]:
        names = tuple(f"backups.{name}" for name in section.entries)
        return [
            Drill(
                name="backups/restore",
                drill_class="exercise",
                promise="a volume can be made from the newest snapshot of every entry",
                targets=names,
                touches=("one volume for each entry, made from its newest snapshot and removed",),
                traces=("CreateVolume and DeleteVolume in CloudTrail",),
                cost_usd=0.01,
                run=partial(_restore, section),
            )
        ]


    def _restore(section: Section, ctx: DrillContext) -> Iterator[Evidence]:
        ec2 = ctx.clients.client("ec2")
        for name in section.entries:
            target, snapshot_id = f"backups.{name}", _newest(ec2, name)
            if snapshot_id is None:
                yield refuted(target, "there is no completed snapshot")
                continue
            ctx.steps.add(f"make a volume from {snapshot_id}")
            begun = ctx.clock.now()
            volume_id = ctx.journal.create(
                resources.volume(ctx.clients.region),  # baseops.evidence.resources
                lambda mark: ec2.create_volume(
                    SnapshotId=snapshot_id,
                    AvailabilityZone="eu-west-1a",
                    TagSpecifications=[{"ResourceType": "volume", "Tags": mark.tag_list}],
                )["VolumeId"],
            )
            until(ctx.clock, lambda: _is_available(ec2, volume_id))
            seconds = (ctx.clock.now() - begun).total_seconds()
            yield proven(f"{target}/{snapshot_id}", method="exercised", measures={"created_seconds": seconds})

What the runner does for it: checks that class, window and cost are allowed; counts requests and time on `clients` and
`clock` (which raise when the drill's `timeout` has passed); turns an error into `inconclusive` with its reason, a
missing permission into one that names it; says `inconclusive` for a target of which the drill said nothing; removes
what the drill created, last first, whatever happened; and refuses evidence that holds an address, a secret or a line
of a log. A drill never removes by itself, never waits but by `ctx.clock`, never asks for the time elsewhere.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from baseops.contract.clients import Clients
from baseops.contract.clock import Clock
from baseops.contract.refs import Refs
from baseops.contract.resolver import Resolver
from baseops.contract.sandbox_account import SandboxAccount
from baseops.contract.site import DECLARATION_TAG, Site
from baseops.contract.template import Source
from baseops.contract.types import DrillClass, Json

if TYPE_CHECKING:
    from baseops.contract.types import AreaName

DRILL_TAG = "baseops:drill"
"""The tag of what a drill creates; its value is the mark of one journal entry."""
MARKS = "????????T??????Z-??????/*"
"""What every such value is like, as IAM compares (`StringLike`): the run and the number of the entry."""
CREATOR_TAG = "baseops:drill-creator"
"""The tag that says under which name (role or user) it was created."""

Method: TypeAlias = Literal["observed", "evaluated", "exercised"]
"""How it was found out: read from the account, computed from what was read (policies), or done and watched."""

Measures: TypeAlias = Mapping[str, float]
"""Numbers by name, with the unit in it: `seconds`, `blocks_read`, `requests`, `bytes`, `cost_usd`, `age_seconds`, …"""


class Verdict(StrEnum):
    """What came of a promise at a target. What could not be exercised is inconclusive, never proven."""

    PROVEN = "proven"
    REFUTED = "refuted"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Span:
    """A stretch of time for the page's plots: in which `lane` (a volume, an alarm, a mail) was what `state`.

    The same rule as for reasons: no addresses, secrets, log lines. `start` equals `end` for a moment.
    """

    lane: str
    state: str
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Evidence:
    """What a drill found at one target. Use `proven`, `refuted` and `inconclusive` to make it.

    `target` is one of the drill's targets, or lies under one (`backups.daily/vol-0a1`). `reason` says in a sentence
    why; it may name resources and numbers, and never holds a secret's value, a mail address or a line of a log (use
    `DrillContext.alias` for an address). `not_exercised` are parts that this machine could not do, `spans` what
    the page draws over time. `promise`, `started` and `ended` are filled in by the runner where they are left out.
    """

    target: str
    verdict: Verdict
    reason: str = ""
    method: Method = "observed"
    measures: Measures = field(default_factory=dict)
    not_exercised: tuple[str, ...] = ()
    spans: tuple[Span, ...] = ()
    promise: str = ""
    started: datetime | None = None
    ended: datetime | None = None


def proven(
    target: str,
    reason: str = "",
    *,
    method: Method = "observed",
    measures: Measures | None = None,
    spans: Sequence[Span] = (),
) -> Evidence:
    """The promise held at this target."""
    return Evidence(target, Verdict.PROVEN, reason, method, measures or {}, spans=tuple(spans))


def refuted(
    target: str,
    reason: str,
    *,
    method: Method = "observed",
    measures: Measures | None = None,
    spans: Sequence[Span] = (),
) -> Evidence:
    """The promise does not hold at this target; the reason says what was found instead."""
    return Evidence(target, Verdict.REFUTED, reason, method, measures or {}, spans=tuple(spans))


def inconclusive(
    target: str,
    reason: str,
    *,
    method: Method = "observed",
    measures: Measures | None = None,
    spans: Sequence[Span] = (),
    not_exercised: Sequence[str] = (),
) -> Evidence:
    """It could not be found out; the reason says what is missing and how to supply it.

    Where only this machine is in the way (no bubblewrap, no e2fsprogs), `not_exercised` says what it cannot do: the
    exit code is then not 5 but with `--strict`.
    """
    return Evidence(
        target, Verdict.INCONCLUSIVE, reason, method, measures or {}, tuple(not_exercised), spans=tuple(spans)
    )


@dataclass(frozen=True)
class Step:
    """One moment of a drill's story, for the page."""

    at: datetime
    text: str


class Steps(Protocol):
    """Where a drill tells its story. The same rule as for reasons: no addresses, secrets, log lines."""

    def add(self, text: str) -> None:
        """Something begins or was seen now."""


class Budget(Protocol):
    """What a drill may spend; the run's limit is shared by its drills."""

    def spend(self, *, cost_usd: float = 0.0, requests: int = 0, blocks: int = 0, size_bytes: int = 0) -> None:
        """Say what is about to be spent; raises `InconclusiveError` when that would be over the limit.

        Requests made on `DrillContext.clients` are counted already.
        """


@dataclass(frozen=True)
class Call:
    """An API call as data: botocore's method name and its parameters.

    In any string of the parameters `$id` stands for the identifier that `create` got and `$mark` for the mark.
    """

    operation: str
    parameters: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class Look:
    """A call that reads, and where in its answer (JMESPath, https://jmespath.org) the wanted values are.

    `$id` and `$mark` in a quoted string of the path stand for what they do in the call. An answer that is not found,
    or no value, means that the thing does not exist.
    """

    call: Call
    path: str


@dataclass(frozen=True)
class Resource:
    """What a drill is about to create, so that anybody can remove it after a crash; plain data, journaled whole.

    `remove` are the calls that remove it, in order. `find` gives the identifiers of what carries the mark: for a
    thing that AWS names; without it, the drill has chosen a `name` that begins with the mark's prefix. `tags` gives
    its tags (a list of Key and Value, or a mapping), `created` its creation time as `baseops.evidence.ages` reads it.
    `baseops.evidence.resources` makes them: a sweep removes what is described there, and nothing else.
    """

    kind: str
    service: str
    region: str
    remove: tuple[Call, ...]
    find: Look | None = None
    name: str = ""
    tags: Look | None = None
    created: Look | None = None


@dataclass(frozen=True)
class Mark:
    """What marks a resource as a drill's own: a tag's value, unique to the journal entry; who made it, for which name.

    `declaration` is the name of the declaration, whose drill roles may change nothing that is another's.
    """

    value: str
    creator: str
    declaration: str

    @property
    def tags(self) -> dict[str, str]:
        """The tags as a mapping (CloudWatch Logs, SQS, Lambda)."""
        return {DRILL_TAG: self.value, CREATOR_TAG: self.creator, DECLARATION_TAG: self.declaration}

    @property
    def tag_list(self) -> list[dict[str, str]]:
        """The tags as most services want them."""
        return [{"Key": key, "Value": value} for key, value in self.tags.items()]


class Journal(Protocol):
    """Writes down what is about to be created, before it is."""

    def create(self, resource: Resource, make: Callable[[Mark], str]) -> str:
        """Write the resource down, then `make` it; gives the identifier that `make` gives.

        The runner removes it after the drill, last created first. Nothing is made when it cannot be written down.
        """

    def name(self, label: str) -> str:
        """A name for a resource, which begins with the drills' prefix: `baseops-acme-drill-3f2a9c-probe`."""

    def path(self, label: str) -> str:
        """The same with slashes, for log groups and parameters: `/baseops/acme/drill/3f2a9c-probe`."""


@dataclass(frozen=True)
class DrillContext:
    """All that a drill is given. Both `clients` and `clock` end a drill whose time is over.

    `value` resolves what `refs` gives (`ctx.value(ctx.refs.topic())`) and raises `InconclusiveError` where no stack
    of ours has it. `fingerprint` is a keyed hash: the same content gives the same one, and nobody can guess at it.
    `alias` is such a name for a mail address (`address-1f2e3d4c`). `resolver` asks DNS.
    """

    clients: Clients
    clock: Clock
    resolver: Resolver
    account: str
    site: Site
    section: Any  # the area's own model, as in contract.area
    refs: Refs
    run_id: str
    journal: Journal
    steps: Steps
    budget: Budget
    random: random.Random
    value: Callable[[Source], str]
    fingerprint: Callable[[bytes], str]

    def alias(self, address: str) -> str:
        """A stable name for a mail address, which never enters evidence itself."""
        return f"address-{self.fingerprint(address.encode())[:12]}"


@dataclass(frozen=True)
class Drill:
    """One exercise of one promise.

    `name` is `area/short-name`. `targets` are known before it runs, from the declaration alone (`backups.daily`).
    `touches` says what it reads heavily, creates or disturbs, `traces` what it cannot remove, `cost_usd` what it may
    cost at most by the price table: all three are shown before it runs. `traces` of a drill that observes are reads
    in CloudTrail and need not be said.
    """

    name: str
    promise: str
    targets: tuple[str, ...]
    run: Callable[[DrillContext], Iterable[Evidence]]
    drill_class: DrillClass = "observe"
    touches: tuple[str, ...] = ()
    traces: tuple[str, ...] = ()
    cost_usd: float = 0.0
    timeout: timedelta = timedelta(minutes=30)

    @property
    def area(self) -> AreaName:
        """The area that it belongs to."""
        return self.name.partition("/")[0]  # type: ignore[return-value]  # names begin with one


@dataclass(frozen=True)
class Sabotage:
    """A deliberate break of a fork of the applied sandbox account, which `drill` must refute.

    `name` is `area/what-breaks`. `break_` uses ordinary API calls on the account's clients (and block files under
    `account.folder` where no call could do it). `passes` is how much virtual time goes by before the drill runs; a
    drill that does more than observe then waits for the declared window.
    """

    name: str
    drill: str
    story: str
    break_: Callable[[SandboxAccount], None]
    passes: timedelta = timedelta(0)
