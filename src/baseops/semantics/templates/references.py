"""Finds what a template's values refer to, what follows from it for the order, and circles; resolves nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from baseops.semantics.templates import functions
from baseops.semantics.templates.errors import TemplateError

# Any: templates are JSON of any shape.


@dataclass(frozen=True)
class Reference:
    """A name that a value uses: by Ref (`attribute` is '') or by Fn::GetAtt, written out or in a Fn::Sub."""

    name: str
    attribute: str = ""


def references(value: Any) -> list[Reference]:
    """Every reference in a value, in the order written, each once."""
    return list(dict.fromkeys(_walk(value)))


def _walk(value: Any) -> Iterator[Reference]:
    if isinstance(value, list):
        for item in value:
            yield from _walk(item)
    elif isinstance(value, Mapping):
        if len(value) == 1:
            ((name, argument),) = value.items()
            if name in _READERS:
                yield from _READERS[name](argument)
                return
        for item in value.values():
            yield from _walk(item)


def _ref(argument: Any) -> Iterator[Reference]:
    if not isinstance(argument, str):
        raise TemplateError("Template format error: All Ref values must be strings.")
    yield Reference(argument)


def _get_att(argument: Any) -> Iterator[Reference]:
    name, attribute = functions.attribute_of(argument)
    yield Reference(name, attribute if isinstance(attribute, str) else "*")
    yield from _walk(attribute)


def _sub(argument: Any) -> Iterator[Reference]:
    template, values = functions.sub_parts(argument)
    for variable in functions.variables(template):
        if variable in values:
            continue
        name, dot, attribute = variable.partition(".")
        yield Reference(name, attribute) if dot else Reference(variable)
    yield from _walk(list(values.values()))


_READERS = {"Ref": _ref, "Fn::GetAtt": _get_att, "Fn::Sub": _sub}


def depends_on(resource: Mapping[str, Any]) -> list[str]:
    """The names in DependsOn, which may be one string or a list."""
    named = resource.get("DependsOn") or []
    return [named] if isinstance(named, str) else list(named)


def dependencies(resources: Mapping[str, Mapping[str, Any]]) -> dict[str, frozenset[str]]:
    """For each resource the other resources that have to be there before it."""
    return {name: frozenset(_needs(each) & resources.keys() - {name}) for name, each in resources.items()}


def _needs(resource: Mapping[str, Any]) -> set[str]:
    return {each.name for each in references(resource.get("Properties") or {})} | {*depends_on(resource)}


def order(needs: Mapping[str, Iterable[str]]) -> list[str]:
    """The names so that each comes after what it needs, else in the order given; a circle is refused."""
    waiting = {name: {*others} & needs.keys() for name, others in needs.items()}
    ordered: list[str] = []
    while waiting:
        ready = [name for name, others in waiting.items() if not others & waiting.keys()]
        if not ready:
            raise TemplateError(f"Circular dependency between resources: [{', '.join(sorted(_circle(waiting)))}]")
        ordered += ready
        for name in ready:
            del waiting[name]
    return ordered


def _circle(waiting: Mapping[str, set[str]]) -> set[str]:
    """Those that are part of a circle: what nobody in the rest needs is peeled off."""
    rest = {*waiting}
    while True:
        needed = {other for name in rest for other in waiting[name] if other in rest}
        if needed == rest:
            return rest
        rest = needed
