"""A declaration's backups, and the stacks that they become."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from baseops.areas.backups import stack as backups
from baseops.cloudformation.builder import StackBuilder
from baseops.contract.lock import Lock
from baseops.contract.refs import Refs
from baseops.declaration import Declaration, load
from baseops.workflow.load import SPECS

FOLDER = Path(__file__).parent
TOP = 'version: 1\nname: acme\naccounts: ["111111111111"]\nregion: eu-west-1\nregions: [us-east-1]\n'
DAILY = """backups:
  daily:
    target: {resource: volume, tags: {Backup: daily}}
    schedule: {interval: 24h, time: "03:00"}
    retain: {age: 30d}
    copies: [{region: us-east-1, retain: 7d}]
    promise: {rpo: 30h, copy_rpo: 40h}
"""

Resources = Mapping[str, Mapping[str, Any]]


@pytest.fixture
def declared() -> Callable[[str], Declaration]:
    """A declaration from the text after a valid top, which names us-east-1 as a further region."""
    return lambda text=DAILY: load(TOP + text, SPECS)


@pytest.fixture
def full() -> Declaration:
    """Every key of backups."""
    return load((FOLDER / "full.yaml").read_text(encoding="utf-8"), SPECS)


@pytest.fixture
def compiled() -> Callable[..., Resources]:
    """The resources of the backups stack, or of what backups add to a further region."""

    def resources(declaration: Declaration, region: str | None = None) -> Resources:
        refs = Refs(declaration.site)
        if region is None:
            built = StackBuilder("backups", declaration.site)
            backups.build(declaration.sections["backups"], built, refs)
        else:
            built = StackBuilder("region", declaration.site, region)
            backups.build_region(declaration.sections["backups"], built, refs)
        if built.is_empty:
            return {}
        (template,), _ = built.build(Lock())
        return template.body["Resources"]

    return resources
