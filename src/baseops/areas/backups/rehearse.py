"""What can be known of backups without AWS: how many snapshots there will be, what costs more, what stays longer.

Dates are samples: the forecast looks at a policy that has run so long that nothing grows any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from baseops.areas.backups.costs import fast_restore_usd
from baseops.areas.backups.forecasts import Standing, full
from baseops.areas.backups.wording import Findings, Path, finding, spoken
from baseops.contract.finding import Finding, Severity
from baseops.contract.refs import Refs

if TYPE_CHECKING:
    from baseops.areas.backups.spec.section import Entry, Section

HOURS_A_MONTH = 730


def judge(section: Section, refs: Refs) -> list[Finding]:  # noqa: ARG001  # the protocol's signature
    """Notes on what the schedules come to; rules that stop are `check`'s."""
    found: list[Finding] = []
    for name, entry in section.managed.items():
        path: Path = ("backups", name)
        if entry.target is not None:
            found += _count(path, name, entry)
            found += _fast_restore(path, entry)
    return [*found, *_recycled(section)]


def _count(path: Path, name: str, entry: Entry) -> Findings:
    try:
        standing = full(name, entry)
    except ValueError:
        return
    yield finding(
        Severity.NOTE,
        "forecast",
        path,
        f"each volume comes to {_said(standing)} after {spoken(standing.after)}",
        "",
    )


def _said(standing: Standing) -> str:
    parts = [_plural(standing.snapshots, "snapshot")]
    if standing.archived:
        parts.append(f"{standing.archived} in the archive")
    parts += [f"{_plural(count, 'copy')} in {region}" for region, count in standing.copies.items()]
    return ", ".join(parts)


def _plural(count: int, noun: str) -> str:
    many = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{count} {noun if count == 1 else many}"


def _fast_restore(path: Path, entry: Entry) -> Findings:
    for plan_name, plan in entry.plans.items():
        if plan.fast_restore:
            usd = fast_restore_usd(plan.fast_restore, plan)
            yield finding(
                Severity.NOTE,
                "fast-restore-cost",
                (*path, "schedules", plan_name, "fast_restore") if plan_name else (*path, "fast_restore"),
                f"fast restore costs about {usd:.2f} US dollars an hour, {usd * HOURS_A_MONTH:,.0f} a month, for each "
                "volume that is selected",
                "",
            )


def _recycled(section: Section) -> Findings:
    kept = section.account.recycle_bin.snapshots
    if kept is None or not section.managed:
        return
    yield finding(
        Severity.NOTE,
        "recycled",
        ("account", "backups", "recycle_bin", "snapshots"),
        f"snapshots that DLM deletes stay in the Recycle Bin for {spoken(kept.retain)} more, and are paid for",
        "Write `exclude_tags` for backups whose snapshots need no second chance",
    )
