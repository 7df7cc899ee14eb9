"""The drill of how values are kept: there, under the declared key, young enough, in every declared region."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from baseops.areas.secrets import described
from baseops.areas.secrets.described import Described
from baseops.areas.secrets.settings import key_id
from baseops.areas.secrets.troubles import doubtful
from baseops.contract.drill import DrillContext, Evidence, inconclusive, proven, refuted
from baseops.errors import BaseopsError
from baseops.fields import print_duration

if TYPE_CHECKING:
    from baseops.areas.secrets.spec import Entry

PROMISE = "the value is there, not about to be deleted, under its declared key, young enough, and copied as declared"


def look(entries: Mapping[str, Entry], ctx: DrillContext) -> Iterator[Evidence]:
    """Evidence for each entry, from what AWS describes."""
    for target, entry in entries.items():
        try:
            yield _secret(target, entry, ctx) if entry.secret else _parameter(target, entry, ctx)
        except BaseopsError as error:
            yield doubtful(target, error)


def _secret(target: str, entry: Entry, ctx: DrillContext) -> Evidence:
    found = described.secret(ctx.clients, entry.name, ctx.site.region)
    if found is None:
        return refuted(target, f"there is no secret {entry.name}")
    if "DeletedDate" in found:
        return refuted(target, f"it is scheduled for deletion ({found['DeletedDate']:%Y-%m-%d})")
    current = described.labelled(found, "AWSCURRENT")
    if not current:
        return inconclusive(target, f"it has no value yet; run: baseops secrets put {entry.name}")
    made = described.created(ctx.clients, entry.name, current, ctx.site.region)
    problems = [
        *_key(entry, str(found.get("KmsKeyId", "alias/aws/secretsmanager")), ctx),
        *_replicas(entry, found, current, ctx),
    ]
    return _judged(target, entry, made, problems, ctx)


def _parameter(target: str, entry: Entry, ctx: DrillContext) -> Evidence:
    found = described.parameter(ctx.clients, entry.name, ctx.site.region)
    if found is None:
        return inconclusive(target, f"it has no value yet; run: baseops secrets put {entry.name}")
    if found["Type"] != entry.kind:
        return refuted(target, f"it is a {found['Type']}, and declared as {entry.kind}")
    problems = list(_key(entry, str(found.get("KeyId", "")), ctx))
    return _judged(target, entry, found.get("LastModifiedDate"), problems, ctx)


def _judged(target: str, entry: Entry, made: datetime | None, problems: list[str], ctx: DrillContext) -> Evidence:
    age = None if made is None else ctx.clock.now() - made
    measures = {} if age is None else {"age_seconds": age.total_seconds()}
    longest = entry.promise.max_age
    if age is not None and longest and age > longest:
        problems.append(f"its value is {_days(age)} old, and promised to be at most {print_duration(longest)} old")
    if problems:
        return refuted(target, "; ".join(problems), measures=measures)
    if age is None and longest:
        return inconclusive(target, "AWS does not say when its value was made, and its age is promised")
    return proven(target, f"its value is {_days(age)} old" if age is not None else "", measures=measures)


def _days(age: timedelta) -> str:
    return f"{age.total_seconds() / 86_400:.1f} days"


def _key(entry: Entry, live: str, ctx: DrillContext) -> Iterator[str]:
    """The key is asked about where the declaration says which it is."""
    if not entry.key and not entry.managed:
        return
    region = ctx.site.region
    if entry.secret:
        wanted = entry.key or ctx.value(ctx.refs.key("secrets"))
    else:
        wanted = described.key_arn(ctx.clients, key_id(entry, ctx.site), region)
    if described.key_arn(ctx.clients, live, region) != wanted:
        yield f"it is under the key {live}, and not under {wanted}"


def _replicas(entry: Entry, found: Described, current: str, ctx: DrillContext) -> Iterator[str]:
    status = {each["Region"]: each for each in found.get("ReplicationStatus") or []}
    for region in entry.replicas:
        if region not in status:
            yield f"it has no copy in {region}"
        elif status[region]["Status"] != "InSync":
            yield f"its copy in {region} is {status[region]['Status']}"
        else:
            copy = described.secret(ctx.clients, entry.name, region)
            if copy is None or described.labelled(copy, "AWSCURRENT") != current:
                yield f"its copy in {region} has another current version"
