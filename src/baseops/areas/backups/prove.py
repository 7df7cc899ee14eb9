"""The drills of backups: what each promises, of which targets, and which noun beside this module knows how."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
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
    targets = _those(entries, lambda each: bool(each.target and each.promise.rpo))
    managed = _those(entries, lambda each: each.managed)
    making = _those(managed, lambda each: bool(each.target and each.enabled and each.plans))
    copied = tuple(f"{name}/{region}" for name, entry in entries.items() for region in regions_of(entry))
    found = [
        _observe(
            "coverage",
            "the newest completed snapshot of every selected volume is as young as promised",
            targets,
            prove_coverage,
        ),
        _observe(
            "copies",
            "every selected volume has a copy in each region that is as young as promised, under that region's key",
            entries,
            prove_copies,
            copied,
        ),
        _observe(
            "retention",
            "snapshots and copies are kept neither longer nor shorter than declared",
            making,
            prove_retention,
        ),
        _observe(
            "policy",
            "the live policy is the declared one, in its state, and its role may do what it asks",
            managed,
            prove_policies,
        ),
        _observe("sharing", "snapshots can be used by the declared accounts and nobody else", making, prove_sharing),
        _observe(
            "strays",
            "no volume is left out because its tag is spelt almost as the one that selects",
            _those(targets, lambda each: bool(each.target and each.target.resource == "volume")),
            prove_no_strays,
        ),
    ]
    if reading := _those(entries, lambda each: bool(each.read)):
        found.append(
            Drill(
                name="backups/read-back",
                promise="declared files can be read whole out of the newest snapshots, and are what was declared",
                targets=tuple(reading),
                touches=("up to five volumes' newest snapshots for each declared file, by the EBS direct APIs",),
                cost_usd=MOST_USD,
                run=partial(prove_reads, reading),
            )
        )
        restored = _those(reading, lambda each: each.target is not None)
        found.append(_restore(restored))
    if claimed(section.account):
        found.append(
            Drill(
                name="backups/claims",
                promise="public sharing is blocked and deleted snapshots are kept as declared for the account",
                targets=claimed(section.account),
                run=partial(prove_claims, section.account),
            )
        )
    return [each for each in found if each.targets]


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
