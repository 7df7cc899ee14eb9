"""From a declaration to everything that apply needs: templates, uploads, settings, lock. Pure; asks AWS nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from baseops import foundation
from baseops.cloudformation.builder import StackBuilder
from baseops.cloudformation.locking import advanced
from baseops.contract.lock import Lock
from baseops.contract.needs import Artifact, Needs
from baseops.contract.refs import Refs
from baseops.contract.setting import Setting
from baseops.contract.template import Template
from baseops.declaration import Declaration
from baseops.registry import AREAS, Area

Stage = tuple[Template, ...]


@dataclass(frozen=True)
class Compiled:
    """What a declaration becomes. `stages` are applied one after the other, the templates of a stage side by side.

    `lock` is the lock as it should be saved: with the places that new resources took.
    """

    declaration: Declaration
    refs: Refs
    stages: tuple[Stage, ...]
    artifacts: tuple[Artifact, ...]
    settings: tuple[Setting, ...]
    lock: Lock

    @property
    def templates(self) -> tuple[Template, ...]:
        """Every template, in an order in which they can be applied."""
        return tuple(template for stage in self.stages for template in stage)


def compile_declaration(declaration: Declaration, lock: Lock) -> Compiled:
    """Compile; the same declaration and lock give the same bytes.

    Raises `CompileError` when an image's base is not locked, or a stack cannot be kept within the limits.
    """
    site = declaration.site
    needs = [area.stack.needs(section, site) for area, section in sections(declaration)]
    lock = advanced(lock, needs)
    refs = Refs(site, lock)
    regions = [foundation.further_region(site, needs, region) for region in site.regions]
    for stack in regions:
        for area, section in sections(declaration):
            area.stack.build_region(section, stack, refs)
    ranks = [
        [foundation.artifacts(site)],
        [foundation.foundation(site, needs)],
        regions,
        [_area_stack(area, section, refs) for area, section in sections(declaration)],
    ]
    stages, places = _stages(ranks, lock)
    return Compiled(
        declaration=declaration,
        refs=refs,
        stages=stages,
        artifacts=tuple(_artifacts(needs)),
        settings=tuple(
            each for area, section in sections(declaration) for each in area.settings.settings(section, refs)
        ),
        # What is declared no longer keeps its places: its stacks are found by them, and it may come back.
        lock=replace(lock, places={**lock.places, **places}, declaration=site.name),
    )


def sections(declaration: Declaration) -> Iterator[tuple[Area, object]]:
    """The areas that the declaration uses, with their sections, in the usual order."""
    for area in AREAS:
        if area.name in declaration.sections:
            yield area, declaration.sections[area.name]


def released(setting_id: str, region: str) -> Setting | None:
    """The setting of an ownership record, by its id, which begins with the area's name."""
    area = next((each for each in AREAS if setting_id.startswith(f"{each.name}/")), None)
    return area.settings.released(setting_id, region) if area else None


def _area_stack(area: Area, section: object, refs: Refs) -> StackBuilder:
    stack = StackBuilder(area.name, refs.site)
    area.stack.build(section, stack, refs)
    return stack


def _stages(ranks: list[list[StackBuilder]], lock: Lock) -> tuple[tuple[Stage, ...], Mapping[str, Mapping[str, int]]]:
    stages: list[Stage] = []
    places: dict[str, Mapping[str, int]] = {}
    for rank in ranks:
        parts: list[list[Template]] = []
        for stack in rank:
            if not stack.is_empty:
                templates, places[stack.place_key] = stack.build(lock)
                parts.append(templates)
        # Parts of one stack follow one another, different stacks of a rank go side by side.
        stages += [
            tuple(part[step] for part in parts if step < len(part)) for step in range(max(map(len, parts), default=0))
        ]
    return tuple(stages), places


def _artifacts(needs: list[Needs]) -> Iterator[Artifact]:
    seen: set[str] = set()
    for artifact in (one for each in needs for one in each.artifacts):
        if artifact.key not in seen:
            seen.add(artifact.key)
            yield artifact
