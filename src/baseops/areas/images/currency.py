"""The drill that finds who runs, or would start, an image that is too far behind, or none of ours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from baseops.areas.images import sources
from baseops.areas.images.exemptions import exemption_of, has_expired
from baseops.areas.images.shown import listed, shown
from baseops.areas.images.users import User, Users
from baseops.areas.images.versions import Versions
from baseops.areas.images.wording import plural
from baseops.contract.drill import DrillContext, Evidence, inconclusive, proven, refuted

if TYPE_CHECKING:
    from baseops.areas.images.spec import Entry, Exemption, Section, UsedBy

MOST = 50
"""So many are named one by one."""


@dataclass
class Found:
    """What came of the users of one image, over its regions."""

    counts: dict[str, int] = field(default_factory=dict)
    exempt: list[str] = field(default_factory=list)
    faults: list[tuple[str, str]] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    most_behind: int = 0


def used_by(section: Section, ctx: DrillContext) -> Iterator[Evidence]:
    """Evidence for every image that says who uses it."""
    looking: dict[str, Users] = {}
    for name, entry in section.entries.items():
        if entry.used_by is None:
            continue
        found = Found()
        for region in entry.regions or (ctx.site.region,):
            users = looking.setdefault(region, Users(ctx.clients, region)).selected(entry.used_by.tags)
            ctx.steps.add(f"{name} has {plural(len(users), 'user')} in {region}")
            _judge(found, users, name, entry, region, ctx)
        yield from _evidence(f"images.{name}", found)


def _judge(found: Found, users: list[User], name: str, entry: Entry, region: str, ctx: DrillContext) -> None:
    if not users or entry.used_by is None:
        return
    versions = _versions(ctx, name, entry, region)
    if not versions.image_ids:
        found.unknown.append(f"{plural(len(users), 'user')} in {region}, which has no AMI of this image")
        return
    for user in users:
        found.counts[user.kind] = found.counts.get(user.kind, 0) + 1
        excused, said = _excuse(exemption_of(user, entry.exempt), ctx.clock.now().date())
        if excused:
            found.exempt.append(f"{shown(user.name)} ({said})")
        elif fault := _fault(user, versions, entry.used_by, found):
            found.faults.append((f"{region}/{shown(user.name)}", f"{fault}{said and f'; {said}'}"))


def _fault(user: User, versions: Versions, wanted: UsedBy, found: Found) -> str:
    verb = "runs" if user.kind == "instance" else "starts"
    behind = versions.behind(user.image_id)
    if behind is None:
        return f"the {user.kind} {verb} {user.image_id}, which is no AMI of this image"
    found.most_behind = max(found.most_behind, behind)
    if behind <= wanted.versions_behind:
        return ""
    allowed = wanted.versions_behind
    return f"the {user.kind} {verb} {user.image_id}, {plural(behind, 'version')} behind; {allowed} are allowed"


def _excuse(exemption: Exemption | None, today: date) -> tuple[bool, str]:
    if exemption is None:
        return False, ""
    if has_expired(exemption, today):
        return False, f"its exemption ended on {exemption.expires} ({exemption.reason})"
    return True, f"until {exemption.expires}: {exemption.reason}"


def _versions(ctx: DrillContext, name: str, entry: Entry, region: str) -> Versions:
    """Ours by their tags and build dates; those of others by what their parameter named, one after the other."""
    if not entry.managed:
        return Versions.of(sources.parameter_history(ctx.clients, region, str(entry.publish)))
    found = sources.own_amis(ctx.clients, region, ctx.site.name, name)
    return Versions.of([str(each["ImageId"]) for each in found if each["State"] in ("available", "disabled")])


def _evidence(target: str, found: Found) -> Iterator[Evidence]:
    for place, fault in found.faults[:MOST]:
        yield refuted(f"{target}/{place}", fault)
    if len(found.faults) > MOST:
        yield refuted(target, f"{len(found.faults)} users are not up to date; the first {MOST} are named")
    if found.unknown:
        yield inconclusive(target, "; ".join(found.unknown))
    if found.faults or found.unknown:
        return
    if not found.counts:
        yield inconclusive(target, "its tags select no instance, launch template or Auto Scaling group")
        return
    exempt = f"; exempt: {listed(found.exempt)}" if found.exempt else ""
    judged = ", ".join(plural(count, kind) for kind, count in found.counts.items())
    measures = {f"{kind.lower().replace(' ', '_')}s": count for kind, count in found.counts.items()}
    yield proven(
        target,
        f"{judged}: none is more than {plural(found.most_behind, 'version')} behind{exempt}",
        measures={**measures, "exempt": len(found.exempt), "most_versions_behind": found.most_behind},
    )
