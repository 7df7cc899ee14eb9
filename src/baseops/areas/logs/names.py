"""What the area's resources are called in AWS: namespaces, alarms, parameters."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from baseops.cloudformation.resources import logical_id
from baseops.contract.site import Site

if TYPE_CHECKING:
    from baseops.areas.logs.spec import Entry, Section

MAX_STREAM_NAME = 64
HEARTBEAT = "heartbeat"
"""The name of the alarm on silence, for composite alarms too."""

AGENT_NAMESPACE = "CWAgent"
"""Where the CloudWatch agent puts what it measures, unless told otherwise."""


def namespace(site: Site) -> str:
    """The namespace of the metrics that are made of lines."""
    return f"baseops/{site.name}"


def metric_name(entry: str, metric: str) -> str:
    """A metric of an entry: the entry's name keeps two `Http5xx` apart without a dimension."""
    return f"{entry}/{metric}"


def alarm_name(site: Site, entry: str, alarm: str) -> str:
    """An alarm, as found in the console and in events."""
    return f"{site.prefix}-logs-{entry}-{alarm}"


def group_title(entry: str) -> str:
    """The logical id of an entry's log group."""
    return logical_id(entry, "LogGroup")


def own_group(site: Site, entry: str, purpose: str) -> str:
    """The log group of something that we run for an entry: a remedy's output, a shipment's errors."""
    return f"/baseops/{site.name}/logs/{entry}/{purpose}"


def stream_name(site: Site, entry: str, shipment: str) -> str:
    """A delivery stream, whose name has 64 characters at most; a longer one ends with a hash of the whole."""
    name = f"{site.prefix}-logs-{entry}-{shipment}"
    return name if len(name) <= MAX_STREAM_NAME else f"{name[:55]}-{sha256(name.encode()).hexdigest()[:8]}"


def is_ours(name: str, site: Site) -> bool:
    """Whether an alarm name looks like one that this declaration makes."""
    return name.startswith(f"{site.prefix}-logs-")


def alarm_names(section: Section, site: Site) -> dict[str, set[str]]:
    """The full names that an alarm may be meant by in a rule: by its short name, and by its full one."""
    found: dict[str, set[str]] = {}
    for entry_name, entry in section.entries.items():
        for alarm in _alarms(entry):
            full = alarm_name(site, entry_name, alarm)
            found.setdefault(alarm, set()).add(full)
            found.setdefault(full, set()).add(full)
    return found


def alarm_titles(section: Section, site: Site) -> dict[str, str]:
    """The logical ids of the declared alarms that are made here, by full name."""
    return {
        alarm_name(site, entry_name, alarm): logical_id(entry_name, alarm, "Alarm")
        for entry_name, entry in section.managed.items()
        for alarm in _alarms(entry)
    }


def _alarms(entry: Entry) -> list[str]:
    return [*entry.alarms, *([HEARTBEAT] if entry.heartbeat else [])]
