"""Turns what is wrong with a declaration's values into problems with places; one for each place, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from pydantic import BaseModel, ValidationError

from baseops.contract.finding import Finding, Severity
from baseops.contract.types import Json
from baseops.declaration.conversions import find_conversions
from baseops.declaration.errors import Located, locate
from baseops.declaration.given import Given
from baseops.declaration.positions import Path, Positions
from baseops.declaration.problem import Problem
from baseops.declaration.remedies import closest_name
from baseops.declaration.shape import Shape
from baseops.declaration.wording import describe, expectation


@dataclass(frozen=True, eq=False)
class Placer:
    """Gives problems their places in one file."""

    file: str
    positions: Positions

    def of_findings(self, findings: Iterable[Finding]) -> list[Problem]:
        """Each finding at its value, or at the nearest parent that the file has."""
        return [self.place(one.path, one.message, one.remedy, one.rule, one.severity) for one in findings]

    def place(self, path: Path, message: str, remedy: str, rule: str, severity: Severity = Severity.ERROR) -> Problem:
        """A problem at the nearest place to a path."""
        place = self.positions.nearest(path)
        return Problem(self.file, place.line, place.column, path, message, remedy, severity, rule)

    def given(self, path: Path, shape: Shape | None) -> Given:
        """What stands at a path."""
        node = self.positions.node(path)
        data = node.data if node else None
        return Given(path, data, node, self.positions.written(path), bool(shape and shape.secret))


def validate(
    model: type[BaseModel], data: Json, placer: Placer, to_file: Callable[[Path], Path]
) -> tuple[BaseModel | None, list[Problem]]:
    """The model of some data, or what is wrong with it; `to_file` leads from the model's paths to the file's."""
    shape = Shape.of(model)
    found = [_of_conversion(path, place, placer, to_file) for path, place in find_conversions(data, shape)]
    try:
        made = model.model_validate(data)
    except ValidationError as error:
        found += _of_errors(locate(error, shape, data), placer, to_file)
        return None, _one_each(found)
    return (None if found else made), _one_each(found)


def _of_conversion(path: Path, shape: Shape, placer: Placer, to_file: Callable[[Path], Path]) -> Problem:
    where = to_file(path)
    message, remedy = expectation(shape, placer.given(where, shape))
    return placer.place(where, message, remedy, "declaration.type")


def _of_errors(errors: list[Located], placer: Placer, to_file: Callable[[Path], Path]) -> Iterator[Problem]:
    explained = _slips(errors)
    for one in errors:
        if one.path in explained:
            continue
        where = to_file(one.path)
        message, remedy = describe(one, placer.given(where, one.shape))
        place = placer.place(where, message, remedy, f"declaration.{_RULES.get(one.kind, 'value')}")
        yield _at_key(place, placer) if one.is_key or one.kind == "extra_forbidden" else place


_RULES = {"extra_forbidden": "unknown-key", "missing": "missing-key"}


def _at_key(problem: Problem, placer: Placer) -> Problem:
    """The same problem at the name of the key instead of its value."""
    key = placer.positions.key(problem.path) or placer.positions.nearest(problem.path)
    return Problem(**{**vars(problem), "line": key.line, "column": key.column})


def _slips(errors: list[Located]) -> set[Path]:
    """The missing keys that are there, misspelt: the unknown key beside says it."""
    missing = {one.path for one in errors if one.kind == "missing"}
    unknown = [one for one in errors if one.kind == "extra_forbidden"]
    meant = {(*one.path[:-1], closest_name(str(one.path[-1]), one.siblings())) for one in unknown if one.path}
    return missing & meant


def _one_each(problems: list[Problem]) -> list[Problem]:
    """The first problem of each path: what follows is about the same value."""
    by_path: dict[tuple[Path, bool], Problem] = {}
    for problem in problems:
        by_path.setdefault((problem.path, problem.rule == "declaration.missing-key"), problem)
    return list(by_path.values())
