"""One schedule of a backup: when snapshots are made, how long they stay, where copies go.

The words are those of Data Lifecycle Manager: https://docs.aws.amazon.com/dlm/latest/APIReference/API_Schedule.html
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from baseops.fields import AccountId, Cron, Days, Duration, KeyArn, Region, Strict, TagMap, matching

INTERVAL_HOURS = (1, 2, 3, 4, 6, 8, 12, 24)


def _interval(value: timedelta) -> timedelta:
    if value not in [timedelta(hours=hours) for hours in INTERVAL_HOURS]:
        raise ValueError("expected an interval that DLM knows: 1h, 2h, 3h, 4h, 6h, 8h, 12h or 24h; others need a cron")
    return value


Interval = Annotated[Duration, AfterValidator(_interval)]
TimeOfDay = Annotated[
    str, matching(r"([01]\d|2[0-3]):[0-5]\d", 'a quoted time of day in UTC such as "03:00"'), Field(examples=["03:00"])
]
Zone = Annotated[
    str,
    matching(r"[a-z]{2}(?:-[a-z]+)+-\d[a-z]", "an Availability Zone such as eu-west-1a"),
    Field(examples=["eu-west-1a"]),
]
Document = Annotated[str, matching(r"[a-zA-Z0-9_.:/-]{3,200}", "the name or ARN of an SSM document, or AWS_VSS_BACKUP")]
MountPoint = Annotated[
    str, matching(r"(?:/[\w.@-]+)+", "a mount point such as /data (never /: the agent that thaws it stands there)")
]


class Timing(Strict):
    """When DLM starts: at an interval from a time of day, or by cron; always within the hour after."""

    interval: Interval | None = None
    """1h, 2h, 3h, 4h, 6h, 8h, 12h or 24h."""
    time: TimeOfDay | None = None
    """The start of the first interval, UTC. Needed with `interval`: DLM would pick one, and report it as drift."""
    cron: Cron | None = None
    """Six fields, UTC; the period is between an hour and a year."""

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.interval is None) == (self.cron is None):
            raise ValueError('write either {interval: 24h, time: "03:00"} or {cron: "0 3 ? * SUN *"}')
        if (self.interval is None) != (self.time is None):
            raise ValueError('`time` belongs to `interval`: write {interval: 24h, time: "03:00"}')
        return self


class Retain(Strict):
    """How long snapshots stay: the newest so many of each volume, or each for a time. Write one of the two."""

    count: Annotated[int, Field(ge=0, le=1000)] | None = None
    """Snapshots of each volume and schedule; 0 only with `archive`."""
    age: Days | None = None
    """Whole days."""

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.count is None) == (self.age is None):
            raise ValueError("write either {count: 30} or {age: 30d}")
        return self


class KeepArchived(Strict):
    """How long archived snapshots stay; counted or aged as the schedule's `retain` is."""

    count: Annotated[int, Field(ge=1, le=1000)] | None = None
    age: Days | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.count is None) == (self.age is None):
            raise ValueError("write either {count: 12} or {age: 365d}")
        return self


class Archive(Strict):
    """Move snapshots to the archive tier when `retain` is over, instead of deleting them."""

    retain: KeepArchived
    """At least 90 days in the archive."""


class Copy(Strict):
    """A copy of each snapshot in another region, or in another account."""

    region: Region
    retain: Days
    key: KeyArn | None = None
    """The KMS key of the copy; by default the backups key that baseops keeps in that region. Never aws/ebs."""
    account: AccountId | None = None
    """Share each snapshot with this account, whose own declaration copies it with a `receive` entry."""


class FastRestore(Strict):
    """Fast snapshot restore: charged for every snapshot, zone and hour, so its price is confirmed here."""

    zones: Annotated[tuple[Zone, ...], Field(min_length=1, max_length=10)]
    count: Annotated[int, Field(ge=1, le=1000)] | None = None
    age: Days | None = None
    confirmed_usd_per_volume_hour: Annotated[float, Field(gt=0)] | None = None
    """What one volume's snapshots may cost in an hour; `check` says the sum when it is missing or not enough."""

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.count is None) == (self.age is None):
            raise ValueError("write either {count: 1} or {age: 1d}")
        return self


class Share(Strict):
    """Let other accounts use the snapshots."""

    accounts: Annotated[tuple[AccountId, ...], Field(min_length=1)]
    unshare_after: Days | None = None


class Scripts(Strict):
    """What runs in the instance before and after its snapshots, so that they are consistent for applications.

    https://docs.aws.amazon.com/ebs/latest/userguide/automate-app-consistent-backups.html
    """

    document: Document | None = None
    """An SSM document of this account, AWS_VSS_BACKUP, or a document's ARN."""
    freeze: Annotated[tuple[MountPoint, ...], Field(min_length=1, max_length=10)] | None = None
    """Mount points to freeze while snapshots start: baseops makes the document. Never `/`."""
    stages: Annotated[tuple[Literal["PRE", "POST"], ...], Field(min_length=1, max_length=2)] = ("PRE", "POST")
    timeout: Duration = timedelta(seconds=60)
    """Between 10 seconds and 2 minutes, for each script."""
    retries: Annotated[int, Field(ge=0, le=3)] = 0
    on_failure: Literal["snapshot", "skip"] = "snapshot"
    """When the pre script fails: make a crash-consistent snapshot all the same, or none."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.document is None) == (self.freeze is None):
            raise ValueError("write either {document: my-document} or {freeze: [/data]}")
        if self.freeze is not None and len(set(self.stages)) != 2:
            raise ValueError("`freeze` needs both stages, PRE and POST: leave `stages` out")
        if not timedelta(seconds=10) <= self.timeout <= timedelta(seconds=120):
            raise ValueError("expected a `timeout` of 1m or 2m: DLM allows 10 to 120 seconds")
        return self


class Extras(Strict):
    """What a schedule may do beside making and keeping snapshots."""

    copies: tuple[Copy, ...] = ()
    fast_restore: FastRestore | None = None
    archive: Archive | None = None
    share: Share | None = None
    scripts: Scripts | None = None
    tags: TagMap = Field(default_factory=dict)
    """Tags for the snapshots, beside the declared ones."""
    copy_tags: bool = False
    """Whether snapshots take the source's tags: off, because tags select targets, hosts and drills."""
    variable_tags: dict[str, Literal["$(instance-id)", "$(timestamp)"]] = Field(default_factory=dict)
    """Tags whose value DLM fills in; instance policies only."""


class Plan(Extras):
    """One of several schedules of a backup."""

    schedule: Timing
    retain: Retain
