"""Compares what CloudFormation was told with what AWS shows of it, property by property; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from baseops.areas.logs.stack import build
from baseops.cloudformation.builder import StackBuilder
from baseops.contract.refs import Refs
from baseops.contract.types import Json

# Any: properties and answers are of many types.

_INTRINSIC = ("Ref", "Fn::")


def declared(section: Any, refs: Refs, kind: str) -> list[Mapping[str, Any]]:
    """The properties of every resource of a type, as the area's own stack declares them."""
    stack = StackBuilder("logs", refs.site)
    build(section, stack, refs)
    if stack.is_empty:
        return []
    templates, _ = stack.build(refs.lock)
    resources = [each for template in templates for each in _resources(template.body)]
    return [each["Properties"] for each in resources if each["Type"] == kind]


def differences(wanted: Mapping[str, Any], live: Mapping[str, Any]) -> Iterator[str]:
    """The names of declared properties that AWS shows otherwise; what refers to other resources is passed over."""
    for name, value in wanted.items():
        if not _same(value, live.get(name)):
            yield name


def _same(wanted: Any, live: Any) -> bool:
    if isinstance(wanted, Mapping):
        if any(str(key).startswith(_INTRINSIC) for key in wanted):
            return live is not None
        return isinstance(live, Mapping) and not list(differences(wanted, live))
    if isinstance(wanted, Sequence) and not isinstance(wanted, str):
        return _same_list(wanted, live)
    return bool(_plain(wanted) == _plain(live))


def _same_list(wanted: Sequence[Any], live: Any) -> bool:
    if not isinstance(live, Sequence) or len(wanted) != len(live):
        return False
    return all(_same(one, other) for one, other in zip(_ordered(wanted), _ordered(live), strict=True))


def _ordered(values: Sequence[Any]) -> list[Any]:
    """Dimensions and metrics in one order; others as they come."""
    return sorted(values, key=lambda each: str(each.get("Name", each.get("Id", ""))) if isinstance(each, dict) else "")


def _plain(value: Any) -> Any:
    """Numbers and truths as CloudFormation's texts mean them."""
    if isinstance(value, bool):
        return str(value).lower()
    try:
        return float(value)
    except (TypeError, ValueError):
        return value


def _resources(body: Mapping[str, Json]) -> list[Any]:
    resources = body["Resources"]
    return list(resources.values()) if isinstance(resources, dict) else []
