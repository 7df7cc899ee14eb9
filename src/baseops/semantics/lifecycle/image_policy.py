"""The rules of an Image Builder lifecycle policy, read from the API's or CloudFormation's policy details.

https://docs.aws.amazon.com/imagebuilder/latest/userguide/image-lifecycle-rules.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from baseops.semantics.lifecycle.ages import Age

ActionName: TypeAlias = Literal["DEPRECATE", "DISABLE", "DELETE"]
Details: TypeAlias = Mapping[str, Any]
"""A structure of JSON whose members have types of their own, hence Any."""


@dataclass(frozen=True, slots=True)
class AmiExclusions:
    """AMIs that the rule leaves alone."""

    regions: tuple[str, ...] = ()
    is_public: bool = False
    tags: tuple[tuple[str, str], ...] = ()
    shared_accounts: tuple[str, ...] = ()
    last_launched: Age | None = None


@dataclass(frozen=True, slots=True)
class ImageRule:
    """One rule: an action, which images it applies to, and what it leaves alone."""

    action: ActionName
    age: Age | None = None
    count: int | None = None
    retain_at_least: int = 0
    includes_amis: bool = False
    includes_snapshots: bool = False
    excluded_tags: tuple[tuple[str, str], ...] = ()
    amis: AmiExclusions = AmiExclusions()


def image_rules_from(details: Sequence[Details]) -> tuple[ImageRule, ...]:
    """Read policy details; names may begin with a capital, as CloudFormation writes them, or not, as the API does."""
    return tuple(_rule(_lowered(detail)) for detail in details)


def _lowered(value: Any, name: str = "") -> Any:  # Any: JSON of either spelling
    """The same with names as the API writes them; the keys of tags stay."""
    if isinstance(value, Mapping) and name != "tagMap":
        lowered = {key[:1].lower() + key[1:]: inner for key, inner in value.items()}
        return {key: _lowered(inner, key) for key, inner in lowered.items()}
    return value


def _rule(detail: Details) -> ImageRule:
    action, chosen = detail["action"], detail["filter"]
    includes = action.get("includeResources") or {}
    exclusions = detail.get("exclusionRules") or {}
    is_age = chosen["type"] == "AGE"
    return ImageRule(
        action=action["type"],
        age=Age.read(chosen, "value", "unit") if is_age else None,
        count=None if is_age else chosen["value"],
        retain_at_least=chosen.get("retainAtLeast") or 0,
        includes_amis=bool(includes.get("amis")),
        includes_snapshots=bool(includes.get("snapshots")),
        excluded_tags=tuple((exclusions.get("tagMap") or {}).items()),
        amis=_exclusions(exclusions.get("amis") or {}),
    )


def _exclusions(amis: Details) -> AmiExclusions:
    return AmiExclusions(
        regions=tuple(amis.get("regions") or ()),
        is_public=bool(amis.get("isPublic")),
        tags=tuple((amis.get("tagMap") or {}).items()),
        shared_accounts=tuple(amis.get("sharedAccounts") or ()),
        last_launched=Age.read(amis.get("lastLaunched") or {}, "value", "unit"),
    )
