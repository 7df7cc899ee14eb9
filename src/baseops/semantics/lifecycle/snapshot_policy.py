"""A snapshot policy of Data Lifecycle Manager: its schedules, read from the API's PolicyDetails.

It takes what the API took; what the API refuses is not checked again.
https://docs.aws.amazon.com/dlm/latest/APIReference/API_PolicyDetails.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from baseops.semantics.lifecycle.ages import Age
from baseops.semantics.schedules import Schedule, ScheduleError, dlm_interval, parse_cron

Details: TypeAlias = Mapping[str, Any]
"""A structure of the API's JSON; its members have types of their own, hence Any."""

Tags: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Keep:
    """How long to keep: the newest `count` of each volume, or each until it reaches an age; one of the two."""

    count: int | None = None
    age: Age | None = None


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy in another region."""

    region: str
    age: Age | None = None
    is_encrypted: bool = False
    key_arn: str = ""
    takes_tags: bool = False


@dataclass(frozen=True, slots=True)
class FastRestore:
    """Fast snapshot restore in zones, for the newest snapshots or for a time."""

    zones: tuple[str, ...]
    keep: Keep


@dataclass(frozen=True, slots=True)
class Share:
    """Accounts that may use the snapshots, for a time or for good."""

    accounts: tuple[str, ...]
    unshare_after: Age | None = None


@dataclass(frozen=True, slots=True)
class SnapshotSchedule:
    """One of a policy's schedules."""

    name: str
    when: Schedule
    keep: Keep
    archive: Keep | None = None
    tags: Tags = ()
    variable_tags: Tags = ()
    takes_source_tags: bool = False
    copies: tuple[Copy, ...] = ()
    fast_restore: FastRestore | None = None
    share: Share | None = None


@dataclass(frozen=True, slots=True)
class SnapshotPolicy:
    """Up to four schedules over the same volumes."""

    schedules: tuple[SnapshotSchedule, ...]

    def schedule(self, name: str) -> SnapshotSchedule | None:
        """The schedule of that name; a renamed schedule has left its snapshots behind."""
        return next((each for each in self.schedules if each.name == name), None)


def policy_from(details: Details) -> SnapshotPolicy:
    """Read PolicyDetails as CreateLifecyclePolicy takes them and GetLifecyclePolicy gives them."""
    return SnapshotPolicy(tuple(map(_schedule, details["Schedules"])))


def _schedule(schedule: Details) -> SnapshotSchedule:
    archive = schedule.get("ArchiveRule")
    fast_restore = schedule.get("FastRestoreRule")
    shares = schedule.get("ShareRules") or ()
    return SnapshotSchedule(
        name=schedule["Name"],
        when=_when(schedule["CreateRule"]),
        keep=_keep(schedule["RetainRule"]),
        archive=_keep(archive["RetainRule"]["RetentionArchiveTier"]) if archive else None,
        tags=_tags(schedule.get("TagsToAdd")),
        variable_tags=_tags(schedule.get("VariableTags")),
        takes_source_tags=bool(schedule.get("CopyTags")),
        copies=tuple(map(_copy, schedule.get("CrossRegionCopyRules") or ())),
        fast_restore=_fast_restore(fast_restore) if fast_restore else None,
        share=_share(shares[0]) if shares else None,
    )


def _when(rule: Details) -> Schedule:
    if rule.get("CronExpression"):
        return parse_cron(rule["CronExpression"])
    if not rule.get("Times"):
        raise ScheduleError(
            f"interval of {rule['Interval']} hours", "without a time of day, DLM picks one itself", "Write Times"
        )
    return dlm_interval(rule["Interval"], rule["Times"][0])


def _keep(rule: Details) -> Keep:
    return Keep(count=rule.get("Count"), age=Age.read(rule))


def _copy(rule: Details) -> Copy:
    retain = rule.get("RetainRule")
    return Copy(
        region=rule.get("Target") or rule["TargetRegion"],
        age=Age.read(retain) if retain else None,
        is_encrypted=bool(rule.get("Encrypted")),
        key_arn=rule.get("CmkArn") or "",
        takes_tags=bool(rule.get("CopyTags")),
    )


def _fast_restore(rule: Details) -> FastRestore:
    zones = rule.get("AvailabilityZones") or rule.get("AvailabilityZoneIds") or ()
    return FastRestore(tuple(zones), _keep(rule))


def _share(rule: Details) -> Share:
    return Share(tuple(rule["TargetAccounts"]), Age.read(rule, "UnshareInterval", "UnshareIntervalUnit"))


def _tags(tags: list[Mapping[str, str]] | None) -> Tags:
    return tuple((tag["Key"], tag["Value"]) for tag in tags or ())
