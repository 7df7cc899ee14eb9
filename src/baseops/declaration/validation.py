"""Validates plain data with a pydantic model, strictly, and gives the model or the problems of every value."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from pydantic import BaseModel, ValidationError

from baseops.contract.types import Json
from baseops.declaration.conversions import find_conversions
from baseops.declaration.placing import Placer
from baseops.declaration.positions import Path
from baseops.declaration.problem import MAX_PROBLEMS, Problem
from baseops.declaration.shape import Shape


def validate(
    model: type[BaseModel], data: Json, placer: Placer, to_file: Callable[[Path], Path]
) -> tuple[BaseModel | None, list[Problem]]:
    """The model of some data, or what is wrong with it; `to_file` leads from the model's paths to the file's."""
    shape = Shape.of(model)
    conversions = list(islice(find_conversions(data, shape), MAX_PROBLEMS))
    try:
        made = model.model_validate(data)
    except ValidationError as error:
        refused: ValidationError | None = error
    else:
        refused = None
    if not conversions and not refused:
        return made, []
    from baseops.declaration.problems import Explainer  # words are only loaded when there is something to say

    return None, Explainer(placer, to_file).explain(shape, data, conversions, refused)
