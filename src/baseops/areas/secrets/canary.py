"""The canary of a rotated secret: an entry of its own that nobody reads, for the stack and the drill alike.

Its database user is one that only the drill uses; where none is declared, its value names no server at all, and what
the function would do to a database is not exercised.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from baseops.areas.secrets.rotation import POSTGRES_SINGLE_USER

if TYPE_CHECKING:
    from baseops.areas.secrets.spec import Entry

# Nothing listens there, and no name has to be looked up to learn it.
_NOWHERE: dict[str, str | int] = {"host": "localhost", "port": 1, "username": "nobody"}


def is_declared(entry: Entry) -> bool:
    """Whether the stack makes a canary for the entry."""
    rotation, generate = entry.rotation, entry.generate
    if rotation is None or generate is None or generate.template is None or not entry.managed:
        return False
    return rotation.canary is not None and rotation.function == POSTGRES_SINGLE_USER


def name_of(name: str) -> str:
    """What the canary of an entry is called where the entry's own name is used."""
    return f"{name}-canary"


def secret_of(entry: Entry) -> str:
    """The name of the canary's secret."""
    return f"{entry.name}/canary"


def entry_of(entry: Entry) -> Entry:
    """The canary as an entry: the same rules and key, another user, no readers, no copies."""
    rotation, generate = entry.rotation, entry.generate
    if rotation is None or rotation.canary is None or generate is None:
        raise ValueError(f"{entry.name} has no canary")
    user = rotation.canary.username
    template = {**(generate.template or {}), **({"username": user} if user else _NOWHERE)}
    changed = {
        "secret": secret_of(entry),
        "description": f"Rotated by drills in place of {entry.name}; nobody uses it",
        "generate": generate.model_copy(update={"template": template}),
        "readers": [],
        "administrators": [],
        "replicas": [],
    }
    return entry.model_copy(update=changed)


def has_database(entry: Entry) -> bool:
    """Whether a user was declared with which the database is exercised as well."""
    return bool(entry.rotation and entry.rotation.canary and entry.rotation.canary.username)
