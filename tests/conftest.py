"""Settings that every test shares: how hard property tests try."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# Time is never asserted: machines are shared, and a deadline makes a slow one look wrong.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("default"), derandomize=True, print_blob=True)
settings.register_profile("fuzz", parent=settings.get_profile("default"), max_examples=5000)
settings.load_profile("ci" if os.environ.get("CI") else "default")
