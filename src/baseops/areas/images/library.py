"""The components that images are built of: ours and files of the declaration's folder, each once, with its text."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from baseops.contract.needs import Artifact
from baseops.contract.site import Site
from baseops.errors import CompileError

if TYPE_CHECKING:
    from baseops.areas.images.spec import Component, Section

OWNER = "images"
"""Under which name the lock keeps the components' versions."""

MAX_INLINE = 16_000
MAX_DOCUMENT = 64 * 1024
"""https://docs.aws.amazon.com/imagebuilder/latest/APIReference/API_CreateComponent.html"""

_OURS = Path(__file__).parent / "components"


@dataclass(frozen=True)
class Used:
    """A component of the declaration: its key (`update`, `nginx`), where it was declared, its text."""

    key: str
    written: str
    text: str

    @property
    def sha256(self) -> str:
        """Of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def artifact(self) -> Artifact | None:
        """What has to be uploaded, for a document that is too long to stand in the template."""
        return Artifact(f"{self.key}.yaml", self.text.encode()) if len(self.text) > MAX_INLINE else None


@cache
def builtin(name: str) -> str:
    """The text of a component that baseops brings."""
    return (_OURS / f"{name}.yaml").read_text(encoding="utf-8")


def key_of(written: str) -> str:
    """The key of a component as it is written: `update`, or `nginx` for `./components/nginx.yaml`."""
    return PurePosixPath(written).stem.lower()


def is_file(written: str) -> bool:
    """Whether it is a file of the declaration's folder."""
    return written.endswith((".yaml", ".yml"))


def path_of(written: str, site: Site) -> Path:
    """Where a component's file lies."""
    return Path(site.folder) / written


def used(section: Section, site: Site) -> Mapping[str, Used]:
    """Every component that a managed image names, by key. Raises `CompileError` for a file that cannot be read."""
    found: dict[str, Used] = {}
    for entry in section.managed.values():
        for each in entry.components:
            if each.component and key_of(each.component) not in found:
                key = key_of(each.component)
                found[key] = Used(key, each.component, text_of(each, site))
    return found


def text_of(component: Component, site: Site) -> str:
    """The document's text."""
    written = component.component or ""
    if not is_file(written):
        return builtin(written)
    path = path_of(written, site)
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise CompileError(f"cannot read the component {written}", why, "Run: baseops check") from error
