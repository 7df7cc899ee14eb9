"""The drill of who may read: each reader can, nobody else but administrators can, by any way that there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from baseops.areas.secrets.organisation import Organisation, read
from baseops.areas.secrets.troubles import doubtful
from baseops.areas.secrets.values import ACTIONS, Value, ValueReader
from baseops.areas.secrets.verdicts import Can, Judge
from baseops.aws.principals import Somebody, everybody
from baseops.contract.drill import DrillContext, Evidence, inconclusive, proven, refuted
from baseops.errors import BaseopsError
from baseops.semantics.roles import at_home, role_of

if TYPE_CHECKING:
    from baseops.areas.secrets.spec import Entry

PROMISE = "each reader can read the value, and nobody else but the declared administrators can, by any way there is"
_MOST_NAMED = 5


def look(entries: Mapping[str, Entry], ctx: DrillContext) -> Iterator[Evidence]:
    """Evidence for each entry, evaluated over the whole account; it reads policies, and never a value."""
    people = everybody(ctx.clients, ACTIONS)
    organisation = read(ctx.clients, ctx.account, ACTIONS)
    ctx.steps.add(f"evaluate {len(people)} users and roles")
    judge = Judge(ctx.account, ctx.site.region, organisation)
    reader = ValueReader(ctx.clients, ctx.account, ctx.site.region)
    for target, entry in entries.items():
        try:
            value = reader.find(entry)
        except BaseopsError as error:
            yield doubtful(target, error, method="evaluated")
            continue
        if value is None:
            yield inconclusive(target, f"{entry.name} has no value yet: put it first", method="evaluated")
        else:
            found = _found(entry, value, people, judge, ctx)
            yield from (_with_limits(each, organisation) for each in _evidence(target, found, len(people)))


@dataclass(frozen=True)
class _Found:
    """What came out for one entry, as names that evidence may hold."""

    able: tuple[str, ...] = ()
    administrators: tuple[str, ...] = ()
    rotators: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    perhaps_missing: tuple[str, ...] = ()
    strangers: tuple[str, ...] = ()
    perhaps_strangers: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()


def _found(entry: Entry, value: Value, people: Sequence[Somebody], judge: Judge, ctx: DrillContext) -> _Found:
    readers = {role_of(each).name for each in entry.readers if at_home(role_of(each), (ctx.account,))}
    administrators = {role_of(each).name for each in entry.administrators}
    expected = readers | administrators | value.rotators
    can = [(who, found) for who in people if (found := judge.may_read(who, value.ways, value))]
    roles = {who.name: who for who in people if who.is_role}
    needs = {
        name: judge.needs(roles[name], value, every=entry.managed) if name in roles else Can.NEVER for name in readers
    }
    outside = judge.outsiders(value)
    foreign = {role.arn: role for role in map(role_of, entry.readers) if not at_home(role, (ctx.account,))}
    foreign_arns = {arn.replace("${AWS::Partition}", value.arn.split(":")[1]) for arn in foreign}
    strange = {_named(who, ctx): how for who, how in can if not (who.is_role and who.name in expected)}
    strange |= {_known_as(name): how for name, how in outside.items() if name not in foreign_arns}
    names = sorted(who.name for who, _ in can if who.is_role)
    return _Found(
        able=tuple(name for name in names if name in readers),
        administrators=tuple(name for name in names if name in administrators - readers),
        rotators=tuple(name for name in names if name in value.rotators - readers - administrators),
        missing=tuple(
            [_why_not(name, roles.get(name), value, judge) for name in sorted(needs) if needs[name] is Can.NEVER]
            + sorted(f"{arn} (the policy of {entry.name} does not let it in)" for arn in foreign_arns - set(outside))
        ),
        perhaps_missing=tuple(sorted(name for name, how in needs.items() if how is Can.PERHAPS)),
        strangers=tuple(sorted(name for name, how in strange.items() if how is Can.SURELY)),
        perhaps_strangers=tuple(sorted(name for name, how in strange.items() if how is Can.PERHAPS)),
        elsewhere=tuple(sorted(foreign_arns & set(outside))),
    )


def _why_not(name: str, who: Somebody | None, value: Value, judge: Judge) -> str:
    if who is None:
        return f"{name} (there is no such role)"
    return f"{name} (refused by the key)" if judge.is_stopped_by_key(who, value) else f"{name} (refused by IAM)"


def _evidence(target: str, found: _Found, people: int) -> Iterator[Evidence]:
    measures = {"principals": people, "readers": len(found.able), "administrators": len(found.administrators)}
    if found.missing:
        yield refuted(f"{target}/readers", f"cannot read it: {_listed(found.missing)}", method="evaluated")
    elif found.perhaps_missing:
        reason = f"depends on where or how it is asked: {_listed(found.perhaps_missing)}"
        yield inconclusive(f"{target}/readers", reason, method="evaluated")
    if found.strangers:
        reason = f"can read it as well: {_listed(found.strangers)}"
        yield refuted(f"{target}/others", reason, method="evaluated", measures=measures)
    elif found.perhaps_strangers:
        reason = f"may be able to read it, by conditions not known here: {_listed(found.perhaps_strangers)}"
        yield inconclusive(f"{target}/others", reason, method="evaluated", measures=measures)
    if not (found.missing or found.perhaps_missing or found.strangers or found.perhaps_strangers):
        yield proven(target, _who(found), method="evaluated", measures=measures)


def _who(found: _Found) -> str:
    parts = {
        "read by": found.able,
        "from other accounts": found.elsewhere,
        "administrators": found.administrators,
        "its rotation": found.rotators,
    }
    said = "; ".join(f"{what} {_listed(names)}" for what, names in parts.items() if names)
    return said or "nobody can read it"


def _with_limits(evidence: Evidence, organisation: Organisation) -> Evidence:
    return replace(evidence, not_exercised=(organisation.unread,)) if organisation.unread else evidence


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _named(who: Somebody, ctx: DrillContext) -> str:
    """Users are often called by their mail address, which evidence never holds."""
    if "@" not in who.name:
        return who.arn
    return f"{who.arn.removesuffix(who.name)}{ctx.alias(who.name)}"


def _known_as(name: str) -> str:
    return "everybody" if name == "*" else name
