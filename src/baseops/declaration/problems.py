"""Turns what pydantic refuses into problems with places and words; one for each place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from pydantic import ValidationError

from baseops.contract.types import Json
from baseops.declaration.errors import Located, locate
from baseops.declaration.given import Given
from baseops.declaration.names import closest_name
from baseops.declaration.placing import Placer
from baseops.declaration.positions import Path
from baseops.declaration.problem import Problem
from baseops.declaration.shape import Shape
from baseops.declaration.wording import describe, expectation

_RULES = {"extra_forbidden": "unknown-key", "missing": "missing-key"}


@dataclass(frozen=True, eq=False)
class Explainer:
    """Says what is wrong in one file; `to_file` leads from a model's paths to the file's."""

    placer: Placer
    to_file: Callable[[Path], Path]

    def explain(
        self, shape: Shape, data: Json, conversions: Iterable[tuple[Path, Shape]], refused: ValidationError | None
    ) -> list[Problem]:
        """All problems of a model's data: values of another type than declared, and what pydantic refused."""
        found = [self._of_conversion(path, place) for path, place in conversions]
        if refused:
            found += self._of_errors(locate(refused, shape, data))
        return _one_each(found)

    def _of_conversion(self, path: Path, shape: Shape) -> Problem:
        where = self.to_file(path)
        return self.placer.place(where, *expectation(shape, self._given(where, shape)), "declaration.type")

    def _of_errors(self, errors: list[Located]) -> Iterator[Problem]:
        explained = _slips(errors)
        for one in errors:
            if one.path not in explained and not (one.kind == "too_short" and _has_below(errors, one.path)):
                where = self._written(self.to_file(one.path)) if one.kind != "missing" else self.to_file(one.path)
                place = self.placer.place_key if _is_about_key(one) else self.placer.place
                words = describe(one, self._given(where, one.shape))
                yield place(where, *words, f"declaration.{_RULES.get(one.kind, 'value')}")

    def _written(self, path: Path) -> Path:
        """The path as written, where a short form was widened: `mail_from: x` for `mail_from: {domain: x}`."""
        for length in range(len(path), 0, -1):
            node = self.placer.positions.node(path[:length])
            if node:
                return path if node.children is not None else path[:length]
        return path

    def _given(self, path: Path, shape: Shape | None) -> Given:
        positions = self.placer.positions
        node = positions.node(path)
        return Given(path, node.data if node else None, node, positions.written(path), bool(shape and shape.secret))


def _is_about_key(error: Located) -> bool:
    return error.is_key or error.kind == "extra_forbidden"


def _has_below(errors: list[Located], path: Path) -> bool:
    """Whether something in the list is wrong: then pydantic also finds it too short."""
    return any(len(one.path) > len(path) and one.path[: len(path)] == path for one in errors)


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
