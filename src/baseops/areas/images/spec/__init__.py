"""The images section of a declaration: its models; what they cannot say about themselves is in `checks`."""

from __future__ import annotations

from baseops.areas.images import checks
from baseops.areas.images.spec.building import BUILTIN, Base, Component, Schedule, Volume
from baseops.areas.images.spec.life import Exemption, ImageCheck, LaunchPermission, Retire, UsedBy
from baseops.areas.images.spec.section import AccountClaims, AllowedAmis, Entry, Section
from baseops.aws.clock import SystemClock
from baseops.contract.finding import Finding
from baseops.contract.site import Site

__all__ = [
    "BUILTIN",
    "AccountClaims",
    "AllowedAmis",
    "Base",
    "Component",
    "Entry",
    "Exemption",
    "ImageCheck",
    "LaunchPermission",
    "Retire",
    "Schedule",
    "Section",
    "UsedBy",
    "Volume",
    "check",
]


def check(section: Section, site: Site) -> list[Finding]:
    """Cross-references, AWS limits and traps that the models cannot say alone; reads the component files."""
    return checks.check(section, site, SystemClock().now().date())
