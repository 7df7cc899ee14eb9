"""The words that name a source of files: `snap-…`, `latest:vol-…`, `latest:tag=K=V`, `ami-…`, a file. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

from baseops.errors import UsageError

GRAMMAR = "Write snap-…, latest:vol-…, latest:tag=KEY=VALUE, ami-… or a raw image file; then @N and :/path where needed"
_LABEL = re.compile(r"^(?P<rest>.+)@(?P<label>\d{1,3}|[A-Za-z0-9_.+-]+/[A-Za-z0-9_.+-]+)$", re.DOTALL)


@dataclass(frozen=True)
class SourceName:
    """What was named. `value` is an id, a tag as (key, value), or a path; `label` what stood after @."""

    kind: Literal["snapshot", "volume", "tag", "image", "file"]
    value: str
    tag: tuple[str, str] = ("", "")
    label: str | None = None
    path: str = "/"

    @property
    def needs_aws(self) -> bool:
        """Everything but a file does."""
        return self.kind != "file"


def parse(text: str, *, tag: str | None = None, exists: Callable[[str], bool] | None = None) -> SourceName:
    """A source and the path in it, which starts at the first `:/`; `UsageError` for what is none.

    `tag` (KEY=VALUE) stands for a tag whose value holds `:/`: then `text` is `latest:` with the rest.
    """
    there = exists or (lambda path: Path(path).exists())
    if tag is not None:
        rest = text.removeprefix("latest").removeprefix(":")
        head, path = "latest", rest
        label = None
        if rest.startswith("@"):
            label, _, path = rest[1:].partition(":")
        return SourceName("tag", head, _tag(tag), label, path or "/")
    # A file may be called anything, so one that is there comes first.
    if there(text):
        return SourceName("file", text)
    head, mark, path = text.partition(":/")
    label = None
    labelled = _LABEL.match(head)
    if labelled and not there(head):
        head, label = labelled["rest"], labelled["label"]
    return _named(head, label, "/" + path if mark else "/", text)


def parse_age(text: str) -> timedelta:
    """An age such as 45m, 30h or 2d; `UsageError` for what is none."""
    found = re.fullmatch(r"(\d{1,6})([mhdw])", text)
    if not found:
        raise UsageError(f"{text!r} is no age", "", "Write it like 45m, 30h or 2d")
    unit = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}[found[2]]
    return timedelta(**{unit: int(found[1])})


def _named(head: str, label: str | None, path: str, text: str) -> SourceName:
    if re.fullmatch(r"snap-[0-9a-f]{8,17}", head):
        return SourceName("snapshot", head, label=label, path=path)
    if re.fullmatch(r"ami-[0-9a-f]{8,17}", head):
        return SourceName("image", head, label=label, path=path)
    if re.fullmatch(r"latest:vol-[0-9a-f]{8,17}", head):
        return SourceName("volume", head.removeprefix("latest:"), label=label, path=path)
    if head.startswith("latest:tag="):
        return SourceName("tag", "latest", _tag(head.removeprefix("latest:tag=")), label, path)
    if head.startswith(("snap-", "ami-", "latest:", "vol-")):
        raise UsageError(f"{text!r} is no source", f"{head!r} is not written like one", GRAMMAR)
    return SourceName("file", head, label=label, path=path)


def _tag(text: str) -> tuple[str, str]:
    key, mark, value = text.partition("=")
    if not (key and mark):
        raise UsageError(f"{text!r} is no tag", "it has no KEY=VALUE", GRAMMAR)
    return key, value
