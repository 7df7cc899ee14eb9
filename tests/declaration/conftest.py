"""The toy area, and what the room says about declarations that use it in place of the five."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from baseops.declaration import Declaration, load
from baseops.errors import DeclarationError

TOP = 'version: 1\nname: acme\naccounts: ["111111111111"]\nregion: eu-west-1\n'


@pytest.fixture(scope="session")
def toy() -> Any:  # a module that fulfils SpecPart
    spec = spec_from_file_location("toy_area", Path(__file__).parent / "toy_area.py")
    module = module_from_spec(spec)
    sys.modules["toy_area"] = module  # pydantic looks annotations up there
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def loaded(toy) -> Callable[..., Declaration]:
    """A declaration whose `logs` are the toy's; the text follows a top of four lines."""

    def declaration(text: str = "", top: str = TOP, **options: Any) -> Declaration:
        return load(top + text, {"logs": toy}, **options)

    return declaration


@pytest.fixture(scope="session")
def said(loaded) -> Callable[..., list[str]]:
    """What is said of a declaration, line by line; [] when it is accepted without a word."""

    def problems(text: str, top: str = TOP) -> list[str]:
        try:
            return [str(problem) for problem in loaded(text, top).warnings]
        except DeclarationError as error:
            return [str(problem) for problem in error.problems]

    return problems
