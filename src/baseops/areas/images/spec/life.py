"""What becomes of an image once it is built: with whom it is shared, how it retires, who uses it, what must be true."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Self

from pydantic import Field, model_validator

from baseops.areas.images.spec.values import AbsolutePath, InstanceId, OrganizationArn, UnitArn
from baseops.fields import AccountId, Days, Duration, Strict, TagMap, matching


class LaunchPermission(Strict):
    """Who else may launch the AMI, which stays in this account. Never everybody."""

    accounts: Annotated[tuple[AccountId, ...], Field(max_length=1536)] = ()
    organization: OrganizationArn | None = None
    organizational_units: Annotated[tuple[UnitArn, ...], Field(max_length=25)] = ()

    @property
    def is_given(self) -> bool:
        """Whether it is shared with anybody."""
        return bool(self.accounts or self.organization or self.organizational_units)


class Retire(Strict):
    """What becomes of old images. Image Builder looks once a day."""

    deprecate_after: Days | None = None
    """Hidden from searches; can still be launched."""
    disable_after: Days | None = None
    """Cannot be launched any more, and whoever it was shared with loses it."""
    delete_after: Days | None = None
    """Deregistered, with its snapshots."""
    retain_at_least: Annotated[int, Field(ge=1, le=10)] = 5
    """So many are never deleted, counted for each version of the recipe."""
    not_launched_for: Days | None = None
    """Leave an AMI alone that was launched in this time; EC2 knows with a delay of a day."""
    keep_tags: TagMap = Field(default_factory=dict, max_length=50)
    """AMIs with any one of these tags are left alone."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not (self.deprecate_after or self.disable_after or self.delete_after):
            raise ValueError("write at least one of `deprecate_after`, `disable_after` and `delete_after`")
        return self


class UsedBy(Strict):
    """Which instances should run this image, and how far behind they may be."""

    tags: Annotated[TagMap, Field(min_length=1, max_length=50)]
    versions_behind: Annotated[int, Field(ge=0, le=50)] = 2


class Exemption(Strict):
    """Instances that need not run the image: nodes of a cluster service, appliances."""

    tags: TagMap = Field(default_factory=dict, max_length=50)
    instances: tuple[InstanceId, ...] = ()
    reason: Annotated[str, Field(min_length=5, max_length=500)]
    expires: date

    @model_validator(mode="after")
    def _someone(self) -> Self:
        if not (self.tags or self.instances):
            raise ValueError("say which instances: write `tags` or `instances`")
        return self


class ImageCheck(Strict):
    """What must be true of the image: exactly one of `file`, `absent`, `package` and `run`."""

    file: AbsolutePath | None = None
    """This file exists."""
    mode: Annotated[str, matching(r"0?[0-7]{3,4}", 'a quoted mode such as "0644"')] | None = None
    """With these permissions."""
    owner: Annotated[str, matching(r"[a-z_][a-z0-9_-]{0,31}", "a user name")] | None = None
    """Of this user."""
    contains: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    """With this text in it."""
    absent: AbsolutePath | None = None
    """This path does not exist; wildcards may stand in it."""
    package: Annotated[str, matching(r"[A-Za-z0-9][\w.+-]{0,127}", "a package name")] | None = None
    """This package is installed."""
    run: Annotated[str, Field(min_length=1, max_length=2000)] | None = None
    """This command ends with 0, on an instance of the image."""

    @model_validator(mode="after")
    def _one_statement(self) -> Self:
        given = [key for key in ("file", "absent", "package", "run") if getattr(self, key)]
        if len(given) != 1:
            raise ValueError("write exactly one of `file`, `absent`, `package` and `run` in each check")
        extra = [key for key in ("mode", "owner", "contains") if getattr(self, key)]
        if extra and not self.file:
            raise ValueError(f"`{extra[0]}` belongs to `file`")
        return self


class Promise(Strict):
    """What drills hold the image to."""

    max_age: Duration
    """The newest image is at most this old."""
    max_base_age: Duration | None = None
    """Its base was published at most this long ago: a rebuild on an old base installs the old packages again."""
