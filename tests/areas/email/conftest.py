"""A declaration's mail, and the stack that it becomes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from baseops.areas.email import stack as email
from baseops.cloudformation.builder import StackBuilder
from baseops.contract.lock import Lock
from baseops.contract.refs import Refs
from baseops.declaration import Declaration, load
from baseops.sandbox.account import Account, open_account
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
    """Every key of email."""
    return load((FOLDER / "full.yaml").read_text(encoding="utf-8"), SPECS)


@pytest.fixture
def compiled() -> Callable[[Declaration], dict[str, Any]]:
    """The resources of the email stack by logical id."""

    def build(declaration: Declaration) -> dict[str, Any]:
        stack = StackBuilder("email", declaration.site)
        email.build(declaration.sections["email"], stack, Refs(declaration.site))
        templates, _ = stack.build(Lock())
        return {name: each for template in templates for name, each in template.body["Resources"].items()}

    return build


@pytest.fixture
def resources(declared, compiled) -> Callable[..., list[dict[str, Any]]]:
    """The properties of all resources of one type in a declaration's stack."""

    def of_type(text: str, kind: str) -> list[dict[str, Any]]:
        return [each["Properties"] for each in compiled(declared(text)).values() if each["Type"] == kind]

    return of_type


@pytest.fixture
def account() -> Iterator[Account]:
    """A fresh sandbox account on virtual time."""
    with open_account("111111111111", "eu-west-1", start=datetime(2026, 1, 5, 9, 0, tzinfo=UTC)) as opened:
        yield opened
