"""Makes API calls that are written down as data. A look that finds nothing is empty, never an error."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from baseops.aws.errors import translated
from baseops.contract.clients import Clients
from baseops.contract.drill import Call, Look, Resource
from baseops.contract.types import Json
from baseops.errors import NotFoundError, UsageError
from baseops.semantics.mail.simulator import DOMAIN

_LOOKS = re.compile(r"(describe|get|head|list)_")
_REMOVES = re.compile(
    r"(cancel|delete|deregister|detach|disassociate|release|remove|revoke|stop|terminate|unsubscribe)"
)


def perform(clients: Clients, resource: Resource, call: Call, *, identifier: str, mark: str) -> Any:
    """The answer of a call on a resource; raises as `aws.errors.translated` does. Any: botocore's answers."""
    client = clients.client(resource.service, resource.region)
    values = filled(dict(call.parameters), identifier, mark)
    with translated(_purpose(resource, call, identifier, mark)):
        return getattr(client, call.operation)(**values)


def _purpose(resource: Resource, call: Call, identifier: str, mark: str) -> str:
    return f"cannot {call.operation.replace('_', ' ')} {resource.kind} {identifier or mark}"


def look(clients: Clients, resource: Resource, at: Look, *, identifier: str, mark: str) -> list[Any]:
    """The values that a look finds; empty when there is no such thing."""
    path = filled(at.path, _quoted(identifier), _quoted(mark))
    try:
        found = [jmespath.search(path, each) for each in _answers(clients, resource, at.call, identifier, mark)]
    except NotFoundError:
        return []
    except JMESPathError as error:
        raise UsageError(f"{path} does not say where to look", str(error), "Remove it by hand.") from error
    return [each for one in found for each in (one if isinstance(one, list) else [one]) if each is not None]


def _answers(clients: Clients, resource: Resource, call: Call, identifier: str, mark: str) -> Iterator[Any]:
    """All pages, where the call has pages."""
    client = clients.client(resource.service, resource.region)
    if not client.can_paginate(call.operation):
        yield perform(clients, resource, call, identifier=identifier, mark=mark)
        return
    with translated(_purpose(resource, call, identifier, mark)):
        yield from client.get_paginator(call.operation).paginate(**filled(dict(call.parameters), identifier, mark))


def require_removal(resource: Resource) -> None:
    """Raise `UsageError` for a journal entry whose calls do more than look and remove: it is none of a drill's."""
    looks = [each.call.operation for each in (resource.find, resource.tags, resource.created) if each]
    strange = [each for each in looks if not _LOOKS.match(each)]
    strange += [each.operation for each in resource.remove if not _REMOVES.match(each.operation)]
    if strange:
        raise UsageError(
            f"the journal asks for {resource.service} {strange[0].replace('_', ' ')}", "no drill removes by that"
        )


def filled(value: Any, identifier: str, mark: str) -> Any:
    """The parameters with `$id` and `$mark` filled in.

    `$simulator` stands for the @ and domain of SES's mailbox simulator: a journal holds no mail address.
    """
    if isinstance(value, str):
        return value.replace("$id", identifier).replace("$mark", mark).replace("$simulator", f"@{DOMAIN}")
    if isinstance(value, Mapping):
        return {key: filled(each, identifier, mark) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [filled(each, identifier, mark) for each in value]
    return value


def as_json(resource: Resource) -> dict[str, Json]:
    """The resource as the journal keeps it."""
    return {
        "kind": resource.kind,
        "service": resource.service,
        "region": resource.region,
        "name": resource.name,
        "remove": [_call(each) for each in resource.remove],
        "find": _look(resource.find),
        "tags": _look(resource.tags),
        "created": _look(resource.created),
    }


def from_json(values: Mapping[str, Any]) -> Resource:
    """The resource of a journal entry."""
    return Resource(
        kind=values["kind"],
        service=values["service"],
        region=values["region"],
        name=values["name"],
        remove=tuple(Call(each["operation"], each["parameters"]) for each in values["remove"]),
        find=_parsed(values["find"]),
        tags=_parsed(values["tags"]),
        created=_parsed(values["created"]),
    )


def _quoted(text: str) -> str:
    """As it stands in a raw string of JMESPath: https://jmespath.org/specification.html#raw-string-literals."""
    return text.replace("'", "\\'")


def _call(call: Call) -> dict[str, Json]:
    return {"operation": call.operation, "parameters": dict(call.parameters)}


def _look(at: Look | None) -> Json:
    return {"call": _call(at.call), "path": at.path} if at else None


def _parsed(values: Any) -> Look | None:
    return Look(Call(**values["call"]), values["path"]) if values else None
