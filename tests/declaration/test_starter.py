"""The declaration that `baseops init` writes can be used as it stands, and with its commented image."""

from __future__ import annotations

import re

from baseops.declaration import STARTER, load
from baseops.workflow.load import SPECS

WITH_IMAGES = re.sub(r"(?m)^#~ ", "", STARTER)


def test_the_starter_is_accepted_without_a_word():
    declaration = load(STARTER, SPECS)
    assert [str(problem) for problem in declaration.warnings if problem.severity != "note"] == []
    assert set(declaration.sections) == {"backups", "logs", "secrets", "email"}


def test_the_image_in_its_comment_is_accepted_too():
    declaration = load(WITH_IMAGES, SPECS)
    assert [str(problem) for problem in declaration.warnings if problem.severity != "note"] == []
    assert "images" in declaration.sections


def test_each_area_is_shown():
    assert [area for area in SPECS if not re.search(rf"(?m)^{area}:$", WITH_IMAGES)] == []


def test_no_line_is_wider_than_a_screen():
    assert max(map(len, STARTER.splitlines())) <= 120
