"""The alarms and mute rules of one account and region, kept beside moto's metrics. Decides nothing about states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias

from baseops.sandbox.service import ServiceError

AlarmType: TypeAlias = Literal["MetricAlarm", "CompositeAlarm", "LogAlarm"]


@dataclass
class Alarm:
    """One alarm: what was put, in AWS's names, and its state. `Any`: members of AWS's shapes."""

    type: AlarmType
    arn: str
    settings: Mapping[str, Any]
    updated: datetime
    changed: datetime
    state: str = "INSUFFICIENT_DATA"
    reason: str = "Unchecked: Initial alarm creation"
    reason_data: str | None = None
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Unique among the alarms of all types."""
        return str(self.settings["AlarmName"])

    def described(self) -> dict[str, Any]:
        """As DescribeAlarms shows it."""
        shown = {key: value for key, value in self.settings.items() if key != "Tags" and value is not None}
        actions = {key: shown.get(key, []) for key in ("AlarmActions", "OKActions", "InsufficientDataActions")}
        data = {"StateReasonData": self.reason_data} if self.reason_data else {}
        return {
            "ActionsEnabled": True,
            **shown,
            **actions,
            **data,
            "AlarmArn": self.arn,
            "AlarmConfigurationUpdatedTimestamp": self.updated,
            "StateReason": self.reason,
            "StateTransitionedTimestamp": self.changed,
            "StateUpdatedTimestamp": self.changed,
            "StateValue": self.state,
        }


@dataclass
class MuteRule:
    """One alarm mute rule as it was put."""

    arn: str
    settings: Mapping[str, Any]
    updated: datetime
    tags: dict[str, str] = field(default_factory=dict)


@dataclass
class Store:
    """All alarms and mute rules, by name."""

    alarms: dict[str, Alarm] = field(default_factory=dict)
    mutes: dict[str, MuteRule] = field(default_factory=dict)

    def tagged(self, arn: str) -> Alarm | MuteRule:
        """What has an ARN. Raises AWS's error where there is nothing."""
        found: list[Alarm | MuteRule] = [*self.alarms.values(), *self.mutes.values()]
        for each in found:
            if each.arn == arn:
                return each
        raise ServiceError("Unknown", code="ResourceNotFoundException", status=404)


def store_of(backend: Any) -> Store:
    """The store beside a backend of moto's (untyped); it goes with it when the account closes."""
    if not hasattr(backend, "sandbox_alarms"):
        backend.sandbox_alarms = Store()
    found: Store = backend.sandbox_alarms
    return found
