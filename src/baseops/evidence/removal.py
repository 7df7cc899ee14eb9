"""Removes what drills created: looks again whether it is the drill's own, removes it, waits until it is gone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from baseops.contract.clients import Clients
from baseops.contract.clock import Clock
from baseops.contract.drill import DRILL_TAG, Call, Resource
from baseops.errors import AccessError, AwsError, NotFoundError
from baseops.evidence.ages import moment
from baseops.evidence.calls import look, perform
from baseops.evidence.journal import Made

PATIENCE = timedelta(minutes=10)
"""How long a removal is tried: a volume stays in use until its instance has gone."""
PAUSE = 15.0
AGE_TOLERANCE = timedelta(minutes=10)
"""How far AWS's creation time may lie from the journal's: clocks differ, and calls are retried."""


def find(clients: Clients, made: Made) -> list[str]:
    """The identifiers of what was made: the known one, or those that carry the mark, or the chosen name."""
    if made.identifier:
        return [made.identifier]
    resource, mark = made.resource, made.mark.value
    if resource.find:
        return [str(each) for each in look(clients, resource, resource.find, identifier="", mark=mark)]
    return [resource.name] if resource.name else []


def find_own(clients: Clients, made: Made) -> list[str]:
    """As `find`; what is known by its chosen name alone must carry the mark, where it has tags."""
    if not made.identifier and made.resource.name and made.resource.tags and not carries_mark(clients, made):
        return []
    return find(clients, made)


def disagreement(clients: Clients, made: Made, identifier: str, intended: datetime) -> str:
    """Why a resource must not be removed; empty when tags, creator and age agree with the journal."""
    resource, mark = made.resource, made.mark
    if resource.tags:
        tags = _tags(look(clients, resource, resource.tags, identifier=identifier, mark=mark.value))
        for name, value in mark.tags.items():
            if tags.get(name) != value:
                return f"its tag {name} is not {value}"
    return _age_disagreement(clients, made, identifier, intended)


def _age_disagreement(clients: Clients, made: Made, identifier: str, intended: datetime) -> str:
    resource = made.resource
    if not resource.created:
        return ""
    found = look(clients, resource, resource.created, identifier=identifier, mark=made.mark.value)
    times = [moment(each) for each in found]
    if not times or None in times:
        return "AWS does not say when it was created"
    for each in times:
        if each and abs(each - intended) > AGE_TOLERANCE:
            return f"it was created at {each:%Y-%m-%d %H:%M}, the journal says {intended:%Y-%m-%d %H:%M}"
    return ""


def made_before(clients: Clients, made: Made) -> str:
    """The identifier of the one thing that carries the mark already; empty where there is none, or no telling."""
    resource = made.resource
    if not resource.find:
        return resource.name if resource.name and carries_mark(clients, made) else ""
    found = look(clients, resource, resource.find, identifier="", mark=made.mark.value)
    return str(found[0]) if len(found) == 1 else ""


def carries_mark(clients: Clients, made: Made) -> bool:
    """Whether what has the chosen name carries the mark; False where it has no tags to tell."""
    resource, mark = made.resource, made.mark.value
    if not resource.tags:
        return False
    return _tags(look(clients, resource, resource.tags, identifier=resource.name, mark=mark)).get(DRILL_TAG) == mark


def exists(clients: Clients, made: Made, identifier: str) -> bool:
    """Whether there still is something to remove; True where nothing can tell."""
    resource, mark = made.resource, made.mark.value
    at = resource.created or resource.tags
    if at:
        return bool(look(clients, resource, at, identifier=identifier, mark=mark))
    return not resource.find or identifier in look(clients, resource, resource.find, identifier=identifier, mark=mark)


def remove(clients: Clients, clock: Clock, made: Made, identifier: str) -> None:
    """Remove it; one that is gone already is fine. Raises the last error when patience is over."""
    until = clock.now() + PATIENCE
    for call in made.resource.remove:
        while not _removed(clients, made.resource, call, identifier, made.mark.value, last=clock.now() >= until):
            clock.sleep(PAUSE)


def _removed(clients: Clients, resource: Resource, call: Call, identifier: str, mark: str, *, last: bool) -> bool:
    try:
        perform(clients, resource, call, identifier=identifier, mark=mark)
    except NotFoundError:
        return True
    except AccessError:
        raise
    except AwsError:
        if last:
            raise
        return False
    return True


def _tags(found: list[Any]) -> Mapping[str, str]:
    if found and isinstance(found[0], Mapping) and "Key" not in found[0]:
        return dict(found[0])
    return {each["Key"]: each["Value"] for each in found}
