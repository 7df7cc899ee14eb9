"""What must be readable in a snapshot: a volume, a file on it, and what has to be true of the file."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from baseops.fields import Duration, Strict, TagMap, matching


def _file(value: str) -> str:
    path = PurePosixPath(value)
    if not path.is_absolute() or value.endswith("/") or ".." in path.parts or "\0" in value or len(path.parts) < 2:
        raise ValueError(f"expected the absolute path of a file on the volume such as /app.db, got {value!r}")
    return value


FilePath = Annotated[str, AfterValidator(_file)]
"""A path from the root of the file system itself, not from where the host mounts it."""


class VolumeWith(Strict):
    """Volumes by their tags, or by the device name under which their instance has them. Write one of the two."""

    tags: Annotated[TagMap, Field(min_length=1)] | None = None
    """All of these tags (unlike `target`, where any one selects)."""
    device: Annotated[str, matching(r"/dev/[a-z0-9/]{2,32}", "a device name such as /dev/sdf")] | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.tags is None) == (self.device is None):
            raise ValueError("write either {tags: {Data: app}} or {device: /dev/sdf}")
        return self


VolumeSelector: TypeAlias = Literal["root", "each"] | VolumeWith


class Read(Strict):
    """One file that a drill reads back from the newest snapshot of each volume meant."""

    volume: VolumeSelector
    """`root`, `each`, {tags: …} or {device: …}."""
    path: FilePath
    partition: Annotated[int, Field(ge=1, le=128)] | None = None
    """The partition's number, where several file systems of the volume have such a path."""
    check: Literal["sqlite-integrity"] | None = None
    """`sqlite-integrity` opens the file as a database, its journal replayed, and runs integrity_check."""
    min_size: Annotated[int, Field(ge=1)] | None = None
    """Bytes."""
    modified_within: Duration | None = None
    """The file's last change is at most this long before the snapshot."""
    stable_sha256: Annotated[str, matching(r"[0-9a-f]{64}", "a SHA-256 of 64 lower-case hexadecimal digits")] | None = (
        None
    )
    """The SHA-256 of a file that never changes. A database's differs every night; a short secret's can be guessed."""
