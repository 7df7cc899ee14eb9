"""The declaration of log sources and what watches them; `check` adds what the schema cannot say.

Pydantic models only; it never reads an account.
"""

from __future__ import annotations

from baseops.areas.logs import checks
from baseops.areas.logs.spec.agents import Agent, Journal, LineFilter, LogFile, Remedy
from baseops.areas.logs.spec.counting import Group, Metric, OtherMetric, Unit
from baseops.areas.logs.spec.section import AccountClaims, Entry, Promise, Section
from baseops.areas.logs.spec.shipping import (
    Bucket,
    FunctionNetwork,
    HttpEndpoint,
    OpenSearch,
    OpenSearchIngestion,
    Ship,
)
from baseops.areas.logs.spec.watching import Alarm, Heartbeat, Query, SavedQuery
from baseops.contract.finding import Finding
from baseops.contract.site import Site

__all__ = [
    "AccountClaims",
    "Agent",
    "Alarm",
    "Bucket",
    "Entry",
    "FunctionNetwork",
    "Group",
    "Heartbeat",
    "HttpEndpoint",
    "Journal",
    "LineFilter",
    "LogFile",
    "Metric",
    "OpenSearch",
    "OpenSearchIngestion",
    "OtherMetric",
    "Promise",
    "Query",
    "Remedy",
    "SavedQuery",
    "Section",
    "Ship",
    "Unit",
    "check",
]


def check(section: Section, site: Site) -> list[Finding]:
    """Cross-references, AWS limits and traps; paths begin with the area."""
    return checks.check(section, site)
