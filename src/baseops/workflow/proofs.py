"""When each promise was last proven, from the newest records by path. Reads the evidence alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from baseops.aws.identity import require_listed
from baseops.contract.clients import Clients
from baseops.contract.lock import Lock
from baseops.declaration import Declaration
from baseops.evidence.history import newest_records
from baseops.evidence.records import Record, parse_timestamp
from baseops.evidence.store import Store
from baseops.workflow.prove import Order, evidence_store, wanted_drills


@dataclass(frozen=True)
class Proof:
    """What a drill found last: the worst verdict over its targets, and how old that is."""

    drill: str
    promise: str
    verdict: str
    targets: int
    age: timedelta | None
    reason: str = ""


def proofs(declaration: Declaration, lock: Lock, clients: Clients, now: datetime, order: Order) -> list[Proof]:
    """One for every drill of the declaration, of whatever class; its verdict is `never` where it has not run."""
    account = require_listed(clients, declaration.site)
    store = evidence_store(declaration, clients, order)
    known = {each.drill: each for each in last_proofs(store, account, declaration.site.region, now)}
    wanted = wanted_drills(declaration, lock, replace(order, classes=("exercise", "disturb")))
    return [
        known.get(drill.name, Proof(drill.name, drill.promise, "never", len(drill.targets), None))
        for drill, _ in wanted
    ]


def last_proofs(store: Store, account: str, region: str, now: datetime) -> list[Proof]:
    """One for each drill that has ever run, by its name."""
    return list(_proofs(newest_records(store, account, region), now))


def _proofs(newest: dict[str, list[Record]], now: datetime) -> Iterator[Proof]:
    weights = {"proven": 0, "inconclusive": 1, "refuted": 2}
    for drill, records in newest.items():
        if records:
            worst = max(records, key=lambda each: weights[each["verdict"]])
            age = now - min(parse_timestamp(each["ended"]) for each in records)
            yield Proof(drill, worst["promise"], worst["verdict"], len(records), age, worst["reason"])
