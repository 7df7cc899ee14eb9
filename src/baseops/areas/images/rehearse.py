"""What can be known of images without AWS: how often they are built, which are still there, who has to do what.

Dates are samples: the forecast looks at a pipeline that has run so long that nothing grows any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from baseops.areas.images.forecasts import Standing, builds_a_year, standing
from baseops.areas.images.sharing import DISTRIBUTION_ROLE, LIFECYCLE_ROLE
from baseops.areas.images.wording import Findings, Path, note, spoken, warning
from baseops.contract.finding import Finding
from baseops.contract.refs import Refs

if TYPE_CHECKING:
    from baseops.areas.images.spec import Entry, Section


def judge(section: Section, refs: Refs) -> list[Finding]:
    """Notes on what the declaration comes to; rules that stop are `check`'s."""
    found: list[Finding] = []
    for name, entry in section.managed.items():
        path: Path = ("images", name)
        found += _base(path, name, entry, refs)
        found += _forecast(path, entry, refs)
        found += _copies(path, entry)
    return found


def _base(path: Path, name: str, entry: Entry, refs: Refs) -> Findings:
    locked = refs.lock.bases.get(name)
    if locked is None:
        yield note("base-not-locked", (*path, "base"), "the base is not locked yet", "Run: baseops images lock")
        return
    release = f", release {locked.release_version}" if locked.release_version else ""
    yield note(
        "base",
        (*path, "base"),
        f"every build starts from {locked.image_id} ({locked.name}{release}) until the lock is moved",
        f"Run: baseops images update {name}",
    )
    if locked.release_version and not any(each.component == "update" for each in entry.components):
        yield note(
            "no-update",
            (*path, "components"),
            "no `update` among the components: packages stay as they are in the base",
            "Write components: [update, …]",
        )


def _forecast(path: Path, entry: Entry, refs: Refs) -> Findings:
    yearly = builds_a_year(entry)
    if yearly is None:
        return
    count = len(entry.regions or (refs.site.region,))
    total = count * (1 + len(entry.copies_to))
    amis = "1 AMI" if total == 1 else f"{total} AMIs"
    yield note("cadence", (*path, "schedule"), f"{yearly} builds a year, {amis} each")
    if entry.retire is None:
        return
    found = standing(entry)
    yield note("forecast", (*path, "retire"), _said(found))
    yield from _retained(path, entry, found)


def _retained(path: Path, entry: Entry, found: Standing) -> Findings:
    """Image Builder counts for each version of the recipe, and each moved base begins a new one.

    https://docs.aws.amazon.com/imagebuilder/latest/userguide/image-lifecycle-rules.html
    """
    retire, base = entry.retire, entry.promise.max_base_age
    if retire is None or retire.delete_after is None or base is None:
        return
    place, kept = (*path, "retire", "retain_at_least"), retire.retain_at_least
    moved = f"the base moves every {spoken(base)}, as `max_base_age` asks, which begins a new recipe version"
    if found.is_growing:
        yield warning(
            "never-deleted",
            place,
            f"{moved}; its {found.builds_by_version} builds are never more than the {kept} that each version retains, "
            "so no AMI is ever deleted",
            f"Write: retain_at_least: {max(1, found.builds_by_version // 3)}",
        )
    else:
        many = "1 image stays" if kept == 1 else f"{kept} images stay"
        yield note(
            "retained", place, f"{moved}; of each version {many} for good", "Delete them when nothing needs them"
        )


def _said(found: Standing) -> str:
    parts = [f"{found.available} available"]
    parts += [
        f"{count} {word}" for word, count in (("deprecated", found.deprecated), ("disabled", found.disabled)) if count
    ]
    return f"after {spoken(found.after)} there are {', '.join(parts)} images, each with its AMIs"


def _copies(path: Path, entry: Entry) -> Findings:
    if not entry.copies_to:
        return
    roles = DISTRIBUTION_ROLE + (f" and {LIFECYCLE_ROLE}" if entry.retire else "")
    yield note(
        "roles-elsewhere",
        (*path, "copies_to"),
        f"{', '.join(entry.copies_to)} each need the role {roles}, which trusts this account",
        "See https://docs.aws.amazon.com/imagebuilder/latest/userguide/cross-account-dist.html",
    )
