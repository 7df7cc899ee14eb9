"""The drill of how secrets are rotated: as declared, in time, in their window, and to the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from baseops.areas.secrets import described, package
from baseops.areas.secrets.described import Described
from baseops.areas.secrets.rotation import POSTGRES_SINGLE_USER, longest_interval, schedule_expression, window_hours
from baseops.areas.secrets.rotation_function import own_functions
from baseops.areas.secrets.troubles import doubtful
from baseops.aws.cloudtrail import events
from baseops.aws.errors import translated
from baseops.contract.drill import DrillContext, Evidence, proven, refuted
from baseops.errors import BaseopsError, NotFoundError

if TYPE_CHECKING:
    from baseops.areas.secrets.spec import Entry, Rotation

PROMISE = "the secret is rotated by its function and schedule, in time and in its window alone, and always to the end"
HINDSIGHT = timedelta(days=7)
"""How far back rotations are looked for that failed, or that somebody began out of turn."""
PATIENCE = timedelta(hours=1)
"""A version may be pending this long; afterwards its rotation has stuck."""
_FAILED = ("RotationFailed", "RotationAbandoned")

# Any: CloudTrail's records.
Event = Mapping[str, Any]


def look(entries: Mapping[str, Entry], ctx: DrillContext) -> Iterator[Evidence]:
    """Evidence for each secret that is rotated; `entries` have a rotation."""
    since = ctx.clock.now() - HINDSIGHT
    region = ctx.site.region
    seen: dict[str, list[Event]] = {
        name: list(events(ctx.clients, ctx.clock, name, since, region=region)) for name in ("RotateSecret", *_FAILED)
    }
    for target, entry in entries.items():
        try:
            yield _secret(target, entry, seen, ctx)
        except BaseopsError as error:
            yield doubtful(target, error)


def _secret(target: str, entry: Entry, seen: Mapping[str, list[Event]], ctx: DrillContext) -> Evidence:
    found = described.secret(ctx.clients, entry.name, ctx.site.region)
    rotation = entry.rotation
    if found is None or rotation is None:
        return refuted(target, f"there is no secret {entry.name}")
    if not found.get("RotationEnabled"):
        return refuted(target, "its rotation is switched off")
    problems = [
        *_function(entry, rotation, str(found.get("RotationLambdaARN", "")), ctx),
        *_schedule(rotation, found.get("RotationRules") or {}),
        *_pending(entry, found, ctx),
        *_in_time(rotation, found, ctx.clock.now()),
        *_out_of_turn(found, seen["RotateSecret"]),
        *_failures(found, [event for name in _FAILED for event in seen[name]]),
    ]
    last = found.get("LastRotatedDate")
    measures = {} if last is None else {"since_rotation_seconds": (ctx.clock.now() - last).total_seconds()}
    if problems:
        return refuted(target, "; ".join(problems), measures=measures)
    return proven(target, _next(found), measures=measures)


def _next(found: Described) -> str:
    last, due = found.get("LastRotatedDate"), found.get("NextRotationDate")
    said = f"last rotated {last:%Y-%m-%d %H:%M} UTC" if last else "not rotated yet"
    return f"{said}, next by {due:%Y-%m-%d %H:%M} UTC" if due else said


def _function(entry: Entry, rotation: Rotation, live: str, ctx: DrillContext) -> Iterator[str]:
    if rotation.function != POSTGRES_SINGLE_USER:
        if live != rotation.function:
            yield f"it is rotated by {live or 'no function'}, and not by {rotation.function}"
        return
    # The configuration of others may hold what is not to be known: it is not read.
    if entry.managed and not live.rpartition(":function:")[2].startswith(own_functions(ctx.site)):
        yield f"it is rotated by {live or 'no function'}, which is no function of the stack"
        return
    try:
        with translated(f"cannot read the function {live}"):
            configuration = ctx.clients.client("lambda", ctx.site.region).get_function_configuration(FunctionName=live)
    except NotFoundError:
        yield f"its function {live} does not exist"
        return
    if configuration.get("Handler") != package.HANDLER:
        yield f"it is rotated by {live}, which is not the function {POSTGRES_SINGLE_USER}"


def _schedule(rotation: Rotation, rules: Mapping[str, Any]) -> Iterator[str]:
    days = rules.get("AutomaticallyAfterDays")
    live = rules.get("ScheduleExpression") or (f"rate({days} {'day' if days == 1 else 'days'})" if days else "never")
    if live != schedule_expression(rotation):
        yield f"its schedule is {live}, and declared as {schedule_expression(rotation)}"
    if rules.get("Duration") != window_hours(rotation):
        yield f"its window is {rules.get('Duration', 'not set')}, and declared as {window_hours(rotation) or 'not set'}"


def _pending(entry: Entry, found: Described, ctx: DrillContext) -> Iterator[str]:
    pending = described.labelled(found, "AWSPENDING")
    if not pending or pending == described.labelled(found, "AWSCURRENT"):
        return
    made = described.created(ctx.clients, entry.name, pending, ctx.site.region)
    if made is None or ctx.clock.now() - made > PATIENCE:
        when = f" since {made:%Y-%m-%d %H:%M} UTC" if made else ""
        yield f"a rotation has stuck: a version is pending{when} and has not become the current one"


def _in_time(rotation: Rotation, found: Described, now: datetime) -> Iterator[str]:
    """What Secrets Manager itself calls due, and what the schedule says of the time since the last one."""
    due, interval = found.get("NextRotationDate"), longest_interval(rotation)
    since = found.get("LastRotatedDate") or found.get("CreatedDate")
    # The day of the last rotation and the window of the next one are no delay.
    grace = timedelta(days=1) + (rotation.window or timedelta(days=1))
    if due and now > due + PATIENCE:
        yield f"it was to be rotated by {due:%Y-%m-%d %H:%M} UTC"
    elif interval and since and now > since + interval + grace:
        yield f"it has not been rotated since {since:%Y-%m-%d %H:%M} UTC"


def _out_of_turn(found: Described, seen: list[Event]) -> Iterator[str]:
    """RotateSecret rotates at once unless it is told not to; the schedule's own rotations are no such calls."""
    for event in seen:
        asked = event.get("requestParameters") or {}
        if event.get("errorCode") or not _is_of(found, str(asked.get("secretId", ""))):
            continue
        if asked.get("rotateImmediately") is not False:
            yield f"somebody had it rotated at once, outside its window, at {event['eventTime']}"


def _failures(found: Described, seen: list[Event]) -> Iterator[str]:
    last = found.get("LastRotatedDate")
    for event in seen:
        details = event.get("additionalEventData") or {}
        when = datetime.fromisoformat(str(event["eventTime"]))
        if _is_of(found, str(details.get("SecretId", ""))) and (last is None or when > last):
            yield f"{event['eventName']} at {event['eventTime']}, and no rotation since"


def _is_of(found: Described, named: str) -> bool:
    """Whether a name or ARN, whole or without its last seven characters, is this secret's."""
    return named in (found["Name"], found["ARN"], str(found["ARN"])[:-7])
