"""The drills of secrets. What is observed never reads a value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from baseops.areas.secrets import canary, canary_rotation, kept, on_instances, readers, rotation_state, trail
from baseops.contract.drill import Drill
from baseops.contract.refs import Refs

if TYPE_CHECKING:
    from baseops.areas.secrets.spec import Entry, Section


def drills(section: Section, refs: Refs) -> Sequence[Drill]:  # noqa: ARG001  # the protocol's signature
    """The drills of the declared secrets and parameters."""
    return [*_of_values(section), *_of_rotations(section)]


def _of_values(section: Section) -> list[Drill]:
    values = _where(section, lambda entry: bool(entry.secret) or entry.kind == "SecureString")
    if not values:
        return []
    return [
        Drill(
            name="secrets/readers",
            promise=readers.PROMISE,
            targets=tuple(values),
            run=partial(readers.look, values),
        ),
        Drill(
            name="secrets/kept",
            promise=kept.PROMISE,
            targets=tuple(values),
            run=partial(kept.look, values),
        ),
        Drill(
            name="secrets/trail",
            promise=trail.PROMISE,
            targets=(*values, trail.TRAIL),
            run=partial(trail.look, values),
            timeout=timedelta(minutes=45),
        ),
        *_disturbing(values),
    ]


def _disturbing(values: Mapping[str, Entry]) -> list[Drill]:
    read = {target: entry for target, entry in values.items() if entry.instances}
    if not read:
        return []
    touches = "runs a command that reads the value and prints its version, on one instance of each declared kind"
    return [
        Drill(
            name="secrets/read",
            promise=on_instances.PROMISE,
            targets=tuple(read),
            run=partial(on_instances.look, read),
            drill_class="disturb",
            touches=(touches,),
            traces=(
                "Run Command's history for 30 days",
                "GetSecretValue and GetParameter by the instances in CloudTrail",
            ),
            timeout=timedelta(hours=2),
        )
    ]


def _of_rotations(section: Section) -> list[Drill]:
    rotated = _where(section, lambda entry: entry.rotation is not None)
    if not rotated:
        return []
    return [
        Drill(
            name="secrets/rotation-state",
            promise=rotation_state.PROMISE,
            targets=tuple(rotated),
            run=partial(rotation_state.look, rotated),
        ),
        Drill(
            name="secrets/rotation",
            promise=canary_rotation.PROMISE,
            targets=tuple(rotated),
            run=partial(canary_rotation.look, rotated),
            drill_class="exercise",
            touches=tuple(_touched(entry) for entry in rotated.values() if canary.is_declared(entry))
            or ("nothing yet",),
            traces=("versions of the canary's secret, lines in its function's log, RotateSecret in CloudTrail",),
        ),
    ]


def _touched(entry: Entry) -> str:
    user = entry.rotation.canary.username if entry.rotation and entry.rotation.canary else None
    of_user = f" and the password of {user} in its database" if user else ""
    return f"the secret {canary.secret_of(entry)}{of_user}: rotated, rolled back and forward again"


def _where(section: Section, is_meant: Callable[[Entry], bool]) -> Mapping[str, Entry]:
    return {f"secrets.{name}": entry for name, entry in section.entries.items() if is_meant(entry)}
