"""What an image is built from and when: base, components, schedule, volumes, tests."""

from __future__ import annotations

from datetime import timedelta
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from baseops.areas.images.spec.values import (
    ComponentArn,
    DeviceName,
    ImageId,
    Owner,
    PublicParameter,
    Text,
    TimezoneName,
)
from baseops.fields import Cron, Duration, Strict, matching

# Any, in the validators: whatever stood in the YAML file.

BUILTIN = ("update", "harden", "cloudwatch-agent")
"""Components that baseops brings; every other one is a file of the declaration's folder or an ARN."""


def _component_file(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value in BUILTIN:
        return value
    path = PurePosixPath(value)
    if path.suffix in (".yaml", ".yml") and not path.is_absolute() and ".." not in path.parts:
        return value
    if path.suffix in (".yaml", ".yml"):
        raise ValueError(
            f"expected a file below the declaration's folder such as ./components/nginx.yaml, got {value!r}"
        )
    raise ValueError(
        f"expected one of {', '.join(BUILTIN)}, a file such as ./components/nginx.yaml, or {{arn: …}}, got {value!r}"
    )


def widened(value: Any) -> Any:
    """A bare text is the component alone, without parameters."""
    return {"component": value} if isinstance(value, str) else value


ComponentName = Annotated[str, BeforeValidator(_component_file)]


class Base(Strict):
    """What the image is built from. The lock beside the declaration pins the AMI; only `images update` moves it."""

    parameter: PublicParameter | None = None
    """A public parameter that names the newest AMI; looked up when the base is locked, never at build time."""
    image_id: ImageId | None = None
    """One AMI of the primary region."""
    name: Annotated[str, Field(min_length=3, max_length=128)] | None = None
    """A name with wildcards: the newest AMI of the owner with such a name."""
    owner: Owner | None = None
    """Whose AMI `name` looks for. Never left to chance: anybody can publish an AMI of any name."""
    architecture: Literal["x86_64", "arm64"] | None = None
    """Which of the AMIs with that name."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [key for key in ("parameter", "image_id", "name") if getattr(self, key)]
        if len(given) != 1:
            raise ValueError("write exactly one of `parameter`, `image_id` and `name` (with `owner`)")
        if bool(self.name) != bool(self.owner):
            raise ValueError("`name` and `owner` belong together: write for example {name: acme-base-*, owner: self}")
        if self.architecture and not self.name:
            raise ValueError("`architecture` chooses among the AMIs that `name` finds: delete it, or write `name`")
        return self


class Component(Strict):
    """One step of the build: a component of baseops, a file of one's own, or one that exists by ARN."""

    component: ComponentName | None = None
    arn: ComponentArn | None = None
    parameters: dict[Annotated[str, matching(r"[A-Za-z0-9_-]{1,127}", "a parameter name")], Text | list[Text]] = Field(
        default={}, description="Values of the parameters that the component's document declares."
    )

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.component is None) == (self.arn is None):
            raise ValueError("write either `component` (a name or a file) or `arn`")
        return self


class Schedule(Strict):
    """When the image is built anew."""

    cron: Cron
    timezone: TimezoneName = "UTC"


class Volume(Strict):
    """A volume of the image, always encrypted with the images key."""

    device: DeviceName
    size: (
        Annotated[int, Field(ge=1, le=16000, description="In GiB; the base's own size unless it is written.")] | None
    ) = None
    type: Literal["gp3", "gp2", "io1", "io2", "st1", "sc1", "standard"] = "gp3"
    iops: Annotated[int, Field(ge=100, le=64000)] | None = None
    throughput: Annotated[int, Field(ge=125, le=1000, description="In MiB a second; gp3 only.")] | None = None
    delete_on_termination: bool = True


class Tests(Strict):
    """Image Builder's own test stage: an instance is launched from the new AMI and `test` phases run on it."""

    enabled: bool = True
    timeout: Duration = timedelta(minutes=90)
