"""Says where what a service holds is not what was declared, apart from what the service fills in by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_ORDER = ("Key", "Name", "Target")

# Any throughout: properties are of many types.


def differences(declared: Any, live: Any, filled_in: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """The places of values that were changed, are missing, or were added; `filled_in` are defaults by their key."""
    if isinstance(declared, Mapping) and isinstance(live, Mapping):
        for key in sorted({*declared, *live}):
            place = f"{path}.{key}" if path else key
            if key not in declared and (not live[key] or filled_in.get(key) == live[key]):
                continue
            yield from differences(declared.get(key), live.get(key), filled_in, place)
    elif isinstance(declared, list) and isinstance(live, list) and len(declared) == len(live):
        for number, (one, other) in enumerate(zip(_ordered(declared), _ordered(live), strict=True)):
            yield from differences(one, other, filled_in, f"{path}[{number}]")
    elif _plain(declared) != _plain(live):
        yield path


def _ordered(values: Sequence[Any]) -> list[Any]:
    def key(value: Any) -> str:
        return next((str(value[each]) for each in _ORDER if each in value), "") if isinstance(value, Mapping) else ""

    return sorted(values, key=key)


def _plain(value: Any) -> Any:
    """Truths as CloudFormation's texts mean them; what is empty as what is not there."""
    if isinstance(value, bool):
        return str(value).lower()
    return value or None
