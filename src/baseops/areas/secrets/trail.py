"""The drill of the audit trail: the drill's own reads are found in CloudTrail, and a trail of all regions keeps them.

LookupEvents answers where there is no trail at all, for 90 days; so the trail is a promise of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from baseops.areas.secrets.troubles import doubtful
from baseops.aws import cloudtrail
from baseops.aws.cloudtrail import Trail
from baseops.aws.errors import translated
from baseops.contract.clients import Clients
from baseops.contract.clock import Clock
from baseops.contract.drill import DrillContext, Evidence, Verdict, inconclusive, proven, refuted
from baseops.errors import BaseopsError, NotFoundError

if TYPE_CHECKING:
    from baseops.areas.secrets.spec import Entry

PROMISE = "who looks at a secret is found in CloudTrail, and a validated trail of all regions keeps what is found there"
TRAIL = "secrets/trail"
"""The target of what belongs to no entry."""
LOOK_AGAIN = 60.0
AROUND = timedelta(minutes=1)
"""How far an event's time may be from ours; the narrower, the fewer pages of other people's events."""
STALE = timedelta(hours=2)
"""Delivery takes some minutes, and the drill's own reads are something to deliver."""

# Any: selectors are JSON of CloudTrail's own shape.
Selectors = Mapping[str, Any]


@dataclass(frozen=True)
class _Look:
    """A read that the drill made: of what, as which event, and the request's id."""

    target: str
    event: str
    request: str
    at: datetime


def look(entries: Mapping[str, Entry], ctx: DrillContext) -> Iterator[Evidence]:
    """Evidence for each entry, then for the trail."""
    looks: list[_Look] = []
    for target, entry in entries.items():
        try:
            looks.append(_look_at(target, entry, ctx))
        except NotFoundError:
            yield inconclusive(target, f"{entry.name} has no value yet: put it first")
        except BaseopsError as error:
            yield doubtful(target, error)
    yield from _found(looks, ctx)
    try:
        yield _trail(ctx)
    except BaseopsError as error:
        yield doubtful(TRAIL, error)


def _look_at(target: str, entry: Entry, ctx: DrillContext) -> _Look:
    """Look at what surrounds the value: an event that names it, as a read of the value would be."""
    region, at = ctx.site.region, ctx.clock.now()
    with translated(f"cannot look at {entry.name}"):
        if entry.secret:
            answer = ctx.clients.client("secretsmanager", region).describe_secret(SecretId=entry.name)
        else:
            ssm = ctx.clients.client("ssm", region)
            answer = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=entry.name)
    name = "DescribeSecret" if entry.secret else "ListTagsForResource"
    return _Look(target, name, str(answer["ResponseMetadata"]["RequestId"]), at)


def _found(looks: Sequence[_Look], ctx: DrillContext) -> Iterator[Evidence]:
    """Look once a minute until all are found, or until none will come any more."""
    missing, begun = list(looks), ctx.clock.now()
    while missing and ctx.clock.now() - begun < cloudtrail.LAG:
        ctx.clock.sleep(LOOK_AGAIN)
        try:
            seen = {name: set(_requests(name, missing, ctx)) for name in sorted({each.event for each in missing})}
        except BaseopsError as error:
            yield from (doubtful(each.target, error) for each in missing)
            return
        for each in [one for one in missing if one.request in seen[one.event]]:
            missing.remove(each)
            seconds = (ctx.clock.now() - each.at).total_seconds()
            ctx.steps.add(f"the read of {each.target} is in CloudTrail")
            yield proven(each.target, f"{each.event} is in CloudTrail", measures={"lag_seconds": seconds})
    for each in missing:
        minutes = cloudtrail.LAG.total_seconds() / 60
        yield inconclusive(each.target, f"{each.event} did not appear in CloudTrail within {minutes:.0f} minutes")


