"""Makes in a sandbox account what a declaration expects to find there: each area's world, by ordinary API calls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from baseops.contract.sandbox_account import SandboxAccount
from baseops.declaration import Declaration
from baseops.workflow.compile import sections


def build_world(declaration: Declaration, account: SandboxAccount) -> Iterator[str]:
    """Build the world of each area that the declaration uses, and give its name when it is made."""
    for area, section in sections(declaration):
        area.world.build(section, account, declaration.site)
        yield area.name


def as_made(declaration: Declaration, account: SandboxAccount) -> Declaration:
    """The declaration as its world has been made: with the world's own in the place of what only an owner has."""
    made = {area.name: area.world.as_made(section, account) for area, section in sections(declaration)}
    return replace(declaration, sections={**declaration.sections, **made})
