"""How evidence names identities and roles: a domain by its name, whatever holds a mail address by an alias."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from baseops.areas.email.identities import Identity
from baseops.contract.drill import DrillContext
from baseops.errors import BaseopsError

ACCOUNT = "email"
"""The target of what holds for the whole account."""


def target_of(identity: Identity, ctx: DrillContext) -> str:
    """The target of an identity."""
    return f"{ACCOUNT}/{named(identity.name, ctx)}"


def named(name: str, ctx: DrillContext) -> str:
    """A name as it stands, or its alias where it is, or may hold, a mail address."""
    return ctx.alias(name) if "@" in name else name


@contextmanager
def aliased(identity: Identity, ctx: DrillContext) -> Iterator[None]:
    """Errors inside name the identity by its alias: AWS puts its ARN into what it refuses."""
    try:
        yield
    except BaseopsError as error:
        if not identity.is_address:
            raise
        parts = (error.what, error.why, error.remedy)
        error.what, error.why, error.remedy = (each.replace(identity.name, ctx.alias(identity.name)) for each in parts)
        raise
