"""An area small enough to read: what the declaration room is shown in place of the five."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import Field

from baseops.contract.finding import Finding, Severity
from baseops.contract.site import Site
from baseops.fields import AreaSection, Duration, EntryName, Strict


class Group(Strict):
    """A log group."""

    name: str = Field(examples=["/acme/web/nginx"], max_length=512)
    retention_days: Literal[1, 3, 5, 7, 14, 30, 60, 90] = Field(14, examples=[14])


class OpenSearch(Strict):
    """A domain."""

    opensearch: str
    index: str = "logs"


class Http(Strict):
    """An endpoint."""

    http: str
    buffer_seconds: int = Field(60, ge=0, le=900)
    token: str | None = Field(None, json_schema_extra={"secret": True}, max_length=8)


class Alarm(Strict):
    """An alarm."""

    metric: str
    threshold: float
    period: int = Field(60, ge=10, examples=[60])
    enabled: bool = True
    remedy: str | None = None


class Entry(Strict):
    """What is declared of one log."""

    group: Group
    """The log group."""
    silent_for: Duration = timedelta(minutes=15)
    alarms: dict[EntryName, Alarm] = {}
    remedies: tuple[EntryName, ...] = ()
    ship: tuple[OpenSearch | Http, ...] = ()
    target: str | dict[str, str] = "all"
    """Which instances: all of them, or those with the tags."""


class AccountClaims(Strict):
    """What is claimed for the account."""

    block_public: bool = False


class Section(AreaSection):
    """All logs."""

    __pydantic_extra__: dict[EntryName, Entry] = Field(init=False)
    account: AccountClaims = AccountClaims()

    @property
    def entries(self) -> dict[str, Entry]:
        return self.__pydantic_extra__


def check(section: Section, site: Site) -> list[Finding]:
    """An alarm's remedy has to be one of the entry's."""
    return [
        Finding(
            Severity.ERROR,
            "logs.unknown-remedy",
            ("logs", name, "alarms", title, "remedy"),
            f"the remedy {alarm.remedy!r} is not declared",
            f"Write: remedies: [{alarm.remedy}]",
        )
        for name, entry in section.entries.items()
        for title, alarm in entry.alarms.items()
        if alarm.remedy and alarm.remedy not in entry.remedies
    ]
