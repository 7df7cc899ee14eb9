"""What every test shares: how hard property tests try, and how a declaration is refused."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings

from baseops.declaration import load
from baseops.errors import DeclarationError
from baseops.workflow.load import SPECS

# Time is never asserted: machines are shared, and a deadline makes a slow one look wrong.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("default"), derandomize=True, print_blob=True)
settings.register_profile("fuzz", parent=settings.get_profile("default"), max_examples=5000)
settings.load_profile("ci" if os.environ.get("CI") else "default")


TOP = 'version: 1\nname: acme\naccounts: ["111111111111"]\nregion: eu-west-1\n'


@pytest.fixture(scope="session")
def refused() -> Callable[[str], list[str]]:
    """What `check` says of a declaration, line by line; `[]` when it is accepted without a word.

    The text follows a valid top of four lines, so its first line is line 5 of `baseops.yaml`. In an area's tests::

        BAD = {"a schedule without a time": ("backups:\\n  daily: {…}\\n", ["baseops.yaml:6:10: backups.daily.…: …"])}


        @pytest.mark.parametrize(("text", "expected"), BAD.values(), ids=BAD)
        def test_a_bad_declaration_is_refused(refused, text, expected):
            assert expected == refused(text)

    A test about the top itself passes the whole text: `refused(text, top="")`.
    """

    def problems(text: str, top: str = TOP) -> list[str]:
        try:
            return [str(problem) for problem in load(top + text, SPECS).warnings]
        except DeclarationError as error:
            return [str(problem) for problem in error.problems]

    return problems
