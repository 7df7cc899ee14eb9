"""The backups section: entries that make or receive snapshots, their promises, and claims for the account."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from baseops.areas.backups.spec.plan import Copy, Extras, Plan, Retain, Timing
from baseops.areas.backups.spec.read import Read
from baseops.fields import AccountId, AreaSection, Days, Duration, EntryName, KeyArn, Region, Strict, TagMap


class Target(Strict):
    """What is backed up: volumes, or all volumes of instances at one moment."""

    resource: Literal["volume", "instance"]
    tags: Annotated[TagMap, Field(min_length=1, max_length=50)]
    """Any one of these tags selects a volume or instance."""
    keys: tuple[KeyArn, ...] = ()
    """The KMS keys of the volumes, which DLM's role may then use; without it, any key of the account through EC2."""


class Receive(Strict):
    """Copy what other accounts share with this one: the other half of `copies: [{account: …}]`."""

    accounts: Annotated[tuple[AccountId, ...], Field(min_length=1, max_length=50)]
    description: Annotated[str, Field(max_length=1000)] = ".*"
    """A regular expression; only snapshots whose description it matches are copied."""
    keys: tuple[KeyArn, ...] = ()
    """The KMS keys of the shared snapshots, in the accounts that share them."""


class Exclude(Strict):
    """Which volumes of an instance are left out."""

    boot_volume: bool = False
    data_volume_tags: TagMap = Field(default_factory=dict, max_length=50)


class Promise(Strict):
    """What drills hold the backup to. DLM starts within the hour after its time, so an `rpo` has an hour of room."""

    rpo: Duration | None = None
    """The newest completed snapshot of every volume meant is at most this old."""
    copy_rpo: Duration | None = None
    """The newest completed copy in every region named is at most this old."""
    copy_regions: tuple[Region, ...] = ()
    """Where to look for copies of a backup that is not `managed`; others say it in `copies`."""
    new_volume_grace: Duration | None = None
    """A volume younger than this needs no snapshot yet; by default the `rpo`."""


class Entry(Extras):
    """One backup. It makes snapshots (`target`) or copies what others share (`receive`)."""

    managed: bool = True
    """false: somebody else makes the snapshots; baseops makes nothing and holds them to the promise."""
    enabled: bool = True
    target: Target | None = None
    receive: Receive | None = None
    schedule: Timing | None = None
    retain: Retain | None = None
    schedules: Annotated[dict[EntryName, Plan], Field(min_length=1, max_length=4)] | None = None
    """Up to four schedules in place of `schedule`; one that is renamed lets go of the snapshots it made."""
    exclude: Exclude = Exclude()
    promise: Annotated[Promise, Field(examples=[{"rpo": "30h"}])]
    read: tuple[Read, ...] = ()

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.target is None) == (self.receive is None):
            raise ValueError("write either `target` (what to back up) or `receive` (which accounts' snapshots to copy)")
        return self

    @property
    def plans(self) -> Mapping[str, Plan]:
        """The schedules by their name in `schedules`; a single one is called "" and named after the entry."""
        if self.schedules is not None:
            return self.schedules
        if self.schedule is None or self.retain is None:
            return {}
        extras = {name: getattr(self, name) for name in Extras.model_fields}
        return {"": Plan(schedule=self.schedule, retain=self.retain, **extras)}

    @property
    def copies_here(self) -> tuple[Copy, ...]:
        """The copies of all schedules that end in this account; those of a `receive` entry stand at the entry."""
        if self.receive is not None:
            return self.copies
        return tuple(copy for plan in self.plans.values() for copy in plan.copies if not copy.account)

    @property
    def grace(self) -> timedelta | None:
        """How old a volume is when it must have a snapshot."""
        return self.promise.new_volume_grace or self.promise.rpo


class Lock(Strict):
    """Lock a region-wide rule: nobody can change or delete it until `unlock_delay` after it was unlocked."""

    unlock_delay: Days


class Bin(Strict):
    """How long deleted ones can be brought back. With neither tags, all of the region are kept."""

    retain: Days
    """Between 1 and 365 days."""
    tags: Annotated[TagMap, Field(min_length=1, max_length=50)] | None = None
    """Only those with any one of these tags."""
    exclude_tags: Annotated[TagMap, Field(min_length=1, max_length=5)] | None = None
    """All but those with any one of these tags."""
    lock: Lock | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.tags and self.exclude_tags:
            raise ValueError("write either `tags` (only those are kept) or `exclude_tags` (all others are kept)")
        if self.tags and self.lock:
            raise ValueError("only region-wide rules can be locked: leave out `tags` or `lock`")
        if self.retain > timedelta(days=365):
            raise ValueError("the Recycle Bin keeps things for 1 to 365 days")
        if self.lock and not timedelta(days=7) <= self.lock.unlock_delay <= timedelta(days=30):
            raise ValueError("expected an `unlock_delay` between 7d and 30d")
        return self


class RecycleBin(Strict):
    """The Recycle Bin's rules, in every region of the declaration."""

    snapshots: Bin | None = None
    images: Bin | None = None


class AccountClaims(Strict):
    """Claims for the whole account, in every region of the declaration; each is off unless written."""

    block_public_access: Literal["block-all-sharing", "block-new-sharing"] | None = None
    recycle_bin: RecycleBin = RecycleBin()

    @property
    def is_claimed(self) -> bool:
        """Whether anything is claimed."""
        return bool(self.block_public_access or self.recycle_bin.snapshots or self.recycle_bin.images)


class Section(AreaSection):
    """Backups by name."""

    __pydantic_extra__: dict[EntryName, Entry] = Field(init=False)
    account: AccountClaims = AccountClaims()

    @property
    def entries(self) -> dict[str, Entry]:
        """The backups by name."""
        return self.__pydantic_extra__

    @property
    def managed(self) -> Mapping[str, Entry]:
        """Those that baseops makes a policy for."""
        return {name: entry for name, entry in self.entries.items() if entry.managed}
