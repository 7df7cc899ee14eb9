"""Declarations that use every key of an area are rehearsed whole: nothing is refuted, and every break is caught."""

from pathlib import Path

import pytest

from baseops.contract.lock import Lock
from baseops.workflow.load import load
from baseops.workflow.rehearse import rehearse

AREAS = Path(__file__).parents[1] / "areas"
FULL = ["logs", "email"]
"""Areas whose fullest declaration has a world that can be made."""


@pytest.mark.slow
@pytest.mark.parametrize("area", FULL)
def test_every_key_of_an_area_is_proved_and_its_breaks_are_caught(area):
    found = rehearse(load(AREAS / area / "full.yaml"), Lock())

    assert found.failure is None
    assert (found.verdicts["refuted"], found.verdicts["proven"] > 0) == (0, True)
    assert found.sabotage
    assert [each.name for each in found.sabotage if not each.caught] == []
