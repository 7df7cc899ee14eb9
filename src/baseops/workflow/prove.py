"""Runs the drills of a declaration against an account and keeps the evidence. Needs no stack of ours.

Bare, it only reads: drills that exercise or disturb are named by their class, and allowed by the declaration.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path

from baseops.aws.errors import translated
from baseops.aws.identity import require_listed, require_right_clock
from baseops.aws.resolver import DnsResolver
from baseops.cloudformation.stacks import find_stacks
from baseops.contract.clients import Clients
from baseops.contract.clock import Clock
from baseops.contract.drill import Drill
from baseops.contract.lock import Lock
from baseops.contract.refs import Refs
from baseops.contract.resolver import Resolver
from baseops.contract.site import Site
from baseops.contract.template import Output, Source
from baseops.contract.types import DrillClass
from baseops.declaration import Declaration
from baseops.errors import InconclusiveError, UsageError, VerdictError
from baseops.evidence.admission import require_admitted
from baseops.evidence.records import Record
from baseops.evidence.redaction import unfit
from baseops.evidence.runner import Job, Run, Setup, Teller, run_drills
from baseops.evidence.signing import Fingerprints, KmsKeys, LocalKeys, find_keys
from baseops.evidence.store import FolderStore, Store, open_store
from baseops.evidence.sweep import Sweeper, Swept
from baseops.registry import AREAS
from baseops.workflow.compile import sections
from baseops.workflow.inputs import Outputs

ClientsOf = Callable[[DrillClass], Clients]


def state_folder() -> Path:
    """Where this machine keeps its keys and journals.

    https://specifications.freedesktop.org/basedir-spec/latest/
    """
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "baseops"


@dataclass(frozen=True)
class Order:
    """What is asked for. `areas` and `names` are all where empty; `classes` are those beside observe.

    `evidence` is a folder or `s3://…`; the foundation's bucket where it is empty and there is one, else a folder
    beside the declaration. `state` holds local keys and journals, outside the evidence.
    """

    areas: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    classes: tuple[DrillClass, ...] = ()
    max_cost_usd: float | None = None
    every: timedelta | None = None
    evidence: str = ""
    state: Path = field(default_factory=state_folder)


@dataclass(frozen=True)
class Means:
    """What a run works with where it is not the caller's own.

    `clients_of` gives the credentials that drills of a class use; `resolver` answers for DNS; `random` chooses samples
    and names.
    """

    clients_of: ClientsOf | None = None
    resolver: Resolver = field(default_factory=DnsResolver)
    random: random.Random = field(default_factory=random.SystemRandom)


def wanted_drills(declaration: Declaration, lock: Lock, order: Order) -> list[tuple[Drill, object]]:
    """The drills that the order means, each with its area's section; raises `UsageError` for names unknown."""
    refs = Refs(declaration.site, lock)
    known = [
        (drill, section)
        for area, section in sections(declaration)
        if not order.areas or area.name in order.areas
        for drill in area.prove.drills(section, refs)
    ]
    missing = [name for name in order.names if name not in {drill.name for drill, _ in known}]
    if missing:
        listed = ", ".join(drill.name for drill, _ in known) or "none"
        raise UsageError(f"there is no drill {missing[0]}", f"the declaration has {listed}", "Name one of them.")
    classes = {"observe", *order.classes}
    chosen = [each for each in known if not order.names or each[0].name in order.names]
    unasked = [drill for drill, _ in chosen if order.names and drill.drill_class not in classes]
    if unasked:
        raise UsageError(
            f"the drill {unasked[0].name} does more than read",
            f"its class is {unasked[0].drill_class}",
            f"Add --class {unasked[0].drill_class}.",
        )
    return [each for each in chosen if each[0].drill_class in classes]


def prove(
    declaration: Declaration,
    lock: Lock,
    clients: Clients,
    clock: Clock,
    order: Order | None = None,
    *,
    means: Means | None = None,
    teller: Teller = lambda _drill, _records: None,
) -> Run:
    """Run the drills; the head of the returned run counts the verdicts.

    Refuses (and runs nothing) in an account not listed or whose clock is not this machine's, while a stack of the
    declaration is changing, in a freeze, outside the window.
    """
    order, means = order or Order(), means or Means()
    site = declaration.site
    account = require_listed(clients, site)
    require_right_clock(clients, clock)
    chosen = wanted_drills(declaration, lock, order)
    require_admitted([drill for drill, _ in chosen], site.drills, clock.now())
    _require_settled(clients, site)
    keys = find_keys(clients, site.region, site.prefix, order.state)
    setup = Setup(
        clients_of=means.clients_of or (lambda _: clients),
        clock=clock,
        resolver=means.resolver,
        account=account,
        creator=_creator(clients, keys),
        site=site,
        store=evidence_store(declaration, clients, order),
        signer=keys,
        fingerprints=keys,
        state=order.state,
        every=order.every,
        max_cost_usd=site.drills.max_cost_usd if order.max_cost_usd is None else order.max_cost_usd,
        random=means.random,
        teller=teller,
    )
    return run_drills(setup, list(_jobs(chosen, site, lock, clients)))