def _requests(name: str, looks: Sequence[_Look], ctx: DrillContext) -> Iterator[str]:
    times = [each.at for each in looks if each.event == name]
    since, until = min(times) - AROUND, max(times) + AROUND
    for event in cloudtrail.events(ctx.clients, ctx.clock, name, since, until, region=ctx.site.region):
        yield str(event.get("requestID", ""))


def _trail(ctx: DrillContext) -> Evidence:
    covering = covering_trails(ctx.clients, ctx.site.region, ctx.clock)
    if not covering:
        return refuted(TRAIL, "there is no trail of all regions: what happens is known for 90 days only")
    found = [_judged(each, ctx) for each in covering]
    # One good trail is enough; where one cannot be read to the end, it may be the good one.
    return next(
        (one for verdict in (Verdict.PROVEN, Verdict.INCONCLUSIVE) for one in found if one.verdict is verdict),
        refuted(TRAIL, "; ".join(one.reason for one in found)),
    )


def covering_trails(clients: Clients, region: str, clock: Clock) -> list[Trail]:
    """The trails of all regions; in a quiet account there was nothing to deliver before the drill's own reads."""
    until = clock.now() + cloudtrail.LAG
    while True:
        found = [each for each in cloudtrail.trails(clients, region) if each.is_multi_region]
        now = clock.now()
        if now >= until or not any(_is_silent(each, now) for each in found):
            return found
        clock.sleep(LOOK_AGAIN)


def _is_silent(trail: Trail, now: datetime) -> bool:
    """Whether it logs, and has delivered nothing for long."""
    return trail.is_logging and (trail.delivered is None or now - trail.delivered > STALE)


def _judged(trail: Trail, ctx: DrillContext) -> Evidence:
    problems = list(_state(trail, ctx.clock.now()))
    try:
        is_whole = keeps_reads(cloudtrail.selectors(ctx.clients, trail))
    except BaseopsError as error:
        # What an organisation's trail keeps is often not for its members to see.
        is_whole = True
        if not problems:
            return doubtful(TRAIL, error)
    if not is_whole:
        problems.append("it does not keep all management events, so reads of secrets are missing")
    if problems:
        return refuted(TRAIL, f"{trail.name}: {', '.join(problems)}")
    whose = ", by the organisation" if trail.is_of_organisation else ""
    return proven(TRAIL, f"{trail.name} logs all regions, validated{whose}")


def _state(trail: Trail, now: datetime) -> Iterator[str]:
    if not trail.is_logging:
        yield "it does not log"
    if not trail.is_validated:
        yield "its files are not validated, so nobody would see a change in them"
    if trail.delivery_error or trail.digest_error:
        yield f"its last delivery failed ({trail.delivery_error or trail.digest_error})"
    elif _is_silent(trail, now):
        when = f"since {trail.delivered:%Y-%m-%d %H:%M} UTC" if trail.delivered else "yet"
        yield f"it has delivered nothing {when}"


def keeps_reads(selectors: Selectors) -> bool:
    """Whether reads of secrets and parameters are kept: management events, reads among them, of every source.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-management-events-with-cloudtrail.html
    """
    basic = selectors.get("EventSelectors") or []
    if any(each.get("IncludeManagementEvents") and each.get("ReadWriteType") in ("All", "ReadOnly") for each in basic):
        return True
    return any(_is_whole(each.get("FieldSelectors", [])) for each in selectors.get("AdvancedEventSelectors") or [])


def _is_whole(fields: Sequence[Mapping[str, Any]]) -> bool:
    by_name = {each["Field"]: each for each in fields}
    if by_name.get("eventCategory", {}).get("Equals") != ["Management"]:
        return False
    if by_name.get("readOnly", {}).get("Equals", ["true"]) != ["true"]:
        return False
    without = by_name.get("eventSource", {}).get("NotEquals", [])
    known = {"eventCategory", "readOnly", "eventSource"}
    return by_name.keys() <= known and not {"secretsmanager.amazonaws.com", "ssm.amazonaws.com"} & set(without)
