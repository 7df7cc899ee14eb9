"""One source of logs, and the area's section."""

from __future__ import annotations

from pydantic import Field

from baseops.areas.logs.spec.agents import Agent, Remedy
from baseops.areas.logs.spec.counting import Group, Metric
from baseops.areas.logs.spec.shipping import Ship
from baseops.areas.logs.spec.texts import MetricName
from baseops.areas.logs.spec.watching import Alarm, Heartbeat, SavedQuery
from baseops.fields import AreaSection, Duration, EntryName, Strict


class Promise(Strict):
    """What drills hold the source to."""

    alarm_within: Duration | None = None
    """From a line to the alarm's notification."""


class Entry(Strict):
    """One source of logs: its group, how it gets there, what is made of it."""

    group: Group
    """Where the events are."""
    agent: Agent | None = None
    """How files of instances get there."""
    heartbeat: Heartbeat | None = None
    """An alarm for silence."""
    metrics: dict[MetricName, Metric] = Field(default_factory=dict)
    """Metrics made of lines."""
    alarms: dict[EntryName, Alarm] = Field(default_factory=dict)
    """Alarms."""
    remedies: dict[EntryName, Remedy] = Field(default_factory=dict)
    """What alarms may start."""
    queries: dict[EntryName, SavedQuery] = Field(default_factory=dict)
    """Saved queries."""
    ship: tuple[Ship, ...] = ()
    """Where else the events go."""
    promise: Promise = Promise()
    """What drills hold it to."""
    managed: bool = True
    """false: somebody else made the group and its alarms; baseops only holds them to their promises."""


class AccountClaims(Strict):
    """Nothing: logs have no setting of the whole account here."""


class Section(AreaSection):
    """Sources of logs by name."""

    __pydantic_extra__: dict[EntryName, Entry] = Field(init=False)
    account: AccountClaims = AccountClaims()
    """What is claimed for the whole account."""

    @property
    def entries(self) -> dict[str, Entry]:
        """The sources by name."""
        return self.__pydantic_extra__

    @property
    def managed(self) -> dict[str, Entry]:
        """The sources that are made here."""
        return {name: entry for name, entry in self.entries.items() if entry.managed}