def sweep(
    declaration: Declaration,
    clients: Clients,
    clock: Clock,
    order: Order | None = None,
    *,
    dry_run: bool = False,
    clients_of: ClientsOf | None = None,
) -> list[Swept]:
    """Remove what crashed runs left; what does not agree with the journal is reported.

    `clients_of` gives the clients that remove what drills of a class made.
    """
    order = order or Order()
    site = declaration.site
    account = require_listed(clients, site)
    store = evidence_store(declaration, clients, order)
    return Sweeper(clients, clock, account, site, store, order.state, dry_run, clients_of).sweep()


def evidence_store(declaration: Declaration, clients: Clients, order: Order) -> Store:
    """Where the evidence lies: as asked, or in the foundation's bucket, or beside the declaration."""
    site = declaration.site
    url = order.evidence
    if not url:
        bucket = Outputs(clients, site).find(Output("foundation", site.region, "EvidenceBucketName"))
        url = f"s3://{bucket}" if bucket else str(declaration.path.parent / "baseops-evidence")
    store = open_store(url, clients, site.region)
    if isinstance(store, FolderStore) and order.state.resolve().is_relative_to(store.folder.resolve()):
        raise UsageError(
            f"evidence cannot lie in {url}",
            f"the keys that seal it lie below, in {order.state}",
            "Name another folder with --evidence.",
        )
    return store


def trusted_keys(
    declaration: Declaration, clients: Clients, order: Order, former: Sequence[str] = ()
) -> list[KmsKeys | LocalKeys]:
    """The keys whose signatures are trusted: those that seal evidence here, and `former` ones that somebody names.

    Each of these is the ARN of a KMS key that has been replaced, or `local` for what this machine once sealed.
    """
    site = declaration.site
    found: list[KmsKeys | LocalKeys] = [find_keys(clients, site.region, site.prefix, order.state)]
    for each in former:
        parts = each.split(":")
        if each == "local":
            found.append(LocalKeys(order.state))
        elif len(parts) == 6 and parts[2] == "kms" and parts[5].startswith("key/"):
            found.append(KmsKeys(clients, parts[3], each, ""))
        else:
            raise UsageError(
                f"{each} is no key that sealed evidence", "it is no ARN of a KMS key", "Write it, or local."
            )
    return found


def _jobs(chosen: Sequence[tuple[Drill, object]], site: Site, lock: Lock, clients: Clients) -> Iterator[Job]:
    refs, outputs = Refs(site, lock), Outputs(clients, site)
    for drill, section in chosen:
        yield Job(drill, section, refs, partial(_value, outputs))


def _value(outputs: Outputs, source: Source) -> str:
    if isinstance(source, str):
        return source
    value = outputs.find(source)
    if value is None:
        raise InconclusiveError(
            f"there is no {source.name}", f"no stack {source.stack} in {source.region} has it", "Run: baseops apply"
        )
    return value


def _require_settled(clients: Clients, site: Site) -> None:
    """Raise `InconclusiveError` while a stack of the declaration changes, in any region that drills look at.

    Found by tag or name: what `compile` writes may be applied by other means, which give no tag. The stacks of others
    are no reason to wait, though they hold what is `managed: false`: in a busy account one always changes.
    """
    names = [f"{site.prefix}-{each}" for each in ("artifacts", "foundation", "region", *(area.name for area in AREAS))]
    for region in (site.region, *site.regions):
        found = find_stacks(clients, site.name, region, names)
        changing = [each for each in found if each.status.endswith("_IN_PROGRESS")]
        # A stack in review holds nothing and changes nothing.
        changing = [each for each in changing if each.status != "REVIEW_IN_PROGRESS"]
        if changing:
            raise InconclusiveError(
                f"no drill runs while {changing[0].name} changes",
                f"its status in {region} is {changing[0].status}",
                "Wait until it has ended: baseops status",
            )


def _creator(clients: Clients, keys: Fingerprints) -> str:
    """The role or user that runs the drills, without a session's name: that may be somebody's address."""
    with translated("cannot find out who is calling"):
        arn = str(clients.client("sts").get_caller_identity()["Arn"])
    parts = arn.partition(":assumed-role/")
    name = parts[2].split("/")[0] if parts[1] else arn.rpartition("/")[2] or arn.rpartition(":")[2]
    return f"caller-{keys.fingerprint(name.encode())[:12]}" if unfit(name) else name


def exit_code(records: Sequence[Record], *, strict: bool = False) -> int:
    """3 when a promise is refuted, 5 when something could not be found out, else 0.

    What this machine could not exercise counts when `strict`: another one may.
    """
    verdicts = {each["verdict"] for each in records if strict or not each["not_exercised"]}
    if any(each["verdict"] == "refuted" for each in records):
        return VerdictError.exit_code
    if "inconclusive" in verdicts or (strict and not_exercised(records)):
        return InconclusiveError.exit_code
    return 0


def not_exercised(records: Sequence[Record]) -> list[str]:
    """What the machine that ran the drills could not do, each once."""
    return list(dict.fromkeys(f"{each['drill']}: {text}" for each in records for text in each["not_exercised"]))
