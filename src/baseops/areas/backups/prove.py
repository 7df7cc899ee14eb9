"""The drills of backups: what each promises, of which targets, and which noun beside this module knows how."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from baseops.areas.backups.claims import claimed, prove_claims
from baseops.areas.backups.copied import prove_copies, regions_of
from baseops.areas.backups.coverage import prove_coverage
from baseops.areas.backups.live_policy import prove_policies
from baseops.areas.backups.readback import MOST_USD, prove_reads
from baseops.areas.backups.restoring import MOST_USD as RESTORE_USD
from baseops.areas.backups.restoring import prove_restores
from baseops.areas.backups.retention import prove_retention
from baseops.areas.backups.sharing import prove_sharing
from baseops.areas.backups.strays import prove_no_strays
from baseops.contract.drill import Drill, DrillContext, Evidence
from baseops.contract.refs import Refs

if TYPE_CHECKING:
    from baseops.areas.backups.spec.section import Entry, Section

Entries = Mapping[str, "Entry"]


def drills(section: Section, refs: Refs) -> Sequence[Drill]:  # noqa: ARG001  # the protocol's signature
    """The drills of the declared entries, and of what is claimed for the account."""
    entries = {f"backups.{name}": entry for name, entry in section.entries.items()}
    reading = _those(entries, lambda each: bool(each.read))
    claims = Drill(
        name="backups/claims",
        promise="public sharing is blocked and deleted snapshots are kept as declared for the account",
        targets=claimed(section.account),
        run=partial(prove_claims, section.account),
    )
    restored = _those(reading, lambda each: each.target is not None)
    found = (*_observing(entries), _read_back(reading), _restore(restored), claims)
    return [each for each in found if each.targets]


def _observing(entries: Entries) -> Iterator[Drill]:
    """What EC2 and DLM say of snapshots and policies."""
    targets = _those(entries, lambda each: bool(each.target and each.promise.rpo))
    managed = _those(entries, lambda each: each.managed)
    making = _those(managed, lambda each: bool(each.target and each.enabled and each.plans))
    copied = tuple(f"{name}/{region}" for name, entry in entries.items() for region in regions_of(entry))
    promise = "the newest completed snapshot of every selected volume is as young as promised"
    yield _observe("coverage", promise, targets, prove_coverage)
    promise = "every selected volume has a copy in each region that is as young as promised, under that region's key"
    yield _observe("copies", promise, entries, prove_copies, copied)
    promise = "snapshots and copies are kept neither longer nor shorter than declared"
    yield _observe("retention", promise, making, prove_retention)
    promise = "the live policy is the declared one, in its state, and its role may do what it asks"
    yield _observe("policy", promise, managed, prove_policies)
    promise = "snapshots can be used by the declared accounts and nobody else"
    yield _observe("sharing", promise, making, prove_sharing)
    promise = "no volume is left out because its tag is spelt almost as the one that selects"
    volumes = _those(targets, lambda each: bool(each.target and each.target.resource == "volume"))
    yield _observe("strays", promise, volumes, prove_no_strays)


def _read_back(entries: Entries) -> Drill:
    return Drill(
        name="backups/read-back",
        promise="declared files can be read whole out of the newest snapshots, and are what was declared",
        targets=tuple(entries),
        touches=("up to five volumes' newest snapshots for each declared file, by the EBS direct APIs",),
        cost_usd=MOST_USD,
        run=partial(prove_reads, entries),
    )


def _restore(entries: Entries) -> Drill:
    return Drill(
        name="backups/restore",
        drill_class="exercise",
        promise="a volume made from the newest snapshot can be mounted, and declared files be read from it",
        targets=tuple(entries),
        touches=(
            "one instance in the drill subnet, its security group, and up to two volumes for each backup, removed",
        ),
        traces=("their creation and removal, and Run Command, in CloudTrail",),
        cost_usd=RESTORE_USD,
        run=partial(prove_restores, entries),
    )


def _those(entries: Entries, wanted: Callable[[Entry], bool]) -> dict[str, Entry]:
    return {name: entry for name, entry in entries.items() if wanted(entry)}


def _observe(
    name: str,
    promise: str,
    entries: Entries,
    run: Callable[[Entries, DrillContext], Iterable[Evidence]],
    targets: tuple[str, ...] | None = None,
) -> Drill:
    meant = tuple(entries) if targets is None else targets
    return Drill(name=f"backups/{name}", promise=promise, targets=meant, run=partial(run, entries))
