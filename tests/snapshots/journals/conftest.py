"""Makes the tools beside it importable as `journals`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


@pytest.fixture
def fuzz_cases() -> int:
    """Cases for each test that damages journals at random; `make fuzz` asks for many by `BASEOPS_FUZZ_CASES`."""
    return int(os.environ.get("BASEOPS_FUZZ_CASES", "150"))
