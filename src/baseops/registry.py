"""The five areas, each part of which is loaded on first use; the only place that knows them all."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, cast, get_args

from baseops.contract.types import AreaName

if TYPE_CHECKING:
    from baseops.contract.area import (
        AccountPart,
        ProvePart,
        RehearsePart,
        SabotagePart,
        SettingsPart,
        SpecPart,
        StackPart,
        WorldPart,
    )


@dataclass(frozen=True)
class Area:
    """One area by name, and its parts."""

    name: AreaName

    def _part(self, part: str) -> object:
        return import_module(f"baseops.areas.{self.name}.{part}")

    @cached_property
    def spec(self) -> SpecPart:
        """The declaration of the area."""
        return cast("SpecPart", self._part("spec"))

    @cached_property
    def stack(self) -> StackPart:
        """The declaration as CloudFormation."""
        return cast("StackPart", self._part("stack"))

    @cached_property
    def settings(self) -> SettingsPart:
        """What CloudFormation has no type for."""
        return cast("SettingsPart", self._part("settings"))

    @cached_property
    def world(self) -> WorldPart:
        """What the declaration expects to find, made in the sandbox."""
        return cast("WorldPart", self._part("world"))

    @cached_property
    def rehearse(self) -> RehearsePart:
        """What can be known without AWS."""
        return cast("RehearsePart", self._part("rehearse"))

    @cached_property
    def account(self) -> AccountPart:
        """What only the account knows."""
        return cast("AccountPart", self._part("account"))

    @cached_property
    def prove(self) -> ProvePart:
        """The drills of its promises."""
        return cast("ProvePart", self._part("prove"))

    @cached_property
    def sabotage(self) -> SabotagePart:
        """The breaks that its drills must notice."""
        return cast("SabotagePart", self._part("sabotage"))


AREAS: tuple[Area, ...] = tuple(Area(name) for name in get_args(AreaName))
