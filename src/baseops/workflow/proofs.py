"""When each promise was last proven, from the newest records by path. Reads the evidence alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from baseops.evidence.history import newest_records
from baseops.evidence.records import Record, parse_timestamp
from baseops.evidence.store import Store


@dataclass(frozen=True)
class Proof:
    """What a drill found last: the worst verdict over its targets, and how old that is."""

    drill: str
    promise: str
    verdict: str
    targets: int
    age: timedelta
    reason: str = ""


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
