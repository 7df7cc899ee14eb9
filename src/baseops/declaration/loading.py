"""Loads a declaration: text to checked, frozen values, or everything that is wrong with it at once.

First the file as YAML, then the shape of every value, then (when all shapes are right) what the values mean together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from pydantic import BaseModel

from baseops.contract.finding import Finding, Severity
from baseops.contract.site import Site
from baseops.contract.types import AreaName, Json
from baseops.declaration import positions
from baseops.declaration.meaning import check_top, to_site
from baseops.declaration.model import Top
from baseops.declaration.placing import Placer
from baseops.declaration.positions import Positions
from baseops.declaration.problem import MAX_PROBLEMS, Problem, in_order, shorten
from baseops.declaration.reader import Document, read
from baseops.declaration.source import decode, read_file
from baseops.declaration.validation import validate
from baseops.errors import DeclarationError

if TYPE_CHECKING:
    from baseops.contract.area import AnySection, SpecPart

_AREAS: tuple[AreaName, ...] = get_args(AreaName)
_CLAIMS = "account"


@dataclass(frozen=True, eq=False)
class Declaration:
    """A declaration that can be used. `sections` has the areas that the file mentions, in the areas' own order.

    `warnings` are the problems that do not stop: warnings and notes of the areas' checks and of our own.
    """

    site: Site
    sections: Mapping[AreaName, AnySection]
    positions: Positions
    path: Path
    text: str
    warnings: tuple[Problem, ...] = ()

    def resolve(self, findings: Iterable[Finding]) -> tuple[Problem, ...]:
        """Findings as problems with file, line and column, in the order of the file."""
        return in_order(Placer(str(self.path), self.positions).of_findings(findings))


def load(
    source: Path | str | bytes, specs: Mapping[AreaName, SpecPart], *, path: Path = Path("baseops.yaml")
) -> Declaration:
    """The declaration in a file (a `Path`) or in a text, which then passes for the file `path`.

    `specs` gives each area's `spec` module; only those of the areas that the file mentions are asked for. Raises
    DeclarationError, which carries every problem.
    """
    if isinstance(source, Path):
        path, source = source, read_file(source)
    text = decode(source, str(path))
    document = read(text, str(path))
    return _Loading(document, specs, path, text).load()


class _Loading:
    """One load: the problems found so far and the parts that are valid."""

    def __init__(self, document: Document, specs: Mapping[AreaName, SpecPart], path: Path, text: str) -> None:
        self._data = document.data
        self._positions = document.positions
        self._specs = specs
        self._path = path
        self._text = text
        self._placer = Placer(str(path), document.positions)
        self._problems = list(document.problems)

    def load(self) -> Declaration:
        top = self._top()
        sections = {area: self._section(area) for area in _AREAS if area in self._specs and self._mentions(area)}
        self._strays()
        self._stop_at_errors()
        if not isinstance(top, Top):  # then there was a problem
            raise DeclarationError(f"{self._path} is not a valid declaration")
        site = to_site(top, self._path.parent)
        self._problems += self._placer.of_findings(check_top(top))
        for area, section in sections.items():
            self._problems += self._placer.of_findings(self._specs[area].check(section, site))
        self._stop_at_errors()
        warnings = in_order(self._problems)
        return Declaration(site, sections, self._positions, self._path, self._text, warnings)

    def _top(self) -> BaseModel | None:
        """Everything but the areas; keys that begin with x- hold what anchors repeat and mean nothing."""
        data: Json = {key: one for key, one in self._data.items() if not key.startswith("x-")}
        made, problems = validate(Top, data, self._placer, _same)
        self._add(problems)
        return made

    def _mentions(self, area: AreaName) -> bool:
        return self._data.get(area) is not None or area in self._claims()

    def _claims(self) -> dict[str, Json]:
        claims = self._data.get(_CLAIMS)
        return claims if isinstance(claims, dict) else {}

    def _section(self, area: AreaName) -> BaseModel | None:
        """An area's section: what stands under its name, and its claims under `account`."""
        model = self._specs[area].Section
        entries = self._data.get(area)
        if entries is None:
            entries = {}
        if not isinstance(entries, dict):
            self._not_a_mapping((area,), f"Write: {area}: {{name: …}}")
            return None
        nested = "entries" in model.model_fields
        data: dict[str, Json] = {"entries": entries} if nested else dict(entries)
        if not nested and _CLAIMS in entries:
            path, remedy = (area, _CLAIMS), f"Write under account: {{{area}: …}} at the top, or take another name"
            self._say(path, "account is not a name for an entry", remedy)
        data.pop(_CLAIMS, None)
        if area in self._claims():
            data[_CLAIMS] = self._claims()[area]
        made, problems = validate(model, data, self._placer, _to_file(area, nested=nested))
        self._add(problems)
        return made

    def _add(self, problems: Iterable[Problem]) -> None:
        """Take problems over but those of values that were misread as YAML: that has been said."""
        misread = {
            one.path for one in self._problems if one.rule in {"yaml.ambiguous", "yaml.tag", "yaml.key", "yaml.merge"}
        }
        self._problems += [one for one in problems if one.path not in misread]

    def _strays(self) -> None:
        """Areas that the caller has no model for."""
        for area in _AREAS:
            if area not in self._specs and self._mentions(area):
                self._say((area,), f"the area {area} is not available here", "Delete it")

    def _not_a_mapping(self, path: positions.Path, remedy: str) -> None:
        node = self._positions.node(path)
        got = "a list" if node and isinstance(node.data, list) else f"'{shorten(node.raw if node else '')}'"
        self._say(path, f"expected a mapping; got {got}", remedy)

    def _say(self, path: positions.Path, message: str, remedy: str) -> None:
        self._problems.append(self._placer.place(path, message, remedy, "declaration.shape"))

    def _stop_at_errors(self) -> None:
        """Raise what has been found, with its warnings, when any of it is an error."""
        found = in_order(self._problems)
        errors = [one for one in found if one.severity is Severity.ERROR]
        if errors:
            more = "at least " if len(errors) >= MAX_PROBLEMS else ""
            count = "1 problem" if len(errors) == 1 else f"{more}{len(errors)} problems"
            raise DeclarationError(f"{self._path} has {count}", problems=found)


def _same(path: positions.Path) -> positions.Path:
    return path


def _to_file(area: AreaName, *, nested: bool) -> Callable[[positions.Path], positions.Path]:
    """From a path in a section's data to the path in the file."""

    def translate(path: positions.Path) -> positions.Path:
        if path[:1] == (_CLAIMS,):
            return (_CLAIMS, area, *path[1:])
        return (area, *(path[1:] if nested and path[:1] == ("entries",) else path))

    return translate
