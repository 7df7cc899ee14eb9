"""A declaration's logs, and the stack that they become."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from baseops.areas.logs import stack as logs
from baseops.cloudformation.builder import StackBuilder
from baseops.contract.lock import Lock
from baseops.contract.refs import Refs
from baseops.declaration import Declaration, load
from baseops.workflow.load import SPECS

FOLDER = Path(__file__).parent
TOP = 'version: 1\nname: acme\naccounts: ["111111111111"]\nregion: eu-west-1\n'

Resources = Mapping[str, Mapping[str, Any]]


@pytest.fixture
def declared() -> Callable[[str], Declaration]:
    """A declaration from the text after a valid top."""
    return lambda text: load(TOP + text, SPECS)


@pytest.fixture
def full() -> Declaration:
    """Every key of logs."""
    return load(FOLDER / "full.yaml", SPECS)


@pytest.fixture
def compiled() -> Callable[[Declaration], Resources]:
    """The resources of the logs stack."""

    def resources(declaration: Declaration) -> Resources:
        built = StackBuilder("logs", declaration.site)
        logs.build(declaration.sections["logs"], built, Refs(declaration.site))
        (template,), _ = built.build(Lock())
        return template.body["Resources"]

    return resources
